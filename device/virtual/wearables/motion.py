"""Sensors for running and cycling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from device.gatt import Measurement
from device.gatt.cycling import CscFeature, CscMeasurement
from device.gatt.cycling import Features as CyclingFeatures
from device.gatt.running import Features as RunningFeatures
from device.gatt.running import RscFeature, RscMeasurement
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable

_TICKS = 1024  # a second, of the time of a crank's turn


class RunningSensor(Wearable):
    """A foot pod; notifies speed and cadence once a second."""

    service = "1814"
    measurement = RscMeasurement.UUID
    features = (RscFeature(RunningFeatures(0)),)
    model = "Foot pod"

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Measure speed, in the format's steps of 1/256 m/s, and cadence."""
        speed = round(signals.value("speed", at) * 256) / 256
        return (
            RscMeasurement(
                instantaneous_speed=speed,
                instantaneous_cadence=round(signals.value("cadence", at)),
                running=speed > 2,
            ),
        )


class CyclingSensor(Wearable):
    """A sensor on a crank; notifies how often it has turned, and when it last did.

    Both counters go round after 65,535, the time's after 64 s. `start_at` gives the turns to begin with.
    """

    service = "1816"
    measurement = CscMeasurement.UUID
    features = (CscFeature(CyclingFeatures(2)),)  # crank revolution data
    model = "Cadence sensor"
    start_at = 65_500
    _turns = 0.0
    _seconds = 0.0
    _seen: datetime | None = None

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Turn the crank up to this moment."""
        if self._seen is not None:
            passed = (at - self._seen).total_seconds()
            per_second = signals.value("cadence", at) / 60
            turns = int(self._turns + passed * per_second) - int(self._turns)
            self._turns += passed * per_second
            if turns and per_second:
                self._seconds = at.timestamp() - (self._turns - int(self._turns)) / per_second
        self._seen = at
        return (
            CscMeasurement(
                cumulative_crank_revolutions=(self.start_at + int(self._turns)) & 0xFFFF,
                last_crank_event_time=round(self._seconds * _TICKS) & 0xFFFF,
            ),
        )
