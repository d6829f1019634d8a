"""What goes into a store comes out of it: readings, windows, duplicates."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.errors import StoreError
from healthslm.readings import Kind, Quality, Reading, Window, reading
from healthslm.store import CHEAPEST, Store, create, open_store
from healthslm.store.rows import KIND_CODES
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

# Few enough times, kinds and devices for duplicates to be found.
TIMES = st.integers(0, 50).map(lambda n: DAY + timedelta(microseconds=n * 333_333))
ANYTIME = st.datetimes(
    datetime(2, 1, 1),  # noqa: DTZ001  the zones come with each
    datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
READINGS = st.builds(
    Reading,
    time=TIMES | ANYTIME,
    kind=st.sampled_from(Kind),
    value=st.floats(allow_nan=False, allow_infinity=False).map(lambda v: v + 0.0),  # SQLite knows no -0.0
    device=st.sampled_from(["AA:01", "AA:02", "ü-Band"]),
    quality=st.integers(0, 127).map(Quality),
    sequence=st.none() | st.integers(0, 2**63 - 1),
)


def everything(store: Store, kind: Kind) -> Window:
    return store.window(kind, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def test_a_code_never_changes_and_every_kind_has_one() -> None:
    assert KIND_CODES == {
        Kind.HEART_RATE: 1,
        Kind.RR_INTERVAL: 2,
        Kind.SPO2: 3,
        Kind.PULSE_RATE: 4,
        Kind.TEMPERATURE: 5,
        Kind.SYSTOLIC: 6,
        Kind.DIASTOLIC: 7,
        Kind.MEAN_ARTERIAL: 8,
        Kind.BATTERY: 9,
        Kind.GLUCOSE: 10,
        Kind.SENSOR_GLUCOSE: 11,
        Kind.WEIGHT: 12,
        Kind.BODY_FAT: 13,
        Kind.RESPIRATORY_RATE: 14,
        Kind.PERFUSION_INDEX: 15,
        Kind.PULSE_INTERVAL: 16,
        Kind.STEPS: 17,
        Kind.ENERGY: 18,
        Kind.DISTANCE: 19,
        Kind.SPEED: 20,
        Kind.CADENCE: 21,
        Kind.SLEEP_DURATION: 22,
        Kind.ECG: 23,
        Kind.ACCELERATION: 24,
        Kind.MOVEMENT: 25,
    }
    assert set(KIND_CODES) == set(Kind), "a new kind needs the next free code in rows.py, and a line here"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(READINGS, max_size=12), max_size=4), commit=st.booleans())
@pytest.mark.parametrize("seal_after", [1, 7, 1000])
def test_windows_hold_exactly_what_was_appended(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Reading]], commit: bool, seal_after: int
) -> None:
    store, _ = create(tmp_path_factory.mktemp("store"), PASSPHRASE, profile=CHEAPEST)
    store.seal_after = seal_after
    expected: dict[tuple[Kind, str, datetime], Reading] = {}
    returned: list[Reading] = []
    for batch in batches:
        new = []
        for given_ in batch:
            key = (given_.kind, given_.device, given_.time.astimezone(UTC))
            if key not in expected:
                expected[key] = given_
                new.append(given_)
        stored = store.append(batch)
        assert [replace(r, id=None) for r in stored] == new
        returned += stored
        if commit:
            store.commit()
    assert store.count() == len(expected) == len({r.id for r in returned})
    for kind in Kind:
        mine = [r for r in returned if r.kind is kind]
        window, wanted = everything(store, kind), Window.of(kind, DAY, DAY, ())
        wanted = Window.of(kind, window.start, window.end, mine)
        assert sorted(zip(window.times, window.values, window.ids, window.quality, strict=True)) == sorted(
            zip(wanted.times, wanted.values, wanted.ids, wanted.quality, strict=True)
        )
        assert np.all(window.times[1:] >= window.times[:-1])
        assert [a.dtype for a in (window.times, window.values, window.ids, window.quality)] == [
            a.dtype for a in (wanted.times, wanted.values, wanted.ids, wanted.quality)
        ]
    for one in returned:
        assert one.id is not None
        assert store.reading(one.id) == one


def test_a_window_is_half_open_and_of_one_kind(store: Store) -> None:
    store.append(heart_rates(10))
    store.append([replace(heart_rates(1)[0], kind=Kind.SPO2)])
    window = store.window(Kind.HEART_RATE, DAY + timedelta(seconds=2), DAY + timedelta(seconds=5))
    assert window.values.tolist() == [r.value for r in heart_rates(3, first=2)]
    assert len(store.window(Kind.TEMPERATURE, DAY, DAY + timedelta(days=1))) == 0
    assert store.kinds(DAY, DAY + timedelta(seconds=1)) == {Kind.HEART_RATE, Kind.SPO2}
    assert store.kinds(DAY + timedelta(seconds=1), DAY + timedelta(days=1)) == {Kind.HEART_RATE}


def test_the_store_knows_its_ends(store: Store) -> None:
    assert (store.span(), store.latest(Kind.SPO2), store.reading(1), store.count()) == (None, None, None, 0)
    stored = store.append(heart_rates(100))
    assert store.span() == (DAY, DAY + timedelta(seconds=99))
    assert store.latest(Kind.HEART_RATE) == stored[-1]
    assert store.reading(2**70) is None
    assert store.bytes_on_disk() > 4096


def test_what_was_there_already_is_left_out(store: Store) -> None:
    first = store.append(heart_rates(5))
    again = store.append(heart_rates(8))
    assert [r.sequence for r in again] == [5, 6, 7]
    assert {r.id for r in first}.isdisjoint(r.id for r in again)
    assert store.append([replace(heart_rates(1)[0], value=99)]) == []  # the first one stands
    assert store.append([replace(heart_rates(1)[0], device="another")]) != []


def test_a_record_sent_again_is_left_out_though_its_clock_is_wrong(store: Store) -> None:
    # With a wrong clock the time is that of reception, so only the device's own time tells.
    cuff = Reading(
        time=DAY,
        kind=Kind.SYSTOLIC,
        value=142,
        device="cuff",
        device_time=datetime(2000, 1, 1, 0, 7),  # noqa: DTZ001  a device's clock has no zone
        quality=Quality.CLOCK_CORRECTED,
    )
    later = replace(cuff, time=DAY + timedelta(minutes=3))
    (stored,) = store.append([cuff])
    assert stored.id is not None
    assert store.reading(stored.id) == stored
    assert store.append([later]) == []
    assert len(store.append([replace(later, value=140)])) == 1
    assert len(store.append([replace(later, time=DAY + timedelta(hours=1), sequence=1)])) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": math.nan}, "its value nan is no number"),
        ({"value": math.inf}, "its value inf is no number"),
        ({"time": datetime(2026, 1, 1)}, "its time has no time zone"),  # noqa: DTZ001  that is the point
        ({"device_time": DAY}, "its device_time has a time zone"),
        ({"sequence": -1}, "sequence number -1 is out of range"),
        ({"sequence": 2**63}, "is out of range"),
        ({"device": "\ud800"}, "not Unicode"),
    ],
)
def test_what_no_row_can_hold_is_refused_whole(store: Store, change: dict[str, object], says: str) -> None:
    good = heart_rates(3)
    bad = replace(heart_rates(1, first=3)[0], **change)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=says):
        store.append([*good, bad])
    assert store.count() == 0
    assert len(store.append(good)) == 3


def test_a_naive_time_is_refused_everywhere(store: Store) -> None:
    with pytest.raises(StoreError, match="no time zone"):
        store.window(Kind.SPO2, datetime(2026, 1, 1), DAY)  # noqa: DTZ001  that is the point


def test_an_id_is_never_given_twice(store: Store, folder: Path) -> None:
    (last,) = store.append(heart_rates(1))
    store._database.rows("DELETE FROM readings")
    store.commit()
    store.close()
    with open_store(folder, PASSPHRASE) as again:
        (new,) = again.append(heart_rates(1))
        assert last.id is not None
        assert new.id == last.id + 1


def test_commits_are_grouped_to_a_second(store: Store, folder: Path) -> None:
    def durable() -> int:
        with open_store(folder, PASSPHRASE) as other:
            return other.count()

    assert not store.commit_if_due(99.0), "nothing to commit"
    store.append(heart_rates(1))
    assert (store.count(), durable()) == (1, 0)
    assert store.commit_if_due(100.0), "after a quiet time at once"
    store.append(heart_rates(1, first=1))
    assert not store.commit_if_due(100.8)
    assert (store.count(), durable()) == (2, 1)
    assert store.commit_if_due(101.0)
    assert durable() == 2
    store.append(heart_rates(1, first=2))
    assert store.commit_if_due(3.0), "a clock that went back is no reason to wait"


def test_a_reading_made_fast_is_the_very_same() -> None:
    slow = Reading(
        time=DAY,
        kind=Kind.GLUCOSE,
        value=104.0,
        device="AA:01",
        quality=Quality.FROZEN,
        sequence=3,
        context="x",
    )
    fast = reading(DAY, Kind.GLUCOSE, 104.0, "AA:01", Quality.FROZEN, None, 3, None, "x")
    assert (fast, type(fast), hash(fast), repr(fast)) == (slow, Reading, hash(slow), repr(slow))
    with pytest.raises(AttributeError):
        fast.value = 1.0  # type: ignore[misc]  # that it is frozen is the point


def test_what_a_device_said_beside_a_reading_is_kept(store: Store) -> None:
    (stored,) = store.append([reading(DAY, Kind.GLUCOSE, 104.0, "AA:01", context="after a meal")])
    assert stored.id is not None
    assert store.reading(stored.id) == stored
    assert stored.context == "after a meal"


def test_singles_are_those_of_which_more_is_kept_than_a_window_holds(store: Store) -> None:
    plain = Reading(time=DAY, kind=Kind.HEART_RATE, value=61.0, device="AA:01")
    told = replace(plain, time=DAY + timedelta(seconds=1), sequence=7, context="fasting")
    after = replace(told, time=DAY + timedelta(seconds=2), sequence=8)
    _, kept, _ = store.append([plain, told, after])
    assert store.singles(Kind.HEART_RATE, DAY, after.time) == [kept]
    assert store.singles(Kind.SPO2, DAY, after.time) == []


def test_one_by_one_is_the_same_as_together(store: Store) -> None:
    """Ids go on, duplicates are left out, whichever way a reading goes in, and across commits."""
    ids = []
    for n, one in enumerate(heart_rates(6)):
        ids += [r.id for r in store.append([one])]
        assert store.append([one]) == []
        if n % 2:
            store.commit()
    ids += [r.id for r in store.append(heart_rates(9))]
    assert ids == sorted(set(ids), key=lambda id_: id_ or 0)
    assert store.count() == 9
