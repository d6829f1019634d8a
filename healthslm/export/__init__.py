"""A review as files that leave the program: a page for the clinician (PDF) and a FHIR R4 Bundle.

    report(review)                  the page, as PDF bytes
    bundle(review)                  the Bundle, as data; bundle_bytes(review) as JSON
    made(review, formats)           names and bytes, nothing written; by choice with series, and the page
                                    in the Bundle
    write(review, folder)           both, as files
    share.sealed(share.pack(...))   one encrypted file of them

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


def made(
    review: Review,
    formats: Iterable[str] = ("pdf", "fhir"),
    *,
    series: Series = Series.SUMMARIES,
    page: PageIn = PageIn.NONE,
) -> list[tuple[str, bytes]]:
    """Return the name and the bytes of each file of an export, in the order asked for; nothing is written.

    Names are `healthslm-2026-03-14.pdf`, `healthslm-2026-03-14-to-2026-03-20.pdf` or, where a period is not
    of whole days, `healthslm-2026-03-14T1000-to-2026-03-14T1100.pdf`: the period and nobody's name. The
    Bundle tells of a `page` only where that is made too. Raises `ExportError` for an unknown format.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            known = " or ".join(FORMATS)
            raise ExportError(f"{words.clean(name, 40)!r} is no format to export.", f"Use {known}.")
    names = {name: f"{stem(review)}{FORMATS[name][0]}" for name in wanted}
    data = {name: FORMATS[name][1](review) for name in wanted if name != "fhir"}
    if "fhir" in wanted:
        told = None
        if "pdf" in data and page is not PageIn.NONE:
            told = Page(data=data["pdf"], url=names["pdf"] if page is PageIn.LINKED else "")
        data["fhir"] = bundle_bytes(review, sampled=series is Series.SAMPLED, page=told)
    return [(names[name], data[name]) for name in wanted]


def write(
    review: Review,
    folder: Path,
    formats: Iterable[str] = ("pdf", "fhir"),
    *,
    series: Series = Series.SUMMARIES,
    page: PageIn = PageIn.NONE,
) -> list[Path]:
    """Write what `made` returns into `folder` (made if need be) and return the paths, in the order asked for.

    All is made before anything is written, and each file replaces its forerunner whole. Raises what `made`
    does, and `ExportError` for a folder that cannot be written or a full disk.
    """
    files = [(Path(folder) / name, data) for name, data in made(review, formats, series=series, page=page)]
    for path, data in files:
        write_whole(path, data)
    return [path for path, _ in files]


def stem(review: Review) -> str:
    """Return what the names of a review's files begin with: its period."""
    words.check(review)
    tz = words.zone(review)
    start, end = review.start.astimezone(tz), review.end.astimezone(tz)
    if {start.time(), end.time()} != {time()}:
        return f"healthslm-{start:%Y-%m-%dT%H%M}-to-{end:%Y-%m-%dT%H%M}"
    first, last = start.date(), end.date() - timedelta(days=1)
    return f"healthslm-{first}" if first == last else f"healthslm-{first}-to-{last}"


__all__ = [
    "FORMATS", "PageIn", "Series", "bundle", "bundle_bytes", "made", "picture", "report", "stem", "write",
]  # fmt: skip
