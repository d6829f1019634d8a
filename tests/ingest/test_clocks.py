"""When it was measured: by clocks that are right, wrong, read, set, astray."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from device.gatt import PlxSpotCheckMeasurement, TemperatureMeasurement
from device.gatt.current_time import CurrentTime
from healthslm.ingest import Ingest
from healthslm.readings import Quality, Reading
from tests.ingest.hearing import BERLIN, DEVICE, NOON, note, stamp
from tests.making import DAY, at


def clock(shown: str) -> CurrentTime:
    return CurrentTime(stamp(shown))


def measured(ingest: Ingest, shown: str, when: datetime = NOON) -> Reading:
    (reading,) = ingest.take(note(TemperatureMeasurement(37.0, timestamp=stamp(shown)), when)).readings
    return reading


def test_a_clock_that_was_read_and_is_wrong_corrects_what_it_stamped() -> None:
    """Stored records of a cuff in 2021 keep their distances, however long ago they were."""
    ingest = Ingest(BERLIN)
    ingest.take(note(clock("2021-01-20T00:00:00"), read=True))
    first, second = (measured(ingest, t) for t in ("2021-01-01T00:00:00", "2021-01-19T23:00:00"))
    assert second.time == at("11:00")
    assert first.time == NOON - timedelta(days=19)
    assert (first.quality, second.quality) == (Quality.CLOCK_CORRECTED, Quality.CLOCK_CORRECTED)
    assert first.device_time == datetime(2021, 1, 1)  # noqa: DTZ001  a device's clock has no zone
    assert ingest.offset(DEVICE) == NOON - at("00:00", datetime(2021, 1, 19, 23, tzinfo=NOON.tzinfo))


def test_a_cuffs_own_date_time_is_such_a_clock() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(stamp("2021-01-20T00:00:00"), read=True))
    assert measured(ingest, "2021-01-19T23:00:00").time == at("11:00")


def test_a_clock_that_was_read_and_is_right_is_believed_however_long_ago() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(clock("2026-11-02T13:00:20"), read=True))
    reading = measured(ingest, "2026-07-01T12:00:00")
    assert (reading.time, reading.quality) == (at("10:00", DAY - timedelta(days=124)), Quality.GOOD)
    assert measured(ingest, "2026-11-02T13:00:20").time == NOON  # twenty seconds ahead: not in the future


def test_when_the_clock_is_set_the_new_offset_holds_for_what_follows() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(clock("2021-01-01T00:10:00"), read=True))
    assert measured(ingest, "2021-01-01T00:05:00").time == at("11:55")
    ingest.take(note(clock("2026-11-02T13:00:00"), read=True))
    after = measured(ingest, "2026-11-02T13:02:00", at("12:02"))
    assert (after.time, after.quality) == (at("12:02"), Quality.GOOD)


def test_without_a_clock_to_read_a_live_measurement_gives_the_offset() -> None:
    """What comes behind it and was measured before it is placed before it."""
    ingest = Ingest(BERLIN)
    live = measured(ingest, "2021-01-01T08:00:00")
    older = measured(ingest, "2021-01-01T07:15:00", NOON + timedelta(seconds=1))
    assert (live.time, older.time) == (NOON, at("11:15"))
    assert older.quality == Quality.CLOCK_CORRECTED
    assert older.device_time is None  # a clock that starts anew may say the same time twice


def test_that_offset_is_forgotten_for_the_battery_may_have_been_changed() -> None:
    ingest = Ingest(BERLIN)
    measured(ingest, "2021-01-01T08:00:00")
    later = NOON + timedelta(days=3)
    assert measured(ingest, "2021-01-01T00:03:00", later).time == later


def test_oldest_first_only_the_last_has_its_own_time() -> None:
    ingest = Ingest(BERLIN)
    for shown in ("2021-01-01T08:00:00", "2021-01-02T08:00:00"):
        assert measured(ingest, shown).time == NOON


def test_a_clock_that_says_it_is_not_set_says_nothing() -> None:
    spot = PlxSpotCheckMeasurement(97.0, 70.0, timestamp=stamp("2026-11-01T08:00:00"), clock_not_set=True)
    taken = Ingest(BERLIN).take(note(spot))
    assert {(r.time, r.quality, r.device_time) for r in taken.readings} == {
        (NOON, Quality.CLOCK_CORRECTED, None)
    }


@pytest.mark.parametrize("shown", ["9999-12-31T23:59:59", "1-1-1T00:00:00", "2026-13-01T00:00:00"])
@pytest.mark.parametrize("then", ["9999-12-31T23:59:59", "1-1-1T00:00:00", "2026-02-30T00:00:00"])
def test_no_clock_throws_a_value_away(shown: str, then: str) -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(clock(shown), read=True))
    reading: Any = measured(ingest, then)
    assert reading.value == 37.0
    assert reading.time.tzinfo is not None
