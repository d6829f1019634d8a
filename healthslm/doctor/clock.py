"""The clock, by which everything is dated: right, kept right, and in the right zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from healthslm.absence.beat import Beat
from healthslm.absence.clocks import LEAP, RELEASED
from healthslm.absence.moment import how_long
from healthslm.doctor.check import Check, attention, ok, problem, unknown
from healthslm.doctor.machine import Machine, NotKnown

WHAT = "clock"
SYNCHRONISED_US = 16_000_000
"""Below it the kernel (NTP_PHASE_LIMIT), and so systemd, take the clock for kept right."""
_BEFORE = timedelta(days=1)
_SET = "Connect it to the network, and: sudo timedatectl set-ntp true"


def dated(now: datetime, beat: Beat | None, newest: datetime | None) -> Iterator[Check]:
    """Say that the clock cannot be right: by this version's date, the newest reading, the sign of life."""
    if now < RELEASED:
        yield problem(WHAT, f"it shows {now:%Y-%m-%d %H:%M} UTC, which is before this version was made", _SET)
    elif newest is not None and newest > now + _BEFORE:
        yield problem(
            WHAT,
            f"the newest reading is of {newest:%Y-%m-%d %H:%M} UTC, which is still to come",
            "See that this machine's clock is right (timedatectl), and a device's.",
        )
    elif beat is not None and beat.at - now > LEAP:
        yield problem(
            WHAT,
            f"it was set back: the last sign of life is of {beat.at:%Y-%m-%d %H:%M} UTC,"
            f" {how_long((beat.at - now).total_seconds())} from now",
            "See that it is right now (timedatectl). Readings of that time seem to be still to come.",
        )


def kept_right(machine: Machine) -> Iterator[Check]:
    """Say whether the network keeps the clock right, and whether there is one that goes on without power."""
    own = bool(machine.names("sys/class/rtc", "rtc*"))
    alone = "" if own else "; it has no clock of its own, so after a power cut without a network it is wrong"
    try:
        off = machine.clock_error_us()
    except NotKnown as why:
        if machine.has("run/systemd/timesync/synchronized"):
            yield ok(WHAT, f"set by the network since the start{alone}")
        else:
            yield unknown(WHAT, f"whether it is kept right, for {why}", "timedatectl")
        return
    if off < SYNCHRONISED_US:
        yield ok(WHAT, f"kept right by the network, to {off / 1000:,.0f} ms at the most{alone}")
    else:
        yield attention(WHAT, f"not kept right by the network{alone}", _SET)


def zone(name: str, system: str, *, chosen: bool) -> Check:
    """Say in which zone days begin."""
    if chosen and name != system:
        return ok("zone", f"{name}, as settings.toml says; this machine's own is {system}")
    where = "settings.toml" if chosen else "this machine"
    elsewhere = 'Who lives elsewhere writes into settings.toml: timezone = "Europe/Berlin"'
    return ok("zone", f"{name}, as {where} says", elsewhere if name.endswith("UTC") and not chosen else "")
