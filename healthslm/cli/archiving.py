"""`healthslm export archive`: everything of one person as one file that needs no healthslm to be read."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from healthslm.archive import archived
from healthslm.cli import sharing, terminal
from healthslm.cli.app import Json
from healthslm.cli.export import export
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.export.share import sealing


@export.command("archive")
def export_archive(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    recipient: sharing.RecipientOption = None,
    passphrase: sharing.PassphraseOption = False,
    share_passphrase_file: sharing.PassphraseFileOption = None,
    plain: sharing.PlainOption = False,
    to_whom: sharing.ToWhomOption = "",
    purpose: sharing.PurposeOption = "",
    expires: sharing.ExpiresOption = "",
    json: Json = False,
) -> None:
    """Write everything in the store as one file, for `healthslm import` or another program."""
    current = session(context)
    leaves = sharing.decided(
        current,
        recipients=recipient,
        passphrase=passphrase,
        passphrase_file=share_passphrase_file,
        plain=plain,
        to_whom=to_whom,
        purpose=purpose,
        expires=expires,
    )
    with current.store() as store:
        span, now = store.span(), utc_now()
        name = _name(span, current.zone) + (".zip.age" if leaves.encrypted else ".zip")
        period = None if span is None else (span[0].isoformat(), span[1].isoformat())
        with closing(archived(store, leaves.terms, zone=current.zone, made_at=now)) as pieces:
            files = [(name, sealing(pieces, leaves.recipients or leaves.passphrase))]
            paths = sharing.write_and_note(store, files, out, ["archive"], period, leaves)
        hooks = [hook.get("name", "?") for hook in store.get("hooks", [])]
    sharing.print_paths(paths, json=json)
    terminal.say(
        f"{terminal.size(paths[0].stat().st_size)}: everything in the store, with notes and the trail."
    )
    if hooks:
        terminal.say(f"Not in it, because their addresses are secret: the hooks {', '.join(hooks)}.")
    sharing.say_how_to_open(paths, leaves, told_inside=True)


def _name(span: tuple[datetime, datetime] | None, zone: ZoneInfo) -> str:
    """What an archive is called: its days, and nobody's name."""
    if span is None:
        return "healthslm-archive"
    first, last = (time.astimezone(zone).date() for time in span)
    return f"healthslm-archive-{first}" if first == last else f"healthslm-archive-{first}-to-{last}"
