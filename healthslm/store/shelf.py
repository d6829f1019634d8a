"""What is in the store beside readings: devices, notes, settings, what was computed from days.

Every write here is durable after `commit()`, together with the readings before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from healthslm.errors import DamagedError, StoreError
from healthslm.readings import Device, Note
from healthslm.store.outbox import Outbox
from healthslm.store.rows import micros, moment


def _device(row: tuple[str, ...]) -> Device:
    address, name, manufacturer, model, serial, firmware = row
    return Device(
        address=address, name=name, manufacturer=manufacturer, model=model, serial=serial, firmware=firmware
    )


class Shelf(Outbox):
    """The part of `Store` that is not readings."""

    # Devices

    def devices(self) -> list[Device]:
        """Return the devices that were put in, in the order of their addresses."""
        rows = self._database.rows(
            "SELECT address, name, manufacturer, model, serial, firmware FROM devices"
            " WHERE added ORDER BY address"
        )
        return [_device(row) for row in rows]

    def device_numbers(self) -> dict[str, int]:
        """Return the numbers by which windows tell devices apart, by address; of every one ever heard."""
        return dict(self._database.rows("SELECT address, id FROM devices"))

    def put_device(self, device: Device) -> None:
        """Add a device, or say anew what is known of it."""
        row = (
            device.address,
            device.name,
            device.manufacturer,
            device.model,
            device.serial,
            device.firmware,
        )
        self._write(
            partial(
                self._database.rows,
                "INSERT INTO devices (address, added, name, manufacturer, model, serial, firmware)"
                " VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET added = 1,"
                " name = excluded.name, manufacturer = excluded.manufacturer, model = excluded.model,"
                " serial = excluded.serial, firmware = excluded.firmware",
                row,
            )
        )

    def device(self, address: str) -> Device:
        """Return what is known of a device, on the list or not: old readings still name what sent them."""
        found = self._database.rows(
            "SELECT address, name, manufacturer, model, serial, firmware FROM devices WHERE address = ?",
            (address,),
        )
        return _device(found[0]) if found else Device(address=address)

    def know_device(self, device: Device) -> None:
        """Note what a device says of itself, on the list or not; the name that it was given stays."""
        sql = (
            "INSERT INTO devices (address, name, manufacturer, model, serial, firmware)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET name = excluded.name,"
            " manufacturer = excluded.manufacturer, model = excluded.model, serial = excluded.serial,"
            " firmware = excluded.firmware"
        )
        row = (device.address, device.name, device.manufacturer, device.model, device.serial, device.firmware)
        self._write(partial(self._database.rows, sql, row))

    def forget_device(self, address: str) -> bool:
        """Take a device off the list, and drop the name it was given. Returns whether it was on it.

        Its readings stay, and so does what made them (maker, model, serial number): a number without its
        source is worth less.
        """
        sql = "UPDATE devices SET added = 0, name = '' WHERE address = ? AND added RETURNING id"
        return bool(self._write(partial(self._database.rows, sql, (address,))))

    # What the person wrote

    def add_note(self, note: Note) -> int:
        """Keep a note and return its number."""
        row = (micros(note.time), note.text, note.level, note.reason, note.origin)
        sql = "INSERT INTO notes (time, text, level, reason, origin) VALUES (?, ?, ?, ?, ?) RETURNING id"
        return int(self._write(partial(self._database.rows, sql, row))[0][0])

    def notes(self, start: datetime, end: datetime) -> list[Note]:
        """Return the notes of `[start, end)`, in order of time."""
        rows = self._database.rows(
            "SELECT id, time, text, level, reason, origin FROM notes"
            " WHERE time >= ? AND time < ? ORDER BY time",
            (micros(start), micros(end)),
        )
        return [
            Note(id=number, time=moment(time), text=text, level=level, reason=reason, origin=origin)
            for number, time, text, level, reason, origin in rows
        ]

    # Settings that are health data or name a person, so they are in here and not in settings.toml

    def get(self, name: str, default: Any = None) -> Any:
        """Return what was put under a name, as JSON gives it back, or the default."""
        text = self._database.value("SELECT value FROM settings WHERE name = ?", (name,))
        if text is None:
            return default
        try:
            return json.loads(text)
        except ValueError as error:
            raise DamagedError(f"The setting {name!r} in {self._database.path} is no JSON.") from error

    def put(self, name: str, value: Any) -> None:
        """Keep a small JSON value under a name. Raises `StoreError` for what is no JSON."""
        self._write(partial(self._set, name, _as_text(name, value)))

    def change(self, name: str, change: Callable[[Any], Any], default: Any = None) -> Any:
        """Make what is kept under a name out of what is there, as one step; returns it.

        Between a `get` and a `put` another process may write, and what it wrote would be lost. What `change`
        raises is raised here, and nothing is kept. It is called again when the write has to be done again.
        """
        return self._write(partial(self._change, name, change, default))

    def _change(self, name: str, change: Callable[[Any], Any], default: Any) -> Any:
        made = change(self.get(name, default))
        self._set(name, _as_text(name, made))
        return made

    def _set(self, name: str, text: str) -> None:
        self._database.rows(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, text),
        )

    # What was computed from a day

    def digests(self, name: str, first: int, last: int) -> dict[int, tuple[bytes, str]]:
        """Return fingerprint and value by local day (proleptic ordinal), of those in `[first, last]`."""
        sql = "SELECT day, seen, value FROM digests WHERE name = ? AND day BETWEEN ? AND ?"
        return {day: (seen, value) for day, seen, value in self._database.rows(sql, (name, first, last))}

    def put_digests(self, name: str, found: Mapping[int, tuple[bytes, str]]) -> None:
        """Keep what was computed from some days, in place of what was there."""
        self._write(partial(self._set_digests, name, found))

    def _set_digests(self, name: str, found: Mapping[int, tuple[bytes, str]]) -> None:
        for day, (seen, value) in found.items():
            self._database.rows(
                "INSERT INTO digests VALUES (?, ?, ?, ?) ON CONFLICT (name, day) DO UPDATE SET"
                " seen = excluded.seen, value = excluded.value",
                (name, day, seen, value),
            )


def _as_text(name: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"The setting {name!r} cannot be kept: it is no JSON.") from error
