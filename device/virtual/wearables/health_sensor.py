"""A generic health sensor: observations in the codes of ISO/IEEE 11073-10101."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bumble.device import Connection
from bumble.gatt import Characteristic

from device.errors import DecodeError
from device.gatt import Measurement
from device.gatt.generic_health_sensor import (
    GhsCommand,
    GhsControlPoint,
    HealthSensorFeatures,
    LiveHealthObservations,
    StoredHealthObservations,
)
from device.gatt.observations import ElapsedTime, NumericValue, Observation, TimeFlags
from device.virtual.signals import Signals
from device.virtual.storing import StoringWearable

_SPO2, _HEART_RATE = 150_456, 147_842
_PERCENT, _PER_MINUTE = 544, 2_720  # of partition 4, which goes without saying
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_POINT = GhsControlPoint.UUID


class HealthSensor(StoringWearable):
    """A sensor of oxygen and heart rate. Sends live observations once it was told to, keeps the others."""

    service = "1840"
    measurement = LiveHealthObservations.UUID
    features = (HealthSensorFeatures((_SPO2, _HEART_RATE)),)
    model = "Health sensor"
    live = False

    def _measures(self) -> list[Characteristic[bytes]]:
        return [
            *super()._measures(),
            self._sends(StoredHealthObservations.UUID),
            self._takes(_POINT, self._commanded, indicates=True),
            self._control_point(),
        ]

    def _commanded(self, link: Connection, value: bytes) -> None:
        try:
            command = GhsControlPoint.from_bytes(value).command
        except DecodeError:
            command = GhsCommand.UNKNOWN_COMMAND
        answer = GhsCommand.SUCCESS
        if command is GhsCommand.START_SENDING_LIVE_OBSERVATIONS and not self.hears(self.measurement):
            answer = GhsCommand.LIVE_OBSERVATIONS_NOT_SUBSCRIBED_TO
        elif command is GhsCommand.START_SENDING_LIVE_OBSERVATIONS:
            self.live = True
        elif command is GhsCommand.STOP_SENDING_LIVE_OBSERVATIONS:
            self.live = False
        else:
            answer = GhsCommand.UNKNOWN_COMMAND
        self._start(self._transmit(link, _POINT, bytes(GhsControlPoint(answer)), True))

    def _on_connection(self, link: Connection) -> None:
        self.live = False
        super()._on_connection(link)

    async def measure(self, measurement: Measurement) -> bool:
        """Send an observation while live ones are wanted, else keep it."""
        if self.live and await super().measure(measurement):
            return True
        self.keep((measurement,))
        return False

    def keep(self, measurements: Sequence[Measurement]) -> None:
        """Keep observations as records."""
        for measurement in measurements:
            if isinstance(measurement, LiveHealthObservations):
                self.store(StoredHealthObservations(self.next_number, measurement.observation))

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make one observation of each kind, at the time that its own clock tells."""
        ticks = round((self.clock() - _EPOCH).total_seconds())
        time = ElapsedTime(TimeFlags.UTC | TimeFlags.CURRENT_TIMELINE, ticks)
        values = (
            (_SPO2, NumericValue(_PERCENT, signals.value("spo2", at))),
            (_HEART_RATE, NumericValue(_PER_MINUTE, signals.value("heart_rate", at))),
        )
        return tuple(
            LiveHealthObservations(Observation(value=value, observation_type=kind, time_stamp=time))
            for kind, value in values
        )
