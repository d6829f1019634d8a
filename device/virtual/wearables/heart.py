"""A heart-rate strap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection
from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.heart_rate import (
    BodyLocation,
    BodySensorLocation,
    HeartRateControlPoint,
    HeartRateMeasurement,
)
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable


class ChestStrap(Wearable):
    """A heart-rate strap with RR intervals and contact detection; notifies once a second.

    `energy_resets` counts how often it was told to count its wearer's energy from 0 again.
    """

    service = "180D"
    measurement = HeartRateMeasurement.UUID
    features = (BodySensorLocation(BodyLocation.CHEST),)
    model = "Chest strap"
    energy_resets = 0

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._takes(HeartRateControlPoint.UUID, self._reset)]

    def _reset(self, _: Connection, value: bytes) -> None:
        if value != b"\x01":
            raise ATT_Error(ErrorCode(0x80))  # "control point not supported"
        self.energy_resets += 1

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one measurement with the interval that goes with its rate."""
        rate = round(signals.value("heart_rate", at))
        return (HeartRateMeasurement(rate, True, None, (round(60 * 1024 / rate),) if rate else ()),)
