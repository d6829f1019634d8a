"""The first wearables, right after the store was made: look, choose by number, name, done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from device import AdapterError, Found, LinkError
from device.agent import bonds
from healthslm.cli import terminal
from healthslm.cli.pairing import Wanted
from healthslm.clock import utc_now
from healthslm.errors import HealthslmError
from healthslm.store import Store
from healthslm.text import clean
from healthslm.wearables import NAME_LIMIT, LinkSettings, add

UNIT = Path("/etc/systemd/system/healthslm.service")
"""Where this is there, the service of device/pi listens, and not somebody's `healthslm run`."""
Ask = Callable[[str], str]
Pair = Callable[[Found], LinkSettings]


def add_first_devices(store: Store, *, ask: Ask, look: Callable[[], list[Found]], pair: Pair) -> int:
    """Offer to look for wearables, and add those that are chosen; return how many were.

    `look` scans and raises `AdapterError` where there is no radio, which is said, and no more comes of it;
    `pair` makes one of those a paired one that need it. Whoever answers nothing goes on without.
    """
    terminal.say("Is a wearable at hand? Put it on or wake it up, and see that no phone is connected to it.")
    if ask("Look for wearables now? [Y/n] ").strip().lower() in ("n", "no"):
        return 0
    added: set[str] = set()
    while True:
        try:
            found = [one for one in look() if one.address not in added]
        except AdapterError as error:
            terminal.say(f"Bluetooth cannot be used now. {error}", "yellow")
            return len(added)
        if not found:
            terminal.say("Nothing more that healthslm understands was heard.")
        while (chosen := _chosen(found, ask)) is not None:
            found = [one for one in found if one is not chosen]
            _add(store, chosen, ask, pair)
            added.add(chosen.address)
        if ask("Look again? [y/N] ").strip().lower() not in ("y", "yes"):
            return len(added)


def _chosen(found: Sequence[Found], ask: Ask) -> Found | None:
    """Show what was found, and ask for a number until it is one of them; `None` for none."""
    if not found:
        return None
    table = terminal.table_of("", "name", "what it measures", "address")
    for number, one in enumerate(found, start=1):
        name = terminal.cell(one.name or "unnamed")
        table.add_row(str(number), name, terminal.cell(", ".join(one.services)), terminal.cell(one.address))
    terminal.err.print(table)
    while text := ask("Which one is yours? Its number, or nothing to go on: ").strip():
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(found):
            return found[int(text) - 1]
        terminal.say(f"There is no number {text}." if len(text) < 10 else "There is no such number.")
    return None


def _add(store: Store, one: Found, ask: Ask, pair: Pair) -> None:
    name = clean(ask(f"What do you call it? [{one.name or one.address}] "), NAME_LIMIT) or one.name
    link = LinkSettings()
    try:
        if bonds(one):
            link = pair(one)
    except (AdapterError, LinkError, HealthslmError) as error:
        terminal.say(f"It was not paired. {error}", "yellow")
        terminal.say(f"To try that again: healthslm devices add {one.address} --pair")
    called = add(store, one.address, name, utc_now(), link)
    terminal.say(f"{called} is added.")


def paired_at_terminal(home: Path) -> Pair:
    """Return what pairs with a wearable, asking at the terminal."""
    wanted = Wanted(pair=True, passkey=None, streams=None)
    return lambda one: wanted.carried_out(one.address, LinkSettings(), home)


def next_step(added: int, unit: Path = UNIT) -> str:
    """Say what to do once the store is made and so many wearables are added."""
    if not added:
        return "Next: healthslm devices scan"
    return f"Next: {'sudo systemctl start healthslm' if unit.exists() else 'healthslm run'}"
