"""The app itself: what every command shares, and how errors end."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup
from typer.main import get_group

from healthslm import __version__, people, secrecy
from healthslm import settings as settings_module
from healthslm.cli import terminal
from healthslm.cli.session import Session
from healthslm.cli.where import EVERY, MODULES
from healthslm.errors import HealthslmError

if TYPE_CHECKING:
    from device.errors import DeviceError


class _Commands(TyperGroup):
    """Loads the command that is asked for, and all of them where they are listed or it is none of them.

    What Typer hands over is Click's, or its own copy of that, as its version is: hence `Any`.
    """

    _loaded: frozenset[str] = frozenset()
    """The modules that `commands` was made of."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or `None`."""
        self._load(MODULES.get(cmd_name, EVERY))
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all."""
        self._load(EVERY)
        return super().list_commands(ctx)

    def _load(self, modules: Iterable[str]) -> None:
        if new := set(modules) - self._loaded:
            for module in sorted(new):
                import_module(f"healthslm.cli.{module}")  # it adds itself to `app`
            self._loaded |= new
            self.commands = get_group(app).commands


app = typer.Typer(
    name="healthslm",
    cls=_Commands,
    help=f"A private health-monitoring assistant for wearables. {terminal.DISCLAIMER}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
"""The option of every command that prints a result."""


StrictOption = Annotated[
    bool, typer.Option("--strict", help="Not without a kernel that keeps it from the internet.")
]
_OWN_PROCESS = object()


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
    person: Annotated[
        str | None, typer.Option(help="Whose store, by the label of `people list`.", show_default=False)
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    settings = settings_module.load(home)
    everybody = Session(
        settings=settings,
        household=settings.home,
        passphrase_file=passphrase_file,
        passphrase_fd=passphrase_fd,
        command=context.invoked_subcommand or "",
        own_process=context.obj is _OWN_PROCESS,
    )
    secrecy.keep(lock_memory=context.invoked_subcommand == "run")
    about = everybody.of(people.current(settings.home) if person is None else person)
    context.obj = replace(about, named=person is not None)


def main() -> None:
    """Run the command; what a person can do something about ends in a sentence, not in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "°" shows "?" instead of nothing
    try:
        app(standalone_mode=True, obj=_OWN_PROCESS)
    except HealthslmError as error:
        _fail(error.message, error.hint)
        sys.exit(error.exit_code)
    except _device_errors() as error:
        _fail(error.message, error.hint)
        sys.exit(1)
    except OSError as error:  # a broken pipe has ended in Typer: whoever read our output has seen enough
        _fail(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.")
        sys.exit(1)
    except ValueError as error:
        if "null byte" not in str(error):  # how Python refuses such a path
            raise
        _fail("There is a null byte in a path.", "Write the path anew.")
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # Typer's way of passing on Ctrl-C
            terminal.say("stopped")
        raise


def _device_errors() -> tuple[type[DeviceError], ...]:
    """The errors of the Bluetooth side, if it was loaded: without it none of them can have been raised."""
    errors = sys.modules.get("device.errors")
    return () if errors is None else (errors.DeviceError,)


def _fail(message: str, hint: str = "") -> None:
    terminal.err.print(Text.assemble(("healthslm:", "bold red"), " ", terminal.cell(message)), soft_wrap=True)
    if hint:
        terminal.say(hint)
