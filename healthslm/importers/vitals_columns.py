"""Where things are in a file of vital signs: times, people, and a column a kind or a row a reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from healthslm.importers.clock import stamps_of
from healthslm.importers.dates import plainly
from healthslm.importers.rows import Rows
from healthslm.importers.vitals_names import Meaning, flat, meaning_of, of_a_pulse
from healthslm.importers.vitals_units import numbers, unit_of
from healthslm.readings import KINDS, Kind

_SEARCHED, _TRIED = 40, 40
"""Rows among which the header is looked for, and cells by which a column is told."""
_FROM_ALL = 400
"""About so many rows from all over the file are looked at to tell its times."""
_TIME = re.compile(
    r"time|date|stamp|datum|zeit|fecha|hora|heure|hour|uhr|tijd|^tid|^day|day$|^tag$|^ts$|^dt$|recorded|measured"
)
_LATER = re.compile(r"end|until|bis$|creat|modif|export|upload|received")
"""Times that are not the measurement's own, where there is another."""
_PERSON = re.compile(
    r"^(?:id|uid|pid|ptid|usubjid|name|deident\w*"
    r"|(?:customer|user|subject|patient|person|participant|member|client)(?:id|name|code|number|no)?)$"
)
_KIND = re.compile(
    r"^(?:data|reading|measurement|vital|record)?(?:type|typ|kind|metric|parameter|test|code|signal|observation"
    r"|vital|vitalsign|category|item|art|variable|measure|measurement)$"
)
_VALUE = re.compile(
    r"^(?:numeric|measured|data)?(?:value|wert|valeur|valore?|result|reading|quantity|waarde)$"
)
_UNIT = re.compile(r"^(?:units?|einheit|unite|unidad|eenheid)$")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.]\d{2})?(?:[.,]\d+)?\s*(?:[ap]\.?\s?m\.?)?", re.IGNORECASE)
_HOUR = re.compile(r"hour|hora|heure|stunde|uhr|uur")
_DAY_PART = re.compile(r"0?[.,]\d+")
_SHOWN = 12
_BREATHS = (5.0, 60.0)
"""Breaths a minute; an interval between beats is about 1 s, or 1,000 ms."""
_BESIDE_BREATHS = (Kind.HEART_RATE, Kind.SPO2, Kind.SYSTOLIC, Kind.TEMPERATURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of one kind: its number from 0, name, what it means, and the unit its name says."""

    number: int
    name: str
    meaning: Meaning
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things are; `first` is the first row of data.

    `time`: one column, or one with the date and one with the time of day. Of a file with a row a reading,
    `kind` is the column that says what it is, `value` and `unit` where the number and its unit are; else
    `columns` are those of one kind each. `flag` is where a cuff says that it found the heartbeat irregular.
    """

    first: int
    time: tuple[int, ...]
    columns: tuple[Column, ...] = ()
    kind: int | None = None
    value: int | None = None
    unit: int | None = None
    person: int | None = None
    flag: int | None = None

    def stamp(self, row: list[str]) -> str:
        """Return a row's date and time, in a form that `clock.stamps_of` reads."""
        date = plainly(cell(row, self.time[0]))
        if len(self.time) == 1:
            return date
        return f"{date.split(' ')[0]} {_clock(cell(row, self.time[1]))}".strip()


def cell(row: list[str], number: int | None) -> str:
    """Return a row's cell, empty where the row is too short."""
    return row[number] if number is not None and number < len(row) else ""


def _clock(text: str) -> str:
    if text.isdecimal():
        return f"{int(text):02d}:00"  # an hour
    if _DAY_PART.fullmatch(text):  # a part of a day, as sheets keep it
        minutes = round(float(text.replace(",", ".")) * 1440)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return text


def layout_of(rows: Rows, file: str, problems: list[str]) -> Layout | None:
    """Say where things are; `None`, and a problem, when there is no column of times or of a vital sign.

    `file` is the file's name: of a file `heartrate_…` the column `Value` holds heart rates.
    """
    stem = PurePath(file).name.split(".", maxsplit=1)[0]
    by_file = meaning_of(stem.split("_", maxsplit=1)[0]) or meaning_of(stem)
    best: tuple[Layout, list[str]] | None = None
    for index in range(min(len(rows), _SEARCHED)):
        said: list[str] = []
        found = _by_header(rows, index, by_file, said)
        if found is not None and (found.columns or found.kind is not None):
            problems += said
            return found
        if found is not None and best is None:
            best = found, said
    if rows:
        if best is not None:
            problems += best[1]
        lacking = "no column with the time" if best is None else "no column with a vital sign"
        header = max((cells for _, cells in rows[:_SEARCHED]), key=len)
        names = ", ".join(name[:30] for name in header[:_SHOWN] if name) or "nothing"
        problems.append(f"{file}: {lacking} was found; there is: {names}")
    return None


def _by_header(rows: Rows, index: int, by_file: Meaning | None, problems: list[str]) -> Layout | None:
    _, names = rows[index]
    below = [row for _, row in rows[index + 1 : index + 1 + _TRIED]]
    if len(names) < 2 or not any(re.search("[^\\W\\d_]", name) for name in names):
        return None
    time = _times(names, below) or _times(names, _spread(rows, index + 1))
    if not time:
        return None
    free = [n for n in range(len(names)) if n not in time]
    person = _person(names, [row for _, row in rows[index + 1 :]], free)
    kind = next((n for n in free if _KIND.match(flat(names[n])) and _speaks(below, n)), None)
    value = next((n for n in free if _VALUE.match(flat(names[n]))), None)
    if kind is not None and value is not None:
        unit = next((n for n in free if _UNIT.match(flat(names[n]))), None)
        return Layout(first=index + 1, time=time, kind=kind, value=value, unit=unit, person=person)
    free = [n for n in free if n != person]
    flag = next((n for n in free if (of := meaning_of(names[n])) is not None and of.flag), None)
    columns = _columns(names, [n for n in free if n != flag], below, by_file, problems)
    return Layout(first=index + 1, time=time, columns=columns, person=person, flag=flag)


def _spread(rows: Rows, first: int) -> list[list[str]]:
    """Rows from all over the file: its beginning may be damaged where the rest is not."""
    step = max(1, (len(rows) - first) // _FROM_ALL)
    return [rows[place][1] for place in range(first, len(rows), step)]


def _speaks(below: list[list[str]], number: int) -> bool:
    """Whether a column's words name kinds of readings."""
    return any(meaning_of(word) is not None for word in {cell(row, number) for row in below} if word)


def _times(names: list[str], below: list[list[str]]) -> tuple[int, ...]:
    """The column of times, or those of the date and of the time of day; empty where there is none."""
    # Somebody's number may look like seconds since 1970.
    free = [n for n, name in enumerate(names) if not _PERSON.match(flat(name))]
    named = [n for n in free if _TIME.search(flat(names[n]))]
    dated = [n for n in named if _dates(below, n)]
    if not dated:
        # A name in another language: what can only be dates, whatever it is called.
        dated = [n for n in free if n not in named and _dates(below, n, marked=True)]
    if not dated:
        return ()
    dated.sort(key=lambda n: (bool(_LATER.search(flat(names[n]))), n))
    first = dated[0]
    if any(":" in cell(row, first) for row in below):
        return (first,)
    clocks = [n for n in named if n != first and _clocks(names[n], below, n)]
    if clocks:
        return (first, clocks[0])
    whole = [n for n in dated if any(":" in cell(row, n) for row in below)]
    return (whole[0],) if whole and not _LATER.search(flat(names[whole[0]])) else (first,)


def _dates(below: list[list[str]], number: int, *, marked: bool = False) -> bool:
    """Whether at least half of a column's cells are dates; `marked`: with signs between the numbers."""
    cells = [text for row in below if (text := cell(row, number))]
    if marked:
        cells = [text if re.search(r"\d[-./:]\d", text) else "" for text in cells]
    known = stamps_of([plainly(text) for text in cells], np.arange(len(cells)), []).known
    return bool(cells) and int(known.sum()) * 2 >= len(cells)


def _clocks(name: str, below: list[list[str]], number: int) -> bool:
    cells = [text for row in below if (text := cell(row, number))]
    hours = bool(_HOUR.search(flat(name)))

    def one(text: str) -> bool:
        whole = hours and text.isdecimal() and int(text) < 24
        return whole or bool(_CLOCK.fullmatch(text) or _DAY_PART.fullmatch(text))

    return bool(cells) and sum(map(one, cells)) * 2 >= len(cells)


def _person(names: list[str], rows: list[list[str]], free: list[int]) -> int | None:
    """The column that says whose a row is; one that numbers the rows is none."""
    for number in free:
        if _PERSON.match(flat(names[number])):
            seen = [cell(row, number) for row in rows]
            if len(seen) < 4 or len(set(seen)) < len(seen):
                return number
    return None


def _columns(
    names: list[str],
    free: list[int],
    below: list[list[str]],
    by_file: Meaning | None,
    problems: list[str],
) -> tuple[Column, ...]:
    """The columns that hold readings, one a kind; what is none of it is named with its reason."""
    meant = [(n, names[n], meaning) for n in free if (meaning := meaning_of(names[n])) is not None]
    if any(meaning.kind in _BESIDE_BREATHS for _, _, meaning in meant):
        meant = [
            (n, name, breathing_of(name, [cell(row, n) for row in below]) or meaning)
            for n, name, meaning in meant
        ]
    if not meant and by_file is not None:
        meant = [(n, names[n], by_file) for n in free if _VALUE.match(flat(names[n]))][:1]
    others = [names[n] for n in free if names[n] and n not in {number for number, _, _ in meant}]
    reasons: dict[str, list[str]] = {}
    best: dict[Kind, Column] = {}
    for number, name, meaning in sorted(meant, key=lambda one: (one[2].rank, one[0])):
        if meaning.kind is None:
            reasons.setdefault(meaning.reason, []).append(name)
            continue
        kind, known = meaning.kind, meaning
        if kind is Kind.HEART_RATE and kind in best and meaning.rank and of_a_pulse(flat(name)):
            kind = Kind.PULSE_RATE  # an oximeter's or a cuff's own, beside the heart rate
            known = Meaning(kind=kind, mean=meaning.mean)
        taken = best.get(kind)
        if taken is not None:
            why = f"{KINDS[kind].title} once more, beside {taken.name!r}"
            reasons.setdefault(why, []).append(name)
            continue
        best[kind] = Column(number=number, name=name, meaning=known, unit=unit_of(kind, name))
    problems += [f"{_listed(which)}: {why}; not used" for why, which in reasons.items()]
    if others:
        problems.append(f"{_listed(others)}: no vital sign; not used")
    return tuple(sorted(best.values(), key=lambda one: one.number))


def breathing_of(name: str, cells: list[str]) -> Meaning | None:
    """Say that a column `RR` holds breaths a minute, where its values can be those and no beat's interval."""
    if flat(name) != "rr":
        return None
    values, *_ = numbers([text for text in cells if text], Kind.RESPIRATORY_RATE)
    there = values[np.isfinite(values) & (values != 0)]
    inside = (there >= _BREATHS[0]) & (there <= _BREATHS[1])
    return Meaning(kind=Kind.RESPIRATORY_RATE) if len(there) and bool(inside.all()) else None


def _listed(names: list[str]) -> str:
    some = ", ".join(repr(name[:40]) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"column{'s' if len(names) > 1 else ''} {some}{more}"
