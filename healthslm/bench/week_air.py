"""The wearables of the week in the air, and what is done to them: see `Air`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from device.errors import DeviceError
from device.gatt import (
    BloodPressureMeasurement,
    HeartRateMeasurement,
    Measurement,
    PlxContinuousMeasurement,
    TemperatureMeasurement,
)
from device.virtual import KINDS, ContinuousGlucoseMonitor, GlucoseMeter, OwnClock, Physiology, Wearable
from device.virtual.hub import Hub
from healthslm.bench.week_plan import Worn
from healthslm.errors import HealthslmError
from healthslm.readings import Kind

_TAKEN_S = 3.0
"""So long (real) it is waited for something that was sent to be taken; the link may be lost meanwhile."""
_DONE_S = 30.0
_MET_S = 3.0
"""So long for one that came into reach to be found."""
_SAID: Mapping[type, tuple[Kind, str]] = {
    HeartRateMeasurement: (Kind.HEART_RATE, "heart_rate"),
    PlxContinuousMeasurement: (Kind.SPO2, "spo2"),
    TemperatureMeasurement: (Kind.TEMPERATURE, "temperature"),
    BloodPressureMeasurement: (Kind.SYSTOLIC, "systolic"),
}
"""What must be found in the store of what was measured, whatever happens on the way: kind, and field."""

Measured = Counter[tuple[str, Kind, float]]


class Air:
    """Ten wearables, and whether what each sends is taken.

    `taken` says how many notifications of an address were, so far; `listening` whether anybody is there.
    `missed` counts what was measured while nobody listened; `values` what was taken, by device, kind and
    value.
    """

    def __init__(
        self,
        hub: Hub,
        worn: Sequence[Worn],
        now: Callable[[], datetime],
        *,
        taken: Callable[[str], int],
        listening: Callable[[], bool],
        seed: int,
    ) -> None:
        self._hub = hub
        self._now = now
        self._taken, self._listening = taken, listening
        self._signals = Physiology(seed)
        self._worn = {one.address: one for one in worn}
        self._wearables = {one.address: _made(one, now) for one in worn}
        self.missed = 0
        self.values: Measured = Counter()
        self._away: set[str] = set()

    @property
    def paired(self) -> list[str]:
        """The addresses of those that want a bond."""
        return [
            a for a, w in self._wearables.items() if isinstance(w, GlucoseMeter | ContinuousGlucoseMonitor)
        ]

    async def put_on(self) -> None:
        """Switch all on; those that are only visited go out of reach again."""
        for address, wearable in self._wearables.items():
            await self._hub.add(wearable)
            if self._worn[address].visits:
                await self.leaves(address)

    async def all_heard(self, seconds: float) -> None:
        """Wait until all that are in reach are listened to, for so long at the most."""
        near = [w for a, w in self._wearables.items() if a not in self._away]
        await _until(lambda: all(one.subscribed for one in near) or not self._listening(), seconds)

    async def measure(self, addresses: Sequence[str]) -> None:
        """Have some measure now, and wait until what they sent is taken."""
        await asyncio.gather(*(self._measure(self._wearables[address]) for address in addresses))

    async def _measure(self, wearable: Wearable) -> None:
        for measurement in wearable.observe(self._signals, self._now()):
            before = self._taken(wearable.address)
            heard = False
            with suppress(DeviceError, TimeoutError):  # it was lost this very moment
                async with asyncio.timeout(_DONE_S):
                    heard = wearable.subscribed and await wearable.measure(measurement)
            if not heard:
                self.missed += 1
                continue
            taken = await _until(
                lambda before=before: (
                    self._taken(wearable.address) > before  # type: ignore[misc]
                    or not wearable.subscribed
                    or not self._listening()
                ),
                _TAKEN_S,
            )
            if taken and self._taken(wearable.address) > before:
                self._note(wearable, measurement)

    def _note(self, wearable: Wearable, measurement: Measurement) -> None:
        kind, name = _SAID.get(type(measurement), (None, ""))
        value = getattr(measurement, name, None)
        if kind is not None and isinstance(value, int | float):
            self.values[wearable.address, kind, float(value)] += 1

    async def loses_link(self, address: str) -> None:
        """Have a link lost; the wearable stays in reach."""
        await _done(self._wearables[address].drop_link(), f"losing the link of {address}")

    async def leaves(self, address: str) -> None:
        """Have a wearable go out of reach."""
        self._away.add(address)
        await _done(self._wearables[address].go_away(), f"{address} going away")

    async def returns(self, address: str) -> None:
        """Have a wearable be back; one that is only visited measures, and is listened to."""
        self._away.discard(address)
        wearable = self._wearables[address]
        if isinstance(wearable, GlucoseMeter):
            wearable.observe(self._signals, self._now())  # a strip, before the meter is switched on to tell
        await _done(wearable.come_back(), f"{address} coming back")
        if self._worn[address].visits:
            met = await _until(lambda: wearable.subscribed or not self._listening(), _MET_S)
            if isinstance(wearable, GlucoseMeter):
                await asyncio.sleep(0.3)  # it is asked for its records
            elif met:
                await self._measure(wearable)


async def _done(call: Awaitable[None], what: str) -> None:
    """Await what the virtual radio is told; it should never take long. Raises `HealthslmError`."""
    try:
        async with asyncio.timeout(_DONE_S):
            await call
    except TimeoutError as error:
        raise HealthslmError(f"The virtual radio hangs in {what}.", "Play it again with --seed.") from error


def _made(one: Worn, now: Callable[[], datetime]) -> Wearable:
    kind = KINDS[one.kind]
    if issubclass(kind, ContinuousGlucoseMonitor):  # it says that its clock shows UTC
        return kind(one.address, clock=OwnClock(lambda: now().astimezone(UTC)))
    return kind(one.address, clock=OwnClock(now))


async def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; says whether it came to be in time."""
    until = time.monotonic() + seconds
    turns = 0
    while not condition():
        if time.monotonic() > until:
            return False
        turns += 1
        await asyncio.sleep(0 if turns < 50 else 0.001)
    return True
