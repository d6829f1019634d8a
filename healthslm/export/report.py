"""The clinician's page as PDF: one page, A4 or Letter, set by typst; the same bytes for the same review.

Behind it, where it is asked for, an appendix.

Fonts are those that typst carries (Latin, Greek, Cyrillic, Arabic; no Chinese, Japanese, Korean, Indic); only
for letters that they lack, those of the machine: then the bytes are the same on that machine. The file is
PDF/A-2a and PDF/UA-1 (archivable, readable aloud). Where a name has letters that no font has, those standards
cannot be kept: the page is then an ordinary tagged PDF with boxes for the letters, says so, and points to the
Bundle.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import as_file, files

from healthslm.errors import ExportError
from healthslm.export.appendix import appendix
from healthslm.export.focus import Focus, Paper
from healthslm.export.page import page
from healthslm.export.source import Source
from healthslm.readings import Review

_FOLDER = files("healthslm.export")
_STANDARDS = ("ua-1", "a-2a")
_NO_GLYPH = "could not be displayed"
_REFUSED = 3  # as in typesetter.py, which is not imported: typst is to live in the other process only
_PATIENCE_S = 120.0


class _RefusedError(Exception):
    """Typst's own message why it did not set the page."""


def report(
    review: Review,
    *,
    focus: Focus = Focus.GENERAL,
    paper: Paper = Paper.A4,
    source: Source | None = None,
) -> bytes:
    """Return the page as PDF bytes; its creation date is `review.made_at`.

    With a `source`, the store that the review is of, the appendix follows it: on as many pages as it needs.
    Raises `ExportError` for a time zone that does not exist, a period that ends before it starts, or where
    typst cannot set the page.
    """
    more = {} if source is None else {"appendix": appendix(review, source)}
    shown = {**page(review, focus=focus, paper=paper), **more}
    for system_fonts in (False, True):
        try:
            return _set(shown, review.made_at, standards=_STANDARDS, system_fonts=system_fonts)
        except _RefusedError as refused:
            # Some text cannot be archived to the standard. A page that can be read is worth more than none.
            unprintable = _NO_GLYPH in str(refused)
            if not unprintable:
                break
    try:
        shown = {**page(review, focus=focus, paper=paper, unprintable=unprintable), **more}
        return _set(shown, review.made_at)
    except _RefusedError as refused:
        raise ExportError("The page could not be set as PDF.", f"typst says: {refused}") from refused


def picture(review: Review, *, ppi: float = 144) -> bytes:
    """Return the page as PNG bytes, for a screen or a manual. Raises as `report` does."""
    try:
        return _set(page(review), review.made_at, form="png", ppi=ppi)
    except _RefusedError as refused:
        raise ExportError("The page could not be set as a picture.", f"typst says: {refused}") from refused


def job(
    shown: Mapping[str, object],
    made_at: datetime,
    *,
    form: str = "pdf",
    standards: Sequence[str] = _STANDARDS,
    ppi: float | None = None,
    system_fonts: bool = False,
) -> bytes:
    """Return what the process that sets the page reads: see typesetter.py."""
    templates = ("report.typ", "appendix.typ") if "appendix" in shown else ("report.typ",)
    return json.dumps(
        {
            "template": "\n".join(_FOLDER.joinpath(name).read_text(encoding="utf-8") for name in templates),
            "data": json.dumps(shown, allow_nan=False),
            "format": form,
            "standards": list(standards),
            "timestamp": int(made_at.timestamp()),
            "ppi": ppi,
            "system_fonts": system_fonts,
        }
    ).encode("ascii")


def _set(
    shown: Mapping[str, object],
    made_at: datetime,
    *,
    form: str = "pdf",
    standards: Sequence[str] = (),
    ppi: float | None = None,
    system_fonts: bool = False,
) -> bytes:
    """Have the page set by another process, which hands its memory back when it ends."""
    with as_file(_FOLDER.joinpath("typesetter.py")) as script:
        # -P: the folder of the script is no place to import from.
        command = [sys.executable, "-P", str(script)]
        try:
            done = subprocess.run(  # noqa: S603  our own script; the job goes through its standard input
                command,
                input=job(shown, made_at, form=form, standards=standards, ppi=ppi, system_fonts=system_fonts),
                capture_output=True,
                timeout=_PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(
                "The page could not be set: its process did not end well.", str(error)
            ) from error
    told = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == _REFUSED:
        raise _RefusedError(told)
    if done.returncode != 0:
        last = told.splitlines()[-1] if told else f"exit code {done.returncode}"
        raise ExportError("The page could not be set: its process ended early.", f"It says: {last}")
    return done.stdout
