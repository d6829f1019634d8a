"""The store's speed and size, side by side with rows in SQLite, SQLCipher and DuckDB, on the same data."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.bench import store_data, store_decade, store_process
from healthslm.bench.rows import Row, row
from healthslm.bench.store_data import DAY_US
from healthslm.bench.store_keepers import OTHERS, OURS, Contender, Ours, access_to, opened
from healthslm.errors import StoreError
from healthslm.readings import Kind, Reading
from healthslm.store import rows as store_rows

Progress = Callable[[str], None]
Runs = Mapping[str, Sequence[float]]
_START = store_rows.micros(store_data.FIRST)
_YEAR_US = 365 * DAY_US
_BATCH = 10_000
_ONES_S = 2.0
_MB = 1e6
_OTHERS_HOURS = 0.25
"""How long the others are watched at 1 Hz: what they write a second does not change over the day."""


def run(
    rhythm: Path,
    *,
    days: int = 32,
    years: float = 10,
    hours: float = 24,
    repeat: int = 3,
    others: Sequence[Contender] = OTHERS,
    progress: Progress = lambda _what: None,
) -> list[Row]:
    """Measure everything and return the table's rows.

    `days` are stored by it and each of `others`, `years` by the encrypted store alone; `hours` is how long
    that one is watched at one reading and one commit a second. `rhythm` is a recorded rhythm or a folder of
    them. Raises `StoreError` when two contenders do not say the same: then nothing was measured.
    """
    bench = _Bench(rhythm, days, repeat, others, progress)
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as temporary:
        bench.folder = Path(temporary)
        bench.store_all()
        bench.ask_all()
        bench.one_day()
        bench.memory()
        bench.wear(hours)
        bench.decade(years)
    return [*bench.rows, bench.summary()]


class _Bench:
    """The contenders, the folder they work in, and the rows measured so far."""

    def __init__(
        self, rhythm: Path, days: int, repeat: int, others: Sequence[Contender], progress: Progress
    ) -> None:
        self.folder = Path()
        self.rows: list[Row] = []
        self._rhythm = rhythm
        self._recorded = store_data.beats(rhythm)
        self._days = days
        self._repeat = repeat
        self._progress = progress
        self._better = 0
        self._contenders = (OURS, *(one for one in others if not one.absent()))
        for one in others:
            if one.absent():
                progress(f"without {one.name}: {one.package} is missing; pip install 'healthslm[bench]'")

    def _place(self, contender: Contender, what: str) -> Path:
        place = self.folder / what / contender.name
        place.mkdir(parents=True)
        return place

    def _stored(self, contender: Contender) -> Path:
        return self.folder / "days" / contender.name

    def _compare(
        self, name: str, unit: str, runs: Runs, decimals: int, *, least: float | None = None,
        most: float | None = None, more_is_better: bool = False,
    ) -> None:  # fmt: skip
        """Add a row for each contender, ours first, which alone has something to reach."""
        ours = row(name, unit, runs[OURS.name], decimals, least=least, most=most)
        self.rows.append(ours)
        for contender, values in runs.items():
            if contender == OURS.name:
                continue
            other = row(f"{name}: {contender}", unit, values, decimals)
            if (other.value > ours.value) if more_is_better else (other.value < ours.value):
                self._better += 1
                other = replace(other, name=f"{other.name}, which is better")
            self.rows.append(other)

    def summary(self) -> Row:
        """Count the rows of another one that are better."""
        return row("rows on which another one is better", "", [float(self._better)])

    # Storing

    def store_all(self) -> None:
        """Store the days in bulk: how fast, and how big the files are when closed."""
        rates: dict[str, list[float]] = {}
        sizes: dict[str, list[float]] = {}
        for contender in self._contenders:
            self._progress(f"{self._days} days into {contender.name}")
            place = self._place(contender, "days")
            dense = stored = 0
            took = 0.0
            with opened(contender, place) as keeper:
                for made in store_data.days(self._recorded, self._days):
                    gc.collect()
                    began = time.perf_counter()
                    for columns in made.dense:
                        keeper.add(*columns)
                    keeper.add_list(list(made.sparse))
                    keeper.commit()
                    took += time.perf_counter() - began
                    stored += len(made)
                    dense += len(made) - len(made.sparse)
            rates[contender.name] = [stored / took]
            sizes[contender.name] = [store_process.size(place) / dense]
        self._compare("stored in bulk, durable", "readings/s", rates, 0, least=200_000, more_is_better=True)
        self._compare("bytes a dense reading, all files", "bytes", sizes, 2, most=1.5)

    def one_day(self) -> None:
        """Store a day's readings as objects: ten thousand at a time, and one by one as they come in."""
        readings = store_data.one_by_one(store_data.day(self._recorded, 0))
        many: dict[str, list[float]] = {}
        ones: dict[str, list[float]] = {}
        for contender in self._contenders:
            self._progress(f"readings one by one into {contender.name}")
            for number in range(self._repeat):
                with opened(contender, self._place(contender, f"many-{number}")) as keeper:
                    began = time.perf_counter()
                    for at in range(0, len(readings), _BATCH):
                        keeper.add_list(readings[at : at + _BATCH])
                        keeper.commit()
                    rate = len(readings) / (time.perf_counter() - began)
                    many.setdefault(contender.name, []).append(rate)
                with opened(contender, self._place(contender, f"ones-{number}")) as keeper:
                    ones.setdefault(contender.name, []).append(
                        _one_by_one(keeper.add_one, readings, keeper.commit)
                    )
        self._compare(
            "stored as objects, 10,000 a commit", "readings/s", many, 0, least=200_000, more_is_better=True
        )
        self._compare(
            "stored one by one, a commit a second", "readings/s", ones, 0, least=20_000, more_is_better=True
        )

    # Asking

    def ask_all(self) -> None:
        """Ask for a day of seconds, for each day's roll-up, and open: each time of newly opened files."""
        opening: dict[str, list[float]] = {}
        windows: dict[str, list[float]] = {}
        rolled: dict[str, list[float]] = {}
        answers: dict[str, NDArray[np.float64]] = {}
        for contender in self._contenders:
            self._progress(f"questions to {contender.name}")
            for number in range(self._repeat):
                begin = _START + (number * 7 % self._days) * DAY_US
                timed = _asked(contender, self._stored(contender), begin)
                opening.setdefault(contender.name, []).append(timed.opening)
                windows.setdefault(contender.name, []).append(timed.window)
                rolled.setdefault(contender.name, []).append(timed.daily)
                answers[contender.name] = timed.answer
        ours = answers[OURS.name]
        for name, answer in answers.items():
            if ours.shape != answer.shape or not np.allclose(ours, answer):
                raise StoreError(f"{name} and {OURS.name} gave different answers.", "Please report this.")
        self._compare("a day of 1 Hz as numpy", "ms", windows, 1, most=5)
        self._compare(f"daily min, mean, max of {self._days} days", "ms", rolled, 2, most=5)
        self._compare(f"opening and the newest value, {self._days} days", "ms", opening, 1)

    # In a process of its own

    def memory(self) -> None:
        """Measure the memory that storing takes."""
        found: dict[str, list[float]] = {}
        for contender in self._contenders:
            self._progress(f"memory of {contender.name}")
            for number in range(self._repeat):
                place = self._place(contender, f"memory-{number}")
                held = store_process.apart(store_process.memory, contender.name, place, self._rhythm)
                if held is None:
                    self._progress("without memory: no /proc here that says")
                    return
                found.setdefault(contender.name, []).append(held / _MB)
        self._compare("memory while storing, above idle", "MB", found, 1, most=60)

    def wear(self, hours: float) -> None:
        """Measure what is written at one reading and one commit a second."""
        for contender in self._contenders:
            span = hours if contender is OURS else min(hours, _OTHERS_HOURS)
            self._progress(f"{span:g} hours at 1 Hz into {contender.name}")
            place = self._place(contender, "wear")
            found = store_process.apart(store_process.wear, contender.name, place, self._rhythm, span)
            self.rows += _worn(contender, found, span)

    # Ten years

    def decade(self, years: float) -> None:
        """Open and ask the encrypted store with many years in it."""
        count = store_decade.months(years)
        self._progress(f"{years:g} years into {OURS.name}")
        place = self._place(OURS, "decade")
        with opened(OURS, place) as keeper:
            for made in store_data.days(self._recorded, min(self._days, 32)):
                keeper.add_list(list(made.sparse))  # first, so that no hour's roll-up is left to be done
                for columns in made.dense:
                    keeper.add(*columns)
                keeper.commit()
        access = access_to(place)
        store_decade.multiply(access, count)
        end = _START + count * store_decade.MONTH_US
        opening, windows, first, last = [], [], [], []
        for number in range(self._repeat):
            middle = (
                _START + (count // 2) * store_decade.MONTH_US + (number * 7 % min(self._days, 32)) * DAY_US
            )
            timed = _asked(OURS, place, middle)
            opening.append(timed.opening)
            windows.append(timed.window)
            first.append(_daily_ms(place, _START))
            last.append(_daily_ms(place, end - _YEAR_US))
        ours = Ours(place)
        stored, wide = ours.store.count(), f"{years:g} years"
        ours.close()
        self.rows += [
            row(f"readings in {wide}", "", [float(stored)]),
            row(f"size of {wide}", "MB", [store_process.size(place) / _MB]),
            row(f"opening and the newest value, {wide}, without Argon2", "ms", opening, 1, most=50),
            row(f"a day of 1 Hz as numpy, {wide} stored", "ms", windows, 1, most=5),
            row(f"daily min, mean, max of the first year, {wide} stored", "ms", first, 2, most=5),
            row(f"daily min, mean, max of the last year, {wide} stored", "ms", last, 2, most=5),
        ]


def _one_by_one(
    add: Callable[[Reading], None], readings: Iterable[Reading], commit: Callable[[], None]
) -> float:
    """Store one reading after the other for a while; return how many a second became durable."""
    began = time.perf_counter()
    count = 0
    for one in readings:
        add(one)
        count += 1
        if count % 100 == 0 and time.perf_counter() - began > _ONES_S:
            break
    commit()
    return count / (time.perf_counter() - began)


class _Asked(NamedTuple):
    """How long it took, in ms, and what was said of each day."""

    opening: float
    window: float
    daily: float
    answer: NDArray[np.float64]


def _asked(contender: Contender, place: Path, begin: int) -> _Asked:
    """Open, and ask for the day from `begin` on and for the roll-up of a year of days."""
    if contender is OURS:
        access = access_to(place)
        contender = contender._replace(open=lambda folder: Ours(folder, access))
    gc.collect()
    at = [time.perf_counter()]
    keeper = contender.open(place)
    try:
        keeper.latest(Kind.HEART_RATE)
        at.append(time.perf_counter())
        keeper.window(Kind.HEART_RATE, begin, begin + DAY_US)
        at.append(time.perf_counter())
        found = keeper.daily(Kind.HEART_RATE, _START, _START + _YEAR_US)
        at.append(time.perf_counter())
    finally:
        keeper.close()
    opening, window, daily = (np.diff(at) * 1000).tolist()
    return _Asked(opening, window, daily, np.array(found, np.float64))


def _daily_ms(place: Path, begin: int) -> float:
    """Return how long a year's daily roll-up takes in a store that was just opened."""
    with opened(OURS, place) as keeper:
        keeper.latest(Kind.HEART_RATE)
        began = time.perf_counter()
        keeper.daily(Kind.HEART_RATE, begin, begin + _YEAR_US)
        return (time.perf_counter() - began) * 1000


def _worn(contender: Contender, found: store_process.Wear, hours: float) -> list[Row]:
    """Say what a stretch at 1 Hz wrote, per reading and beside what it takes in the end."""
    where = f"{hours:g} hours at 1 Hz" + ("" if contender is OURS else f": {contender.name}")
    final = found.final / found.readings
    most = 4 * final if contender is OURS else None
    rows = [row(f"bytes a reading kept, {where}", "bytes", [final], 1)]
    for what, total in (("to disk", found.flushed), ("by calls", found.written)):
        if total is not None:
            limit = most if what == "to disk" else None
            rows.append(
                row(f"bytes a reading written {what}, {where}", "bytes", [total / found.readings], most=limit)
            )
    return rows
