"""`healthslm analyse news2`: the score of what was measured, and what was not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.analyse import analyses
from healthslm.errors import UsageError
from healthslm.rules.news2 import NOTE, RESPONSE_SOURCE, news2

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
    given = {
        "respiration": _shown(respiration, "/min"),
        "spo2": _shown(spo2, "%"),
        "oxygen": None if oxygen is None else "oxygen" if oxygen else "air",
        "systolic": _shown(systolic, "mmHg"),
        "pulse": _shown(pulse, "/min"),
        "consciousness": consciousness,
        "temperature": _shown(temperature, "°C"),
    }
    if all(one is None for one in given.values()):
        options = ", ".join("--oxygen or --air" if name == "oxygen" else f"--{name}" for name in given)
        raise UsageError("Nothing was given to score.", f"Give what is known of {options}.")
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
        band = {"risk": None if result.partial else result.risk, "risk_at_least": result.risk}
        response = {"response": result.response, "response_source": RESPONSE_SOURCE}
        terminal.print_json(asdict(result) | band | response | {"note": NOTE})
        return
    table = terminal.table_of("parameter", "value", "points")
    for name, title in _TITLES.items():
        table.add_row(title, terminal.cell(given[name] or ""), str(result.points.get(name, "not known")))
    terminal.out.print(table)
    by = f"(SpO2 scale {result.scale})"
    if result.partial:
        terminal.out.print(
            f"NEWS2: score at least {result.score} of what is known; the band is not known {by}"
        )
        terminal.out.print(f"partial: no {', no '.join(_TITLES[name] for name in result.partial)}")
    else:
        terminal.out.print(f"NEWS2 {result.score}, risk band {result.risk} {by}")
    asks = "what is known asks for at least" if result.partial else "the band asks for"
    terminal.out.print(terminal.cell(f"in acute care {asks} {result.response} ({RESPONSE_SOURCE})"))
    terminal.say(NOTE, "dim")


def _shown(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:g} {unit}"
