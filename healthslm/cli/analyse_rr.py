"""`healthslm analyse rr`: heart-rate variability of a file of RR intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthslm.analysis.beats import beats_of
from healthslm.analysis.variability import figures
from healthslm.cli import terminal
from healthslm.cli.analyse import analyses
from healthslm.importers.rr import read_rr


@analyses.command("rr")
def analyse_rr(
    file: Annotated[Path, typer.Argument(help="CSV with a column rr_s or rr_ms, or a bare column; .gz too.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Heart-rate variability of a file of RR intervals, in s or ms."""
    read = read_rr(file)
    judged = beats_of(read.rr_ms)
    found = figures(judged)
    if json:
        terminal.print_json(
            {
                "file": file.name,
                "unit": read.unit,
                "intervals": len(read.rr_ms),
                "usable": int(judged.usable.sum()),
                "normal": int(judged.normal.sum()),
                "ectopic": int(judged.ectopic.sum()),
                "hrv": {one.name: one.value for one in found},
                "reasons": {one.name: one.reason for one in found if one.value is None},
                "problems": list(read.problems),
            }
        )
        return
    table = terminal.table_of("heart-rate variability", "value")
    for one in found:
        shown = one.reason if one.value is None else f"{one.value:,.{one.decimals}f} {one.unit}".strip()
        table.add_row(one.name, terminal.cell(shown))
    terminal.out.print(table)
    terminal.out.print(
        f"{terminal.many(len(read.rr_ms), 'interval')}, {int(judged.usable.sum()):,} usable,"
        f" {int(judged.normal.sum()):,} normal, {int(judged.ectopic.sum()):,} premature"
    )
    for problem in read.problems:
        terminal.say(problem, "yellow")
    terminal.say(terminal.DISCLAIMER, "dim")
