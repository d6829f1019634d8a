"""The app itself: what every command shares, and how errors end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from device.errors import DeviceError
from healthslm import __version__
from healthslm import settings as settings_module
from healthslm.cli import terminal
from healthslm.cli.session import Session
from healthslm.errors import HealthslmError

app = typer.Typer(
    name="healthslm",
    help=f"A private health-monitoring assistant for wearables. {terminal.DISCLAIMER}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"healthslm {__version__}")
        raise typer.Exit


@app.callback()
def _shared(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(envvar="HEALTHSLM_HOME", help="The folder of the store.", show_default=False),
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Read the passphrase from the first line of this file.")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option(help="Read the passphrase from this file descriptor.")
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    context.obj = Session(
        settings=settings_module.load(home), passphrase_file=passphrase_file, passphrase_fd=passphrase_fd
    )


def main() -> None:
    """Run the command; what a person can do something about ends in a sentence, not in a traceback."""
    try:
        app(standalone_mode=True)
    except (HealthslmError, DeviceError) as error:
        terminal.err.print(f"[bold red]healthslm:[/] {error.message}", markup=True)
        if error.hint:
            terminal.err.print(error.hint, markup=False)
        sys.exit(getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        terminal.err.print("stopped")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has seen enough
        sys.exit(1)
