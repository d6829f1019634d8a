"""Blood-pressure cuffs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.gatt import Characteristic

from device.gatt import DateTime, Measurement
from device.gatt.blood_pressure import (
    BloodPressureFeature,
    BloodPressureMeasurement,
    Features,
    IntermediateCuffPressure,
    MeasurementStatus,
)
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable


class BloodPressureCuff(Wearable):
    """An upper-arm cuff; indicates each measurement once it is done, with its own clock's time."""

    service = "1810"
    measurement = BloodPressureMeasurement.UUID
    indicates = True
    features = (BloodPressureFeature(Features.BODY_MOVEMENT_DETECTION),)
    model = "Blood pressure cuff"
    takes_time = True

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._sends(IntermediateCuffPressure.UUID)]

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one measurement, at the time that its own clock tells."""
        systolic, diastolic = signals.value("systolic", at), signals.value("diastolic", at)
        return (
            BloodPressureMeasurement(
                systolic=systolic,
                diastolic=diastolic,
                mean_arterial_pressure=float(round(diastolic + (systolic - diastolic) / 3)),
                timestamp=self.clock.stamp,
                pulse_rate=signals.value("heart_rate", at),
                user_id=1,
                measurement_status=MeasurementStatus(0),
            ),
        )


class DateTimeCuff(BloodPressureCuff):
    """A cuff whose clock is a Date Time (2A08) among its measurements, as A&D's are: no Current Time."""

    model = "Blood pressure cuff with a Date Time"
    takes_time = False

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._own_time(DateTime.UUID)]
