"""`healthslm export`: files that leave the program, for the clinician and for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.look import Template, reviewed
from healthslm.cli.period import From, To
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.export import FORMATS, STREAMED, write
from healthslm.slm import Audience
from healthslm.store.audit import Event

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
    template: Template = False,
    json: Annotated[bool, typer.Option("--json", help="The paths as JSON.")] = False,
) -> None:
    """Write the clinician's page (PDF) and the FHIR R4 Bundle. The files are not encrypted."""
    current = session(context)
    wanted = [f.strip() for f in formats.split(",") if f.strip()]
    if not wanted or set(wanted) - {*FORMATS, *STREAMED}:
        raise UsageError(
            f"--format {formats!r} is not known.", "Use pdf, fhir, csv, parquet, omh, or pdf,fhir."
        )
    with current.store() as store, current.writer(wanted=not template) as writer:
        result = reviewed(current, store, start, end, writer, Audience.WEARER, Audience.CLINICIAN)
        paths = write(result, out, wanted, store)
        store.note_event(Event.EXPORTED, utc_now(), to=str(out.resolve()), formats=",".join(wanted))
    if json:
        terminal.print_json([str(path) for path in paths])
    for path in () if json else paths:
        terminal.out.print(str(path), markup=False, soft_wrap=True)
    terminal.err.print("These files are not encrypted. Hand them over only to whom you trust.")
