"""Pairing with a wearable while a person is there."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from device import AdapterError, LinkError, scan
from device.agent import Ask, Pairing, bonds, pair
from device.vendors import FAMILIES
from healthslm.cli import terminal
from healthslm.cli.running import only_one
from healthslm.errors import HealthslmError, UsageError
from healthslm.wearables import LinkSettings

LOOK_S = 8.0
"""How long a wearable that is added is looked for when nobody asked for pairing."""
_SIX_DIGITS = re.compile(r"[0-9]{6}")


def checked_streams(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the streams that were asked for, each once. Raises `UsageError` for one that nobody sends."""
    known = sorted({name for family in FAMILIES for name in family.streams})
    for name in wanted:
        if name not in known:
            raise UsageError(f"No wearable sends {name!r}.", f"There are: {', '.join(known) or 'none'}.")
    return tuple(dict.fromkeys(wanted))


def checked_passkey(text: str) -> int | None:
    """Return the passkey that was given beforehand. Raises `UsageError` where it is not six digits."""
    if not text:
        return None
    if not _SIX_DIGITS.fullmatch(text):
        raise UsageError(f"{text!r} is no passkey.", "Write its six digits, leading zeros too.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Beforehand:
    """Answers with the passkey that was given on the command line; to anything else with no."""

    given: int | None

    async def passkey(self, device: str) -> int | None:
        """Give the passkey, if there is one."""
        return self.given

    async def confirm(self, device: str, passkey: int) -> bool:
        """Confirm nothing: whether two numbers are the same is for a person to see."""
        return False

    def show(self, device: str, passkey: int) -> None:
        """Say what to type on the device."""
        terminal.say(f"Type {passkey:06} on {device}.")


@dataclass(frozen=True, slots=True)
class AtTerminal(Beforehand):
    """Asks the person at the terminal; a question that the device withdraws is withdrawn there too."""

    terminal: TextIO

    async def passkey(self, device: str) -> int | None:
        """Ask for six digits until there are six, or nothing."""
        if self.given is not None:
            return self.given
        while text := await _answer(
            self.terminal, f"Passkey that {device} shows (six digits; nothing to stop): "
        ):
            if _SIX_DIGITS.fullmatch(digits := text.replace(" ", "")):
                return int(digits)
            terminal.say("These are not six digits.")
        return None

    async def confirm(self, device: str, passkey: int) -> bool:
        """Ask whether the two numbers are the same."""
        return (await _answer(self.terminal, f"Does {device} show {passkey:06}? [y/N] ")).lower() in (
            "y",
            "yes",
        )


async def _answer(at: TextIO, question: str) -> str:
    """Read a line from the terminal; unlike a thread that reads, this can be cancelled."""
    terminal.err.print(terminal.cell(question), end="", soft_wrap=True)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not line.done():
            line.set_result(at.readline().strip())

    loop.add_reader(at, read)
    try:
        return await line
    except asyncio.CancelledError:
        terminal.say("\nThe device did not wait any longer.")
        raise
    finally:
        loop.remove_reader(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for: `pair` is `None` where nothing is said of it."""

    pair: bool | None
    passkey: int | None
    streams: tuple[str, ...] | None

    @classmethod
    def checked(cls, pair: bool | None, passkey: str, streams: Sequence[str] | None) -> Wanted:
        """Read the options. Raises `UsageError`."""
        digits = checked_passkey(passkey)
        if digits is not None and pair is False:
            raise UsageError("--passkey goes with --pair.", "Leave --no-pair out.")
        return cls(
            pair=True if digits is not None else pair,
            passkey=digits,
            streams=checked_streams(streams) if streams else None,
        )

    def carried_out(self, address: str, before: LinkSettings, home: Path) -> LinkSettings:
        """Pair if that is to be done, and return what is to be kept of the wearable's link.

        Raises `HealthslmError` when `healthslm run` is listening: it would be in the way of pairing.
        """
        paired = before.paired
        if self.pair:
            with only_one(home):
                paired = _pair(address, self.passkey)
        elif self.pair is None and not paired and sys.stdin.isatty():
            paired = _pair_if_needed(address, home)
        elif self.pair is False:
            paired = False
        return LinkSettings(paired=paired, streams=before.streams if self.streams is None else self.streams)


def _pair(address: str, passkey: int | None) -> bool:
    """Pair with a wearable, and say how it went; return whether it is to be connected to as paired.

    Raises `LinkError` or `AdapterError` with the next step.
    """
    terminal.say(f"Pairing with {address}. Put it into pairing mode if it has one, and keep it near.", "dim")
    ask: Ask = AtTerminal(passkey, sys.stdin) if sys.stdin.isatty() else Beforehand(passkey)
    outcome = asyncio.run(pair(address, ask=ask))
    if outcome is Pairing.BY_SYSTEM:
        terminal.say("This system asks by itself, when the first measurement is fetched.")
        return False
    terminal.say(f"{address} is {outcome}.")
    return True


def _pair_if_needed(address: str, home: Path) -> bool:
    """Pair with a wearable that usually needs it, if one is heard; never in the way of adding it."""
    later = f"If it is to be paired: healthslm devices add {address} --pair"
    terminal.say(f"Looking for it for {LOOK_S:.0f} s, to see whether it needs pairing ...", "dim")
    try:
        with only_one(home):
            found = [one for one in asyncio.run(scan(LOOK_S)) if one.address == address]
            if not found:
                terminal.say(f"It was not heard now. {later}")
            elif bonds(found[0]):
                return _pair(address, None)
    except (AdapterError, LinkError, HealthslmError) as error:
        terminal.say(f"{error} {later}")
    return False
