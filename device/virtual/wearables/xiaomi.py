"""Xiaomi's scales: assigned numbers, with layouts that are not the standard's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.core import UUID, AdvertisingData

from device.gatt import Measurement
from device.vendors.xiaomi import BodyFlags, WeightFlags, XiaomiBodyComposition, XiaomiWeight
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable


class _MiScale(Wearable):
    """What both have: the last value is in the advertisement, too."""

    _value = b""

    def advertised(self) -> list[tuple[int, bytes]]:
        """Advertise its last value, too, as the scales do."""
        number = bytes(UUID(self.service))
        kind = int(AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS)
        data = (int(AdvertisingData.SERVICE_DATA_16_BIT_UUID), number + self._value)
        return [(kind, number), data]

    async def measure(self, measurement: Measurement) -> bool:
        """Send a value, and advertise it from the next time on that it advertises."""
        self._value = bytes(measurement)
        return await super().measure(measurement)


class MiScale(_MiScale):
    """A Mi Scale: sends the weight several times while it comes to rest, then at rest."""

    service = "181D"
    measurement = "2A9D"
    model = "MI SCALE2"

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Weigh: once while it is not yet at rest, and once when it is."""
        weight = round(signals.value("weight", at) * 200) / 200
        both = (WeightFlags(0), WeightFlags.STABILISED)
        return tuple(XiaomiWeight(flags, weight, self.clock.stamp) for flags in both)


class MiBodyScale(_MiScale):
    """A Mi Body Composition Scale: the weight at rest, then the same with the impedance of the body."""

    service = "181B"
    measurement = "2A9C"
    model = "MIBCS"

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Weigh, and measure the impedance (500 ohm)."""
        weight, stamp = round(signals.value("weight", at) * 200) / 200, self.clock.stamp
        rest = BodyFlags.STABILISED
        return (
            XiaomiBodyComposition(rest, weight, stamp),
            XiaomiBodyComposition(rest | BodyFlags.IMPEDANCE, weight, stamp, 500),
        )
