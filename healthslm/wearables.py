"""Which wearables are listened to, and what their links are to know: the list that the person keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from healthslm.errors import MissingError, UsageError
from healthslm.readings import Device, Kind
from healthslm.store import Store
from healthslm.store.audit import Event
from healthslm.text import clean

NAME_LIMIT = 60
"""Letters of what a person calls a wearable."""
MOST = 50
"""Wearables on the list that are sought by radio: each has a link of its own in `healthslm run`."""
_KEY = "device links"
_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}")
"""A Bluetooth device address, or what macOS says instead of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What `watch` is to do with a wearable: connect to it as paired, and ask it for these streams."""

    paired: bool = False
    streams: tuple[str, ...] = ()


def link_settings(store: Store) -> dict[str, LinkSettings]:
    """Return what was kept for each wearable, by address."""
    kept = store.get(_KEY, {})
    return {
        address: LinkSettings(paired=bool(said.get("paired")), streams=tuple(said.get("streams", ())))
        for address, said in kept.items()
    }


def keep_link_settings(store: Store, address: str, settings: LinkSettings | None) -> None:
    """Keep what a wearable's link is to do; with `None`, forget it. Durable after `commit()`."""

    def changed(kept: Mapping[str, object]) -> dict[str, object]:
        others = {name: said for name, said in kept.items() if name != address}
        if settings is None or settings == LinkSettings():
            return others
        return {**others, address: {"paired": settings.paired, "streams": list(settings.streams)}}

    store.change(_KEY, changed, {})


def by_radio(store: Store) -> list[Device]:
    """Return the wearables on the list that this machine's own radio listens to.

    What a phone hears for it, or was read in from elsewhere, has no Bluetooth address: nobody would find it.
    """
    return [device for device in store.devices() if _ADDRESS.fullmatch(device.address.upper())]


def checked_address(text: str) -> str:
    """Return a device's address as it is kept. Raises `UsageError` for what is none."""
    address = text.strip().upper()
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"{clean(text, 60)!r} is no device address.", "Copy it from `healthslm devices scan`."
        )
    return address


def checked_name(text: str) -> str:
    """Return a wearable's name, made fit to be shown. Raises `UsageError` where nothing is left of it."""
    name = clean(text, NAME_LIMIT)
    if text and not name:
        raise UsageError("The name has no letter that can be shown.", 'Name it like "my strap".')
    return name


def add(store: Store, address: str, name: str, at: datetime, links: LinkSettings | None = None) -> str:
    """Put a wearable on the list, or name it anew; returns what it is called. Commits.

    Without `links` they stay as they are. Raises `UsageError` as `checked_address` and `checked_name`, and
    where there are too many.
    """
    address, called = checked_address(address), checked_name(name)
    others = [one for one in by_radio(store) if one.address.upper() != address]
    if len(others) >= MOST:
        raise UsageError(
            f"{MOST} wearables are on the list already.", "Take one off: healthslm devices forget ADDRESS"
        )
    known = store.device(address)
    store.put_device(replace(known, name=called or known.name))
    if links is not None:
        keep_link_settings(store, address, links)
    store.note_event(Event.DEVICE_CHANGED, at, added=address)
    store.commit()
    return called or known.name or address


def forget(store: Store, address: str, at: datetime) -> str:
    """Take a wearable off the list; its readings stay. Returns its address. Commits.

    Raises `MissingError` for one that is not on it.
    """
    listed = {device.address.upper(): device.address for device in store.devices()}
    known = listed.get(address.strip().upper())
    if known is None:
        raise MissingError(
            f"{clean(address, 60)} is not among the wearables.", "See `healthslm devices list`."
        )
    store.forget_device(known)
    keep_link_settings(store, known, None)
    store.note_event(Event.DEVICE_CHANGED, at, forgotten=known)
    store.commit()
    return known


def last_heard(store: Store, address: str) -> tuple[datetime | None, float | None]:
    """Return when a wearable was last heard, and what it said of its battery then, in per cent."""
    heard = [r.time for kind in Kind if (r := store.latest_of(address, kind)) is not None]
    battery = store.latest_of(address, Kind.BATTERY)
    return max(heard, default=None), battery.value if battery else None
