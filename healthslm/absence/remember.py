"""What the store knows of each device when the program starts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from healthslm.absence.wearable import CELL, LONG_RUN, PART, SPOT, STREAMS, WORN, Wearable
from healthslm.errors import StoreError
from healthslm.links import called
from healthslm.readings import UNUSABLE, Kind, Reading
from healthslm.store import Store

_NEAR = timedelta(minutes=5)
_STREAMS = tuple(kind for kind in Kind if PART[kind] & STREAMS)
_SPOTS = tuple(kind for kind in Kind if PART[kind] & SPOT)


def named(store: Store, address: str, otherwise: str = "") -> str:
    """Return what a device is called; that it cannot be looked up now disturbs nobody."""
    try:
        return called(store, address)
    except StoreError:
        return otherwise or address


def remembered(
    store: Store, now: datetime, at: float, expected: Collection[str], held: Collection[str]
) -> Iterator[Wearable]:
    """Yield the devices on the list, with when they last sent what. A dozen questions for each."""
    for device in store.devices():
        it = Wearable(device.address, named(store, device.address), at)
        last = _latest(store, device.address, _STREAMS)
        for one in last:
            it.roles |= PART[one.kind]
        if last:
            newest = max(last, key=lambda one: one.time)
            it.last_stream = at - _ago(newest, now)
            it.run_long = not it.roles & WORN and _ran_long(store, newest)
            it.off_flags = newest.quality.value & UNUSABLE.value
        if it.address in expected:
            last = [*last, *_latest(store, device.address, _SPOTS)]
        if last:
            it.heard_at = max(one.time for one in last)
            it.last = at - min(_ago(one, now) for one in last)
        for one in _latest(store, device.address, [kind for kind in Kind if PART[kind] is CELL]):
            it.battery, it.battery_at = one, at - _ago(one, now)
        _still_held(it, held)
        yield it


def _latest(store: Store, address: str, kinds: Collection[Kind]) -> list[Reading]:
    return [one for kind in kinds if (one := store.latest_of(address, kind)) is not None]


def _ago(one: Reading, now: datetime) -> float:
    return max(0.0, (now - one.time).total_seconds())


def _ran_long(store: Store, newest: Reading) -> bool:
    """Say whether a device had been sending for a while when it sent its newest reading."""
    then = newest.time - LONG_RUN
    return newest.device in store.sources(newest.kind, then - _NEAR, then + _NEAR / 2)


def _still_held(it: Wearable, held: Collection[str]) -> None:
    """Take over what was told before the program ended, where nothing came after."""
    it.silent = next((w.name for w in (it.no_data, it.device_gone) if w.name in held), "")
    if it.not_worn.name in held and it.off_flags:
        it.off_told, it.off_at = True, it.heard_at
        it.off_last = it.last_stream
    elif not it.off_told:
        it.off_flags = 0
