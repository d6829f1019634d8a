"""`healthslm alerts policy`: how this person wants to be warned, shown and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from healthslm.alerts import policy_words
from healthslm.alerts.policy import Policy, keep_policy, policy_of
from healthslm.alerts.policy_words import Known, Row
from healthslm.cli import terminal
from healthslm.cli.alerting import alerts
from healthslm.cli.app import Json
from healthslm.cli.policy_meaning import meaning
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.rules import RULES
from healthslm.store import Store
from healthslm.store.audit import Event

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
    """Set or reset, note every change, and make it durable; nothing of it if one word is wrong."""
    if reset and not words:  # also the way out where what is kept cannot be read
        keep_policy(store, Policy())
        store.note_event(Event.SETTING_CHANGED, utc_now(), setting="alert policy", now="default")
        store.commit()
        terminal.say("Everything is as usual again.")
        return
    known = Known(rules=[rule.name for rule in RULES], devices={d.address: d.name for d in store.devices()})
    before = after = policy_of(store)
    change: Callable[[Policy, str, Known], Policy] = policy_words.with_word
    if reset:
        change = _usual
    for word in words:
        after = change(after, word, known)
    if after == before:
        terminal.say("That is how it was already.")
        return
    keep_policy(store, after)
    was, now = ({row.name: row.value for row in policy_words.rows(one)} for one in (before, after))
    for name in (n for n in {**was, **now} if was.get(n) != now.get(n)):
        terminal.say(f"{name}: {was.get(name, 'not set')} → {now.get(name, 'not set')}")
        store.note_event(
            Event.SETTING_CHANGED, utc_now(), setting=f"alerts {name}", was=was.get(name), now=now.get(name)
        )
    store.commit()
    known_before = set(meaning(before))
    for sentence in meaning(after):
        if sentence not in known_before:
            terminal.say(sentence, "yellow")


def _usual(policy: Policy, word: str, known: Known) -> Policy:
    if "=" in word:
        raise UsageError("--reset takes names, without a value.", "Like: alerts policy --reset quiet")
    return policy_words.without(policy, word, known)


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
