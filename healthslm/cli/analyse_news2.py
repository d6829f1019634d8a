"""`healthslm analyse news2`: the score of what was measured, and what was not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.analyse import analyses
from healthslm.rules.news2 import NOTE, news2

_TITLES = {
    "respiration": "respiration rate",
    "spo2": "oxygen saturation",
    "oxygen": "air or oxygen",
    "systolic": "systolic pressure",
    "pulse": "pulse",
    "consciousness": "consciousness",
    "temperature": "temperature",
}


@analyses.command("news2")
def analyse_news2(
    respiration: Annotated[float | None, typer.Option(help="Breaths a minute.", show_default=False)] = None,
    spo2: Annotated[float | None, typer.Option(help="Oxygen saturation in %.", show_default=False)] = None,
    scale: Annotated[
        int, typer.Option(help="SpO2 scale: 2 only where a clinician set a target of 88 to 92 %.")
    ] = 1,
    oxygen: Annotated[
        bool | None, typer.Option("--oxygen/--air", help="With extra oxygen, or on air.", show_default=False)
    ] = None,
    systolic: Annotated[float | None, typer.Option(help="In mmHg.", show_default=False)] = None,
    pulse: Annotated[float | None, typer.Option(help="Beats a minute.", show_default=False)] = None,
    consciousness: Annotated[
        str | None, typer.Option(help="A, C (new confusion), V, P or U.", show_default=False)
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="In °C.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The National Early Warning Score 2 of what is known; any of the parameters may be missing."""
    result = news2(
        respiration=respiration,
        spo2=spo2,
        scale=scale,
        oxygen=oxygen,
        systolic=systolic,
        pulse=pulse,
        consciousness=consciousness,
        temperature=temperature,
    )
    if json:
        terminal.print_json(asdict(result) | {"note": NOTE})
        return
    table = terminal.table_of("parameter", "points")
    for name, title in _TITLES.items():
        table.add_row(title, str(result.points.get(name, "not known")))
    terminal.out.print(table)
    least = "at least " if result.partial else ""
    terminal.out.print(
        f"NEWS2 {least}{result.score}, risk band {least}{result.risk} (SpO2 scale {result.scale})"
    )
    if result.partial:
        terminal.out.print(f"partial: no {', no '.join(_TITLES[name] for name in result.partial)}")
    terminal.say(NOTE, "dim")
