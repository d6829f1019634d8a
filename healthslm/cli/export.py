"""`healthslm export`: files that leave the program, for the clinician and for others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from healthslm.cli import sending, sharing, terminal
from healthslm.cli.app import app
from healthslm.cli.look import Template, reviewed
from healthslm.cli.period import From, To
from healthslm.cli.session import Session, session
from healthslm.errors import UsageError
from healthslm.export import FORMATS, STREAMED, Focus, How, PageIn, Paper, Series, made
from healthslm.export.files import filled
from healthslm.readings import Review
from healthslm.slm import Audience

export = typer.Typer(help="Files for others.", no_args_is_help=True)
app.add_typer(export, name="export")


@export.command("clinician")
def export_clinician(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    start: From = None,
    end: To = None,
    formats: Annotated[
        str, typer.Option("--format", help="pdf, fhir, csv, parquet, omh; several with a comma.")
    ] = "pdf,fhir",
    focus: Annotated[
        Focus, typer.Option("--for", help="Who reads the page: what comes first on it.")
    ] = Focus.GENERAL,
    letter: Annotated[bool, typer.Option("--letter", help="The page on US Letter, not on A4.")] = False,
    appendix: Annotated[
        bool, typer.Option("--appendix", help="Behind the page: every finding, day, measurement, rule.")
    ] = False,
    template: Template = False,
    recipient: sharing.RecipientOption = None,
    passphrase: sharing.PassphraseOption = False,
    share_passphrase_file: sharing.PassphraseFileOption = None,
    plain: sharing.PlainOption = False,
    to_whom: sharing.ToWhomOption = "",
    purpose: sharing.PurposeOption = "",
    expires: sharing.ExpiresOption = "",
    json: Annotated[bool, typer.Option("--json", help="The paths as JSON.")] = False,
    series: Annotated[Series, typer.Option(help="Dense series in the Bundle.")] = Series.SUMMARIES,
    page: Annotated[PageIn, typer.Option(help="The PDF in the Bundle.")] = PageIn.LINKED,
    server: sending.Server = None,
    send: sending.Send = False,
    confirm: sending.Confirm = "",
    token_file: sending.TokenFile = None,
    patient: sending.Known = "",
) -> None:
    """Write the clinician's page (PDF) and the FHIR R4 Bundle; encrypted, or plain after a clear yes."""
    current = session(context)
    wanted = [f.strip() for f in formats.split(",") if f.strip()]
    if not wanted or set(wanted) - {*FORMATS, *STREAMED}:
        raise UsageError(
            f"--format {formats!r} is not known.", "Use pdf, fhir, csv, parquet, omh, or pdf,fhir."
        )
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
    how = How(
        focus=focus,
        paper=Paper.LETTER if letter else Paper.A4,
        series=series,
        page=page,
        appendix=appendix,
    )
    with current.store() as store, current.writer(wanted=not template) as writer:
        result = reviewed(current, store, start, end, writer, Audience.WEARER, Audience.CLINICIAN)
        span = store.span()
        files = made(result, wanted, store, how=how)
        paths = sharing.hand_over(store, result, files, out, wanted, leaves)
        pdf = next((filled(fill) for name, fill in files if name.endswith(".pdf")), None)
        asked = sending.Asked(server, send=send, host=confirm, token_file=token_file, patient=patient)
        parcel = sending.packed(store, result, asked, series=series, page=pdf)
    sharing.print_paths(paths, json=json)
    _say_of_when(result, span, current, chosen=bool(start or end))
    sharing.say_how_to_open(paths, leaves)
    if parcel is not None:
        sending.deliver(parcel)


def _say_of_when(
    result: Review, span: tuple[datetime, datetime] | None, current: Session, *, chosen: bool
) -> None:
    """Say what nobody sees before the file is opened: that nothing is in it, or which day was taken."""
    if not any(len(window) for window in result.windows.values()):
        terminal.say("No reading is in this period, and the files say so.", "yellow")
        if span is None:
            terminal.say("Nothing was measured yet. Next: healthslm devices scan")
        else:
            first, last = (f"{time.astimezone(current.zone):%Y-%m-%d}" for time in span)
            days = f"of {first}" if first == last else f"from {first} to {last}"
            terminal.say(f"Readings are there {days}: choose with --from and --to.")
    elif not chosen:
        day = f"{result.start.astimezone(current.zone):%Y-%m-%d}"
        terminal.say(f"This is {day}, the last day with readings. For other days: --from and --to.")
