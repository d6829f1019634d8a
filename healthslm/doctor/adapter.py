"""Bluetooth: is there an adapter that can be listened with, is it on, and which one is it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device.controllers import Controller, used
from device.errors import AdapterError
from healthslm.doctor.check import Check, State, ok
from healthslm.doctor.machine import Machine, NotKnown
from healthslm.text import many

WHAT = "adapter"
_UNBLOCK = "sudo rfkill unblock bluetooth"


def adapter(
    told: Sequence[Controller] | AdapterError, machine: Machine, wearables: int | None
) -> Iterator[Check]:
    """Say how Bluetooth is, by what BlueZ `told` or why it could not be asked.

    Without wearables (`None`: not known, the store is locked) nobody misses an adapter: files can be imported
    and phones can listen. With some, it is a problem.
    """
    missed = State.PROBLEM if wearables else State.ATTENTION
    there = [name for name in machine.names("sys/class/bluetooth", "hci*") if ":" not in name]
    blocked = _blocked(machine)
    if isinstance(told, AdapterError) or not told:
        if isinstance(told, AdapterError) and (there or not machine.has("sys/class")):
            yield Check(what=WHAT, state=missed, said=told.message, next=told.hint)
        elif there:
            yield Check(
                what=WHAT,
                state=missed,
                said=f"the kernel has {' and '.join(there)}, and BlueZ does not see it",
                next="sudo systemctl restart bluetooth; then see: journalctl -u bluetooth",
            )
        else:
            yield Check(
                what=WHAT,
                state=missed,
                said="this machine has no Bluetooth adapter that its kernel knows",
                next="Plug in a Bluetooth LE adapter, and see that it has its driver and firmware (dmesg).",
            )
    else:
        yield _of(told, blocked, missed)
    if blocked and not (not isinstance(told, AdapterError) and used(told)):
        yield Check(what="", state=missed, said=blocked[0], next=blocked[1])


def _of(told: Sequence[Controller], blocked: tuple[str, str] | None, missed: State) -> Check:
    usable = used(told)
    idle = [one.name for one in told if one not in usable]
    if not usable:
        off = [one.name for one in told if not one.powered and one.central is not False]
        if off:
            said = f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} switched off"
            return Check(
                what=WHAT, state=missed, said=said, next=_UNBLOCK if blocked else "bluetoothctl power on"
            )
        said = f"{' and '.join(idle)} cannot connect to Bluetooth LE devices"
        return Check(what=WHAT, state=missed, said=said, next="Use an adapter for Bluetooth 4.0 or later.")
    if len(usable) > 1:
        named = " and ".join(f"{one.name} ({one.address})" for one in usable)
        return Check(
            what=WHAT,
            state=State.ATTENTION,
            said=f"{len(usable)} adapters are on, {named}: which one listens may be another at each start,"
            " and a paired device knows only one",
            next=f"Switch one off: bluetoothctl select {usable[-1].address}, then: power off",
        )
    (one,) = usable
    le = "on, and for Bluetooth LE" if one.central else "on; whether it is for Bluetooth LE is not told"
    more = f"; {many(len(idle), 'other')} not used: {', '.join(idle)}" if idle else ""
    return ok(WHAT, f"{one.name} ({one.address}) is {le}{more}")


def _blocked(machine: Machine) -> tuple[str, str] | None:
    """Say by what Bluetooth is blocked, and what to do; `None` where it is not."""
    for name in machine.names("sys/class/rfkill", "rfkill*"):
        at = f"sys/class/rfkill/{name}"
        try:
            if machine.text(f"{at}/type") != "bluetooth":
                continue
            if machine.number(f"{at}/hard"):
                return "Bluetooth is blocked by a switch or key of this machine", "Turn it on there."
            if machine.number(f"{at}/soft"):
                return "Bluetooth is blocked by software (rfkill)", _UNBLOCK
        except NotKnown:
            continue
    return None
