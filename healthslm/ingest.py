"""Measurements become readings: one unit, one clock, and the quality that the device itself admitted.

The only place that converts. Everything refused is returned with its reason; nothing is dropped in silence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from device import Identity, Notification, decode
from device.errors import DecodeError
from device.gatt import (
    BatteryLevel,
    BloodPressureMeasurement,
    DateTime,
    HeartRateMeasurement,
    Measurement,
    Number,
    PlxContinuousMeasurement,
    PlxSpotCheckMeasurement,
    Special,
    TemperatureMeasurement,
)
from device.gatt.blood_pressure import MeasurementStatus as CuffStatus
from device.gatt.blood_pressure import PressureUnit
from device.gatt.health_thermometer import TemperatureUnit
from device.gatt.pulse_oximeter import MeasurementStatus as PlxStatus
from device.gatt.pulse_oximeter import SensorStatus
from healthslm.readings import KINDS, Device, Kind, Quality, Reading

MMHG_PER_KPA = 7.50061683  # 1 mmHg = 133.322 387 415 Pa (ISO 80000-4)
TRUSTED_PAST = timedelta(days=7)
TRUSTED_FUTURE = timedelta(minutes=10)
"""A device's clock is believed when it is no further from reception than this: a cuff hands over last
week's measurements when it is switched on, but nobody measures tomorrow."""
BEAT_DRIFT = timedelta(seconds=2)
"""How far the chain of beats may drift from the times of reception before it starts anew."""

_CUFF_FAULTS = (
    CuffStatus.BODY_MOVEMENT_DETECTED | CuffStatus.CUFF_TOO_LOOSE | CuffStatus.IMPROPER_MEASUREMENT_POSITION
)
_PLX_FAULTS = (
    PlxStatus.DATA_FOR_DEMONSTRATION
    | PlxStatus.DATA_FOR_TESTING
    | PlxStatus.CALIBRATION_ONGOING
    | PlxStatus.MEASUREMENT_UNAVAILABLE
    | PlxStatus.QUESTIONABLE_MEASUREMENT_DETECTED
    | PlxStatus.INVALID_MEASUREMENT_DETECTED
)
_SENSOR_OFF = (
    SensorStatus.SENSOR_UNCONNECTED_TO_USER | SensorStatus.SENSOR_DISPLACED | SensorStatus.SENSOR_DISCONNECTED
)
_SENSOR_FAULTS = (
    SensorStatus.EQUIPMENT_MALFUNCTION_DETECTED
    | SensorStatus.INADEQUATE_SIGNAL_DETECTED
    | SensorStatus.ERRATIC_SIGNAL_DETECTED
    | SensorStatus.NONPULSATILE_SIGNAL_DETECTED
    | SensorStatus.QUESTIONABLE_PULSE_DETECTED
    | SensorStatus.SENSOR_INTERFERENCE_DETECTED
    | SensorStatus.UNKNOWN_SENSOR_CONNECTED
    | SensorStatus.SENSOR_MALFUNCTIONING
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one notification."""

    readings: Sequence[Reading] = ()
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Value:
    """A value on its way to a reading; `value` may be a `Special`, which becomes a refusal."""

    kind: Kind
    value: Number
    quality: Quality = Quality.GOOD
    time: datetime | None = None


class Ingest:
    """Turns notifications into readings. `zone` is the zone that the devices' own clocks are set to.

    Keeps, per device, only when its last heart beat was.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last_beat: dict[str, datetime] = {}

    def take(self, notification: Notification) -> Taken:
        """Decode one notification and return its readings, and what was refused with why."""
        try:
            measurement = decode(notification.characteristic, notification.value)
        except DecodeError as error:
            return Taken(refused=(f"{notification.characteristic}: {error.why}",))
        time, device_time, quality = self._time(measurement, notification.received_at)
        readings, refused = [], []
        for value in self._values(measurement, notification):
            if isinstance(value.value, Special):
                refused.append(f"{KINDS[value.kind].title}: the device sent {value.value.value}")
                continue
            reading = Reading(
                time=value.time or time,
                kind=value.kind,
                value=value.value,
                device=notification.device,
                quality=value.quality | quality,
                device_time=device_time,
            )
            readings.append(plausible(reading))
        return Taken(readings=readings, refused=refused)

    def battery(self, identity: Identity) -> Sequence[Reading]:
        """Return the battery level that was read when the device connected."""
        if identity.battery is None:
            return ()
        return (
            plausible(
                Reading(
                    time=identity.at, kind=Kind.BATTERY, value=float(identity.battery), device=identity.device
                )
            ),
        )

    def _time(
        self, measurement: Measurement, received_at: datetime
    ) -> tuple[datetime, datetime | None, Quality]:
        """Say when it was measured: by the device's clock if it can be believed, else by reception."""
        stamp: DateTime | None = getattr(measurement, "timestamp", None)
        device_time = stamp.datetime if stamp is not None else None
        if device_time is None:
            return received_at, None, Quality.GOOD
        if not getattr(measurement, "clock_not_set", False):
            with contextlib.suppress(OverflowError):  # the year 9999 has no time in every zone
                time = device_time.replace(tzinfo=self._zone).astimezone(UTC)
                if received_at < time <= received_at + TRUSTED_FUTURE:
                    return received_at, device_time, Quality.CLOCK_CORRECTED  # it runs, a little ahead
                if received_at - TRUSTED_PAST <= time <= received_at:
                    return time, device_time, Quality.GOOD
        # A clock that starts anew may say the same time twice: it does not tell one reading from the next.
        return received_at, None, Quality.CLOCK_CORRECTED

    def _values(self, measurement: Measurement, notification: Notification) -> Iterator[_Value]:
        match measurement:
            case HeartRateMeasurement():
                yield from self._heart_rate(measurement, notification)
            case PlxContinuousMeasurement() | PlxSpotCheckMeasurement():
                yield from _oximeter(measurement)
            case TemperatureMeasurement():
                yield _Value(Kind.TEMPERATURE, _celsius(measurement))
            case BloodPressureMeasurement():
                yield from _cuff(measurement)
            case BatteryLevel():
                yield _Value(Kind.BATTERY, float(measurement.percent))
            case _:
                return  # what a device can do, and its name, are no readings

    def _heart_rate(self, measurement: HeartRateMeasurement, notification: Notification) -> Iterator[_Value]:
        quality = Quality.NO_CONTACT if measurement.sensor_contact is False else Quality.GOOD
        yield _Value(Kind.HEART_RATE, float(measurement.heart_rate), quality)
        beats = [timedelta(seconds=seconds) for seconds in measurement.rr_seconds]
        if not beats:
            return
        # Beats follow each other without a hole, so their own sum is a better clock than the radio's delay.
        received = notification.received_at
        last = self._last_beat.get(notification.device)
        total = sum(beats, timedelta())
        if last is None or abs(last + total - received) > BEAT_DRIFT:
            last = received - total
        for beat in beats:
            last += beat
            yield _Value(Kind.RR_INTERVAL, beat.total_seconds() * 1000, quality, last)
        self._last_beat[notification.device] = last


def _celsius(measurement: TemperatureMeasurement) -> Number:
    """Convert to °C; to three decimals, more than any thermometer has."""
    value = measurement.temperature
    if isinstance(value, Special) or measurement.unit is TemperatureUnit.CELSIUS:
        return value
    return round((value - 32) / 1.8, 3)


def _oximeter(measurement: PlxContinuousMeasurement | PlxSpotCheckMeasurement) -> Iterator[_Value]:
    quality = Quality.GOOD
    if (measurement.measurement_status or PlxStatus(0)) & _PLX_FAULTS:
        quality |= Quality.SENSOR_FAULT
    sensor = measurement.sensor_status or SensorStatus(0)
    if sensor & _SENSOR_OFF:
        quality |= Quality.NO_CONTACT
    if sensor & _SENSOR_FAULTS:
        quality |= Quality.SENSOR_FAULT
    yield _Value(Kind.SPO2, measurement.spo2, quality)
    yield _Value(Kind.PULSE_RATE, measurement.pulse_rate, quality)


def _cuff(measurement: BloodPressureMeasurement) -> Iterator[_Value]:
    fault = (measurement.measurement_status or CuffStatus(0)) & _CUFF_FAULTS
    quality = Quality.SENSOR_FAULT if fault else Quality.GOOD
    for kind, value in (
        (Kind.SYSTOLIC, measurement.systolic),
        (Kind.DIASTOLIC, measurement.diastolic),
        (Kind.MEAN_ARTERIAL, measurement.mean_arterial_pressure),
    ):
        if measurement.unit is PressureUnit.KPA and not isinstance(value, Special):
            yield _Value(kind, round(value * MMHG_PER_KPA, 1), quality)
        else:
            yield _Value(kind, value, quality)
    if measurement.pulse_rate is not None:
        yield _Value(Kind.PULSE_RATE, measurement.pulse_rate, quality)


def plausible(reading: Reading) -> Reading:
    """Mark a reading that no living person's sensor shows. It is kept: what was sent can be looked at."""
    info = KINDS[reading.kind]
    if info.low <= reading.value <= info.high:
        return reading
    return replace(reading, quality=reading.quality | Quality.IMPLAUSIBLE)


def device_from(identity: Identity, before: Device) -> Device:
    """Return the device as the store should know it: what it now says of itself, else what it said before."""
    return Device(
        address=identity.device,
        name=before.name or identity.name,  # what a person called it stays
        manufacturer=identity.manufacturer or before.manufacturer,
        model=identity.model or before.model,
        serial=identity.serial or before.serial,
        firmware=identity.firmware or before.firmware,
    )
