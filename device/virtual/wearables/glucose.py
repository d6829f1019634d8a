"""A glucose meter, which keeps what it measures until it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.glucose import (
    ConcentrationUnit,
    Features,
    GlucoseFeature,
    GlucoseMeasurement,
    GlucoseMeasurementContext,
    Meal,
    SampleLocation,
    SampleType,
)
from device.virtual.bonding import Bonding
from device.virtual.signals import Signals
from device.virtual.storing import StoringWearable

_MG_DL_IN_KG_L = 100_000


class GlucoseMeter(StoringWearable):
    """A meter for test strips. Wants a bond, and tells its records only when asked for them.

    Sequence numbers count from 0; the measurement and its context of a meal are one record.
    """

    service = "1808"
    measurement = GlucoseMeasurement.UUID
    features = (GlucoseFeature(Features.LOW_BATTERY_DETECTION | Features.TIME_FAULT),)
    model = "Glucose meter"
    bonding = Bonding.JUST_WORKS
    takes_time = True
    live = False

    def _measures(self) -> list[Characteristic[bytes]]:
        return [
            *super()._measures(),
            self._sends(GlucoseMeasurementContext.UUID),
            self._control_point(),
        ]

    def take(self, mg_dl: float, *, meal: Meal | None = None) -> GlucoseMeasurement:
        """Measure a strip now, by its own clock, and keep the record."""
        number = self.next_number
        measurement = GlucoseMeasurement(
            sequence_number=number,
            base_time=self.clock.stamp,
            time_offset=0,
            concentration=mg_dl / _MG_DL_IN_KG_L,
            unit=ConcentrationUnit.KG_PER_L,
            sample_type=SampleType.CAPILLARY_WHOLE_BLOOD,
            sample_location=SampleLocation.FINGER,
            context_follows=meal is not None,
        )
        context = () if meal is None else (GlucoseMeasurementContext(sequence_number=number, meal=meal),)
        self.store(measurement, *context)
        return measurement

    async def measure(self, measurement: Measurement) -> bool:
        """Keep a measurement. Nobody hears of it before they ask."""
        self.store(measurement)
        return False

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Measure a strip and keep the record; nothing is sent."""
        self.take(signals.value("glucose", at))
        return ()
