"""Power and heat, as a Raspberry Pi's firmware and the kernel's sensors tell.

Source: Raspberry Pi documentation, `vcgencmd get_throttled` and "Frequency management and thermal control".
"""

from __future__ import annotations

from collections.abc import Iterator

from healthslm.doctor.check import Check, attention, ok, problem, unknown
from healthslm.doctor.machine import Machine, NotKnown

UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
SINCE_START = 16
"""The same bits, so much higher, say that it was so since the start."""
_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
HOT_C = 80.0
"""From here on a Raspberry Pi slows its processor down."""
_COOL = "Give it air, or a heat sink."
_SUPPLY = "Use the board's own power supply and a short cable; unplug what draws much from its USB."


def power(machine: Machine) -> Iterator[Check]:
    """Say whether the power supply gives enough, and whether the processor had to be slowed down."""
    try:
        bits = _throttled(machine)
    except NotKnown as why:
        yield _by_sensor(machine, why)
        return
    now, ever = bits & 0xF, bits >> SINCE_START & 0xF
    if now & UNDER_VOLTAGE:
        yield problem("power", "the voltage is too low now: the card may be damaged", _SUPPLY)
    elif ever & UNDER_VOLTAGE:
        yield attention("power", "the voltage was too low at times since the start", _SUPPLY)
    else:
        yield ok("power", "enough voltage, always since the start")
    slow = THROTTLED | SOFT_LIMIT
    if (now | ever) & slow:
        yield attention(
            "speed",
            f"the processor {'is' if now & slow else 'was at times'} slowed down because it is too hot",
            _COOL,
        )


def _throttled(machine: Machine) -> int:
    if machine.has(_FIRMWARE):
        text = machine.text(_FIRMWARE)
    else:
        text = machine.ask(("vcgencmd", "get_throttled")).strip().rpartition("=")[2]
    try:
        return int(text, 16)
    except ValueError:
        raise NotKnown(f"the firmware says {text[:40]!r}") from None


def _by_sensor(machine: Machine, why: NotKnown) -> Check:
    """What is left where the firmware cannot be asked: the kernel's own sensor of a Raspberry Pi."""
    for name in machine.names("sys/class/hwmon", "hwmon*"):
        at = f"sys/class/hwmon/{name}"
        try:
            if machine.text(f"{at}/name") != "rpi_volt":
                continue
            if machine.number(f"{at}/in0_lcrit_alarm"):
                return problem("power", "the voltage is too low now: the card may be damaged", _SUPPLY)
            return ok("power", "enough voltage now")
        except NotKnown:
            continue
    try:
        model = machine.model()
    except NotKnown:
        return unknown("power", "this machine has no sensor of its supply that can be read")
    return unknown("power", f"this is a {model}, and {why}")


def heat(machine: Machine) -> Iterator[Check]:
    """Say how hot the processor is."""
    found = []
    for name in machine.names("sys/class/thermal", "thermal_zone*"):
        try:
            found.append(machine.number(f"sys/class/thermal/{name}/temp") / 1000)
        except NotKnown:
            continue
    if not found:
        raise NotKnown("this machine has no sensor of its heat that can be read")
    hottest = max(found)
    if hottest >= HOT_C:
        yield attention("heat", f"{hottest:.0f} °C; from {HOT_C:.0f} °C on it is slowed down", _COOL)
    else:
        yield ok("heat", f"{hottest:.0f} °C")
