"""Measuring: how good, how fast, and the demo that shows it all."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.errors import UsageError

if TYPE_CHECKING:
    from healthslm.bench import Row

_MOST_RUNS = 20
_DAYS, _WEEK = 32, 7

RHYTHM = Path("tests/data/rr/afdb-04043-joined-2h.csv.gz")
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


class Benched(StrEnum):
    """What is measured."""

    ALL = "all"
    BLUETOOTH = "bluetooth"
    STORE = "store"
    ANALYSIS = "analysis"
    SLM = "slm"
    ALERTS = "alerts"
    EXPORT = "export"
    COMPANION = "companion"
    BOARD = "board"
    WEEK = "week"


@app.command()
def bench(
    context: typer.Context,
    what: Annotated[
        Benched,
        typer.Argument(
            help="The machine, Bluetooth, the store, the analysis, the model, the alerts, the exports, the"
            " phone's page, what is comparable between boards, or a week of everything."
        ),
    ] = Benched.ALL,
    rhythm: Rhythm = RHYTHM,
    repeat: Annotated[int, typer.Option(min=1, max=20, help="Runs; the table shows medians.")] = 3,
    losses: Annotated[
        int, typer.Option(min=1, max=100_000, help="How often `bluetooth` loses the link, over a week.")
    ] = 1000,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=3650,
            help="How many days `store`, `analysis` and `export` keep (32), `week` takes (7).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="What `week` is made from: the same number, the same plan.")] = 1,
    years: Annotated[float, typer.Option(min=0, max=40, help="How many years `store` opens.")] = 10,
    hours: Annotated[
        float, typer.Option(min=0, max=24, help="How long `store` counts what is written.")
    ] = 24,
    gguf: Annotated[
        Path | None, typer.Option(help="The GGUF file on which `slm` measures llama.cpp beside.")
    ] = None,
    alerts: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many alerts `alerts` raises while it kills.")
    ] = 10_000,
    kills: Annotated[
        int, typer.Option(min=0, max=10_000, help="How often `alerts` kills the process that raises them.")
    ] = 200,
    data: Annotated[
        Path | None, typer.Option(help="Folder of recordings on which `alerts` looks for false alarms.")
    ] = None,
    board: Annotated[bool, typer.Option("--board", help="The same as `bench board`.")] = False,
    out: Annotated[Path | None, typer.Option(help="The new file for what `board` measured.")] = None,
    emulated: Annotated[
        bool, typer.Option("--emulated", help="Mark what `board` measures: this processor is emulated.")
    ] = False,
    table: Annotated[
        list[Path] | None, typer.Option(help="Show boards of these files or folders, and measure nothing.")
    ] = None,
    json: Json = False,
) -> None:
    r"""Measure this machine: the model, the way from the radio to the store, the size, the summary.

    `bench store` measures the encrypted store beside SQLite, SQLCipher and DuckDB; the last two come with
    `pip install 'healthslm\[bench]'` and are left out where they are not there.
    `bench slm` measures the model beside llama.cpp (`pip install 'healthslm\[llama]'` and --gguf FILE), which
    is likewise left out.
    `bench alerts` measures how soon an alert is told, what is lost at a kill, and what deciding costs;
    with --data FOLDER also how often people who are well are told anything, and whether events are.
    `bench board` makes one JSON document of this machine, to be laid beside others with --table.
    `bench week` plays a week of ten wearables and of everything that goes wrong, in minutes.
    """
    what = Benched.BOARD if board else what

    def progress(step: str) -> None:
        terminal.err.print(f"measuring {step} …", style="dim")

    if _are_boards(context, what, out, table, repeat, emulated, progress) or _is_week(
        what, days or _WEEK, seed, progress, json=json
    ):
        return
    if what in (Benched.ALL, Benched.BLUETOOTH, Benched.ALERTS):
        need_virtual()
    if what is Benched.STORE:
        from healthslm.bench import store  # noqa: PLC0415  only here

        rows = store.run(
            rhythm, days=days or _DAYS, years=years, hours=hours, repeat=repeat, progress=progress
        )
    elif what is Benched.ANALYSIS:
        from healthslm.bench import analysis  # noqa: PLC0415  only here

        rows = analysis.run(rhythm, days=days or _DAYS, repeat=repeat, progress=progress)
    elif what is Benched.SLM:
        from healthslm.bench import slm  # noqa: PLC0415  only here

        model = session(context).settings.model
        rows = slm.run(model, _beside(gguf), repeat=repeat, progress=progress)
    elif what is Benched.ALERTS:
        from healthslm.bench import alerts as alerting  # noqa: PLC0415  imports Bumble

        if data is None:
            terminal.say(alerting.NO_DATA, "dim")
        elif not data.exists():
            raise UsageError(f"There is no folder {data}.", "Name one with recordings.")
        rows = alerting.run(
            session(context).settings.model,
            data,
            repeat=repeat,
            alerts=alerts,
            kills=kills,
            progress=progress,
        )
    elif what is Benched.EXPORT:
        from healthslm.bench import export  # noqa: PLC0415  only here

        rows = export.run(rhythm, days=days or _DAYS, repeat=repeat, progress=progress)
    elif what is Benched.COMPANION:
        from healthslm.bench import companion  # noqa: PLC0415  only here

        rows = companion.run(repeat=repeat, progress=progress)
    elif what is Benched.BLUETOOTH:
        from healthslm.bench import bluetooth  # noqa: PLC0415  imports Bumble

        rows = bluetooth.run(repeat=repeat, losses=losses, progress=progress)
    else:
        from healthslm import bench as measured  # noqa: PLC0415  only here

        rows = measured.run(rhythm, session(context).settings.model, repeat=repeat, progress=progress)
    _print(rows, json=json)


def _is_week(what: Benched, days: int, seed: int, progress: Callable[[str], None], *, json: bool) -> bool:
    """Play a week, or as many days as were asked for, and say whether that was asked for."""
    if what is not Benched.WEEK:
        return False
    need_virtual()
    from healthslm.bench import week  # noqa: PLC0415  imports Bumble

    _print(week.run(days=days, seed=seed, progress=progress), json=json)
    return True


def _are_boards(
    context: typer.Context,
    what: Benched,
    out: Path | None,
    table: Sequence[Path] | None,
    repeat: int,
    emulated: bool,
    progress: Callable[[str], None],
) -> bool:
    """Measure or show boards, and say whether that was asked for."""
    if what is not Benched.BOARD:
        if out is not None or emulated or table:
            raise UsageError("--out, --emulated and --table are for `bench board`.", "healthslm bench board")
        return False
    from healthslm.cli import boards  # noqa: PLC0415  only here

    if table:
        boards.show(table)
    else:
        model = session(context).settings.model
        boards.measure(model, out, runs=repeat, emulated=emulated, progress=progress)
    return True


def _print(rows: Sequence[Row], *, json: bool) -> None:
    if json:
        terminal.print_json(
            [
                {"name": r.name, "median": r.value, "unit": r.unit, "runs": r.runs}
                | ({} if r.met is None else {"reach": r.reach, "met": r.met})
                for r in rows
            ]
        )
        return
    terminal.out.print(_table(rows))


def _beside(gguf: Path | None) -> Path | None:
    """The file for llama.cpp to be measured on, where there is one and it."""
    from healthslm.bench import llama  # noqa: PLC0415  only here

    if gguf is None or not llama.is_there():
        terminal.say(llama.MISSING, "dim")
        return None
    if not gguf.is_file():
        raise UsageError(f"There is no file {gguf}.", "Name the GGUF file that the model was built from.")
    return gguf


def _table(rows: Sequence[Row]) -> Table:
    """Lay out a bench's rows; what should be reached only where anything should."""
    aims = any(r.reach for r in rows)
    table = Table("what", "median", "unit", *(["reach"] if aims else []), "runs")
    for r in rows:
        shown = r.runs if len(r.runs) <= _MOST_RUNS else (min(r.runs), max(r.runs))
        runs = ("  " if shown is r.runs else " … ").join(f"{x:,.{r.decimals}f}" for x in shown)
        reach = f"{r.reach} {'✓' if r.met else '✗ not reached'}" if r.reach else ""
        table.add_row(r.name, f"{r.value:,.{r.decimals}f}", r.unit, *([reach] if aims else []), runs)
    return table
