"""What is kept for how long: the plan, the clock that must not be believed, and what is left."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from healthslm.errors import UsageError
from healthslm.readings import Kind, Reading
from healthslm.store import Store
from healthslm.store.codec import Columns
from healthslm.store.retention import (
    Policy,
    carry_out,
    decide,
    group_of,
    plan,
    policy,
    spans,
)
from healthslm.store.rows import micros
from tests.making import DAY

D = timedelta(days=1)


def fill(store: Store, kind: Kind, days: int) -> None:
    """A reading each minute, up to now (`DAY`)."""
    times = micros(DAY - days * D) + np.arange(days * 1440) * 60_000_000
    store.append_columns(
        kind, "AA:01", Columns(times, np.full(len(times), 1.0), np.zeros(len(times), np.int16))
    )
    store.commit()


def first(store: Store, kind: Kind) -> datetime:
    ends = store.span_of(kind)
    assert ends is not None
    return ends[0]


def test_every_kind_has_its_group() -> None:
    assert {group_of(kind) for kind in (Kind.ECG, Kind.ACCELERATION)} == {"waveform"}
    dense = (Kind.HEART_RATE, Kind.SPO2, Kind.RR_INTERVAL, Kind.MOVEMENT)
    assert {group_of(kind) for kind in dense} == {"dense"}
    assert {group_of(kind) for kind in (Kind.SYSTOLIC, Kind.WEIGHT, Kind.GLUCOSE)} == {"sparse"}


def test_what_is_too_old_goes_and_nothing_else(store: Store) -> None:
    fill(store, Kind.ECG, 60)
    fill(store, Kind.HEART_RATE, 60)
    store.append([Reading(time=DAY - 900 * D, kind=Kind.WEIGHT, value=80, device="scale")])
    carry_out(store, DAY)
    assert first(store, Kind.ECG) == DAY - 30 * D
    assert first(store, Kind.HEART_RATE) == DAY - 60 * D
    assert first(store, Kind.WEIGHT) == DAY - 900 * D
    store.verify()


def test_twice_a_day_is_once(store: Store) -> None:
    fill(store, Kind.ECG, 60)
    assert carry_out(store, DAY) == {Kind.ECG: 30 * 1440}
    store.append([Reading(time=DAY + D, kind=Kind.WEIGHT, value=80, device="scale")])
    assert carry_out(store, DAY + timedelta(hours=23)) == {}
    assert carry_out(store, DAY + D) == {Kind.ECG: 1440}


@pytest.mark.parametrize("jump", [timedelta(days=365), timedelta(days=3650)])
def test_a_clock_that_stands_ahead_makes_everything_a_day_older(store: Store, jump: timedelta) -> None:
    fill(store, Kind.ECG, 30)
    for day in range(10):  # it measures on, by that clock
        store.append([Reading(time=DAY + jump + day * D, kind=Kind.WEIGHT, value=80, device="scale")])
        carry_out(store, DAY + jump + day * D)
        assert first(store, Kind.ECG) == DAY - 30 * D + (day + 1) * D


def test_a_clock_ahead_and_nothing_measured_takes_nothing(store: Store) -> None:
    fill(store, Kind.ECG, 30)
    assert carry_out(store, DAY + 3650 * D) == {}


def test_a_clock_that_was_set_back_keeps_what_is_young_by_it(store: Store) -> None:
    fill(store, Kind.ECG, 60)
    assert carry_out(store, DAY - 60 * D) == {}


def test_a_month_without_power_makes_nothing_older(store: Store) -> None:
    fill(store, Kind.ECG, 20)
    store.append([Reading(time=DAY + 60 * D, kind=Kind.WEIGHT, value=80, device="scale")])
    assert carry_out(store, DAY + 60 * D) == {}
    assert first(store, Kind.ECG) == DAY - 20 * D


def test_the_plan_says_when_what_is_not_due_will_be(store: Store) -> None:
    fill(store, Kind.ECG, 10)
    (deletion,) = plan(policy(store), spans(store), store.days(), DAY)
    assert (deletion.kind, deletion.due) == (Kind.ECG, DAY + 21 * D)


def test_a_decision_is_checked_and_a_kind_goes_before_its_group() -> None:
    decided = decide(decide(Policy(), "dense", 90), "heart_rate", None)
    assert decided.days_of(Kind.HEART_RATE) is None
    assert decided.days_of(Kind.SPO2) == 90
    for name, days in (("hair", 90), ("dense", 3), ("dense", -1), ("dense", 10**9)):
        with pytest.raises(UsageError):
            decide(Policy(), name, days)


def test_a_setting_that_cannot_be_read_deletes_nothing(store: Store) -> None:
    fill(store, Kind.ECG, 60)
    store.put("retention", {"days": {"ecg": "soon"}})
    with pytest.raises(UsageError):
        carry_out(store, DAY)
    assert first(store, Kind.ECG) == DAY - 60 * D


def test_what_was_deleted_is_in_the_trail_and_its_roll_up_is_kept(store: Store) -> None:
    fill(store, Kind.ECG, 60)
    before = store.rollup(Kind.ECG, DAY - 60 * D, DAY, D)
    carry_out(store, DAY)
    (entry,) = store.trail()
    assert entry.detail == {"kind": "ecg", "before": (DAY - 30 * D).isoformat(), "readings": 30 * 1440}
    after = store.rollup(Kind.ECG, DAY - 60 * D, DAY, D)
    assert np.array_equal(before.count, after.count)


def test_nothing_of_it_is_left_in_the_file(store: Store) -> None:
    """Not even for who has the key: what was deleted is in no page, used or free."""
    said = "a word that stands nowhere else"
    store.append(
        [Reading(time=DAY - 60 * D, kind=Kind.GLUCOSE, value=99, device="meter", context=said)],
    )
    fill(store, Kind.HEART_RATE, 40)
    store.put("retention", {"days": {"glucose": 30}})
    store.commit()
    assert carry_out(store, DAY) == {Kind.GLUCOSE: 1}
    plain = (
        b"".join(bytes(page) for (page,) in store._database.rows("SELECT data FROM sqlite_dbpage"))
        if _has_dbpage(store)
        else bytes(store._database._connection.serialize("main") or b"")
    )
    assert said.encode() not in plain
    assert store._database.value("PRAGMA freelist_count") == 0


def _has_dbpage(store: Store) -> bool:
    return bool(store._database.value("SELECT count(*) FROM pragma_module_list WHERE name = 'sqlite_dbpage'"))
