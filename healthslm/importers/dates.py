"""Dates without a time of day, with months' names, with an offset apart, or as a sheet's day number."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene janv gen",
            "feb fév fev febr",
            "mar mär mrz mars maa",
            "apr abr avr",
            "may mai mag maj mei",
            "jun juin giu",
            "jul juil lug",
            "aug aoû ago août",
            "sep set sept",
            "oct okt ott",
            "nov",
            "dec dez dic déc dés",
        ),
        start=1,
    )
    for name in names.split()
}
_WORD = re.compile(r"[^\W\d_]{3,}")
_DAY_NAME = r"(\d{1,2})(?:st|nd|rd|th|\.)?[ ./-]+([^\W\d_]{3,})\.?[ ,./-]+(\d{2,4})"
_NAME_DAY = r"([^\W\d_]{3,})\.?[ ./-]+(\d{1,2})(?:st|nd|rd|th)?[ ,./-]+(\d{4})"
_NAMED = (
    (re.compile(_DAY_NAME), (3, 2, 1)),
    (re.compile(_NAME_DAY), (3, 1, 2)),
    (re.compile(r"(\d{4})[ ./-]+([^\W\d_]{3,})\.?[ ./-]+(\d{1,2})"), (1, 2, 3)),
)
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?")
_BARE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}\.?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?")
_SERIAL = re.compile(r"[2-6]\d{4}(?:[.,]\d+)?")
_SHEET_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_TIME_FIRST = re.compile(
    r"(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?\s?m\.?)?)[\s,]+(\S.*\d)", re.IGNORECASE
)
_OFFSET = re.compile(r"\s+(?:(?:UTC|GMT)\s*)?([+-]\d{2}):?(\d{2})$")


def plainly(text: str) -> str:
    """Return a date in a form that `clock.stamps_of` reads; one without a time of day gets midnight.

    `12 Apr 2016 7:05 PM`, `22:30:00 Oct 06 2026`, `20160412`, `4/12/16`, `2016-04-12 07:05:00 +0200`,
    `42472.29` (days since 1899-12-30, as sheets keep them). What is none of these is returned as it is.
    """
    if _ISO.fullmatch(text):  # most of them
        return text
    text = text.strip().strip("'\"")
    turned = _TIME_FIRST.fullmatch(text)
    if turned is not None:
        text = f"{turned[2]} {turned[1]}"
    if _BARE.fullmatch(text):
        return f"{text.rstrip('.')} 00:00"
    if _SERIAL.fullmatch(text):
        seconds = round(float(text.replace(",", ".")) * 86400)
        return f"{_SHEET_ZERO + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    compact = _COMPACT.fullmatch(text)
    if compact and "19" <= text[:2] <= "20" and len(text) != 10:
        hour, minute, second = (compact[i] or "00" for i in (4, 5, 6))
        return f"{compact[1]}-{compact[2]}-{compact[3]} {hour}:{minute}:{second}"
    if _WORD.search(text):
        text = _without_names(text)
    text = _OFFSET.sub(r"\1:\2", text)
    return text[:-4] + "+00:00" if text.endswith((" UTC", " GMT")) else text


def _without_names(text: str) -> str:
    """A date with the name of a month as year-month-day, its time of day as it was."""
    low = text.lower()
    for pattern, (year, month, day) in _NAMED:
        found = pattern.search(low)
        if found is None:
            continue
        number = _MONTHS.get(found[month][:4]) or _MONTHS.get(found[month][:3])
        if number is None:
            continue
        whole = int(found[year]) + 2000 * (len(found[year]) == 2)
        rest = text[found.end() :].strip(" ,T")
        if rest.lower().startswith("at "):
            rest = rest[3:]
        return f"{whole}-{number:02d}-{int(found[day]):02d} {rest if _CLOCK.match(rest) else '00:00'}"
    return text
