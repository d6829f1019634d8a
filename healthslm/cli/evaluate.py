"""`healthslm eval`: how good it is, measured; one table a question, published figures beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Shown

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import session
from healthslm.errors import UsageError
from healthslm.evaluation.table import FLOAT32, Table
from healthslm.slm import Model, ModelProcess

evaluations = typer.Typer(help="How good it is, measured.", no_args_is_help=True)
app.add_typer(evaluations, name="eval")


def show(table: Table, *, json: bool) -> None:
    """Print an evaluation's table, or its JSON."""
    if json:
        terminal.print_json(table.to_json())
        return
    shown = Shown("what", "ours", "published", "reach", title=table.title, title_justify="left")
    for one in table.lines:
        ours = one.note if one.value is None else f"{one.value:,.{one.decimals}f} {one.unit}".strip()
        reach = f"{one.reach} {'✓' if one.met else '✗ not reached'}" if one.reach else ""
        shown.add_row(one.name, ours, one.published, reach)
    terminal.out.print(shown)
    for note in table.notes:
        terminal.out.print(terminal.cell(note), style="dim")


Untuned = Annotated[
    Path | None, typer.Option(help="Folder of the untuned model (`model build --untuned --to`), to compare.")
]
Float32 = Annotated[
    Path | None,
    typer.Option("--float32", help="The GGUF file it was built from: to compare with weights not rounded."),
]
Classical = Annotated[bool, typer.Option(help="Beside TF-IDF and logistic regression (scikit-learn).")]
Wrong = Annotated[bool, typer.Option("--wrong", help="Show each that is wrong.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Models:
    """The model that is measured, and those beside it where they are named."""

    ours: Model
    untuned: ModelProcess | None
    exact: ModelProcess | None


@contextmanager
def _models(context: typer.Context, untuned: Path | None, gguf: Path | None) -> Iterator[_Models]:
    current = session(context)
    with current.writer() as ours, ExitStack() as stack:
        if ours is None:
            raise UsageError("There is no language model to measure.", "First: healthslm model build")
        other = None if untuned is None else stack.enter_context(ModelProcess(untuned))
        exact = None
        if gguf is not None:
            from healthslm.evaluation.float32 import float32  # noqa: PLC0415  only here

            exact = stack.enter_context(float32(current.settings.model, gguf))
        yield _Models(ours=ours, untuned=other, exact=exact)


@evaluations.command("narrate")
def eval_narrate(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="JSON lines of days (docs/narratives.md).")] = None,
    sentences: Annotated[int, typer.Option(min=1, help="How many sentences the model writes.")] = 1000,
    sampled: Annotated[
        bool, typer.Option(help="Draw every sentence; else the likeliest, and one drawn where it fails.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Which days are drawn.")] = 1,
    untuned: Untuned = None,
    exact: Float32 = None,
    wrong: Wrong = False,
    shown: Annotated[
        int, typer.Option("--show", min=0, help="Only print so many texts, half of them the clinician's.")
    ] = 0,
    json: Json = False,
) -> None:
    """How true, whole and readable the texts are, beside the untuned model and the template."""
    from healthslm.evaluation import narrate  # noqa: PLC0415  only here

    with _models(context, untuned, exact) as models:
        if shown:
            for audience, summary in narrate.texts(data, models.ours, count=shown, seed=seed):
                terminal.out.print(
                    narrate.markdown(audience, summary), markup=False, highlight=False, soft_wrap=True
                )
            return
        named = {narrate.UNTUNED: models.untuned, FLOAT32: models.exact}
        others = {name: model for name, model in named.items() if model is not None}
        table, narrated = narrate.run(
            data, models.ours, others, sentences=sentences, seed=seed, sampled=sampled
        )
    show(table, json=json)
    for rule, detail, text in narrated.examples if wrong else ():
        terminal.print_line({"text": text, "rule": rule, "detail": detail})


@evaluations.command("route")
def eval_route(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="JSON lines: question, now, tool, arguments.")] = None,
    untuned: Untuned = None,
    exact: Float32 = None,
    classical: Classical = True,
    wrong: Wrong = False,
    json: Json = False,
) -> None:
    """Which call a question becomes, beside the untuned model, rules, a classical program."""
    from healthslm.evaluation import route  # noqa: PLC0415  only here

    with _models(context, untuned, exact) as models:
        table, routing = route.run(data, models.ours, models.untuned, exact=models.exact, classical=classical)
    show(table, json=json)
    for question, tool, arguments in routing.wrong if wrong else ():
        terminal.print_line(
            {
                "question": question.text,
                "wanted": [question.tool, question.arguments],
                "got": [tool, arguments],
            }
        )


@evaluations.command("triage")
def eval_triage(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="JSON lines: text, lowest, highest.")] = None,
    untuned: Untuned = None,
    exact: Float32 = None,
    classical: Classical = True,
    wrong: Wrong = False,
    json: Json = False,
) -> None:
    """Which level a note gets, beside the untuned model, keyword rules, a classical program."""
    from healthslm.evaluation import triage  # noqa: PLC0415  only here

    with _models(context, untuned, exact) as models:
        table, levelled = triage.run(
            data, models.ours, models.untuned, exact=models.exact, classical=classical
        )
    show(table, json=json)
    for note, level in levelled.wrong if wrong else ():
        terminal.print_line({"text": note.text, "wanted": [note.lowest, note.highest], "got": level})


@evaluations.command("news2")
def eval_news2(json: Json = False) -> None:
    """NEWS2 against every cell of the printed chart, both SpO2 scales."""
    from healthslm.evaluation import news2  # noqa: PLC0415  only here

    show(news2.run(), json=json)


@evaluations.command("hrv")
def eval_hrv(
    data: Annotated[Path, typer.Option(help="Folder with series of NN intervals (.npy) and their report.")],
    json: Json = False,
) -> None:
    """Heart-rate variability against a published report, to its printed digits."""
    from healthslm.evaluation import hrv  # noqa: PLC0415  only here

    show(hrv.run(data), json=json)


@evaluations.command("af")
def eval_af(
    data: Annotated[Path, typer.Option(help="Folder with recordings of AFDB, CPSC 2021 and mitdb as CSV.")],
    json: Json = False,
) -> None:
    """Atrial fibrillation per beat beside the published detectors, and who would have been told."""
    from healthslm.evaluation import fibrillation  # noqa: PLC0415  only here

    show(fibrillation.run(data), json=json)


@evaluations.command("shift")
def eval_shift(
    data: Annotated[Path, typer.Option(help="CSV with a row a person and day, as lifesnaps.csv.")],
    json: Json = False,
) -> None:
    """Shifts put into healthy days: how many are found, and how often a healthy person is told."""
    from healthslm.evaluation import shift  # noqa: PLC0415  only here

    show(shift.run(data), json=json)


@evaluations.command("cgm")
def eval_cgm(
    data: Annotated[Path, typer.Option(help="CSV of glucose, a Clarity or LibreView export, or a folder.")],
    json: Json = False,
) -> None:
    """The figures of continuous glucose against iglu's definitions."""
    from healthslm.evaluation import cgm  # noqa: PLC0415  only here

    show(cgm.run(data), json=json)


@evaluations.command("forecast")
def eval_forecast(
    data: Annotated[Path, typer.Option(help="CSV of glucose, or a folder with one file a person.")],
    json: Json = False,
) -> None:
    """Glucose in 30 minutes on held-out days, beside the last value and a linear trend."""
    from healthslm.evaluation import forecast  # noqa: PLC0415  only here

    show(forecast.run(data), json=json)


@evaluations.command("alarms")
def eval_alarms(
    data: Annotated[Path, typer.Option(help="Folder with CSV files of vital signs, or one of them.")],
    json: Json = False,
) -> None:
    """False alarms on files as they are, saved once more, and on sensors that are off; true events found."""
    from healthslm.evaluation import alarms  # noqa: PLC0415  only here

    show(alarms.run(data), json=json)


def _said(what: str) -> None:
    terminal.err.print(terminal.cell(what), style="dim")


@evaluations.command("export")
def eval_export(
    person: Annotated[
        list[str] | None, typer.Option(help="Only this one of the people and periods; may be said again.")
    ] = None,
    made_wrong: Annotated[
        int,
        typer.Option("--made-wrong", min=0, help="Numbers of each page to change, to see that it is seen."),
    ] = 20,
    wrong: Wrong = False,
    json: Json = False,
) -> None:
    """Every number on the clinician's PDF, read again, against the Bundle and the store; of varied people."""
    from healthslm.evaluation import export  # noqa: PLC0415  only here

    table, found = export.run(export.named(person or []), made_wrong=made_wrong, progress=_said)
    show(table, json=json)
    for one in found if wrong else ():
        terminal.print_line({"person": one.person, "on_purpose": one.on_purpose, **asdict(one.number)})
    if any(not one.on_purpose for one in found):
        raise typer.Exit(1)
