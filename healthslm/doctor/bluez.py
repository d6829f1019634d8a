"""BlueZ: which version, and what is known to be wrong with it. Only faults with a source that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from healthslm.doctor.check import Check, State, ok
from healthslm.doctor.machine import Machine, NotKnown

WHAT = "BlueZ"
Version = tuple[int, int]
_VERSION = re.compile(r"\b(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the versions `first` to `last`, both included; `OK` where healthslm gets over it."""

    first: Version
    last: Version
    state: State
    said: str
    next: str
    source: str


_ALL = (5, 9999)
FAULTS = (
    Fault(
        first=(0, 0),
        last=(5, 54),
        state=State.PROBLEM,
        said="bleak, by which healthslm listens, refuses to connect with a BlueZ before 5.55",
        next="Update the system: Debian 12 has 5.66.",
        source="bleak 3.1, bleak/backends/bluezdbus/client.py",
    ),
    Fault(
        first=(5, 64),
        last=(5, 64),
        state=State.ATTENTION,
        said="links may end unasked, and notifications of some services may not come",
        next="Update BlueZ: whoever reported it found 5.66 right.",
        source="https://github.com/bluez/bluez/issues/509",
    ),
    Fault(
        first=(5, 87),
        last=(5, 87),
        state=State.ATTENTION,
        said="bluetoothd crashes as soon as any program scans by services, which healthslm does not",
        next="Update BlueZ beyond 5.87, and let no other program scan meanwhile.",
        source="https://github.com/bluez/bluez/issues/2282",
    ),
    Fault(
        first=(5, 55),
        last=(5, 87),
        state=State.OK,
        said="a scan may fall silent; it is begun anew every ten seconds in which nothing is heard",
        next="",
        source="https://github.com/bluez/bluez/issues/807, https://github.com/hbldh/bleak/issues/2021",
    ),
    Fault(
        first=(5, 62),
        last=_ALL,
        state=State.OK,
        said="among many devices connecting is sometimes aborted; it is tried again at once",
        next="",
        source="https://github.com/hbldh/bleak/issues/1220",
    ),
    Fault(
        first=(5, 55),
        last=_ALL,
        state=State.OK,
        said="a device with new firmware may be known by its old table; it is forgotten and found anew",
        next="",
        source="https://github.com/bluez/bluez/issues/191, https://github.com/hbldh/bleak/issues/882",
    ),
)


def bluez(machine: Machine) -> Iterator[Check]:
    """Say which BlueZ there is, and what to do about it. Raises `NotKnown` where none says its version."""
    version = _version(machine)
    named = f"{version[0]}.{version[1]}"
    known = [fault for fault in FAULTS if fault.first <= version <= fault.last]
    bad = [fault for fault in known if fault.state is not State.OK]
    borne = len(known) - len(bad)
    if not bad:
        more = f"; {borne} known faults that healthslm gets over by itself (docs/doctor.md)" if borne else ""
        yield ok(WHAT, f"{named}{more}")
    for fault in bad:
        yield Check(
            what=WHAT, state=fault.state, said=f"{named}: {fault.said} ({fault.source})", next=fault.next
        )


def _version(machine: Machine) -> Version:
    """Ask the program, else Debian's list of packages: the service itself does not say."""
    for argv in (("bluetoothctl", "--version"), ("dpkg-query", "-W", "-f=${Version}", "bluez")):
        try:
            found = _VERSION.search(machine.ask(argv))
        except NotKnown:
            continue
        if found:
            return int(found[1]), int(found[2])
    raise NotKnown("neither bluetoothctl nor dpkg-query says a version; without BlueZ there is no Bluetooth")
