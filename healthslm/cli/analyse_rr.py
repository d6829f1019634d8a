"""`healthslm analyse rr`: heart-rate variability and the burden of AF in a file of RR intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from healthslm.analysis.beats import beats_of
from healthslm.analysis.fibrillation import FEWEST, beats
from healthslm.analysis.variability import figures
from healthslm.cli import terminal
from healthslm.cli.analyse import analyses, nothing_in
from healthslm.importers.rr import read_rr
from healthslm.text import many


@analyses.command("rr")
def analyse_rr(
    file: Annotated[Path, typer.Argument(help="CSV with a column rr_s or rr_ms, or a bare column; .gz too.")],
    each: Annotated[bool, typer.Option("--beats", help="True or false for each interval: is it AF?")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Heart-rate variability of a file of RR intervals, in s or ms, and the share that looks like AF."""
    read = read_rr(file)
    if not np.isfinite(read.rr_ms).any():
        raise nothing_in(file.name, read.problems, "Name the column rr_s or rr_ms, or give one bare column.")
    judged = beats_of(read.rr_ms)
    found = figures(judged)
    fibrillating = beats(read.rr_ms)
    burden, why = _burden(fibrillating, judged.usable)
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
                "reasons": {one.name: one.reason for one in found if one.value is None}
                | ({"af_burden": why} if why else {}),
                "af_burden": burden,
                **({"beats": fibrillating.tolist()} if each else {}),
                "problems": list(read.problems),
            }
        )
        return
    table = terminal.table_of("heart-rate variability", "value")
    for one in found:
        shown = one.reason if one.value is None else f"{one.value:,.{one.decimals}f} {one.unit}".strip()
        table.add_row(one.name, terminal.cell(shown))
    shown = why if burden is None else f"{100 * burden:.1f} % of the intervals look like AF; an ECG shows it"
    table.add_row("af_burden", terminal.cell(shown))
    terminal.out.print(table)
    if each:
        terminal.out.print(" ".join("1" if one else "0" for one in fibrillating.tolist()))
    terminal.out.print(
        f"{many(len(read.rr_ms), 'interval')}, {int(judged.usable.sum()):,} usable,"
        f" {int(judged.normal.sum()):,} normal, {int(judged.ectopic.sum()):,} premature"
    )
    for problem in read.problems:
        terminal.say(problem, "yellow")
    terminal.say(terminal.DISCLAIMER, "dim")


def _burden(found: NDArray[np.bool_], usable: NDArray[np.bool_]) -> tuple[float | None, str]:
    """Return the share of usable intervals that are called AF, 0 to 1; or `None` and the reason."""
    count = int(usable.sum())
    if count < FEWEST:
        return None, f"{count} usable RR intervals, at least {FEWEST} are needed"
    return float(found[usable].mean()), ""
