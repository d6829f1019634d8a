"""How a reading becomes a row and a row a reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite

from healthslm.errors import DamagedError, StoreError
from healthslm.readings import KINDS, QUALITIES, Kind, Quality, Reading, reading

# Written into every store, so a code keeps its meaning for ever; a new kind takes the next number.
KIND_CODES: Mapping[Kind, int] = {
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
_KINDS = {code: kind for kind, code in KIND_CODES.items()}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_US = timedelta(microseconds=1)
_INT64 = 2**63
_DAY_US = 86_400_000_000

Row = tuple[int, int, str, int, float, int, int | None, int | None, str | None]
"""id, kind code, device address, time, value, quality, device_time, sequence, context."""


def micros(time: datetime) -> int:
    """Return an aware time as microseconds since 1970. Raises `StoreError` for a naive one."""
    if time.tzinfo is None:
        raise StoreError(f"The time {time} has no time zone.", "Give it one: times here are aware.")
    return (time - _EPOCH) // _US


def moment(time_us: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=time_us)


def kind_of(code: int) -> Kind:
    """Return the kind of a code. Raises `DamagedError` for one that no version wrote."""
    try:
        return _KINDS[code]
    except KeyError:
        raise DamagedError(f"The store has a reading of kind {code}, which there is not.") from None


def quality_of(bits: int) -> Quality:
    """Return the quality of its bits, those of a newer healthslm too."""
    return QUALITIES[bits] if 0 <= bits < len(QUALITIES) else Quality(bits)


def check(reading: Reading) -> None:
    """Refuse what a row cannot hold. Raises `StoreError` naming the reading and the field."""
    if not isfinite(reading.value):
        raise _refused(reading, f"its value {reading.value} is no number")
    if reading.time.tzinfo is None:
        raise _refused(reading, "its time has no time zone")
    if not 1 < reading.time.year < 9999:  # its time in UTC could be in a year that there is not
        raise _refused(reading, "its year is out of range")
    if reading.device_time is not None and reading.device_time.tzinfo is not None:
        raise _refused(reading, "its device_time has a time zone; a device's clock has none")
    if reading.sequence is not None and not 0 <= reading.sequence < _INT64:
        raise _refused(reading, f"its sequence number {reading.sequence} is out of range")


def to_row(
    reading: Reading, id: int, device: int
) -> tuple[int, int, int, int, float, int, int | None, int | None, str | None]:
    """Return a checked reading as a row of the table, its columns in their order."""
    since, at = reading.time - _EPOCH, reading.device_time
    return (
        id,
        KIND_CODES[reading.kind],
        device,
        since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds,
        float(reading.value),
        reading.quality.value,
        None if at is None else (at - _NAIVE_EPOCH) // _US,
        reading.sequence,
        reading.context,
    )


def to_reading(row: Row) -> Reading:
    """Return the reading of a row."""
    id_, code, device, time_us, value, quality, device_us, sequence, context = row
    return reading(
        moment(time_us),
        kind_of(code),
        value,
        device,
        quality_of(quality),
        None if device_us is None else _NAIVE_EPOCH + timedelta(microseconds=device_us),
        sequence,
        id_,
        context,
    )


def _refused(reading: Reading, why: str) -> StoreError:
    title = KINDS[reading.kind].title
    return StoreError(
        f"A reading of {title} from {reading.device} at {reading.time} cannot be stored: {why}.",
        "None of the readings handed over with it were stored.",
    )
