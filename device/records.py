"""The lines of a captured file: what each says, and what is wrong with one that says something else.

docs/capture.md describes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from device.errors import RecordError
from device.events import Event, Identity, LinkEvent, LinkState, Notification
from device.gatt.device_information import printable

FORMAT = "healthslm capture"
VERSION = 1
_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F-]{36}")
_CHARACTERISTIC = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._:/-]{0,63}")
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_TEXT = 4096
_INT64 = 2**63 - 1
_IDENTITY_TEXTS = ("name", "manufacturer", "model", "serial", "firmware")


@dataclass(frozen=True, slots=True)
class CapturedDevice:
    """One of the devices that were listened to; `services` by name or number, as far as they were known."""

    address: str
    name: str = ""
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: when the capture began (aware UTC), and of which devices."""

    started: datetime
    devices: tuple[CapturedDevice, ...] = ()


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _time(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def header_line(header: Header) -> bytes:
    """Write the first line."""
    devices = [{"address": d.address, "name": d.name, "services": list(d.services)} for d in header.devices]
    return _line({"format": FORMAT, "version": VERSION, "started": _time(header.started), "devices": devices})


def line_of(event: Event, monotonic_ns: int) -> bytes:
    """Write an event's line. `monotonic_ns` is for those that do not carry their own; see docs/capture.md."""
    fields: dict[str, Any]
    match event:
        case Notification():
            fields = {
                "event": "notification",
                "at": _time(event.received_at),
                "monotonic_ns": event.monotonic_ns,
                "device": event.device,
                "characteristic": event.characteristic,
                "value": event.value.hex(),
            }
            if event.read:
                fields["read"] = True
        case LinkEvent():
            fields = {
                "event": "link",
                "at": _time(event.at),
                "monotonic_ns": monotonic_ns,
                "device": event.device,
                "state": event.state.value,
            }
            if event.why:
                fields["why"] = event.why[:_LONGEST_TEXT]
            if event.dropped:
                fields["dropped"] = event.dropped
        case Identity():
            fields = {
                "event": "identity",
                "at": _time(event.at),
                "monotonic_ns": monotonic_ns,
                "device": event.device,
            }
            fields |= {name: said for name in _IDENTITY_TEXTS if (said := getattr(event, name))}
            if event.battery is not None:
                fields["battery"] = event.battery
    return _line(fields)


class _Fields:
    """The fields of one line. Each method takes one field; what it may not be is a `RecordError`."""

    def __init__(self, line: bytes, where: str) -> None:
        self._where = where
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            self.wrong("it is not JSON")
        if not isinstance(fields, dict):
            self.wrong("it is not a JSON object")
        self._fields: dict[str, Any] = fields

    def error(self, what: str) -> RecordError:
        return RecordError(f"{self._where}: {what}.")

    def wrong(self, what: str) -> NoReturn:
        raise self.error(what)

    def has(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str):
            self.wrong(f"“{name}” is missing, or no text")
        if len(value) > _LONGEST_TEXT:
            self.wrong(f"“{name}” is longer than {_LONGEST_TEXT:,} letters")
        return value

    def shown(self, name: str) -> str:
        """Take a text that may be missing, without what would steer a terminal."""
        return printable(self.text(name)) if name in self._fields else ""

    def like(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            self.wrong(f"“{name}” is not {what}")
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        value = self._fields.get(name)
        if type(value) is not int or not low <= value <= high:  # a bool is an int, too
            self.wrong(f"“{name}” is missing, or no whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            self.wrong(f"“{name}” is neither true nor false")
        return value

    def time(self, name: str) -> datetime:
        try:
            at = datetime.fromisoformat(self.text(name))
        except ValueError:
            self.wrong(f"“{name}” is no time like 2026-11-02T09:00:00+00:00")
        if at.tzinfo is None:
            self.wrong(f"“{name}” does not say its offset from UTC")
        if not _EARLIEST <= at < _LATEST:
            self.wrong(f"“{name}” is not between 1970 and 2200")
        return at.astimezone(UTC)

    def bytes(self, name: str) -> bytes:
        try:
            return bytes.fromhex(self.text(name))
        except ValueError:
            self.wrong(f"“{name}” is not hexadecimal")

    def list(self, name: str) -> list[Any]:
        value = self._fields.get(name)
        if not isinstance(value, list):
            self.wrong(f"“{name}” is missing, or no list")
        return value

    def device(self, name: str) -> str:
        return self.like(name, _ADDRESS, "the address of a device")


def header_of(line: bytes, where: str) -> Header:
    """Read the first line. Raises `RecordError`."""
    fields = _Fields(line, where)
    if not fields.has("format") or fields.text("format") != FORMAT:
        raise RecordError(f"{where}: it is not the first line of a healthslm capture.")
    version = fields.integer("version", 1, _INT64)
    if version != VERSION:
        raise RecordError(
            f"{where}: it is a capture of version {version}, and this program reads version {VERSION}.",
            "Read it with a newer healthslm.",
        )
    devices = []
    for entry in fields.list("devices"):
        one = _Fields(json.dumps(entry).encode(), f"{where}, “devices”")
        services = one.list("services") if one.has("services") else []
        if not all(isinstance(service, str) for service in services):
            one.wrong("“services” is no list of texts")
        devices.append(
            CapturedDevice(one.device("address"), one.shown("name"), tuple(printable(s) for s in services))
        )
    return Header(fields.time("started"), tuple(devices))


def event_of(line: bytes, where: str) -> tuple[Event, int]:
    """Read an event's line: the event, and the monotonic time that its file is paced by.

    Raises `RecordError` that begins with `where`. Fields that are not known here are passed over.
    """
    fields = _Fields(line, where)
    kind = fields.text("event")
    at, monotonic_ns = fields.time("at"), fields.integer("monotonic_ns", 0, _INT64)
    device = fields.device("device")
    match kind:
        case "notification":
            return (
                Notification(
                    received_at=at,
                    device=device,
                    characteristic=fields.like("characteristic", _CHARACTERISTIC, "a characteristic's name"),
                    value=fields.bytes("value"),
                    monotonic_ns=monotonic_ns,
                    read=fields.flag("read"),
                ),
                monotonic_ns,
            )
        case "link":
            state = fields.text("state")
            if state not in set(LinkState):
                fields.wrong("“state” is no state of a link")
            dropped = fields.integer("dropped", 0, _INT64) if fields.has("dropped") else 0
            return LinkEvent(at, device, LinkState(state), fields.shown("why"), dropped), monotonic_ns
        case "identity":
            said = {name: fields.shown(name) for name in _IDENTITY_TEXTS}
            battery = fields.integer("battery", 0, 100) if fields.has("battery") else None
            return Identity(at, device, **said, battery=battery), monotonic_ns
    raise fields.error("“event” is none of notification, link, identity")
