"""A review as files that leave the program: a page for the clinician (PDF), a FHIR R4 Bundle, and tables.

    report(review)                  the page, as PDF bytes
    bundle(review)                  the Bundle, as data; bundle_bytes(review) as JSON
    write(review, folder)           both, as files; `how` says for whom, and how the Bundle tells of what
    write(..., formats, store)      also single readings: CSV, Parquet, Open mHealth
    made(review, formats)           names, and what fills the files; nothing written
    share.sealed(share.pack(...))   one encrypted file of them

The same review always gives the same bytes. Times are in `review.timezone`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from healthslm.errors import ExportError
from healthslm.export import openmhealth, tables, words
from healthslm.export.documents import Page
from healthslm.export.fhir import bundle, bundle_bytes, bundle_into
from healthslm.export.files import Fill, filling, staged
from healthslm.export.focus import Focus, Paper
from healthslm.export.report import picture, report
from healthslm.export.source import Source
from healthslm.readings import Review

FORMATS: Mapping[str, str] = {"pdf": ".pdf", "fhir": ".fhir.json"}
"""What is made of the review, with the ending of its file."""
STREAMED: Mapping[str, Callable[[Review, Source], list[tuple[str, Fill]]]] = {
    "csv": tables.csv_files,
    "parquet": tables.parquet_files,
    "omh": openmhealth.files,
}
"""What is written from the store itself, piece by piece: several files each, their endings and contents."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How the files are made: the page's reader, paper and appendix; the Bundle's series and page."""

    focus: Focus = Focus.GENERAL
    paper: Paper = Paper.A4
    series: Series = Series.SUMMARIES
    page: PageIn = PageIn.NONE
    appendix: bool = False


def made(
    review: Review,
    formats: Iterable[str] = ("pdf", "fhir"),
    store: Source | None = None,
    *,
    how: How = How(),
) -> list[tuple[str, Fill]]:
    """Return the name of each file of an export, and what fills it, in the order asked for.

    Names are `healthslm-2026-03-14.pdf`, `healthslm-2026-03-14-to-2026-03-20.pdf` or, where a period is not
    of whole days, `healthslm-2026-03-14T1000-to-2026-03-14T1100.pdf`: the period and nobody's name. Formats
    of single readings need the `store`, which they read when they are filled; so does the appendix. The
    Bundle tells of a page only where that is made too. Raises `ExportError` for an unknown format, or one
    without its package or store.
    """
    begin, files = stem(review), dict[str, Fill]()
    wanted = list(dict.fromkeys(formats))
    pdf = _page(review, store, how) if "pdf" in wanted else None
    for name in wanted:
        if name == "pdf" and pdf is not None:
            files[FORMATS[name]] = filling(pdf)
        elif name == "fhir":
            files[FORMATS[name]] = bundle_into(_bundle(review, begin, pdf, how))
        elif name not in STREAMED:
            known = " or ".join((*FORMATS, *STREAMED))
            raise ExportError(f"{words.clean(name, 40)!r} is no format to export.", f"Use {known}.")
        elif store is None:
            raise ExportError(f"The format {name} needs the store's readings.", "Give the store too.")
        else:
            files.update(STREAMED[name](review, store))
    return [(f"{begin}{ending}", fill) for ending, fill in files.items()]


def write(
    review: Review,
    folder: Path,
    formats: Iterable[str] = ("pdf", "fhir"),
    store: Source | None = None,
    *,
    how: How = How(),
) -> list[Path]:
    """Write what `made` returns into `folder` (made if need be) and return the paths, in the order asked for.

    All is made before anything is replaced, and each file replaces its forerunner whole. Raises what `made`
    does, and `ExportError` for a folder that cannot be written or a full disk.
    """
    files = [(Path(folder) / name, fill) for name, fill in made(review, formats, store, how=how)]
    with staged(files):
        pass
    return [path for path, _ in files]


def _page(review: Review, store: Source | None, how: How) -> bytes:
    if how.appendix and store is None:
        raise ExportError("The appendix needs the store's readings.", "Give the store too.")
    return report(review, focus=how.focus, paper=how.paper, source=store if how.appendix else None)


def _bundle(review: Review, begin: str, pdf: bytes | None, how: How) -> dict[str, Any]:
    told = None
    if pdf is not None and how.page is not PageIn.NONE:
        told = Page(data=pdf, url=f"{begin}{FORMATS['pdf']}" if how.page is PageIn.LINKED else "")
    return bundle(review, sampled=how.series is Series.SAMPLED, page=told)


def stem(review: Review) -> str:
    """Return what the names of a review's files begin with: its period."""
    words.check(review)
    tz = words.zone(review)
    days = words.whole_days(review.start, review.end, tz)
    if days is None:
        start, end = review.start.astimezone(tz), review.end.astimezone(tz)
        return f"healthslm-{start:%Y-%m-%dT%H%M}-to-{end:%Y-%m-%dT%H%M}"
    first, last = days
    return f"healthslm-{first}" if first == last else f"healthslm-{first}-to-{last}"


__all__ = [
    "FORMATS",
    "STREAMED",
    "Focus",
    "How",
    "PageIn",
    "Paper",
    "Series",
    "bundle",
    "bundle_bytes",
    "made",
    "picture",
    "report",
    "stem",
    "write",
]
