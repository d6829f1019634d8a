"""`healthslm analyse`: for anyone with a file or a few numbers; no store, no key, nothing is kept."""

from __future__ import annotations

import typer

from healthslm.cli.app import app

analyses = typer.Typer(help="Look at a file or at a few numbers; nothing is kept.", no_args_is_help=True)
app.add_typer(analyses, name="analyse")
