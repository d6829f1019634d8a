"""An ear thermometer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.health_thermometer import (
    IntermediateTemperature,
    MeasurementInterval,
    TemperatureMeasurement,
    TemperatureSite,
    TemperatureType,
)
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable


class Thermometer(Wearable):
    """An ear thermometer; indicates each measurement once it is done, with its own clock's time."""

    service = "1809"
    measurement = TemperatureMeasurement.UUID
    indicates = True
    features = (TemperatureType(TemperatureSite.EAR), MeasurementInterval(0))
    model = "Thermometer"
    takes_time = True

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._sends(IntermediateTemperature.UUID)]

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one measurement, at the time that its own clock tells."""
        return (
            TemperatureMeasurement(
                signals.value("temperature", at),
                timestamp=self.clock.stamp,
                temperature_type=TemperatureSite.EAR,
            ),
        )
