"""The clinician's page as PDF: one A4 page, set by typst from data, the same bytes for the same review.

Fonts are those that typst carries (Latin, Greek, Cyrillic, Arabic; no Chinese, Japanese, Korean, Indic); the
machine's own are not looked at. The file is PDF/A-2a and PDF/UA-1 (archivable, readable aloud). Where a name
has letters that no font has, those standards cannot be kept: the page is then an ordinary tagged PDF with
boxes for the letters, says so, and points to the Bundle.
"""

from __future__ import annotations

import json
from importlib.resources import files

import typst

from healthslm.errors import ExportError
from healthslm.export.page import page
from healthslm.readings import Review

_STANDARDS: list[typst.PDFStandard] = ["ua-1", "a-2a"]
_NO_GLYPH = "could not be displayed"


def report(review: Review) -> bytes:
    """Return the page as PDF bytes; its creation date is `review.made_at`.

    Raises `ExportError` for a time zone that does not exist, a period that ends before it starts, or where
    typst cannot set the page.
    """
    try:
        return _set(review, standards=_STANDARDS, unprintable=False)
    except typst.TypstError as error:
        # Some text cannot be archived to the standard. A page that can be read is worth more than none.
        unprintable = _NO_GLYPH in error.message
    try:
        return _set(review, standards=[], unprintable=unprintable)
    except typst.TypstError as error:
        raise ExportError("The page could not be set as PDF.", f"typst says: {error.message}") from error


def picture(review: Review, *, ppi: float = 144) -> bytes:
    """Return the page as PNG bytes, for a screen or a manual."""
    return _whole(_compiler(review, unprintable=False).compile(format="png", ppi=ppi))


def _compiler(review: Review, *, unprintable: bool) -> typst.Compiler:
    template = files("healthslm.export").joinpath("report.typ").read_bytes()
    data = json.dumps(page(review, unprintable=unprintable), ensure_ascii=False, allow_nan=False)
    return typst.Compiler(template, ignore_system_fonts=True, sys_inputs={"data": data})


def _set(review: Review, *, standards: list[typst.PDFStandard], unprintable: bool) -> bytes:
    compiler = _compiler(review, unprintable=unprintable)
    made = int(review.made_at.timestamp())
    return _whole(compiler.compile(format="pdf", pdf_standards=standards, timestamp=made))


def _whole(made: bytes | list[bytes] | None) -> bytes:
    """One page comes as bytes; anything else is a template that does not keep its promise."""
    if not isinstance(made, bytes):
        raise ExportError("The page could not be set: it became more than one.", "Please report this.")
    return made
