"""When to tell which hook of which alerts: decided from the alerts, the policy and what was told lately.

Nothing in here has a clock, a store or a hook's call: alerts and the time in, messages out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from healthslm.alerts.alert import CLOCK_SLACK, Alert, AlertState, Held
from healthslm.alerts.groups import group_of
from healthslm.alerts.hooks import Hook
from healthslm.alerts.payload import Occasion
from healthslm.alerts.policy import Policy
from healthslm.alerts.watch import Watched
from healthslm.readings import Severity

HOUR = timedelta(hours=1)
GROUP = timedelta(minutes=2)
"""What belongs to something that was told a moment ago waits so long, and comes as one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one hook is told at one time: the first of `alerts` is the worst, the others go with it."""

    hook: Hook
    alerts: tuple[Alert, ...]
    occasion: Occasion
    note: str = ""

    @property
    def severity(self) -> Severity:
        """The level of the worst."""
        return max(alert.severity for alert in self.alerts)


@dataclass(frozen=True, slots=True)
class _Sent:
    at: datetime
    group: str
    severity: Severity


@dataclass(slots=True)
class Lately:
    """What a hook was told within the hour, and since when messages for it are held back."""

    sent: list[_Sent] = field(default_factory=list)
    capped_since: datetime | None = None

    def forget(self, now: datetime) -> None:
        """Drop what is older than an hour, or of a time that a wrong clock made up."""
        self.sent = [one for one in self.sent if -CLOCK_SLACK < now - one.at < HOUR]
        if self.capped_since is not None and self.capped_since > now + CLOCK_SLACK:
            self.capped_since = now

    def count(self, severity: Severity) -> int:
        """Return how many messages of a level, or above, counted within the hour."""
        return sum(1 for one in self.sent if severity <= one.severity < Severity.EMERGENCY)

    def group(self, group: str, severity: Severity, now: datetime) -> bool:
        """Say whether something of the group, at least as severe, was told a moment ago."""
        return any(
            o.group == group and o.severity >= severity and timedelta(0) <= now - o.at < GROUP
            for o in self.sent
        )

    def add(self, now: datetime, message: Message) -> None:
        """Note a message, by what the worst in it is about."""
        self.sent.append(_Sent(now, group_of(message.alerts[0].rule), message.severity))

    def to_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return {
            "sent": [[one.at.isoformat(), one.group, int(one.severity)] for one in self.sent],
            "capped": self.capped_since.isoformat() if self.capped_since else None,
        }

    @classmethod
    def from_json(cls, kept: Any) -> Lately:
        """Read what `to_json` wrote. What cannot be read held nothing back."""
        try:
            sent = [_Sent(_time(at), str(group), Severity(level)) for at, group, level in kept["sent"]]
            return cls(sent, _time(kept["capped"]) if kept["capped"] else None)
        except (ValueError, TypeError, KeyError):
            return cls()


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its offset is none")
    return time


def held_for_all(alert: Alert, policy: Policy, now: datetime, local: datetime, snoozed: bool) -> Held:
    """Say why nobody is told of an alert now, whatever the hook; `snoozed` when everything is."""
    if alert.is_snoozed(now) or (snoozed and not policy.spares(alert.rule, alert.severity)):
        return Held.SNOOZED
    if policy.is_quiet(local, alert.severity):
        return Held.QUIET
    return Held.NOT


def occasion_of(alert: Alert, hook: Hook, policy: Policy, now: datetime) -> Occasion | None:
    """Say on which occasion a hook is to be told of an alert now, apart from what others it was told."""
    if not hook.wants(alert.rule, alert.severity) or alert.rule == f"{Watched.UNDELIVERED}:{hook.name}":
        return None
    told = alert.told.get(hook.name)
    if told is None:
        return _first(alert, hook, now)
    if alert.state is AlertState.RESOLVED or hook.name not in alert.delivered_to:
        return None  # it waits in the outbox: twice the same is no help
    if alert.snoozed_until is not None and told.at < alert.snoozed_until:
        return Occasion.AGAIN  # it was asked for, and nobody has seen it since
    every = policy.repetition(alert.rule, alert.severity)
    if every is None or told.times > policy.repeat_times.get(alert.severity, 0):
        return None
    return Occasion.AGAIN if now - told.at >= every or now < told.at - CLOCK_SLACK else None


def _first(alert: Alert, hook: Hook, now: datetime) -> Occasion | None:
    if alert.state is AlertState.RESOLVED:
        return None if hook.after_min or alert.acknowledged_at is not None else Occasion.HELD
    since = alert.due_since
    if hook.after_min and (since is None or timedelta(0) <= now - since < timedelta(minutes=hook.after_min)):
        return None
    if hook.after_min:
        return Occasion.ESCALATED
    if alert.snoozed_until is not None:
        return Occasion.AGAIN
    return Occasion.WORSE if alert.worse else Occasion.NEW


def messages(
    alerts: Sequence[Alert], hook: Hook, policy: Policy, lately: Lately, now: datetime
) -> tuple[list[Message], dict[str, Held]]:
    """Return what a hook is told now of alerts that nothing holds back, and which of them wait and why.

    `lately` is brought up to date. An emergency is a message of its own, and waits for nothing.
    """
    lately.forget(now)
    due = [(alert, occasion) for alert in alerts if (occasion := occasion_of(alert, hook, policy, now))]
    due.sort(key=lambda one: (-one[0].severity, one[0].raised_at))
    told = [
        Message(hook=hook, alerts=(alert,), occasion=occasion)
        for alert, occasion in due
        if alert.severity is Severity.EMERGENCY
    ]
    rest = [(alert, occasion) for alert, occasion in due if alert.severity < Severity.EMERGENCY]
    for message in told:
        lately.add(now, message)
    if lately.capped_since is not None and rest and lately.count(rest[0][0].severity) < policy.cap:
        message = _what_was_held(hook, rest)
        lately.add(now, message)
        lately.capped_since = now if lately.count(Severity.WATCH) >= policy.cap else None
        return [*told, message], {}
    held: dict[str, Held] = {}
    by_group: dict[str, list[tuple[Alert, Occasion]]] = {}
    for one in rest:
        by_group.setdefault(group_of(one[0].rule), []).append(one)
    for group, of_group in by_group.items():
        worst, occasion = of_group[0]
        ids = [alert.id for alert, _ in of_group]
        if lately.group(group, worst.severity, now):
            held |= dict.fromkeys(ids, Held.GROUPED)
            continue
        note = ""
        if lately.count(worst.severity) >= policy.cap:
            if lately.capped_since is not None:
                held |= dict.fromkeys(ids, Held.CAPPED)
                continue
            lately.capped_since = now
            occasion, note = Occasion.HELD, _too_many(policy.cap)
        message = Message(
            hook=hook, alerts=tuple(alert for alert, _ in of_group), occasion=occasion, note=note
        )
        lately.add(now, message)
        told.append(message)
    return told, held


def _too_many(cap: int) -> str:
    return (
        f"There were {cap} messages within an hour: what comes next is held back and told together later, "
        "but not an emergency."
    )


def _what_was_held(hook: Hook, rest: Sequence[tuple[Alert, Occasion]]) -> Message:
    """All that was held back, as one message, with what has come since."""
    alerts = tuple(alert for alert, _ in rest)
    note = "What was held back, for there were too many messages:"
    return Message(hook=hook, alerts=alerts, occasion=Occasion.HELD, note=note)


def afterwards(alert: Alert, hooks: Sequence[Hook], occasion: Occasion) -> Iterator[Message]:
    """Yield what the hooks are told that wanted to hear how it went on: acknowledged, or over."""
    for hook in hooks:
        if hook.over and hook.name in alert.told:
            yield Message(hook=hook, alerts=(alert,), occasion=occasion)
