"""The sentences on a page: each the Bundle's, and each number in it one that the Bundle has in that unit."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction

from healthslm.evaluation.page_check import NUMBER, SENTENCE, TIME, Check, plain

_UNITS = {
    "bpm": ("bpm",),
    "%": ("%",),
    "°C": ("°C",),
    "mmHg": ("mmHg",),
    "mg/ ?dL": ("mg/dL", "mg/dl"),
    "ms": ("ms",),
    "kg": ("kg",),
    "kcal": ("kcal",),
    "steps": ("steps",),
    "minutes": ("min",),
    "hours": ("h",),
    "a minute": ("/min",),
    "points": ("1",),
    "m": ("m",),
}
"""How a sentence names a unit, and the unit's name in the Bundle; the longer ones first."""
_MORE = r"(\d+) more sentences? in the FHIR Bundle"


def check_words(check: Check) -> None:
    """Judge the numbers of the clinician's text on the page."""
    marks, region = check.marks, check.region("In words")
    sentences = [
        re.sub(r" \((?:template|model)\)$", "", one) for one in check.bundle.paragraphs("For the clinician")
    ]
    shown = 0
    for sentence in sentences:
        there = _place(check, sentence, region)
        shown += there is not None
        if there is not None:
            _sentence(check, there)
            region = (there[1], region[1])
    for found in marks.search(_MORE, check.region("In words")):
        marks.value(found.span(1), told=[Fraction(len(sentences) - shown)])


def _place(check: Check, sentence: str, region: tuple[int, int]) -> tuple[int, int] | None:
    bare = r"\s*".join(re.escape(char) for char in sentence if not char.isspace())
    found = re.compile(bare).search(check.marks.text, *region)
    return found.span() if found else None


def _sentence(check: Check, span: tuple[int, int]) -> None:
    marks = check.marks
    for words, names in _UNITS.items():
        unit = plain(words) if "?" not in words else words.replace(" ?", r"\s*")
        several = rf"({NUMBER})(?:(?: over | to )({NUMBER}))? ?{unit}(?!\w)".replace(" ?", r"\s*")
        for found in marks.search(several, span):
            for group in (1, 2) if found[2] else (1,):
                _quantity(check, found.span(group), names)
    known = _times(check)
    for found in marks.search(r"\d{2}:\d{2}", span):
        marks.judge(found.span(), TIME, found[0] in {f"{at:%H:%M}" for at in known}, "a time that is known")
    for found in marks.search(r"(\d{1,2}) [A-Z][a-z]+ at", span):
        dates = {f"{at.day} {at:%B} at" for at in known}
        marks.judge(found.span(1), TIME, " ".join(found[0].split()) in dates, "a date that is known")


def _quantity(check: Check, span: tuple[int, int], units: tuple[str, ...]) -> None:
    """A number of a sentence: any one's of that unit in the Bundle; its words `eval narrate` judges."""
    shown = check.marks.text[slice(*span)]
    places = len(shown.partition(".")[2])
    values = [one.value for one in check.bundle.told if one.unit in units and one.value is not None]
    values += [share for _, share in check.bundle.counts.values() if share is not None and "%" in units]
    near = [one for one in values if abs(one - Fraction(shown)) * 10**places <= Fraction(1, 2)]
    check.marks.judge(span, SENTENCE, bool(near), "a value of that unit in the Bundle")


def _times(check: Check) -> list[datetime]:
    """Every time of a finding, its evidence, or a single measurement, by the person's clock."""
    known = [row[edge] for row in check.truth.findings for edge in ("start", "end")]
    evidence = [one["at"] for row in check.truth.findings for one in row["evidence"] if one["at"]]
    known += [datetime.fromisoformat(at) for at in evidence]
    known += [one.start for one in check.bundle.told if one.start == one.end]
    return [at.astimezone(check.truth.zone) for at in known]
