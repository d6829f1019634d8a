"""Measuring: how good, how fast, and the demo that shows it all."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.errors import UsageError

evaluations = typer.Typer(help="How good it is, measured.", no_args_is_help=True)
app.add_typer(evaluations, name="eval")
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
RHYTHM = Path("tests/data/rr/afdb-04126-first-2h.csv.gz")
Rhythm = Annotated[
    Path, typer.Option(help="The recorded rhythm that the strap plays: a CSV with a column rr_s.")
]


def need_virtual() -> None:
    """Say so when the packages for virtual wearables are missing."""
    if importlib.util.find_spec("bumble") is None:
        raise UsageError(
            "Virtual wearables need the package bumble.", "Install it with: pip install 'healthslm[virtual]'"
        )


@app.command()
def demo(
    context: typer.Context,
    rhythm: Rhythm = RHYTHM,
    out: Annotated[Path, typer.Option(help="Where the files go.")] = Path("demo-output"),
    seconds: Annotated[float, typer.Option(min=0, max=3600, help="The least time the day takes.")] = 22,
    template: Annotated[bool, typer.Option("--template", help="Without the language model.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Also print the summary's evidence as JSON.")] = False,
) -> None:
    """A day with four virtual wearables, from the radio to the clinician's page."""
    need_virtual()
    from healthslm import demo as show  # noqa: PLC0415  imports Bumble

    current = session(context)
    yesterday = utc_now().astimezone(current.zone).date() - timedelta(days=1)
    midnight = datetime.combine(yesterday, datetime.min.time(), current.zone)
    with current.writer(wanted=not template) as writer:
        show.run(
            rhythm,
            out,
            seconds=seconds,
            zone=current.zone,
            today=midnight,
            writer=writer,
            console=terminal.err if json else terminal.out,
            json_out=json,
        )


@app.command()
def bench(
    context: typer.Context,
    rhythm: Rhythm = RHYTHM,
    repeat: Annotated[int, typer.Option(min=1, max=20, help="Runs; the table shows medians.")] = 3,
    json: Json = False,
) -> None:
    """Measure this machine: the model, the way from the radio to the store, the size, the summary."""
    need_virtual()
    from healthslm import bench as measured  # noqa: PLC0415  imports Bumble

    rows = measured.run(
        rhythm,
        session(context).settings.model,
        repeat=repeat,
        progress=lambda what: terminal.err.print(f"measuring {what} …", style="dim"),
    )
    if json:
        terminal.print_json(
            [{"name": r.name, "median": r.value, "unit": r.unit, "runs": r.runs} for r in rows]
        )
        return
    table = Table("what", "median", "unit", "runs")
    for r in rows:
        runs = "  ".join(f"{x:,.{r.decimals}f}" for x in r.runs)
        table.add_row(r.name, f"{r.value:,.{r.decimals}f}", r.unit, runs)
    terminal.out.print(table)


@evaluations.command("narrate")
def eval_narrate(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=10_000, help="How many drawn days to narrate.")] = 10,
    seed: Annotated[int, typer.Option(help="Which days are drawn.")] = 1,
    json: Json = False,
) -> None:
    """Narrate drawn days, and count which of the model's sentences stood."""
    from healthslm.evaluation import narrate  # noqa: PLC0415  only here

    current = session(context)
    with current.writer() as writer:
        if writer is None:
            raise UsageError("There is no language model to measure.", "First: healthslm model build")
        result = narrate.run(writer, days=days, seed=seed)
    if json:
        terminal.print_json(result.to_json())
        return
    table = Table("what", "count")
    for name, value in result.rows():
        table.add_row(name, value)
    terminal.out.print(table)
