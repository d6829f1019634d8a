"""A pulse oximeter: what it measures all the time, and spot checks that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.pulse_oximeter import (
    Features,
    PlxContinuousMeasurement,
    PlxFeatures,
    PlxSpotCheckMeasurement,
)
from device.virtual.signals import Signals
from device.virtual.storing import StoringWearable
from device.virtual.wearable import Wearable


class PulseOximeter(Wearable):
    """A pulse oximeter that measures continuously; notifies while it is worn."""

    service = "1822"
    measurement = PlxContinuousMeasurement.UUID
    features = (PlxFeatures(Features(0)),)
    model = "Pulse oximeter"

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one continuous measurement."""
        return (PlxContinuousMeasurement(signals.value("spo2", at), signals.value("heart_rate", at)),)


class SpotCheckOximeter(StoringWearable):
    """A finger oximeter for spot checks, each with its own clock's time; keeps those that nobody heard."""

    service = "1822"
    measurement = PlxSpotCheckMeasurement.UUID
    indicates = True
    features = (PlxFeatures(Features.MEASUREMENT_STORAGE_FOR_SPOT_CHECK | Features.TIMESTAMP_FOR_SPOT_CHECK),)
    model = "Spot-check oximeter"
    takes_time = True

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._control_point()]

    async def measure(self, measurement: Measurement) -> bool:
        """Send a spot check, or keep it when nobody listens."""
        heard = await super().measure(measurement)
        if not heard:
            self.store(measurement)
        return heard

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one spot check, at the time that its own clock tells."""
        spo2, rate = signals.value("spo2", at), signals.value("heart_rate", at)
        return (PlxSpotCheckMeasurement(spo2, rate, self.clock.stamp),)
