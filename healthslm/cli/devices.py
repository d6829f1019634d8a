"""Wearables: find them, choose them, listen to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from device import Found, scan
from healthslm import wearables
from healthslm.cli import pairing, terminal
from healthslm.cli.app import Json, app
from healthslm.cli.running import is_running
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.links import Standing, standing

devices = typer.Typer(help="The wearables.", no_args_is_help=True)
app.add_typer(devices, name="devices")
NOT_LISTENING = "not listening"
"""The state of every link while no `healthslm run` is at work; since when and why is what was last known."""


@devices.command("scan")
def devices_scan(
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long to look.")] = 10,
    json: Json = False,
) -> None:
    """Look for wearables nearby that healthslm understands."""
    found = asyncio.run(scan(seconds))
    if json:
        terminal.print_json(
            [
                {"address": f.address, "name": f.name, "services": list(f.services), "rssi": f.rssi}
                for f in found
            ]
        )
        return
    if not found:
        terminal.err.print(
            f"Nothing that healthslm understands was heard in {seconds:.0f} s. Put the device on, "
            "wake it up, and make sure that no phone is connected to it."
        )
        return
    terminal.out.print(found_table(found))
    terminal.err.print("Next: healthslm devices add ADDRESS")


def found_table(found: list[Found]) -> Table:
    """List what a scan found."""
    table = terminal.table_of("address", "name", "what it measures", "signal", whole=17)
    for one in found:
        signal_text = "" if one.rssi is None else f"{one.rssi} dBm"
        table.add_row(
            terminal.cell(one.address),
            terminal.cell(one.name),
            terminal.cell(", ".join(one.services)),
            signal_text,
        )
    return table


@devices.command("add")
def devices_add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="As `devices scan` shows it.")],
    name: Annotated[str, typer.Option(help="What you call it.")] = "",
    pair: Annotated[
        bool | None,
        typer.Option(
            "--pair/--no-pair",
            help="Pair with it now, or do not. Unsaid: in a terminal, and where it usually needs that.",
            show_default=False,
        ),
    ] = None,
    passkey: Annotated[str, typer.Option(help="Its six digits, where nobody can be asked.")] = "",
    stream: Annotated[
        list[str] | None,
        typer.Option(
            help="What it sends only when asked, like ecg, acc or ppi. Repeatable.", show_default=False
        ),
    ] = None,
) -> None:
    """Listen to a wearable from now on."""
    address = wearables.checked_address(address)
    wearables.checked_name(name)
    wanted = pairing.Wanted.checked(pair, passkey, stream)
    current = session(context)
    with current.store() as store:
        before = wearables.link_settings(store).get(address, wearables.LinkSettings())
        after = wanted.carried_out(address, before, current.settings.home)
        called = wearables.add(store, address, name, utc_now(), after)
    heard = "`healthslm run` listens to it" if is_running(current.settings.home) else "Next: healthslm run"
    terminal.say(f"{called} is added. {heard}")


@devices.command("list")
def devices_list(context: typer.Context, json: Json = False) -> None:
    """Show the wearables: who they are, their battery, when they were last heard, and how the link stands."""
    current = session(context)
    with current.store() as store:
        rows = [(d, wearables.last_heard(store, d.address)) for d in store.devices()]
        links = standing(store)
    if not is_running(current.settings.home):
        links = {address: replace(link, state=NOT_LISTENING) for address, link in links.items()}
    if json:
        terminal.print_json(
            [
                {
                    "address": d.address,
                    "name": d.name,
                    "manufacturer": d.manufacturer,
                    "model": d.model,
                    "serial": d.serial,
                    "firmware": d.firmware,
                    "last_heard": heard.isoformat() if heard else None,
                    "battery": battery,
                    "link": _link_row(links.get(d.address)),
                }
                for d, (heard, battery) in rows
            ]
        )
        return
    if not rows:
        terminal.err.print("No wearable yet. Next: healthslm devices scan")
        return
    table = terminal.table_of("wearable", "battery", "last heard", "link", whole=17)
    for d, (heard, battery) in rows:
        when = terminal.day_and_clock(heard, current.zone) if heard else "never"
        level = "unknown" if battery is None else f"{battery:.0f} %"
        about = [d.name, f"{d.manufacturer} {d.model}".strip(), d.address]
        wearable = Text("\n").join(terminal.cell(word) for word in dict.fromkeys(about) if word)
        link = terminal.cell(_link_words(links.get(d.address), current.zone))
        table.add_row(wearable, level, when, link)
    terminal.out.print(table)


def _link_row(link: Standing | None) -> dict[str, str] | None:
    if link is None:
        return None
    return {"state": link.state, "since": link.since.isoformat(), "why": link.why}


def _link_words(link: Standing | None, zone: ZoneInfo) -> str:
    if link is None or link.state == NOT_LISTENING:
        return NOT_LISTENING
    since = f"{link.state} since {terminal.day_and_clock(link.since, zone)}"
    return f"{since}: {link.why}" if link.why else since


@devices.command("forget")
def devices_forget(context: typer.Context, address: str) -> None:
    """Stop listening to a wearable. Its readings stay."""
    current = session(context)
    with current.store() as store:
        address = wearables.forget(store, address, utc_now())
    terminal.say(f"{address} is forgotten; its readings are kept.")
