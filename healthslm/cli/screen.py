"""What `healthslm run` shows of its work: links, alerts, and at its end what became of everything."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from rich.text import Text

from device import PAIR_FIRST, LinkEvent
from healthslm.cli import terminal
from healthslm.cli.seldom import Seldom
from healthslm.collector import Tally, Update


class Screen:
    """Shows what happens, a line each; to a log (`quiet`) only the links, by their addresses."""

    def __init__(
        self, zone: ZoneInfo, names: Mapping[str, str], whose: str = "", *, quiet: bool = False
    ) -> None:
        self._zone = zone
        self.names = names
        self._whose = whose
        self._quiet = quiet
        self._seldom = Seldom()

    def observe(self, update: Update) -> None:
        """Show what came of one event."""
        with contextlib.suppress(OSError):  # a terminal that is gone must not end the listening
            if isinstance(update.event, LinkEvent):
                self.link(update.event)
            for alert in () if self._quiet else update.alerts:
                style = terminal.SEVERITY_STYLE[alert.severity]
                text = f"{self._whose}{alert.finding.title}. {alert.finding.action}"
                terminal.err.print(
                    Text.assemble(
                        f"{terminal.clock(alert.raised_at, self._zone)} ",
                        (alert.severity.word, style),
                        " ",
                        terminal.cell(text),
                    ),
                    soft_wrap=True,
                )

    def link(self, event: LinkEvent) -> None:
        """Show a change of a link."""
        if not self._seldom.say((event.device, event.state, event.why), event.at):
            return
        name = (not self._quiet and self.names.get(event.device)) or event.device
        terminal.say(f"{terminal.clock(event.at, self._zone)} {name}: {event.state} {event.why}".rstrip())
        if PAIR_FIRST in event.why:
            terminal.say(f"  Next: healthslm devices add {event.device} --pair")


def say_what_came(tally: Tally, what: str, *, quiet: bool = False) -> None:
    """Say what became of all that was heard; to a log only that it is over."""
    if quiet:
        terminal.say(f"{what}.")
        return
    terminal.say(
        f"{what}. {tally.notifications} notifications: {tally.stored} readings stored, "
        f"{tally.duplicates} duplicates, {tally.refused} refused, {tally.unsaved} not taken by the store, "
        f"{tally.dropped} lost unread."
    )
    for reason, count in sorted(tally.reasons.items(), key=lambda item: -item[1])[:5]:
        terminal.say(f"  refused {count} ×: {reason}", "dim")
