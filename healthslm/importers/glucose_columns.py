"""Which columns of a glucose file hold what: by their names in several languages, or by their place."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from healthslm.importers.clock import STAMP
from healthslm.importers.rows import Rows
from healthslm.readings import Floats

_SEARCHED = 40
"""Rows among which the header is looked for; exports begin with a title or with the person's name."""
_TIME = re.compile(
    r"time|date|stamp|datum|zeit|fecha|hora|horodat|tijd|tidpunkt|^ts$|^dt$|uhrzeit|data e ora", re.IGNORECASE
)
_GLUCOSE = re.compile(
    r"gluc|gluk|glyk|glyc|glic|^gl$|^bg\b|^bgl\b|^sgv\b|^sg\b|^cgm\b|^egv\b|^mg[_/ ]?dl$|^mmol([_/ ]?l)?$",
    re.IGNORECASE,
)
_NOT_GLUCOSE = re.compile(
    r"scan|strip|rate|change|teststreifen|ketone|keton|target|unit|alert", re.IGNORECASE
)
_PERSON = re.compile(
    r"^(id|usubjid|subject|subject[_ ]?id|patient|patient[_ ]?id|person|pid|ptid|deident\w*)$", re.I
)
_EVENT = re.compile(
    r"event type|ereignistyp|type d.?[ée]v[ée]nement|tipo de evento|tipo evento|gebeurtenis", re.I
)
_RECORD = re.compile(r"record type|aufzeichnungstyp|type d.?enregistrement|tipo de registro|recordtype", re.I)
_TRANSMITTER = re.compile(r"transmitter time|transmitterzeit", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where things are: column numbers from 0; `first` is the first row of data, `unit` what a name says."""

    first: int
    time: tuple[int, ...]
    glucose: int
    unit: str
    source: str
    kind: int | None = None
    scan: int | None = None
    person: int | None = None
    seconds: int | None = None

    def stamp(self, row: list[str]) -> str:
        """Return a row's date and time as written."""
        return " ".join(row[column] for column in self.time if column < len(row))

    def numbers(self, rows: list[list[str]]) -> Floats | None:
        """Return the transmitter's own seconds, shape `(n,)`, NaN where none are; `None` without such."""
        if self.seconds is None:
            return None
        found = np.full(len(rows), np.nan)
        for index, row in enumerate(rows):
            text = row[self.seconds] if self.seconds < len(row) else ""
            if text.isdigit():
                found[index] = float(text)
        return found if np.isfinite(found).any() else None


def columns_of(rows: Rows, problems: list[str]) -> Columns | None:
    """Say where things are; `None`, and a problem, when there is no column of times or of glucose."""
    for index, (_, cells) in enumerate(rows[:_SEARCHED]):
        found = _libreview(index, cells) or _by_name(index, cells)
        if found is not None:
            return found
    bare = _by_place(rows, problems)
    if bare is None and rows:
        header = max((cells for _, cells in rows[:_SEARCHED]), key=len)
        names = ", ".join(cell[:30] for cell in header[:12] if cell) or "nothing"
        problems.append(f"no column with the time and no column with glucose were found; there is: {names}")
    return bare


def unit_in(name: str) -> str:
    """Return the unit that a column's name says, or nothing."""
    low = name.lower().replace(" ", "")
    if "mmol" in low:
        return "mmol/L"
    return "mg/dL" if re.search(r"mg[/_.]?dl|mg%", low) else ""


def _libreview(index: int, cells: list[str]) -> Columns | None:
    """LibreView's columns stand in one order in every language; the history is before the scan."""
    units = [number for number, cell in enumerate(cells) if unit_in(cell)]
    record = next((number for number, cell in enumerate(cells) if _RECORD.search(cell)), None)
    if record is None and len(cells) >= 10 and units[:2] == [4, 5]:
        record = 3
    if record is None or record < 1 or not units:
        return None
    after = [number for number in units if number > record]
    history = next(
        (n for n in units if re.search(r"histor|verlauf", cells[n], re.I)), after[0] if after else None
    )
    if history is None:
        return None
    scan = next((n for n in after if n != history), None)
    stamp = next((n for n, cell in enumerate(cells) if _TIME.search(cell)), record - 1)
    return Columns(
        first=index + 1,
        time=(stamp,),
        glucose=history,
        unit=unit_in(cells[history]),
        source="libreview",
        kind=record,
        scan=scan,
    )


def _by_name(index: int, cells: list[str]) -> Columns | None:
    times = [n for n, cell in enumerate(cells) if _TIME.search(cell) and not _TRANSMITTER.search(cell)]
    times = [n for n in times if not _GLUCOSE.search(cells[n]) and "duration" not in cells[n].lower()]
    sugars = [n for n, cell in enumerate(cells) if _GLUCOSE.search(cell) and not _NOT_GLUCOSE.search(cell)]
    sugars = [n for n in sugars if n not in times] or [n for n, cell in enumerate(cells) if unit_in(cell)]
    if not times or not sugars:
        return None
    event = next((n for n, cell in enumerate(cells) if _EVENT.search(cell)), None)
    seconds = next((n for n, cell in enumerate(cells) if _TRANSMITTER.search(cell)), None)
    whole = [n for n in times if re.search(r"stamp|date.?time|^time$|^ts$|horodat", cells[n], re.IGNORECASE)]
    return Columns(
        first=index + 1,
        time=_date_and_time(cells, times) or tuple((whole or times)[:1]),
        glucose=sugars[0],
        unit=unit_in(cells[sugars[0]]),
        source="csv" if event is None else "clarity",
        kind=event,
        person=next((n for n, cell in enumerate(cells) if _PERSON.match(cell)), None),
        seconds=seconds,
    )


def _date_and_time(cells: list[str], times: list[int]) -> tuple[int, ...] | None:
    """A date and a time in two columns."""
    dates = [n for n in times if re.fullmatch(r"date|datum|fecha|data|dato", cells[n], re.IGNORECASE)]
    clocks = [
        n for n in times if re.fullmatch(r"time|zeit|uhrzeit|hora|tijd|heure|ora", cells[n], re.IGNORECASE)
    ]
    return (dates[0], clocks[0]) if dates and clocks else None


def _by_place(rows: Rows, problems: list[str]) -> Columns | None:
    """Without a header: the first column that can be a time, and the next one that can be a number."""
    if not rows:
        return None
    _, cells = rows[0]
    stamp = next((n for n, cell in enumerate(cells) if STAMP.search(cell)), None)
    if stamp is None:
        return None
    for number in range(stamp + 1, len(cells)):
        try:
            float(cells[number].replace(",", "."))
        except ValueError:
            continue
        problems.append(f"no header: column {stamp + 1} is taken as the time, column {number + 1} as glucose")
        return Columns(first=0, time=(stamp,), glucose=number, unit="", source="csv")
    return None
