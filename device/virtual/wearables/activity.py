"""A physical activity monitor, which tells sums over a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.physical_activity import GeneralActivityInstantaneousData, StepCounterActivitySummaryData
from device.gatt.physical_activity_sessions import (
    ActivityCurrentSession,
    Features,
    PhysicalActivityMonitorFeatures,
    SessionTime,
)
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable

_NEVER = SessionTime(0, 0)


class ActivityMonitor(Wearable):
    """A step counter by the standard: one session that goes on. It cannot be told to start another."""

    service = "183E"
    measurement = StepCounterActivitySummaryData.UUID
    indicates = True
    features = (
        PhysicalActivityMonitorFeatures(Features(0)),
        ActivityCurrentSession(
            running=True,
            session_id=1,
            session_start=_NEVER,
            sub_session_id=1,
            sub_session_start=_NEVER,
        ),
    )
    model = "Activity monitor"
    _told = 0

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._sends(GeneralActivityInstantaneousData.UUID)]

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Tell the steps since midnight, by the clock of whoever asks."""
        self._told = (self._told + 1) & 0xFFFF
        since = at - at.replace(hour=0, minute=0, second=0, microsecond=0)
        return (
            StepCounterActivitySummaryData(
                session_id=1,
                sub_session_id=1,
                relative_timestamp=int(since.total_seconds()),
                sequence_number=self._told,
                normal_walking_steps=round(signals.value("steps", at)),
            ),
        )
