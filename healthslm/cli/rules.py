"""The rules: what they go by, and numbers of one's own that a clinician signs for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from healthslm import as_json, rulebook
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.running import say_if_running
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.export import words
from healthslm.importers.glucose_units import MG_PER_MMOL
from healthslm.rules import Rule
from healthslm.rules.pressure_categories import GUIDELINES, guideline_named
from healthslm.store.audit import Event

rules = typer.Typer(help="What the rules go by; numbers set for this person.", no_args_is_help=True)
app.add_typer(rules, name="rules")
Name = Annotated[str, typer.Argument(help="The rule, as `rules list` names it.")]


@rules.command("list")
def list_(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One rule; without it, all.")] = None,
    json: Json = False,
) -> None:
    """List the rules with their thresholds and sources, and what was set for this person."""
    current = session(context)
    with current.store() as store:
        book = rulebook.in_force(store)
    shown = book if name is None else (rulebook.rule_named(name, book),)
    if json:
        terminal.print_json([_json(rule) for rule in shown])
        return
    table = terminal.table_of("rule", "threshold", "value", "what it does", whole=0)
    for rule in shown:
        first: Text | str = Text(rule.name, "bold")
        for threshold in rule.thresholds:
            value = words.threshold(threshold)
            table.add_row(first, threshold.name, value, terminal.cell(threshold.meaning))
            first = ""
        if not rule.thresholds:
            table.add_row(first, "", "", terminal.cell(rule.title))
    terminal.out.print(table)
    if name is not None:
        terminal.out.print(terminal.cell(f"{shown[0].name}, version {shown[0].version}. {shown[0].source}"))
        for personal in (t for t in shown[0].thresholds if t.personal):
            terminal.out.print(terminal.cell(words.signed(personal, current.zone)))


def _json(rule: Rule) -> dict[str, object]:
    return {
        "rule": rule.name,
        "version": rule.version,
        "title": rule.title,
        "source": rule.source,
        "missing": list(rule.missing),
        "thresholds": [as_json.threshold(t) | {"lowest": t.low, "highest": t.high} for t in rule.thresholds],
    }


@rules.command("set")
def set_(
    context: typer.Context,
    name: Name,
    threshold: Annotated[str, typer.Argument(help="Which of its numbers.")],
    number: Annotated[float, typer.Argument(metavar="VALUE", help="In the unit that `rules list` shows.")],
    by: Annotated[str, typer.Option(help="Who decided it: the clinician's name.")],
    why: Annotated[str, typer.Option(help="The reason; it stands in every finding that used the number.")],
) -> None:
    """Set one number of a rule for this person. The audit trail, findings and exports tell of it."""
    current = session(context)
    now = utc_now()
    _no_mmol(rulebook.rule_named(name), threshold, number)
    with current.store() as store:
        rule = rulebook.set_threshold(store, name, threshold, number, by=by, why=why, at=now)
        done = rule.threshold(threshold)
        store.note_event(
            Event.RULE_CHANGED,
            now,
            rule=name,
            threshold=threshold,
            value=number,
            usual=done.usual,
            by=by,
            why=why,
        )
        store.commit()
    terminal.say(f"{rule.title}: {threshold} is now {words.threshold(done)}.")
    terminal.say(f"Before you rely on it: healthslm alerts replay --rule {name} --from DATE")
    say_if_running(current.settings.home)


def _no_mmol(rule: Rule, name: str, number: float) -> None:
    """Say so where a number of mg/dL can only be meant in mmol/L."""
    threshold = rule.threshold(name)
    meant = round(number * MG_PER_MMOL)
    if threshold.unit == "mg/dL" and not threshold.low <= number and threshold.low <= meant <= threshold.high:
        raise UsageError(
            f"{name} of {rule.name} is in mg/dL, and cannot be {number:g}.",
            f"{number:g} mmol/L is {meant} mg/dL; it may be {threshold.low:g} to {threshold.high:g} mg/dL.",
        )


@rules.command("reset")
def reset(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The rule; without it, all rules.")] = None,
    threshold: Annotated[str | None, typer.Argument(help="Which number; without it, all.")] = None,
) -> None:
    """Go back to the rules' own numbers."""
    if name is not None:
        rule = rulebook.rule_named(name)
        if threshold is not None:
            rule.threshold(threshold)
    current = session(context)
    with current.store() as store:
        count = rulebook.reset(store, name, threshold)
        if not count:
            raise UsageError("No number of this person's own is set there.", "See: healthslm rules list")
        store.note_event(Event.RULE_CHANGED, utc_now(), rule=name, threshold=threshold, value=None)
        store.commit()
    terminal.say(f"{count} {'number is' if count == 1 else 'numbers are'} the rule's own again.")
    say_if_running(current.settings.home)


@rules.command("guideline")
def guideline(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help=f"{' or '.join(GUIDELINES)}; without it, which one is set.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who decided it: the clinician's name.")] = "",
    json: Json = False,
) -> None:
    """Say or set by which guideline a pressure average at home is put into a category."""
    current = session(context)
    if name is not None:
        guideline_named(name)
    with current.store() as store:
        if name is None:
            now = rulebook.guideline(store)
        else:
            if not by.strip():
                raise UsageError("A guideline needs who chose it.", "Use --by NAME.")
            now = rulebook.choose_guideline(store, name)
            store.note_event(Event.RULE_CHANGED, utc_now(), rule="pressure guideline", value=now.name, by=by)
            store.commit()
    if json:
        sources = {"source": now.source, "home_source": now.home_source}
        terminal.print_json({"guideline": now.name, "title": now.title} | sources)
        return
    terminal.out.print(terminal.cell(f"{now.name}: {now.source}; at home: {now.home_source}."))
