"""`--server`: what would be sent is shown, and sent only on an explicit word."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from uuid import uuid4

import typer

from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.export import Series, bundle
from healthslm.export.documents import Page
from healthslm.export.server import address, contents, send
from healthslm.export.transaction import is_address, transaction
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import Review
from healthslm.store import Store
from healthslm.store.audit import Event

Server = Annotated[str | None, typer.Option(metavar="URL", help="A FHIR server: show what it would get.")]
Send = Annotated[bool, typer.Option("--send", help="Send it to --server, after it was shown and confirmed.")]
Confirm = Annotated[str, typer.Option("--confirm", metavar="HOST", help="The server's host, typed out.")]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="A file with the server's bearer token, yours alone.")
]
Known = Annotated[
    str, typer.Option("--patient", metavar="Patient/ID", help="Who you are there; else a Patient is made.")
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person typed. `host` confirms the server, `patient` is who they are there."""

    server: str | None
    send: bool
    host: str
    token_file: Path | None
    patient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What was shown and confirmed: the transaction, where it goes, and with which token."""

    base: str
    transaction: Json
    token: str


def packed(
    store: Store, review: Review, asked: Asked, *, series: Series, page: bytes | None
) -> Parcel | None:
    """Show what a server would get; return it where it was confirmed, and note that in the store's trail.

    The store can then be closed: what goes over the network goes without the key at hand.
    """
    if asked.server is None:
        if asked.send:
            raise UsageError(
                "There is nowhere to send it to.", "Name the server: --server https://HOST/PATH."
            )
        return None
    base = address(asked.server)
    if asked.patient and not is_address(asked.patient):
        raise UsageError(f"{asked.patient!r} is no patient of a server.", "Write --patient Patient/ID.")
    token = _token(asked.token_file)
    told = bundle(review, sampled=series is Series.SAMPLED, page=Page(data=page) if page else None)
    whose = asked.patient or _own(store)
    parcel = Parcel(base=base, transaction=transaction(told, whose=whose), token=token)
    _show(parcel, review, asked.patient)
    if not asked.send:
        terminal.say("Nothing was sent. To send it, say the same with --send.")
        return None
    name = urlsplit(base).hostname or ""
    if not asked.host and not sys.stdin.isatty():
        raise UsageError("Nothing was sent: there is no terminal to confirm at.", f"Say --confirm {name}.")
    said = asked.host or str(
        typer.prompt(f"Type the server's host to send it ({name})", default="", err=True)
    )
    if said.strip().lower() != name:
        raise UsageError("That is not the server's host; nothing was sent.", f"It is {name}.")
    period = {"start": review.start.isoformat(), "end": review.end.isoformat()}
    store.note_event(Event.EXPORTED, utc_now(), to=base, formats="fhir", **period)
    return parcel


def _own(store: Store) -> str:
    """The identifier of this store's person, drawn once: it says nothing of them, and nobody else has it."""
    known = store.get("fhir patient")
    if known is None:
        known = f"urn:uuid:{uuid4()}"
        store.put("fhir patient", known)
        store.commit()
    return str(known)


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        token = file.read_text(encoding="ascii").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "a token has plain letters only"
        raise UsageError(f"{file} cannot be read: {why}.") from error
    if mode & 0o077:
        raise UsageError(
            f"{file} is a password, and others may read it (mode {mode:o}).", f"Say: chmod 600 {file}"
        )
    if not token or not token.isprintable() or " " in token:
        raise UsageError(f"There is no token in the first line of {file}.")
    return token


def _show(parcel: Parcel, review: Review, patient: str) -> None:
    size = len(coding.dumps(parcel.transaction).encode()) / 1000
    who = patient or review.person.name or "a person without a name"
    born = f", born {review.person.birth_date}" if review.person.birth_date and not patient else ""
    zone = f"{review.timezone}, {review.start:%Y-%m-%d %H:%M} to {review.end:%Y-%m-%d %H:%M} UTC"
    terminal.say(f"To {parcel.base}{' with a token' if parcel.token else ', without a token'}:")
    terminal.say(f"  of {who}{born}; {zone}; {size:,.0f} kB")
    terminal.say(f"  {_counted(contents(parcel.transaction))}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"


def deliver(parcel: Parcel) -> None:
    """Send it, and say what the server made and what it had."""
    from healthslm.alerts.hooks.base import trusted  # noqa: PLC0415  reads the machine's authorities

    sent = send(parcel.transaction, parcel.base, token=parcel.token, verify=trusted())
    terminal.say(f"Sent to {parcel.base}. Made there: {_counted(sent.made)}.")
    if sent.there:
        terminal.say(f"There already, and left as it was: {_counted(sent.there)}.")
