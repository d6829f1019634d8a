"""The cells of one kind in a file of vital signs: its numbers in the kind's unit, and their rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from healthslm.importers.glucose_units import side_of
from healthslm.importers.lines import named, unused
from healthslm.importers.rows import Rows
from healthslm.importers.vitals_columns import Layout, cell
from healthslm.importers.vitals_names import Meaning
from healthslm.importers.vitals_units import converted, guessed, numbers, unit_of
from healthslm.readings import KINDS, Floats, Ints, Kind

_PAIR = re.compile(r"(\d{1,4}(?:[.,]\d+)?)\s*[/\\|-]\s*(\d{1,4}(?:[.,]\d+)?)(?:\D.*)?")
_GLUCOSES = (Kind.GLUCOSE, Kind.SENSOR_GLUCOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One person's numbers: `rows` have one (places in the data, rising), `every` are all rows looked at."""

    rows: Ints
    every: Ints
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """The cells of one kind. `rows`: places in the data, rising; `cells` and `units`: one for each.

    `sparse`: an empty cell is nothing to tell of, since the row has other columns.
    """

    kind: Kind
    rows: Ints
    cells: Sequence[str]
    units: Sequence[str]
    mean: bool
    sparse: bool

    def of(self, mine: NDArray[np.bool_], lines: Ints, said: Mapping[Kind, str], problems: list[str]) -> Part:
        """Return one person's numbers in the kind's unit; `mine` marks their rows of the data."""
        places = np.flatnonzero(mine[self.rows])
        every = self.rows[places]
        cells = [self.cells[n] for n in places.tolist()]
        values, units, wrong, decimals = numbers(cells, self.kind)
        self._tell(wrong, cells, lines[every], problems)
        told = [own or self.units[n] for own, n in zip(units, places.tolist(), strict=True)]
        values = converted(
            self.kind, values, told, decimals, lines[every], problems, said=said.get(self.kind, "")
        )
        there = np.isfinite(values)
        return Part(rows=every[there], every=every, values=values[there])

    def _side(self, text: str) -> int:
        return side_of(text) if self.kind in _GLUCOSES else 0

    def beyond(self, mine: NDArray[np.bool_], lines: Ints) -> list[str]:
        """Say in which of one person's rows a meter has a word instead of a number."""
        places = np.flatnonzero(mine[self.rows]).tolist()
        sides = {n: side for n in places if (side := self._side(self.cells[n]))}
        told = []
        for sign, where, what in ((-1, "below", "low"), (1, "above", "high")):
            ones = [n for n, side in sides.items() if side == sign]
            if ones:
                seen = named(lines[self.rows[ones]].tolist())
                times = "once" if len(ones) == 1 else f"{len(ones)} times"
                told.append(
                    f"{KINDS[self.kind].title}, {seen}: {self.cells[ones[0]]!r} {times}, {where} what the"
                    f" meter shows. There is no number to judge, and it is very {what}: act on it as on the"
                    f" {what}est that it can show"
                )
        return told

    def _tell(
        self, wrong: Mapping[str, list[int]], cells: list[str], lines: Ints, problems: list[str]
    ) -> None:
        title = KINDS[self.kind].title
        told = {
            why: lines[kept].tolist()
            for why, ones in wrong.items()
            if (kept := [n for n in ones if (cells[n] or not self.sparse) and not self._side(cells[n])])
        }
        problems += unused(told, what=title)


def series_of(
    data: Rows, layout: Layout, meanings: Mapping[str, Meaning], problems: list[str]
) -> tuple[Series, ...]:
    """Return the series of a file, one a kind; `meanings` are those of the words in a column of kinds.

    The unit of a column, or of a kind, that nothing names is told from all its values, whoever they are of.
    """
    made: list[Series] = []
    if layout.kind is not None:
        made = _by_row(data, layout, meanings)
    else:
        everywhere = np.arange(len(data), dtype=np.int64)
        sparse = len(layout.columns) > 1
        for column in layout.columns:
            cells = [cell(row, column.number) for _, row in data]
            made += _series(column.meaning, everywhere, cells, [column.unit] * len(cells), sparse=sparse)
    return tuple(_with_unit(one, problems) for one in made)


def _by_row(data: Rows, layout: Layout, meanings: Mapping[str, Meaning]) -> list[Series]:
    by_word: dict[str, list[int]] = {}
    for place, (_, row) in enumerate(data):
        by_word.setdefault(cell(row, layout.kind), []).append(place)
    by_kind: dict[tuple[Kind, bool], list[tuple[int, str, Meaning]]] = {}
    for word, places in by_word.items():
        meaning = meanings.get(word)
        if meaning is not None and meaning.kind is not None:
            of_kind = by_kind.setdefault((meaning.kind, meaning.pair), [])
            of_kind += [(place, word, meaning) for place in places]
    made = []
    for rows in by_kind.values():  # each kind's, in the order of the file
        rows.sort(key=lambda one: one[0])
        where = np.array([place for place, _, _ in rows], dtype=np.int64)
        cells = [cell(data[place][1], layout.value) for place, _, _ in rows]
        kind = rows[0][2].kind
        units = [
            "" if kind is None else unit_of(kind, cell(data[place][1], layout.unit)) or unit_of(kind, word)
            for place, word, _ in rows
        ]
        made += _series(rows[0][2], where, cells, units, sparse=False)
    return made


def _series(
    meaning: Meaning, rows: Ints, cells: list[str], units: list[str], *, sparse: bool
) -> list[Series]:
    """The series of a column: one, or those of both pressures."""
    if meaning.kind is None:
        return []
    parts = [(meaning.kind, cells)]
    if meaning.pair:
        found = [_PAIR.fullmatch(text) for text in cells]
        upper = [text if one is None else one[1] for text, one in zip(cells, found, strict=True)]
        lower = ["" if one is None else one[2] for one in found]
        parts = [(Kind.SYSTOLIC, upper), (Kind.DIASTOLIC, lower)]
    return [
        Series(
            kind=kind,
            rows=rows,
            cells=texts,
            units=units,
            mean=meaning.mean,
            sparse=sparse or kind is Kind.DIASTOLIC,
        )
        for kind, texts in parts
    ]


def _with_unit(series: Series, problems: list[str]) -> Series:
    """The series with the unit that its values tell, where nothing names one."""
    if all(series.units):
        return series
    values, units, _, _ = numbers(series.cells, series.kind)
    lacking = np.array([not (own or told) for own, told in zip(units, series.units, strict=True)])
    unit = guessed(series.kind, values[lacking], problems) if lacking.any() else ""
    return replace(series, units=[told or unit for told in series.units])
