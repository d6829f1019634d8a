"""Which Bluetooth adapters this machine has, as BlueZ tells it: names, whether they are on, what they can.

For whoever looks whether Bluetooth can work here at all; links do not need it. Source: BlueZ
`doc/org.bluez.Adapter.rst`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from device.adapter import adapter_error

_ADAPTER = "org.bluez.Adapter1"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """An adapter: `hci0` and its address, whether it is on, and whether it connects to Bluetooth LE devices.

    `central` is `None` for a BlueZ that does not tell its roles (before 5.51).
    """

    name: str
    address: str
    powered: bool
    central: bool | None


def used(controllers: Sequence[Controller]) -> list[Controller]:
    """Return those that may be listened with: on, and LE.

    Of several, bleak 3.1 takes any: it keeps them as a set, whose order changes from start to start.
    """
    return [one for one in controllers if one.powered and one.central is not False]


async def controllers(seconds: float = 5, address: str | None = None) -> list[Controller]:
    """Ask BlueZ for its adapters, in its own order; `address` is another D-Bus than the system's.

    Raises `AdapterError` where there is no BlueZ to ask, or it may not be asked.
    """
    if not sys.platform.startswith("linux"):
        return []
    from device.bluez import system_bus  # noqa: PLC0415  on Linux only

    try:
        async with asyncio.timeout(seconds), system_bus(seconds, address) as bus:
            return read(await bus.call("/", _OBJECTS, "GetManagedObjects"))
    except Exception as e:  # whatever the bus and its library raise: there is no asking
        raise adapter_error(e) from e


def read(objects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Controller]:
    """Read what BlueZ says of all that it has; its values are variants."""
    found = []
    for path, interfaces in objects.items():
        if (said := interfaces.get(_ADAPTER)) is None:
            continue
        told = {name: variant.value for name, variant in said.items()}
        roles = told.get("Roles")
        found.append(
            Controller(
                name=path.rpartition("/")[2],
                address=str(told.get("Address", "")),
                powered=told.get("Powered") is True,
                central=None if roles is None else "central" in roles,
            )
        )
    return found
