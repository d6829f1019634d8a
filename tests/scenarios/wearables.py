"""What a scenario's devices send: one line of a scenario becomes the bytes of a Bluetooth notification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from device import Event, Identity, LinkEvent, LinkState, Notification
from device.gatt import (
    BloodPressureMeasurement,
    DateTime,
    HeartRateMeasurement,
    PlxContinuousMeasurement,
    TemperatureMeasurement,
)
from device.gatt.continuous_glucose import CgmMeasurement, CgmRecord, CgmSessionStartTime
from device.gatt.current_time import CurrentTime
from device.gatt.glucose import ConcentrationUnit, GlucoseMeasurement, SampleLocation, SampleType
from device.gatt.running import RscMeasurement

ADDRESSES = {
    "strap": "C0:FF:EE:00:00:01",
    "watch": "C0:FF:EE:00:00:02",
    "oximeter": "C0:FF:EE:00:00:03",
    "cuff": "C0:FF:EE:00:00:04",
    "thermometer": "C0:FF:EE:00:00:05",
    "meter": "C0:FF:EE:00:00:06",
    "cgm": "C0:FF:EE:00:00:07",
    "footpod": "C0:FF:EE:00:00:08",
}
Line = Mapping[str, Any]


def stamp(at: datetime) -> DateTime:
    """A device's clock at that time."""
    return DateTime(at.year, at.month, at.day, at.hour, at.minute, at.second)


class Sender:
    """Turns lines into events. `local` makes a time of a scenario's clock, like `12:00`."""

    def __init__(self, zone: ZoneInfo, local: Callable[[str], datetime]) -> None:
        self._zone = zone
        self._local = local
        self._session: datetime | None = None

    def events(self, line: Line, at: datetime) -> Iterator[Event]:
        """What a device sends at that moment."""
        device = str(line["device"])
        address = ADDRESSES[device]
        if "link" in line:
            yield LinkEvent(at, address, LinkState(line["link"]), str(line.get("why", "")))
            return
        if "battery" in line:
            yield Identity(at, address, name=device, battery=int(line["battery"]))
            return
        if "clock" in line:
            shown = datetime.fromisoformat(line["clock"])
            yield Notification(at, address, "2A2B", bytes(CurrentTime(stamp(shown))), 0, True)
            return
        for measurement in self._measurements(line, at):
            read = isinstance(measurement, CgmSessionStartTime)
            yield Notification(at, address, type(measurement).UUID, bytes(measurement), 0, read)

    def _measurements(self, line: Line, at: datetime) -> Iterator[Any]:
        measured = self._local(line["measured"]) if "measured" in line else at
        shown = measured.astimezone(self._zone)
        match line:
            case {"heart_rate": rate}:
                intervals = (round(61440 / rate),) if line["device"] == "strap" else ()
                yield HeartRateMeasurement(rate, line.get("contact"), None, intervals)
            case {"spo2": spo2}:
                yield PlxContinuousMeasurement(float(spo2), float(line.get("pulse", 70)))
            case {"steps_a_minute": cadence}:
                yield RscMeasurement(
                    instantaneous_speed=float(line.get("speed", 2.5)), instantaneous_cadence=cadence
                )
            case {"systolic": systolic, "diastolic": diastolic}:
                said = datetime.fromisoformat(line["stamped"]) if "stamped" in line else shown
                mean = (systolic + 2 * diastolic) / 3
                yield BloodPressureMeasurement(
                    systolic=float(systolic),
                    diastolic=float(diastolic),
                    mean_arterial_pressure=float(round(mean)),
                    timestamp=stamp(said),
                )
            case {"temperature": temperature}:
                yield TemperatureMeasurement(float(temperature), timestamp=stamp(shown))
            case {"blood_glucose": glucose, "number": number}:
                yield GlucoseMeasurement(
                    sequence_number=number,
                    base_time=stamp(shown),
                    concentration=round(glucose / 100_000, 5),
                    unit=ConcentrationUnit.KG_PER_L,
                    sample_type=SampleType.CAPILLARY_WHOLE_BLOOD,
                    sample_location=SampleLocation.FINGER,
                )
            case {"glucose": glucose}:
                if self._session is None:
                    self._session = self._local("00:00").astimezone(self._zone)
                    east = round((self._session.utcoffset() or timedelta(0)) / timedelta(minutes=1))
                    yield CgmSessionStartTime(stamp(self._session), east, 0)
                minutes = round((measured - self._session) / timedelta(minutes=1))
                yield CgmMeasurement((CgmRecord(float(glucose), minutes),))
            case _:
                raise ValueError(f"the line {dict(line)} says nothing that a device sends")
