"""`healthslm alerts policy`: how this person wants to be warned, shown and changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from healthslm import wishes
from healthslm.alerts import policy_words
from healthslm.alerts.policy import policy_of
from healthslm.alerts.policy_meaning import meaning
from healthslm.alerts.policy_words import Row
from healthslm.cli import terminal
from healthslm.cli.alerting import alerts
from healthslm.cli.app import Json
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.store import Store

_HELP = f"""Show or set how you want to be warned; a `healthslm run` that is at work takes it over at once.

Names: {", ".join(policy_words.NAMES)}. Times are minutes, levels are watch, urgent and emergency; several
values stand with commas between them.
"""

_NAME_WIDTH = 24
"""A longer name moves only its own value."""


@alerts.command("policy", help=_HELP)
def alerts_policy(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE ...]", help="Like quiet=22:00-07:00; with --reset only names."),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to what is usual: the named settings, or all.")
    ] = False,
    json: Json = False,
) -> None:
    """Show or set how this person wants to be warned."""
    current = session(context)
    with current.store() as store:
        if words or reset:
            _change(store, words or (), reset)
            if not json:
                return
        now = policy_of(store)
    shown = list(policy_words.rows(now))
    if json:
        terminal.print_json(
            [
                {"name": r.name, "value": r.value, "default": r.usual, "own": r.own, "meaning": r.meaning}
                for r in shown
            ]
        )
        return
    _print(shown)
    for sentence in meaning(now):
        terminal.say(sentence, "yellow")


def _change(store: Store, words: Sequence[str], reset: bool) -> None:
    """Set or reset, and say what changed and what that comes to."""
    if reset and not words:
        wishes.all_as_usual(store, utc_now())
        terminal.say("Everything is as usual again.")
        return
    known_before = set(meaning(policy_of(store)))
    changes = (wishes.as_usual if reset else wishes.set_in_words)(store, words, utc_now())
    if not changes:
        terminal.say("That is how it was already.")
        return
    for one in changes:
        terminal.say(f"{one.name}: {one.was or 'not set'} → {one.now or 'not set'}")
    for sentence in meaning(policy_of(store)):
        if sentence not in known_before:
            terminal.say(sentence, "yellow")


def _print(shown: Sequence[Row]) -> None:
    """Show each setting, and below its like what they are: no column is too narrow for a word."""
    wide = min(max(len(row.name) for row in shown), _NAME_WIDTH)
    for index, row in enumerate(shown):
        line = terminal.cell(f"{row.name:{wide}}", "bold" if row.own else "")
        line.append(f"  {row.value}", "bold" if row.own else "not bold")
        if row.own:
            line.append(f"  (default: {'not set' if row.usual is None else row.usual})", "not bold dim")
        terminal.out.print(line)
        if index + 1 == len(shown) or shown[index + 1].meaning != row.meaning:
            terminal.out.print(Padding(Text(row.meaning, "dim"), (0, 0, 0, 4), expand=False))
    terminal.say("Where no default is named it is the default. Change it: healthslm alerts policy NAME=VALUE")
