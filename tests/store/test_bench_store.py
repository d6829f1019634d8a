"""What `bench store` measures is what it says; how fast it is, is for `healthslm bench store` to say."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from healthslm.bench import store as bench
from healthslm.bench import store_data, store_decade, store_process
from healthslm.bench.store_keepers import OTHERS, OURS, Ours, access_to, opened
from healthslm.errors import MissingError, UsageError
from healthslm.readings import KINDS, Kind, Reading
from healthslm.store import rows

RHYTHM = Path("tests/data/rr")
RECORDED = store_data.beats(RHYTHM)
START = rows.micros(store_data.FIRST)


def test_a_day_is_what_a_person_wears() -> None:
    made = store_data.day(RECORDED, 3)
    begin = START + 3 * store_data.DAY_US
    for kind, _, columns in made.dense:
        assert (np.diff(columns.times) > 0).all()
        assert begin <= columns.times[0]
        assert columns.times[-1] < begin + store_data.DAY_US
        info = KINDS[kind]
        assert ((columns.values > info.low) & (columns.values < info.high)).mean() > 0.99
    sizes = {kind: len(columns.times) for kind, _, columns in made.dense}
    assert (sizes[Kind.HEART_RATE], sizes[Kind.SPO2], sizes[Kind.PULSE_RATE]) == (86_400, 28_800, 28_800)
    rr = next(columns for kind, _, columns in made.dense if kind is Kind.RR_INTERVAL)
    assert np.abs(np.diff(rr.times) - rr.values[1:] * 1000).max() < 2, "the running sum of the intervals"
    times = made.dense[0][2].times - begin
    assert not (times % 1000).any(), "whole milliseconds"
    assert np.abs(times - np.arange(86_400) * 1_000_000).max() <= 15_000
    assert {one.kind for one in made.sparse} >= {Kind.SYSTOLIC, Kind.WEIGHT}
    again = store_data.day(RECORDED, 3)
    assert all(
        np.array_equal(a.values, b.values) for (*_, a), (*_, b) in zip(made.dense, again.dense, strict=True)
    )
    assert len(store_data.one_by_one(made)) == len(made)


def test_what_is_no_rhythm_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    for path in (tmp_path / "a.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(MissingError, match="rhythm"):
            store_data.beats(path)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(MissingError, match="no recorded rhythm"):
        store_data.beats(tmp_path)


@cache
def first_day() -> tuple[store_data.Day, list[Reading]]:
    """A day, and its first readings."""
    made = store_data.day(RECORDED, 0)
    return made, store_data.one_by_one(made)[:500]


@pytest.mark.parametrize("contender", [OURS, *OTHERS], ids=lambda one: one.name)
def test_each_keeps_the_same(contender: bench.Contender, tmp_path: Path) -> None:
    if contender.absent():
        pytest.skip(f"{contender.package} is not installed")
    made, few = first_day()
    rates = [one for one in few if one.kind is Kind.HEART_RATE]
    with opened(contender, tmp_path) as keeper:
        keeper.add_list(few[:300])
        for one in few[300:]:
            keeper.add_one(one)
        keeper.commit()
    with opened(contender, tmp_path) as keeper:
        assert keeper.latest(Kind.HEART_RATE) == rates[-1].value
        times, values = keeper.window(Kind.HEART_RATE, START, START + store_data.DAY_US)
        assert times.astype(np.int64).tolist() == [rows.micros(one.time) for one in rates]
        assert values.tolist() == [one.value for one in rates]
        kind, device, columns = made.dense[1]
        keeper.add(kind, device, columns.take(columns.times > rows.micros(few[-1].time)))
        daily = keeper.daily(kind, START, START + 5 * store_data.DAY_US)
    assert daily.readings.tolist() == [len(columns.times)]
    assert daily.low.tolist() == [columns.values.min()]
    assert daily.high.tolist() == [columns.values.max()]
    assert daily.mean[0] == pytest.approx(columns.values.mean())


def test_years_made_of_a_month_are_whole(tmp_path: Path) -> None:
    with opened(OURS, tmp_path) as keeper:
        made = store_data.day(RECORDED, 2)
        for kind, device, columns in made.dense:
            keeper.add(kind, device, columns.take(slice(0, 20_000)))
        keeper.add_list(list(made.sparse))
    store_decade.multiply(access_to(tmp_path), 4)
    with opened(OURS, tmp_path) as keeper:
        assert isinstance(keeper, Ours)
        store = keeper.store
        store.verify()
        assert store.count() == 4 * (80_000 + len(made.sparse))
        rolled = store.rollup(
            Kind.RR_INTERVAL, store_data.FIRST, store_data.FIRST + timedelta(days=128), timedelta(days=32)
        )
        assert rolled.count.tolist() == [20_000] * 4
        assert len(set(rolled.mean.tolist())) == 1
    with pytest.raises(UsageError):
        store_decade.multiply(access_to(tmp_path), 2)
    assert store_decade.months(10) == 115


def test_a_process_of_its_own_says_what_it_wrote_and_held(tmp_path: Path) -> None:
    found = store_process.apart(store_process.wear, OURS.name, tmp_path, RHYTHM, 0.02)
    assert found.readings == found.commits == 72
    assert found.final > 0
    assert found.written is None or found.written > 72 * 4096, "a page a commit, at least"


def test_rows_say_where_another_one_is_better() -> None:
    measured = bench._Bench(RHYTHM, 1, 1, (), lambda _what: None)
    measured._compare("size", "MB", {"healthslm": [2.0], "Other": [1.0], "Third": [3.0]}, 1, most=5)
    assert [(r.name, r.met) for r in measured.rows] == [
        ("size", True),
        ("size: Other, which is better", None),
        ("size: Third", None),
    ]
    assert measured.summary().value == 1


def test_all_of_it_runs_and_says_who_was_left_out() -> None:
    said: list[str] = []
    missing = bench.Contender("Another", Ours, "no_such_package")
    found = bench.run(
        RHYTHM, days=1, years=0.2, hours=0.005, repeat=1, others=(missing,), progress=said.append
    )
    assert said[0] == "without Another: no_such_package is missing; pip install 'healthslm[bench]'"
    assert len({one.name for one in found}) == len(found) >= 15
    assert all(one.runs for one in found)
    assert found[-1].value == 0
