"""Looking at what is known: the summary and the findings."""

from __future__ import annotations

from typing import Annotated

import typer

from healthslm import as_json
from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.explain import finding_named, shown
from healthslm.cli.period import From, To, period
from healthslm.cli.session import Session, now_or, session
from healthslm.errors import UsageError
from healthslm.pipeline import origins, review
from healthslm.readings import KINDS, Review
from healthslm.rules.needs import unjudged
from healthslm.slm import Audience, Writer
from healthslm.store import Store
from healthslm.text import many

Json = Annotated[bool, typer.Option("--json", help="As JSON, with the evidence of every number.")]
Template = Annotated[
    bool, typer.Option("--template", help="The template's words, without the language model.")
]


def reviewed(
    current: Session,
    store: Store,
    start: str | None,
    end: str | None,
    writer: Writer | None,
    *audiences: Audience,
) -> Review:
    """Review the period asked for."""
    begin, until = period(start, end, current, store)
    return review(
        store,
        begin,
        until,
        zone=current.zone,
        made_at=now_or(None, current.zone),
        writer=writer,
        audiences=audiences,
    )


@app.command()
def summary(
    context: typer.Context,
    start: From = None,
    end: To = None,
    json: Json = False,
    template: Template = False,
    clinician: Annotated[bool, typer.Option("--clinician", help="In the clinician's terms.")] = False,
) -> None:
    """Say in plain words how the period was, each number with where it comes from."""
    current = session(context)
    audience = Audience.CLINICIAN if clinician else Audience.WEARER
    with current.store() as store, current.writer(wanted=not template) as writer:
        result = reviewed(current, store, start, end, writer, audience)
        text = result.clinical if clinician else result.summary
        if text is None:
            raise UsageError("There is nothing to say about this period.", "See `healthslm devices list`.")
        if json:
            terminal.print_json(as_json.summary(text))
            return
        title = f"{result.start.astimezone(current.zone):%A, %d %B %Y}"
        terminal.out.print(terminal.summary_panel(text, title, current.zone, origins(store, text)))
    terminal.say(terminal.DISCLAIMER, "dim")


@app.command()
def findings(
    context: typer.Context,
    start: From = None,
    end: To = None,
    json: Json = False,
    explain: Annotated[
        str | None, typer.Option(metavar="ID", help="One finding: rule, source, inputs, coverage.")
    ] = None,
) -> None:
    """List what the rules found, the most severe first, with numbers, sources and what to do next."""
    current = session(context)
    if explain is not None:
        _explain(current, explain, json=json)
        return
    with current.store() as store:
        result = reviewed(current, store, start, end, None)
    if json:
        terminal.print_json([as_json.finding(f) for f in result.findings])
        return
    if not result.findings:
        terminal.out.print("No rule found anything in this period.")
        for line in result_gaps(result):
            terminal.out.print(f"  {line}", style="dim", markup=False)
    else:
        terminal.out.print(terminal.findings_list(result.findings, current.zone))
    terminal.say(terminal.DISCLAIMER, "dim")


def _explain(current: Session, name: str, *, json: bool) -> None:
    with current.store() as store:
        finding = finding_named(store, name, current.zone)
    if json:
        terminal.print_json(as_json.finding(finding))
        return
    terminal.out.print(shown(finding, current.zone))
    terminal.say(terminal.DISCLAIMER, "dim")


def result_gaps(result: Review) -> list[str]:
    """Say what was not seen: no finding is only as good as what there was to look at."""
    if not any(len(window) for window in result.windows.values()):
        return ["Nothing was measured, so nothing could be found."]
    return [
        *(
            f"{KINDS[kind].title}: {many(len(window), 'reading')}"
            + ("" if window.coverage is None else f", {window.coverage:.0%} of the time")
            for kind, window in result.windows.items()
        ),
        *(f"not judged: {line}" for line in unjudged(result.windows)),
    ]
