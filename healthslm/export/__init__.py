"""A review as files that leave the program: a page for the clinician (PDF) and a FHIR R4 Bundle.

    report(review)                  the page, as PDF bytes
    bundle(review)                  the Bundle, as data; bundle_bytes(review) as JSON
    write(review, folder)           both, as files

The same review always gives the same bytes. Times are in `review.timezone`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from pathlib import Path

from healthslm.errors import ExportError
from healthslm.export import words
from healthslm.export.fhir import bundle, bundle_bytes
from healthslm.export.files import write_whole
from healthslm.export.report import picture, report
from healthslm.readings import Review

FORMATS: Mapping[str, tuple[str, Callable[[Review], bytes]]] = {
    "pdf": (".pdf", report),
    "fhir": (".fhir.json", bundle_bytes),
}
"""What can be written: the ending of the file and what makes its bytes."""


def write(review: Review, folder: Path, formats: Iterable[str] = ("pdf", "fhir")) -> list[Path]:
    """Write a review's files into `folder` (made if need be) and return their paths, in the order asked for.

    Names are `healthslm-2026-03-14.pdf`, `healthslm-2026-03-14-to-2026-03-20.pdf` or, where a period is not
    of whole days, `healthslm-2026-03-14T1000-to-2026-03-14T1100.pdf`: the period and nobody's name. All is
    made before anything is written, and each file replaces its forerunner whole. Raises `ExportError` for an
    unknown format, a folder that cannot be written or a full disk.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            known = " or ".join(FORMATS)
            raise ExportError(f"{words.clean(name, 40)!r} is no format to export.", f"Use {known}.")
    made = [
        (Path(folder) / f"{_stem(review)}{FORMATS[name][0]}", FORMATS[name][1](review)) for name in wanted
    ]
    for path, data in made:
        write_whole(path, data)
    return [path for path, _ in made]


def _stem(review: Review) -> str:
    words.check(review)
    tz = words.zone(review)
    start, end = review.start.astimezone(tz), review.end.astimezone(tz)
    if {start.time(), end.time()} != {time()}:
        return f"healthslm-{start:%Y-%m-%dT%H%M}-to-{end:%Y-%m-%dT%H%M}"
    first, last = start.date(), end.date() - timedelta(days=1)
    return f"healthslm-{first}" if first == last else f"healthslm-{first}-to-{last}"


__all__ = ["FORMATS", "bundle", "bundle_bytes", "picture", "report", "write"]
