"""What a policy comes to where somebody may have disarmed themselves: a plain sentence for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

from healthslm.alerts.policy import EVERY_RULE, Policy, Quiet
from healthslm.readings import Severity
from healthslm.text import many

_SILENT_SOON = 60
"""Minutes for which an emergency that nobody acknowledges is repeated at the least, before that is said."""
_SELDOM = 60
"""Minutes between two repetitions of an emergency at the most, before that is said."""
_FEW, _FLOOD = 4, 60
"""Messages an hour."""
_LONG_SNOOZE = 60
_MOST_OF_A_DAY = 16 * 60
_DAY = 24 * 60
_REPEATED = {Severity.URGENT: "What is urgent", Severity.EMERGENCY: "An emergency"}


def meaning(policy: Policy) -> Iterator[str]:
    """Yield what is never told, or late, or too often, because of how the policy is set."""
    yield from _repetition(policy)
    yield from _quiet(policy)
    yield from _cap(policy.cap)
    yield from _snooze(policy)
    yield from _rules(policy)
    for device, minutes in policy.expect_min.items():
        if not minutes:
            yield f"Nobody is told when {device} sends nothing, or is not worn."
        elif minutes > _DAY:
            yield f"That {device} sends nothing is told only after {_long(minutes)}."
    if policy.paced:
        yield "A heart rate that stands still is no longer taken for a sensor that is not worn."


def _repetition(policy: Policy) -> Iterator[str]:
    for level, what in _REPEATED.items():
        every, times = policy.repeat_min.get(level, 0), policy.repeat_times.get(level, 0)
        if not every or not times:
            yield f"{what} is told once, and not again though nobody acknowledges it."
        elif level is Severity.EMERGENCY and every * times < _SILENT_SOON:
            again = f"{many(times, 'time')} again, the last after {many(every * times, 'minute')}"
            yield f"{what} that nobody acknowledges is told {again}, and then no more."
        elif level is Severity.EMERGENCY and every > _SELDOM:
            yield f"{what} that nobody acknowledges is told again only every {_long(every)}."
    if policy.repeat_min.get(Severity.WATCH, 0) and not policy.repeat_times.get(Severity.WATCH, 0):
        yield "A watch is not told again all the same: that needs repeat-times.watch too, like 3."
    for rule, minutes in policy.repeat_of.items():
        if not minutes:
            yield f"{rule} is told once, an emergency too, and not again though nobody acknowledges it."
        elif minutes > _SELDOM:
            again = f"only every {_long(minutes)}, an emergency too"
            yield f"{rule} that nobody acknowledges is told again {again}."


def _quiet(policy: Policy) -> Iterator[str]:
    if not policy.quiet:
        return
    if policy.quiet_spares is Severity.WATCH:
        yield "The quiet hours hold back nothing: quiet-spares is watch."
        return
    covered = sum(any(_covers(quiet, minute) for quiet in policy.quiet) for minute in range(_DAY))
    most = f", which are {round(covered / 60)} hours of the day" if covered > _MOST_OF_A_DAY else ""
    if policy.quiet_spares is Severity.URGENT:
        yield f"In the quiet hours{most}, a watch waits; what is urgent and an emergency do not."
    else:
        yield (
            f"In the quiet hours{most}, what is urgent waits too, and only an emergency does not. "
            "To be told of what is urgent at once: quiet-spares=urgent"
        )


def _covers(quiet: Quiet, minute: int) -> bool:
    at = time(*divmod(minute, 60))
    if quiet.start < quiet.end:
        return quiet.start <= at < quiet.end
    return at >= quiet.start or at < quiet.end


def _cap(cap: int) -> Iterator[str]:
    if cap < _FEW:
        yield (
            f"After {many(cap, 'message')} in an hour the next says that more is held back: also what is "
            "urgent waits then, for up to an hour. An emergency does not."
        )
    elif cap > _FLOOD:
        yield f"Up to {cap:,} messages an hour may go to a hook: among so many, one that matters is missed."


def _snooze(policy: Policy) -> Iterator[str]:
    longest = max(policy.snooze_min.get(Severity.EMERGENCY, ()), default=0)
    if longest > _LONG_SNOOZE:
        yield f"An emergency may be snoozed for {_long(longest)}: nobody is told of it in that time."
    if not policy.spared:
        yield "`alerts snooze --all` silences emergencies too."
    elif EVERY_RULE not in policy.spared:
        yield f"`alerts snooze --all` silences every emergency but those of {', '.join(policy.spared)}."


def _rules(policy: Policy) -> Iterator[str]:
    for rule, minutes in policy.confirm_min.items():
        yield (
            f"{rule} is told only once it has held for {_long(minutes)}: what is over before is told to "
            "nobody. An emergency does not wait."
        )
    for rule, level in policy.at_most.items():
        if level is Severity.WATCH:
            yield (
                f"{rule} is a watch even where the rule says that it is urgent: hooks with --least urgent do "
                "not hear of it. An emergency stays one."
            )


def _long(minutes: int) -> str:
    """Write a length as people say it."""
    if minutes >= 2 * _DAY and not minutes % _DAY:
        return many(minutes // _DAY, "day")
    return many(minutes // 60, "hour") if minutes > 60 and not minutes % 60 else many(minutes, "minute")
