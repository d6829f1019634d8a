"""A person's own words: a question about what was measured, and a note about how they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from healthslm import as_json
from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.look import Json, Template
from healthslm.cli.session import Session, now_or, session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.pipeline import Answered, ask, at_once, noted, origins
from healthslm.readings import Device, Severity
from healthslm.slm import route, triage

_TITLE = 200
"""Characters of a question that are shown above its answer."""


@app.command("ask")
def ask_command(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="In your own words; with --plan also lines on standard input.")
    ] = None,
    now: Annotated[str | None, typer.Option(help="Ask as if it were this time (ISO).")] = None,
    json: Json = False,
    template: Template = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only what would be looked up: needs no store; JSON, a line each.")
    ] = False,
) -> None:
    """Answer a question about what was measured."""
    current = session(context)
    at = now_or(now, current.zone)
    if plan:
        with current.writer(wanted=not template) as writer:
            for one in _given(question):
                routed = route(one, at, current.zone, writer)
                planned = {
                    "tool": routed.call.tool,
                    "arguments": routed.call.arguments,
                    "origin": routed.origin,
                }
                terminal.print_line(planned)
        return
    if question is None:
        raise UsageError("There is no question.", 'Ask, for example: healthslm ask "How did I sleep?"')
    urgent = at_once(question, now=at, zone=current.zone)
    if urgent is not None:  # a passphrase can be forgotten, a store be damaged: the notice waits for neither
        _show(urgent, question, current, {}, json=json)
        return
    with current.store() as store, current.writer(wanted=not template) as writer:
        result = ask(store, question, now=at, zone=current.zone, writer=writer)
        _show(result, question, current, origins(store, result.answer), json=json)


def _show(
    result: Answered, question: str, current: Session, devices: dict[int, Device], *, json: bool
) -> None:
    if json:
        terminal.print_json(answer_json(result))
        return
    title = " ".join(question[:_TITLE].split())
    terminal.out.print(terminal.summary_panel(result.answer, title, current.zone, devices))


def _given(text: str | None) -> Iterator[str]:
    """What was given: the argument, or each line of standard input."""
    if text is not None:
        yield text
        return
    yield from (line.rstrip("\n") for line in sys.stdin)


@app.command("note")
def note_command(
    context: typer.Context,
    text: Annotated[
        str | None, typer.Argument(help="How you are, in your own words; with --plan also lines on input.")
    ] = None,
    json: Json = False,
    template: Template = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only the level: neither needs nor writes a store; JSON, a line each."),
    ] = False,
) -> None:
    """Say how soon somebody should act on how you are, by your own words and what was measured lately."""
    current = session(context)
    if plan:
        with current.writer(wanted=not template) as writer:
            for one in _given(text):
                terminal.print_line(asdict(triage(one, writer)))
        return
    if text is None or not any(letter.isprintable() and not letter.isspace() for letter in text):
        raise UsageError("There is no note.", 'Say, for example: healthslm note "dizzy since lunch"')
    urgent = at_once(text, now=utc_now(), zone=current.zone)
    if urgent is not None:  # before anything that may fail, as a passphrase
        terminal.say(urgent.answer.text, terminal.SEVERITY_STYLE[Severity.EMERGENCY])
    with current.store() as store, current.writer(wanted=not template) as writer:
        result = noted(store, text, now=utc_now(), zone=current.zone, reader=writer)
    if json:
        terminal.print_json(asdict(result))
        return
    style = terminal.SEVERITY_STYLE[Severity[result.level.upper()]]
    terminal.out.print(terminal.cell(f"{result.level}: {result.reason}.", style))
    terminal.say(terminal.DISCLAIMER, "dim")


def answer_json(result: Answered) -> dict[str, object]:
    """Write an answer as JSON: the call with its arguments, the answer, and the evidence of its numbers."""
    return {
        "tool": result.call.tool,
        "arguments": result.call.arguments,
        "answer": result.answer.text,
        "evidence": [as_json.feature(f) for f in result.features]
        + [as_json.finding(f) for f in result.findings],
        "origin": result.answer.origin,
    }
