"""A review as files that leave the program: a page for the clinician (PDF) and a FHIR R4 Bundle.

    report(review)                  the page, as PDF bytes
    bundle(review)                  the Bundle, as data; bundle_bytes(review) as JSON
    write(review, folder)           both, as files; by choice with series, and with the page in the Bundle

The same review always gives the same bytes. Times are in `review.timezone`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path

from healthslm.errors import ExportError
from healthslm.export import words
from healthslm.export.documents import Page
from healthslm.export.fhir import bundle, bundle_bytes
from healthslm.export.files import write_whole
from healthslm.export.report import picture, report
from healthslm.readings import Review

FORMATS: Mapping[str, tuple[str, Callable[[Review], bytes]]] = {
    "pdf": (".pdf", report),
    "fhir": (".fhir.json", bundle_bytes),
}
"""What can be written: the ending of the file and what makes its bytes."""


class Series(StrEnum):
    """How a Bundle tells dense series."""

    SUMMARIES = "summaries"
    """As statistics, with the readings that are their extremes."""
    SAMPLED = "sampled"
    """Reading by reading beside the statistics, as SampledData."""


class PageIn(StrEnum):
    """How a Bundle tells of the page."""

    LINKED = "linked"
    """By its name, to lie beside the Bundle; with its size and hash."""
    EMBEDDED = "embedded"
    NONE = "none"


def write(
    review: Review,
    folder: Path,
    formats: Iterable[str] = ("pdf", "fhir"),
    *,
    series: Series = Series.SUMMARIES,
    page: PageIn = PageIn.NONE,
) -> list[Path]:
    """Write a review's files into `folder` (made if need be) and return their paths, in the order asked for.

    Names are `healthslm-2026-03-14.pdf`, `healthslm-2026-03-14-to-2026-03-20.pdf` or, where a period is not
    of whole days, `healthslm-2026-03-14T1000-to-2026-03-14T1100.pdf`: the period and nobody's name. All is
    made before anything is written, and each file replaces its forerunner whole. The Bundle tells of a `page`
    only where that is written too. Raises `ExportError` for an unknown format, a folder that cannot be
    written or a full disk.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            known = " or ".join(FORMATS)
            raise ExportError(f"{words.clean(name, 40)!r} is no format to export.", f"Use {known}.")
    paths = {name: Path(folder) / f"{_stem(review)}{FORMATS[name][0]}" for name in wanted}
    made = {name: FORMATS[name][1](review) for name in wanted if name != "fhir"}
    if "fhir" in wanted:
        told = None
        if "pdf" in made and page is not PageIn.NONE:
            told = Page(data=made["pdf"], url=paths["pdf"].name if page is PageIn.LINKED else "")
        made["fhir"] = bundle_bytes(review, sampled=series is Series.SAMPLED, page=told)
    for name in wanted:
        write_whole(paths[name], made[name])
    return [paths[name] for name in wanted]


def _stem(review: Review) -> str:
    words.check(review)
    tz = words.zone(review)
    start, end = review.start.astimezone(tz), review.end.astimezone(tz)
    if {start.time(), end.time()} != {time()}:
        return f"healthslm-{start:%Y-%m-%dT%H%M}-to-{end:%Y-%m-%dT%H%M}"
    first, last = start.date(), end.date() - timedelta(days=1)
    return f"healthslm-{first}" if first == last else f"healthslm-{first}-to-{last}"


__all__ = ["FORMATS", "PageIn", "Series", "bundle", "bundle_bytes", "picture", "report", "write"]
