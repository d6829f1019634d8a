"""`Ingest`: notifications in, readings out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device import Identity, Notification, decode
from device.errors import DecodeError
from device.gatt.glucose import GlucoseMeasurementContext
from healthslm.ingest.clocks import Clock
from healthslm.ingest.glucose import with_context
from healthslm.ingest.heard import Heard, Taken
from healthslm.ingest.state import State
from healthslm.ingest.table import MAKERS
from healthslm.readings import KINDS, Device, Kind, Quality, Reading

_NOTHING = Taken()
_PATIENCE = timedelta(seconds=2)
"""How long a glucose waits for its context when its meter says nothing else."""


class Ingest:
    """Turns notifications into readings. `zone` is the zone that the devices' own clocks are set to.

    Keeps little for each device: what `State` says. A glucose measurement that announces a context is held
    back until that comes, or anything else of the same device, or `flush`: call it from time to time and
    at the end.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._states: dict[str, State] = {}

    def take(self, notification: Notification) -> Taken:
        """Decode one notification and return its readings, and what was refused with why."""
        state = self._states.get(notification.device)
        if state is None:
            state = self._states[notification.device] = State(clock=Clock(self._zone))
        try:
            measurement = decode(notification.characteristic, notification.value)
        except DecodeError as error:
            return Taken(_held(state) or (), (f"{notification.characteristic}: {error.why}",))
        maker = MAKERS.get(measurement.__class__)
        if state.held is not None:
            return self._after_held(measurement, notification, state)
        if maker is None:
            return _NOTHING  # what a device can do, and its name, are no readings
        heard = Heard(notification, state)
        maker(measurement, heard)
        return Taken(heard.readings, heard.refused)

    def _after_held(self, measurement: object, notification: Notification, state: State) -> Taken:
        """Let a glucose go that was held back: with its context where this is that."""
        sequence = state.held.sequence if state.held is not None else None
        before = _held(state)
        if isinstance(measurement, GlucoseMeasurementContext) and measurement.sequence_number == sequence:
            return Taken(with_context(before, measurement))
        taken = self.take(notification)
        return Taken([*before, *taken.readings], taken.refused)

    def flush(self, now: datetime | None = None) -> Sequence[Reading]:
        """Return what was held back and has waited long enough; without `now` all of it."""
        return [
            reading
            for state in self._states.values()
            if state.held is not None and (now is None or now - state.held.since >= _PATIENCE)
            for reading in _held(state)
        ]

    def offset(self, device: str) -> timedelta | None:
        """Return what is added to the time that a device's clock shows; `None` while it is not known."""
        state = self._states.get(device)
        return None if state is None else state.clock.offset

    def battery(self, identity: Identity) -> Sequence[Reading]:
        """Return the battery level that was read when the device connected."""
        if identity.battery is None:
            return ()
        level, info = float(identity.battery), KINDS[Kind.BATTERY]
        quality = Quality.GOOD if info.low <= level <= info.high else Quality.IMPLAUSIBLE
        return (
            Reading(
                time=identity.at, kind=Kind.BATTERY, value=level, device=identity.device, quality=quality
            ),
        )


def _held(state: State) -> list[Reading]:
    held, state.held = state.held, None
    return [] if held is None else held.readings


def device_from(identity: Identity, before: Device) -> Device:
    """Return the device as the store should know it: what it now says of itself, else what it said before."""
    return Device(
        address=identity.device,
        name=before.name or identity.name,  # what a person called it stays
        manufacturer=identity.manufacturer or before.manufacturer,
        model=identity.model or before.model,
        serial=identity.serial or before.serial,
        firmware=identity.firmware or before.firmware,
    )
