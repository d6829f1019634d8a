"""Vital signs from any CSV with times: a column a kind, or a row a reading. Several people are kept apart.

What cannot be used is named with its lines or columns, and the rest is used. Values that no living person's
sensor shows stay in, marked as `ingest` marks them. A row with a date alone is taken at noon; the mean or sum
of a day is told, but is no reading that a rule could judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import UsageError
from healthslm.importers.clock import Stamps, in_order, stamps_of
from healthslm.importers.lines import named
from healthslm.importers.rows import Rows, rows_of, text_of
from healthslm.importers.vitals_columns import Layout, breathing_of, cell, layout_of
from healthslm.importers.vitals_names import Meaning, meaning_of
from healthslm.importers.vitals_series import Series, series_of
from healthslm.importers.vitals_units import units_asked
from healthslm.importers.vitals_windows import once, windows_of
from healthslm.importers.zones import in_zone, is_twice, told_twice
from healthslm.readings import KINDS, Floats, Ints, Kind, Times, Window

_UTC = ZoneInfo("UTC")
_NOON = np.timedelta64(12, "h")
_YEARS = (1950, 2200)
_YES = frozenset(("yes", "y", "ja", "j", "oui", "si", "sí", "sim", "true", "1", "x", "detected", "irregular"))
_NAMED = 8
"""So many of the other people in a file are named."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VitalsFile:
    """What a file holds of one person.

    `windows`: by kind, values in its unit, times in UTC, the ids are the file's lines, quality as `ingest`
    marks it; all over the same time. `averages` are the kinds whose values are means or sums, mostly of a
    day: no rule judges them. `zone` is that of days and nights. Where none was given (`zoned` is false) it is
    UTC, and the file's own clock is read as such, as it stood at the beginning. `people` are all of the file.
    `loud` are the first of the `problems`: what somebody has to act on, and no rule can see.
    """

    name: str
    windows: Mapping[Kind, Window]
    averages: frozenset[Kind] = frozenset()
    person: str = ""
    people: tuple[str, ...] = ()
    zone: ZoneInfo = _UTC
    zoned: bool = False
    problems: tuple[str, ...] = ()
    loud: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(window) for window in self.windows.values())

    @property
    def judged(self) -> dict[Kind, Window]:
        """The windows that rules may be asked about."""
        return {kind: window for kind, window in self.windows.items() if kind not in self.averages}


def read_vitals(
    path: Path, *, person: str = "", units: tuple[str, ...] = (), zone: ZoneInfo | None = None
) -> VitalsFile:
    """Read one person's vital signs: the first one's, or those of `person`.

    `units` say what the file does not say, or says wrongly; `zone` is the clock's that the times were read
    off. Raises `UsageError` when the file cannot be read at all, for a unit that is none, and for a person
    who is not in it.
    """
    return VitalsTable(path, units=units, zone=zone).of(person)


class VitalsTable:
    """A file's rows, read once for all the people in it."""

    def __init__(self, path: Path, *, units: tuple[str, ...] = (), zone: ZoneInfo | None = None) -> None:
        self.name = path.name
        self.zone = zone
        self.said = units_asked(units)
        self.problems: list[str] = []
        rows = rows_of(text_of(path, kind="a CSV file with times and vital signs"), self.problems)
        if not rows:
            self.problems.append(f"{self.name}: there is no reading in it")
        self.layout = layout_of(rows, self.name, self.problems)
        self.data = [] if self.layout is None else self._each_once(rows[self.layout.first :], self.layout)
        self.header = [] if self.layout is None else rows[self.layout.first - 1][1]
        self.lines = np.array([line for line, _ in self.data], dtype=np.int64)
        self._whose = [] if self.layout is None else [cell(row, self.layout.person) for _, row in self.data]
        if self.layout is None or not self.data:
            self.stamps = Stamps(clock=np.array([], dtype="M8[us]"), ahead=np.array([]))
            self.bare = np.array([], dtype=np.bool_)
            self.series: tuple[Series, ...] = ()
            return
        self.stamps, self.bare = self._times(self.layout)
        self.series = series_of(self.data, self.layout, self._meanings(self.layout), self.problems)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody in the file, in the order of their first rows; empty where no column says."""
        named_ = self.layout is not None and self.layout.person is not None
        return tuple(dict.fromkeys(self._whose)) if named_ else ()

    def _each_once(self, rows: Rows, layout: Layout) -> Rows:
        """The rows without those that were there before, to the letter: of files that were joined.

        Only then can times that go backwards be told from a clock that was set back. In the hour that an
        autumn night has twice, the same row is another reading: there both are kept.
        """
        # A table of all rows would take as much memory as the file: only those go in whose hash comes twice.
        hashes = np.fromiter((hash(tuple(cells)) for _, cells in rows), dtype=np.int64, count=len(rows))
        found, counts = np.unique(hashes, return_counts=True)
        places = np.flatnonzero(np.isin(hashes, found[counts > 1])).tolist()
        seen: dict[tuple[str, ...], int] = {}
        again = [one for one in places if seen.setdefault(tuple(rows[one][1]), one) != one]
        if not again:
            return rows
        where = np.array(again, dtype=np.int64)
        stamps = stamps_of([layout.stamp(rows[place][1]) for place in again], where, [])
        keep = np.zeros(len(again), dtype=np.bool_)
        twice = is_twice(stamps.clock, self.zone) & ~np.isfinite(stamps.ahead)
        for run in np.split(np.arange(len(again)), np.flatnonzero(np.diff(where) > 1) + 1):
            clock = stamps.clock[run]
            hour = not np.isnat(clock).any() and clock.max() - clock.min() < np.timedelta64(1, "h")
            keep[run] = hour and bool(twice[run].all())
        dropped = set(where[~keep].tolist())
        if dropped:
            lines = [rows[place][0] for place in sorted(dropped)]
            self.problems.append(f"{named(lines)}: the same row once more; used once")
        return [row for place, row in enumerate(rows) if place not in dropped]

    def _times(self, layout: Layout) -> tuple[Stamps, NDArray[np.bool_]]:
        """The rows' times, and where there is a date alone."""
        texts = [layout.stamp(row) for _, row in self.data]
        said: list[str] = []
        stamps = stamps_of(texts, self.lines, said)
        unread = np.flatnonzero(~stamps.known).tolist()
        if 2 * len(unread) > len(texts):
            line, row = self.data[unread[0]]
            shown = " ".join(cell(row, n) for n in layout.time)[:40]
            raise UsageError(
                f"{self.name}: {len(unread):,} of {len(texts):,} rows have no time that can be read"
                f" (line {line}: {shown!r}).",
                "Write times like 2026-10-06 22:30:00, and name their column `time`.",
            )
        self.problems += said
        years = stamps.clock.astype("M8[Y]").astype(np.int64) + 1970
        never = stamps.known & ((years < _YEARS[0]) | (years > _YEARS[1]))
        if never.any():
            self.problems.append(f"{named(self.lines[never].tolist())}: nobody was measured then; not used")
            stamps.clock[never] = np.datetime64("NaT")
        bare = stamps.known & (stamps.clock == stamps.clock.astype("M8[D]"))
        for place in np.flatnonzero(bare).tolist():
            written = " ".join(cell(self.data[place][1], n) for n in layout.time)
            bare[place] = ":" not in written and not written.replace(".", "").isdigit()
        return stamps, bare

    def _meanings(self, layout: Layout) -> dict[str, Meaning]:
        """What the words of a column of kinds mean, each told of once where it is no reading."""
        if layout.kind is None:
            return {}
        words = dict.fromkeys(cell(row, layout.kind) for _, row in self.data)
        found = self._breaths(layout, {word: meaning_of(word) for word in words})
        for word, meaning in found.items():
            if meaning is None or meaning.kind is None:
                why = "no vital sign" if meaning is None else meaning.reason
                self.problems.append(f"rows of {word[:40]!r}: {why}; not used")
        return {word: meaning for word, meaning in found.items() if meaning is not None and meaning.kind}

    def _breaths(self, layout: Layout, found: dict[str, Meaning | None]) -> dict[str, Meaning | None]:
        """The same, with `RR` as breathing where its numbers beside other vital signs are that."""
        if not any(meaning is not None and meaning.kind is not None for meaning in found.values()):
            return found
        return {
            word: breathing_of(
                word, [cell(row, layout.value) for _, row in self.data if cell(row, layout.kind) == word]
            )
            or meaning
            for word, meaning in found.items()
        }

    def of(self, person: str = "") -> VitalsFile:
        """Return what there is of one person. Raises `UsageError` for one who is not in the file."""
        everybody = self.people
        problems = list(self.problems)
        if person and person not in everybody:
            there = ", ".join(everybody[:12]) or "no column says whose the rows are"
            raise UsageError(f"There is nobody {person!r} in {self.name}.", f"There is: {there}.")
        person = person or next(iter(everybody), "")
        if len(everybody) > 1:
            rest = [repr(one[:30]) for one in everybody if one != person]
            others = ", ".join(rest[:_NAMED]) + f" and {len(rest) - _NAMED} more" * (len(rest) > _NAMED)
            problems.append(f"{len(everybody)} people in one file: {person!r} is used, not {others}")
        mine = np.array([not everybody or whose == person for whose in self._whose], dtype=np.bool_)
        loud = self._loud(mine)
        problems = [*loud, *problems]
        windows, averages = self._windows(mine, problems)
        if not windows and (self.layout is None) <= bool(self.data):
            problems.append(f"{self.name}: no row has both a time and a value")
        return VitalsFile(
            name=self.name,
            windows=windows,
            averages=averages,
            person=person,
            people=everybody,
            zone=self.zone or _UTC,
            zoned=self.zone is not None,
            problems=tuple(dict.fromkeys(problems)),
            loud=tuple(loud),
        )

    def _loud(self, mine: NDArray[np.bool_]) -> list[str]:
        """What somebody has to act on that is no number: a meter's words, a cuff's mark."""
        told = [word for one in self.series for word in one.beyond(mine, self.lines)]
        flag = None if self.layout is None else self.layout.flag
        if flag is None:
            return told
        marked = [cell(row, flag).lower().strip(" .!") in _YES for _, row in self.data]
        where = self.lines[mine & np.array(marked, dtype=np.bool_)].tolist()
        if where:
            count = "1 measurement" if len(where) == 1 else f"{len(where)} measurements"
            told.append(
                f"the cuff marked an irregular heartbeat in {count} ({named(where)});"
                " see a doctor about an ECG"
            )
        return told

    def _windows(
        self, mine: NDArray[np.bool_], problems: list[str]
    ) -> tuple[dict[Kind, Window], frozenset[Kind]]:
        made: dict[Kind, tuple[Times, Floats, Ints]] = {}
        averages, at_noon = set(), []
        ordered: dict[bytes, tuple[Times, NDArray[np.int64]]] = {}
        for one in self.series:
            part = one.of(mine, self.lines, self.said, problems)
            if not len(part.rows):
                continue
            rows = part.rows if self.layout is not None and self.layout.kind is not None else part.every
            key = rows.tobytes()
            if key not in ordered:
                ordered[key] = self._ordered(rows, problems)
            times, order = ordered[key]
            has = np.isin(order, part.rows)
            times, order = times[has], order[has]
            values = part.values[np.searchsorted(part.rows, order)]
            daily, keep = self._of_days(one, order, problems)
            times, order, values = times[keep], order[keep], values[keep]
            if daily:
                times = times.astype("M8[D]") + _NOON.astype("m8[us]")
                at_noon.append(one.kind)
            if one.mean or (daily and (KINDS[one.kind].holds is not None or KINDS[one.kind].adds)):
                averages.add(one.kind)
            if not len(times):
                continue
            made[one.kind] = once(times, values, self.lines[order], one.kind, problems)
        self._tell_days(at_noon, averages, problems)
        windows = windows_of(made, problems)
        return windows, frozenset(averages & windows.keys())

    def _ordered(self, rows: Ints, problems: list[str]) -> tuple[Times, NDArray[np.int64]]:
        """The rows that have a time in its order, with their times in UTC."""
        rows = rows[self.stamps.known[rows]]
        stamps = Stamps(clock=self.stamps.clock[rows], ahead=self.stamps.ahead[rows])
        if not len(rows):
            return stamps.clock, rows
        if self.zone is not None and not np.isfinite(stamps.ahead).any():
            told = told_twice(stamps.clock, self.zone)
            stamps = stamps if told is None else Stamps(clock=stamps.clock, ahead=told)
        times, clock, order = in_order(stamps, self.lines[rows], None, problems)
        if self.zone is not None:
            ahead = stamps.ahead[np.isfinite(stamps.ahead)]
            if len(ahead):  # a file that says how far its clock is ahead needs no zone for that
                first = stamps.ahead[order][0] if np.isfinite(stamps.ahead[order][0]) else ahead[0]
                times = times - np.timedelta64(round(first * 60e6), "us")
            else:
                times = in_zone(times, clock, self.zone)
        return times, rows[order]

    def _of_days(self, series: Series, order: Ints, problems: list[str]) -> tuple[bool, NDArray[np.bool_]]:
        """Whether a series is one of days, without times, in the whole file; and which rows may be used."""
        rows = series.rows[self.stamps.known[series.rows]]
        clock, bare = self.stamps.clock[rows], self.bare[rows]
        midnight = bool(len(rows)) and bool((clock == clock.astype("M8[D]")).all())
        if midnight and (len(np.unique(clock)) > 1 or bool(bare.all())):
            return True, np.ones(len(order), dtype=np.bool_)
        bare = self.bare[order]
        if bare.any():
            where = named(sorted(self.lines[order][bare].tolist()))
            title = KINDS[series.kind].title
            problems.append(f"{title}, {where}: a date without a time, which others have; not used")
        return False, ~bare

    def _tell_days(self, at_noon: list[Kind], averages: set[Kind], problems: list[str]) -> None:
        if at_noon:
            which = ", ".join(KINDS[kind].title for kind in at_noon)
            problems.append(f"{which}: a date without a time of day; taken at noon")
        if averages:
            which = ", ".join(KINDS[kind].title for kind in Kind if kind in averages)
            problems.append(f"{which}: means or sums, no single readings; told, but no rule judges them")
