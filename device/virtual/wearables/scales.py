"""Scales by the standard: for weight, and for what a body is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from device.gatt import Measurement
from device.gatt.body_composition import BodyCompositionFeature, BodyCompositionMeasurement
from device.gatt.body_composition import Features as CompositionFeatures
from device.gatt.weight_scale import Features as WeightFeatures
from device.gatt.weight_scale import MassResolution, WeightMeasurement, WeightScaleFeature
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable


def _rounded(kilograms: float) -> float:
    return round(kilograms * 200) / 200  # the format's step is 5 g


class WeightScale(Wearable):
    """A scale; indicates each weight with its own clock's time."""

    service = "181D"
    measurement = WeightMeasurement.UUID
    indicates = True
    features = (WeightScaleFeature(WeightFeatures.TIME_STAMP, MassResolution(7)),)
    model = "Scale"
    takes_time = True

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Weigh, at the time that its own clock tells."""
        weight = _rounded(signals.value("weight", at))
        return (WeightMeasurement(weight=weight, timestamp=self.clock.stamp),)


class BodyCompositionScale(Wearable):
    """A scale that measures a body's fat and weight; indicates both at once."""

    service = "181B"
    measurement = BodyCompositionMeasurement.UUID
    indicates = True
    features = (BodyCompositionFeature(CompositionFeatures.TIME_STAMP | CompositionFeatures.WEIGHT),)
    model = "Body scale"
    takes_time = True

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Measure fat and weight, at the time that its own clock tells."""
        return (
            BodyCompositionMeasurement(
                body_fat_percentage=round(signals.value("body_fat", at), 1),
                timestamp=self.clock.stamp,
                weight=_rounded(signals.value("weight", at)),
            ),
        )
