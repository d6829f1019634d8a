"""`healthslm model`: the language model on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.session import session
from healthslm.errors import ModelError, UsageError
from healthslm.slm import model as slm_model
from healthslm.slm.source import sha256

models = typer.Typer(help="The language model on this machine.", no_args_is_help=True)
app.add_typer(models, name="model")


@models.command("build")
def model_build(
    context: typer.Context,
    gguf: Annotated[Path | None, typer.Option(help="Use this GGUF file instead of downloading it.")] = None,
    force: Annotated[bool, typer.Option(help="Build again even if the model is there.")] = False,
    adapter: Annotated[
        Path | None, typer.Option(help="Another adapter than the one that comes along.")
    ] = None,
    untuned: Annotated[bool, typer.Option(help="Without an adapter, to compare with.")] = False,
    to: Annotated[Path | None, typer.Option(help="Into this folder instead of the usual one.")] = None,
) -> None:
    """Fetch the weights, check their hash, and build the 4-bit model. Does nothing when it is there."""
    folder = to or session(context).settings.model
    wanted = None if untuned else adapter or slm_model.comes_along()
    if wanted is not None and not wanted.is_file():
        raise UsageError(f"There is no file {wanted}.", "Name an adapter, or leave it out.")
    if not force:
        try:
            manifest = slm_model.verify(folder)
        except ModelError as error:  # what is wrong with it is about to be mended
            manifest = None
            if (folder / slm_model.MANIFEST).exists():
                terminal.say(f"{error.message} It is built again.", "yellow")
        if manifest is not None and manifest.adapter_sha256 == (sha256(wanted) if wanted else None):
            terminal.say(f"The language model {manifest.model_id} is ready in {folder}.")
            return
    with terminal.progress() as update:
        manifest = slm_model.install(folder, update, gguf=gguf, adapter=wanted)
    terminal.say(f"The language model {manifest.model_id} is ready in {folder}.")


@models.command("info")
def model_info(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say which model is there, and compare every byte of it with what was built."""
    folder = session(context).settings.model
    manifest = slm_model.verify(folder)
    row = {
        "model": manifest.model_id,
        "folder": str(folder),
        "license": manifest.license,
        "source": manifest.source,
        "bytes": sum(entry.size for entry in manifest.files.values()),
    }
    if json:
        terminal.print_json(row)
    else:
        for name, value in row.items():
            terminal.out.print(f"{name:8} {value}", markup=False)
