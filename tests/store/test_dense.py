"""Dense readings: compressed, sealed, late, twice, corrected, deleted, forgotten; and their roll-ups."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.errors import DamagedError, MissingError, StoreError, UsageError
from healthslm.readings import Kind, Quality, Reading
from healthslm.store import CHEAPEST, Store, create, ids, open_store
from healthslm.store.codec import Columns, decode, encode
from healthslm.store.ids import DENSE
from tests.making import DAY
from tests.store.conftest import PASSPHRASE

STRAP = "C0:FF:EE:00:00:01"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def beats(count: int, start: datetime = DAY, step: timedelta = SECOND, device: str = STRAP) -> list[Reading]:
    """Heart rates that wander, as their strap sends them: nothing but the value."""
    return [
        Reading(time=start + n * step, kind=Kind.HEART_RATE, value=60 + n * n % 23, device=device)
        for n in range(count)
    ]


def columns(count: int, start: datetime = DAY, step_us: int = 1_000_000) -> Columns:
    """The same as columns."""
    first = round(start.timestamp() * 1e6)
    n = np.arange(count)
    return Columns(first + n * step_us, 60.0 + n * n % 23, np.zeros(count, np.int16))


def values(store: Store, kind: Kind = Kind.HEART_RATE) -> list[float]:
    window = store.window(kind, DAY - timedelta(days=999), DAY + timedelta(days=999))
    return [float(value) for value in window.values]


# Codec

FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-300, 300).map(float)
TICKS = st.integers(0, 4000).map(lambda n: timedelta(seconds=n / 1024).total_seconds() * 1000)


@given(
    st.lists(st.integers(1, 10**9) | st.integers(1, 3).map(lambda n: n * 1_000_000), min_size=1, max_size=50),
    st.data(),
    st.sampled_from([FLOATS, TICKS, st.integers(20, 200).map(lambda n: n / 10)]),
)
def test_a_stretch_comes_back_bit_by_bit(
    steps: list[int], data: st.DataObject, value: st.SearchStrategy
) -> None:
    size = len(steps)
    made = Columns(
        np.cumsum(np.array(steps, np.int64)) - 10**9,
        np.array(data.draw(st.lists(value, min_size=size, max_size=size)), np.float64),
        np.array(data.draw(st.lists(st.integers(0, 127), min_size=size, max_size=size)), np.int16),
    )
    back = decode(encode(made))
    assert [column.tobytes() for column in back] == [column.tobytes() for column in made]
    assert [column.dtype for column in back] == [column.dtype for column in made]


@given(st.binary(max_size=80), st.integers(0, 200), st.integers(0, 255))
def test_any_other_bytes_are_a_damage(noise: bytes, at: int, octet: int) -> None:
    good = bytearray(encode(columns(30)))
    good[at % len(good)] = octet
    for data in (noise, bytes(good), bytes(good[: at % len(good)])):
        try:
            found = decode(data)
        except DamagedError:
            continue
        assert len(found.times) == len(found.values) == len(found.quality)


def test_beats_take_a_byte_and_seconds_less(store: Store) -> None:
    rng = np.random.default_rng(1)
    ticks = np.rint(800 + 40 * rng.standard_normal(50_000)).astype(int)
    spans = np.rint(ticks * 1e6 / 1024).astype(np.int64)
    made = Columns(np.cumsum(spans), spans / 1e6 * 1000.0, np.zeros(len(ticks), np.int16))
    assert len(encode(made)) / len(ticks) < 1.1


# Storing


@pytest.mark.parametrize("seal_after", [1, 10, 10_000])
def test_what_goes_in_comes_out_sealed_or_not(folder: Path, seal_after: int) -> None:
    made, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    given_ = beats(50)
    with made:
        made.seal_after = seal_after
        stored = []
        for at in range(0, 50, 5):
            stored += made.append(given_[at : at + 5])
            made.commit()
            assert values(made) == [r.value for r in given_[: at + 5]]
        assert all(one.id and one.id >= DENSE for one in stored)
        assert made.append(given_) == []
    with open_store(folder, PASSPHRASE) as again:
        assert [again.reading(one.id or 0) for one in stored] == stored
        assert again.count() == 50
        assert again.latest(Kind.HEART_RATE) == again.latest_of(STRAP, Kind.HEART_RATE) == stored[-1]
        assert again.span() == (DAY, DAY + 49 * SECOND)
        assert again.sources(Kind.HEART_RATE, DAY, DAY + SECOND) == (STRAP,)
        assert again.sources(Kind.HEART_RATE, DAY + 50 * SECOND, DAY + HOUR) == ()
        assert again.kinds(DAY, DAY + SECOND) == {Kind.HEART_RATE}
        assert again.append(given_) == []
        again.verify()


def test_another_process_sees_what_was_committed(folder: Path) -> None:
    made, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with made, open_store(folder, PASSPHRASE) as reader:
        made.seal_after = 30
        for at in range(0, 100, 10):
            made.append(beats(10, DAY + at * SECOND))
            assert reader.count() == at
            made.commit()
            assert reader.count() == at + 10
            assert len(values(reader)) == at + 10


def test_two_writers_take_turns_and_lose_nothing(folder: Path) -> None:
    one, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with one, open_store(folder, PASSPHRASE) as other:
        one.seal_after = 25
        for at in range(0, 100, 10):
            for store in (one, other):
                store.append(beats(10, DAY + at * SECOND))  # the second time they are there already
                store.commit()
        assert values(one) == values(other) == [r.value for r in beats(10)] * 10
        one.verify()


def test_a_late_one_is_sorted_in_and_a_second_one_left_out(store: Store) -> None:
    store.seal_after = 1
    given_ = beats(100)
    store.append(given_[::2])
    store.commit()
    assert len(store.append(given_[:60])) == 30
    store.commit()
    assert len(store.append(given_)) == 20
    store.commit()
    assert values(store) == [r.value for r in given_]
    store.verify()


def test_one_with_more_to_say_is_a_row_and_knows_the_dense_one(store: Store) -> None:
    (dense,) = store.append(beats(1))
    assert store.append([replace(beats(1)[0], sequence=7)]) == []
    (row,) = store.append([replace(beats(2)[1], sequence=8)])
    assert row.id is not None
    assert row.id < DENSE
    assert store.append([beats(2)[1]]) == []
    assert values(store) == [60, 61]
    assert store.window(Kind.HEART_RATE, DAY, DAY + HOUR).ids.tolist() == [dense.id, row.id]


def test_what_was_not_committed_is_undone_with_the_rest(store: Store) -> None:
    store.append(beats(5))
    with pytest.raises(StoreError):
        store.append([*beats(9), replace(beats(1)[0], value=float("nan"))])
    assert len(values(store)) == 5
    store._database.rows("ROLLBACK")  # as a full disk does
    store.append(beats(7))
    store.commit()
    assert values(store) == [r.value for r in beats(7)]


def test_days_are_handed_out_one_by_one(store: Store) -> None:
    store.append_columns(Kind.HEART_RATE, STRAP, columns(300, DAY - 100 * SECOND))
    parts = list(store.readings(Kind.HEART_RATE, DAY - HOUR, DAY + 100 * timedelta(days=1)))
    assert sum(len(part) for part in parts) == 300
    assert all(part.start < part.end <= part.start + timedelta(days=1) for part in parts)


# Columns


def test_columns_are_the_same_as_readings_one_by_one(store: Store) -> None:
    assert store.append_columns(Kind.HEART_RATE, STRAP, columns(90_000)) == 90_000
    assert store.append_columns(Kind.HEART_RATE, STRAP, columns(90_001)) == 1
    assert store.append(beats(5)) == []
    store.commit()
    assert values(store)[:100] == [r.value for r in beats(100)]
    assert store.count() == 90_001
    store.verify()


def test_columns_that_cannot_be_are_refused_whole(store: Store) -> None:
    good = columns(10)
    for kind, made, why in (
        (Kind.WEIGHT, good, "are rows"),
        (Kind.HEART_RATE, good._replace(values=good.values[:5]), "different lengths"),
        (Kind.HEART_RATE, good._replace(values=np.full(10, np.nan)), "no number"),
        (Kind.HEART_RATE, good._replace(times=good.times - 2**52), "beyond 2000"),
    ):
        with pytest.raises(StoreError, match=why):
            store.append_columns(kind, STRAP, made)
    assert store.append_columns(Kind.HEART_RATE, STRAP, good.take(slice(0, 0))) == 0
    assert store.count() == 0


# Amending


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_a_correction_keeps_what_was_and_a_deletion_does_not_come_back(
    store: Store, sealed: bool, sparse: bool
) -> None:
    given_ = [replace(r, sequence=n) if sparse else r for n, r in enumerate(beats(5))]
    stored = store.append(given_)
    if sealed:
        store.seal_after = 1
        store.commit()
    second, third = stored[1].id or 0, stored[2].id or 0
    assert store.correct(second, 99.0, "typed wrongly", DAY) == replace(stored[1], value=99.0)
    store.delete(third, "somebody else wore it", DAY)
    store.commit()
    assert values(store) == [60, 99, 69, 76]
    assert store.reading(third) is None
    assert store.append(given_) == []
    assert store.append_columns(Kind.HEART_RATE, STRAP, columns(5)) == 0
    rows = store._database.rows("SELECT reading, value, new_value, reason FROM amendments ORDER BY id")
    assert rows == [(second, 61.0, 99.0, "typed wrongly"), (third, 64.0, None, "somebody else wore it")]
    with pytest.raises(MissingError):
        store.correct(third, 1.0, "it is gone", DAY)
    store.verify()
    found = store.rollup(Kind.HEART_RATE, DAY, DAY + HOUR, HOUR)
    assert (found.count.tolist(), found.maximum.tolist()) == ([4], [99.0])


def test_a_record_that_was_deleted_is_known_by_its_devices_own_time(store: Store) -> None:
    record = Reading(
        time=DAY,
        kind=Kind.GLUCOSE,
        value=90,
        device="meter",
        device_time=datetime(2021, 1, 1),  # noqa: DTZ001  a device has no zone
        sequence=3,
    )
    (stored,) = store.append([record])
    store.delete(stored.id or 0, "a test strip", DAY)
    assert store.append([replace(record, time=DAY + HOUR)]) == []
    assert store.append([replace(record, time=DAY + HOUR, sequence=4)]) != []


def test_what_is_forgotten_frees_its_space_and_leaves_its_roll_up(folder: Path) -> None:
    made, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    rng = np.random.default_rng(1)
    with made:
        for day in range(6):
            part = columns(86_400, DAY + timedelta(days=day))
            made.append_columns(Kind.ECG, STRAP, part._replace(values=rng.standard_normal(86_400)))
        made.commit()
        full = made.bytes_on_disk()
        before = made.rollup(Kind.ECG, DAY, DAY + timedelta(days=6), HOUR)
        gone = made.forget_before(Kind.ECG, DAY + timedelta(days=5), DAY)
        assert gone == 5 * 86_400
        assert made.bytes_on_disk() < full / 4
        after = made.rollup(Kind.ECG, DAY, DAY + timedelta(days=6), HOUR)
        assert np.array_equal(before.mean, after.mean)
        assert made.append_columns(Kind.ECG, STRAP, columns(100)) == 0
        assert made.count() == 86_400
        made.verify()


# Roll-ups


def expected(readings: list[Reading], edges: list[datetime]) -> list[tuple[int, float, float, float] | None]:
    found: list[tuple[int, float, float, float] | None] = []
    for low, high in pairwise(edges):
        mine = [r.value for r in readings if low <= r.time < high and r.quality is Quality.GOOD]
        found.append((len(mine), min(mine), max(mine), sum(mine) / len(mine)) if mine else None)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 12 * 3600), st.integers(40, 180), st.booleans(), st.booleans()), max_size=40
    ),
    st.integers(0, 7200),
    st.sampled_from([10, 60, 600, 3600, 5400, 7200, 50_000]),
    st.integers(1, 60_000),
    st.sampled_from([1, 5, 1000]),
)
def test_roll_ups_agree_with_the_readings_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, bool, bool]],
    start: int,
    step: int,
    length: int,
    seal_after: int,
) -> None:
    made, _ = create(tmp_path_factory.mktemp("store"), PASSPHRASE, profile=CHEAPEST)
    begin = DAY + start * SECOND
    end = begin + length * SECOND
    with made:
        made.seal_after = seal_after
        kept = []
        for at, value, good, sparse in drawn:
            one = Reading(
                time=DAY + at * SECOND,
                kind=Kind.HEART_RATE,
                value=float(value),
                device=STRAP,
                quality=Quality.GOOD if good else Quality.NO_CONTACT,
                sequence=1 if sparse else None,
            )
            kept += made.append([one])
            made.commit()
        found = made.rollup(Kind.HEART_RATE, begin, end, step * SECOND, percentiles=True)
        edges = [*(begin + n * step * SECOND for n in range(len(found))), end]
        wanted = expected(kept, edges)
        made.verify()
    told = [
        (int(n), low, high, pytest.approx(mean)) if n else None
        for n, low, high, mean in zip(found.count, found.minimum, found.maximum, found.mean, strict=True)
    ]
    assert told == wanted
    for n, (low, high) in enumerate(pairwise(edges)):
        mine = sorted(r.value for r in kept if low <= r.time < high and r.quality is Quality.GOOD)
        if mine:
            rank = max(1, -(-len(mine) // 2))
            assert found.percentile(0.5)[n] == mine[rank - 1]
        else:
            assert np.isnan(found.percentile(0.5)[n])


def test_local_days_are_rolled_up_between_any_times(store: Store) -> None:
    store.append_columns(Kind.HEART_RATE, STRAP, columns(100_000))
    edges = [DAY + 30 * MINUTE, DAY + 23 * HOUR + 30 * MINUTE, DAY + 27 * HOUR + 1 * SECOND]
    found = store.rollup_between(Kind.HEART_RATE, edges)
    for n in range(2):
        window = store.window(Kind.HEART_RATE, edges[n], edges[n + 1])
        assert found.count[n] == len(window)
        assert found.mean[n] == pytest.approx(window.values.mean())
    with pytest.raises(UsageError):
        store.rollup_between(Kind.HEART_RATE, edges[::-1])
    with pytest.raises(UsageError):
        store.rollup(Kind.HEART_RATE, DAY, DAY + HOUR, timedelta(0))


def test_a_spot_measurement_is_rolled_up_from_its_rows(store: Store) -> None:
    store.append(
        [Reading(time=DAY + n * HOUR, kind=Kind.WEIGHT, value=80.0 + n, device="scale") for n in range(5)]
    )
    found = store.rollup(Kind.WEIGHT, DAY, DAY + 5 * HOUR, 2 * HOUR + 30 * MINUTE)
    assert found.count.tolist() == [3, 2]
    assert found.mean.tolist() == [81.0, 83.5]


def test_a_roll_up_that_does_not_agree_is_found(store: Store) -> None:
    store.append_columns(Kind.HEART_RATE, STRAP, columns(10_000))
    store.commit()
    store.verify()
    summary = store._database.value("SELECT summary FROM rollups WHERE level = 0")
    store._database.rows("UPDATE rollups SET summary = (SELECT summary FROM rollups WHERE level = 1)")
    with pytest.raises(DamagedError):
        store.verify()
    assert summary


def test_a_segment_that_is_not_what_its_row_says_is_found(store: Store) -> None:
    store.append_columns(Kind.HEART_RATE, STRAP, columns(10_000))
    store._database.rows("UPDATE segments SET count = count - 1")
    with pytest.raises(DamagedError):
        store.verify()


def test_nobody_waits_for_a_copy(store: Store, folder: Path, copied: Callable[[Path], Path]) -> None:
    """What was acknowledged is in a copy of the files, as a power cut would leave them."""
    store.seal_after = 40
    for at in range(0, 100, 10):
        store.append(beats(10, DAY + at * SECOND))
        store.commit()
        with open_store(copied(folder), PASSPHRASE) as copy:
            assert copy.count() == at + 10
            copy.verify()


@given(st.integers(1, 2**63 - 1))
def test_an_id_is_read_as_it_was_written(id: int) -> None:
    assert ids.parse(ids.name(id)) == id
    assert ids.parse(f"#{ids.name(id).upper()}") == id


@pytest.mark.parametrize("text", ["", "d", "-1", "0", "d-1", "1.5", "d" + "z" * 20, "007", "abc"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        ids.parse(text)


def test_a_clock_that_stood_just_before_1970_is_no_damage(store: Store) -> None:
    before = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    store.append([Reading(time=before, kind=Kind.HEART_RATE, value=70, device=STRAP)])
    store.append_columns(Kind.HEART_RATE, STRAP, columns(1))  # brings the roll-ups up to date
    store.verify()


def test_a_clock_that_stands_ahead_is_not_taken_for_the_next_stream(store: Store) -> None:
    """From 2041 on a stream's ids lie above those that the next one has for the years before 2000."""
    ahead, late = datetime(2060, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
    store.append_columns(Kind.HEART_RATE, STRAP, columns(1, ahead))
    store.append_columns(Kind.SPO2, STRAP, columns(1, late))
    store.commit()
    with open_store(store.folder, PASSPHRASE) as again:
        assert again.span_of(Kind.HEART_RATE) == (ahead, ahead)
        assert again.span_of(Kind.SPO2) == (late, late)
        assert again.latest(Kind.SPO2) is not None
        assert again.forget_before(Kind.SPO2, datetime(2002, 1, 1, tzinfo=UTC), DAY) == 1
        assert again.span_of(Kind.HEART_RATE) == (ahead, ahead)
