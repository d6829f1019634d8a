"""`healthslm companion`: the page for the phone, and who may look at it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from healthslm.analysis import day_bounds
from healthslm.cli import terminal
from healthslm.cli.app import Json, StrictOption, app
from healthslm.cli.fencing import COMPANION, answering, put_up
from healthslm.cli.locking import exit_if_locked, heeding_lock
from healthslm.cli.period import last_day
from healthslm.cli.session import Session, session
from healthslm.cli.stopping import stop_on_signals
from healthslm.cli.unlocking import WaitOption, unlocked
from healthslm.clock import utc_now
from healthslm.companion import Box, Client, Role, application, clients_in, locked, pairing, revoke, server
from healthslm.companion.addresses import addresses_here
from healthslm.companion.clients import EVERYBODY, add, digest, new_id, packed
from healthslm.errors import HealthslmError, UsageError
from healthslm.notify import Notifier
from healthslm.store import Store, open_unlocked
from healthslm.store.audit import Event
from healthslm.text import clean

T = TypeVar("T")
companion = typer.Typer(
    help="The page for the phone: serve it and pair a phone with it; or, with a command, one of these.",
    invoke_without_command=True,
)
app.add_typer(companion, name="companion")
RoleOption = Annotated[Role, typer.Option("--role", help="What the phone or program may see.")]
UntilOption = Annotated[
    str,
    typer.Option("--until", metavar="DATE|DAYS", help="Until when: 2026-12-31, or 30d.", show_default=False),
]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")]
HostOption = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 are all.")]
_LOOK_S = 0.5
_TOKEN_BYTES = 32
Do = Callable[[Callable[[Store], T]], T]
"""How something is done on the store: at once, or by the thread that it belongs to."""


@companion.callback()
def companion_here(
    context: typer.Context,
    port: PortOption = server.PORT,
    host: HostOption = server.EVERYWHERE,
    strict: StrictOption = False,
) -> None:
    """Serve the page and pair a phone with it. `serve` and `pair` do one of the two."""
    if context.invoked_subcommand is None:
        _serve(session(context).strictly(strict), host, port, pair=True)


@companion.command("serve")
def companion_serve(
    context: typer.Context,
    port: PortOption = server.PORT,
    host: HostOption = server.EVERYWHERE,
    wait: WaitOption = False,
    strict: StrictOption = False,
) -> None:
    """Serve the page until it is stopped. Pair a phone with `healthslm companion pair`."""
    _serve(session(context).strictly(strict), host, port, pair=False, wait=wait)


def _serve(current: Session, host: str, port: int, *, pair: bool, wait: bool = False) -> None:
    sockets = server.listening(host, port)
    notify = Notifier.of(os.environ, os.getpid())
    current = current.absolute()
    standing = put_up(current, serving=True)
    with contextlib.ExitStack() as stack:
        with notify.kept_alive():
            with locked.said_locked(current.settings.home, sockets):
                access = stack.enter_context(unlocked(current, "companion", wait=wait, notify=notify))
            store = stack.enter_context(current.store(access=access))
            second = stack.enter_context(open_unlocked(access, state=current.settings.state))
        writer = stack.enter_context(current.writer())
        if standing is not None:
            # There it finds `healthslm run` by a path that is short enough for its fence.
            os.chdir(current.settings.home)
        tls = server.certificates(store, addresses_here(), utc_now(), os.urandom)
        box = Box(
            store=store,
            second=second,
            zone=current.zone,
            home=current.settings.home,
            writer=writer,
        )
        terminal.say(f"Serving {_address(port)} until it is stopped.")
        if not pair:
            terminal.say("Next: healthslm companion pair")
        try:
            serving = _serving(box, sockets, tls, _address(port) if pair else "", notify)
            asyncio.run(answering(current.settings.home, COMPANION, standing, serving))
        finally:
            box.close()
    exit_if_locked(current.settings.home)


async def _serving(
    box: Box, sockets: list[socket.socket], tls: server.Certificates, pair_at: str, notify: Notifier
) -> None:
    stop = stop_on_signals(notify)
    loop = asyncio.get_running_loop()
    if pair_at:
        # A thread of its own, which nobody waits for: it may be asking when the server is stopped.
        def do(work: Callable[[Store], T]) -> T:
            return asyncio.run_coroutine_threadsafe(box.do(work), loop).result()

        threading.Thread(target=_pair_beside, args=(do, tls, pair_at), daemon=True).start()
    async with heeding_lock([box.home], stop):
        await server.serve(application(box, tls.authority), sockets, tls, stop, notify=notify)


def _pair_beside(do: Do[Any], tls: server.Certificates, address: str) -> None:
    try:
        _pair(do, tls, address, Role.WEARER, None)
    except HealthslmError as error:
        terminal.say(f"{error} The page is served all the same.")


@companion.command("pair")
def companion_pair(
    context: typer.Context,
    role: RoleOption = Role.WEARER,
    until: UntilOption = "",
    port: PortOption = server.PORT,
) -> None:
    """Let a phone in: shows a QR code for it, then asks whether both show the same six digits."""
    current = session(context)
    ends = _until(until, current)
    with current.store() as store:
        tls = server.certificates(store, addresses_here(), utc_now(), os.urandom)
        _pair(lambda work: work(store), tls, _address(port), role, ends)


def _pair(do: Do[Any], tls: server.Certificates, address: str, role: Role, ends: datetime | None) -> None:
    offer, secret = do(lambda store: pairing.offer(store, role, utc_now(), os.urandom, ends))
    _show(f"{address}/pair#{secret}", tls)
    try:
        client = _wait(do, offer.id)
    except (KeyboardInterrupt, HealthslmError):
        do(lambda store: pairing.withdraw(store, offer.id, utc_now()))
        raise
    terminal.say(f"{client.name} ({client.id[:8]}) is paired as {client.role}.")


def _show(link: str, tls: server.Certificates) -> None:
    import segno  # noqa: PLC0415  only this needs it

    terminal.out.print("Open this with the phone's camera. It is good once, for ten minutes:\n")
    segno.make(link, error="m").terminal(out=sys.stdout, compact=True, border=2)
    terminal.out.print(f"\n{link}", markup=False, soft_wrap=True)
    terminal.say(
        "The phone does not know this machine yet and will warn. The page shows how to make it known. The"
        " fingerprint in the phone's own details of the certificate must be:"
    )
    terminal.out.print(tls.authority.fingerprint, markup=False, soft_wrap=True)


def _wait(do: Do[Any], offer_id: str) -> Client:
    """Wait for a phone, and have somebody compare the digits. Raises `HealthslmError` for none."""
    while True:
        found = do(lambda store: pairing.find(store, offer_id, utc_now()))
        if found is None:
            raise HealthslmError(
                "No phone was paired: the code's time is over.", "Make another one: healthslm companion pair"
            )
        if found.claim is not None:
            digits = f"{found.claim.code[:3]} {found.claim.code[3:]}"
            terminal.out.print(terminal.cell(f"{found.claim.name} shows six digits: are they {digits}?"))
            if not typer.confirm("The same?", default=False, err=True):
                raise HealthslmError(
                    "The phone was not paired.",
                    "If it was the right one, make another code: healthslm companion pair",
                )
            confirmed: Client = do(lambda store: _confirmed(store, offer_id))
            return confirmed
        time.sleep(_LOOK_S)


def _confirmed(store: Store, offer_id: str) -> Client:
    client = pairing.confirm(store, offer_id, utc_now(), os.urandom)
    store.note_event(Event.CLIENT_ADDED, utc_now(), client=client.id, name=client.name, role=client.role)
    store.commit()
    return client


@companion.command("token")
def companion_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which program it is for.")],
    role: RoleOption = Role.WEARER,
    until: UntilOption = "",
) -> None:
    """Make a token for a program of your own; it is shown once. docs/companion.md tells of the API."""
    current = session(context)
    called = clean(name, pairing.NAME_LIMIT)
    if not called:
        raise UsageError("The name has no letter that can be shown.", "Name it like my-dashboard.")
    ends = _until(until, current)
    if role is Role.CLINICIAN and ends is None:
        raise UsageError("A clinician's token ends on a day.", "Say until when: --until 30d")
    token = packed(os.urandom(_TOKEN_BYTES))
    with current.store() as store:
        client = Client(
            id=new_id(os.urandom), name=called, role=role, token=digest(token), added=utc_now(), expires=ends
        )
        add(store, client)
        store.note_event(Event.CLIENT_ADDED, utc_now(), client=client.id, name=called, role=role)
        store.commit()
    terminal.out.print(token, markup=False, soft_wrap=True)
    terminal.say(f"{called} ({client.id[:8]}) may look as {role}. The token is kept nowhere: copy it now.")


@companion.command("devices")
def companion_devices(context: typer.Context, json: Json = False) -> None:
    """List the phones and programs that may look."""
    current = session(context)
    with current.store() as store:
        found = clients_in(store)
    if json:
        terminal.print_json([one.model_dump(mode="json", exclude={"key", "token"}) for one in found])
        return
    if not found:
        terminal.say("No phone yet. Next: healthslm companion serve, and healthslm companion pair")
        return
    table = terminal.table_of("phone or program", "role", "last here", "until", whole=8)
    for one in found:
        ends = "" if one.expires is None else terminal.day_and_clock(one.expires, current.zone)
        ends = ends if one.may_enter(utc_now()) else f"over since {ends}"
        last = terminal.day_and_clock(one.seen, current.zone) if one.seen else "never"
        table.add_row(terminal.cell(f"{one.name} ({one.id[:8]})"), one.role.value, last, ends)
    terminal.out.print(table)


@companion.command("revoke")
def companion_revoke(
    context: typer.Context,
    which: Annotated[
        str | None, typer.Argument(metavar="ID", help="Its id, or the first letters of it.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All phones and programs.")] = False,
) -> None:
    """Take back what a phone or a program may see: at once, also where it is open."""
    if (which is None) is not every:
        raise UsageError("Name one by its id, or say --all.", "See: healthslm companion devices")
    with session(context).store() as store:
        gone = revoke(store, EVERYBODY if which is None else which)
        for one in gone:
            store.note_event(Event.CLIENT_REVOKED, utc_now(), client=one.id, name=one.name)
        store.commit()
    for one in gone:
        terminal.say(f"{one.name} ({one.id[:8]}) may not look any more.")
    if not gone:
        terminal.say("There was none.")


@companion.command("renew")
def companion_renew(context: typer.Context) -> None:
    """Make new certificates: when they cannot be read, are over, or somebody else has had the store's key."""
    with session(context).store() as store:
        server.renew(store)
        tls = server.certificates(store, addresses_here(), utc_now(), os.urandom)
    terminal.say("Each phone has to trust this machine anew. Start the page again. The fingerprint is:")
    terminal.out.print(tls.authority.fingerprint, markup=False, soft_wrap=True)


def _address(port: int) -> str:
    return f"https://{server.reached_at(addresses_here(), server.names_here())}:{port}"


def _until(text: str, current: Session) -> datetime | None:
    last = last_day("--until", text, utc_now().astimezone(current.zone).date())
    return None if last is None else day_bounds(last, current.zone)[1]
