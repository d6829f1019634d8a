"""What is kept for how long, and what is deleted when: as data, and as a plan that can be looked at first.

A wrong clock must not delete two years. So age is not counted by the clock, but in days on which anything
was measured: what is kept for 730 days is older than the last 730 such days. A clock that jumps a year ahead
makes everything one day older; a month without power makes nothing older. And what is younger than that by
the clock is kept as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from healthslm.errors import UsageError
from healthslm.readings import Kind
from healthslm.store.ids import DAY_US, SPANS
from healthslm.store.rows import micros, moment
from healthslm.store.store import Store

SETTING = "retention"
DAY = timedelta(days=1)
_LEAST = 7
"""Days: what is looked back upon (a week's baseline, the clinician's page) must be there."""
WAVEFORM, DENSE, SPARSE = "waveform", "dense", "sparse"
GROUPS: Mapping[str, int | None] = {WAVEFORM: 30, DENSE: 730, SPARSE: None}
"""The days that each group is kept, `None` for ever, unless somebody says otherwise: an ECG is looked at soon
or not at all, a second's heart rate is in its roll-ups, and a cuff's or a scale's reading takes no room."""


class Policy(BaseModel):
    """How many days each group or kind is kept, `None` for ever; a kind's own number goes first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Mapping[str, int | None] = Field(default_factory=dict)
    done: int | None = None
    """When (µs since 1970, by this machine's clock) was last looked for what is to be deleted."""

    def days_of(self, kind: Kind) -> int | None:
        """Return for how many days a kind is kept, or `None` for ever."""
        for name in (kind.value, group_of(kind)):
            if name in self.days:
                return self.days[name]
        return GROUPS[group_of(kind)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What is to be deleted: the readings of a kind from before `before`. `due` is when that is so."""

    kind: Kind
    before: datetime
    due: datetime


def group_of(kind: Kind) -> str:
    """Return the group of a kind."""
    if kind not in SPANS:
        return SPARSE
    return DENSE if SPANS[kind] >= DAY_US else WAVEFORM


def policy(store: Store) -> Policy:
    """Return what was decided, or the defaults."""
    try:
        return Policy.model_validate(store.get(SETTING, {}))
    except ValidationError as error:
        raise UsageError(
            "What was decided about retention cannot be read.", "Decide anew: healthslm retention set"
        ) from error


def decide(before: Policy, name: str, days: int | None) -> Policy:
    """Return the policy with another number of days for a group or a kind.

    Raises `UsageError` for a name that is neither, and for fewer days than are looked back upon.
    """
    names = [*GROUPS, *(kind.value for kind in Kind)]
    if name not in names:
        raise UsageError(
            f"{name!r} is neither a group nor a kind of reading.", f"One of: {', '.join(names)}."
        )
    if days is not None and not _LEAST <= days <= 36_500:
        raise UsageError(f"{days} days cannot be.", f"Keep it for {_LEAST} to 36500 days, or for ever.")
    return before.model_copy(update={"days": {**before.days, name: days}})


def plan(
    policy: Policy, spans: Mapping[Kind, tuple[datetime, datetime]], days: Sequence[datetime], now: datetime
) -> list[Deletion]:
    """Say what is deleted next of each kind, and when that is if something is measured every day.

    `spans` has the first and last reading of each kind, `days` the beginnings of the UTC days on which there
    was any reading, in order.
    """
    found = []
    for kind, (first, _) in sorted(spans.items()):
        keep = policy.days_of(kind)
        if keep is None:
            continue
        before = now - timedelta(days=keep)
        before = min(before, days[-keep]) if len(days) >= keep else first
        if before > first:
            found.append(Deletion(kind=kind, before=before, due=now))
        else:
            since = sum(day > first for day in days)
            due = max(now + DAY, now + timedelta(days=keep - since), first + timedelta(days=keep + 1))
            found.append(Deletion(kind=kind, before=first + DAY, due=due))
    return found


def spans(store: Store) -> dict[Kind, tuple[datetime, datetime]]:
    """Return the times of the first and last reading of each kind that there is."""
    return {kind: ends for kind in Kind if (ends := store.span_of(kind)) is not None}


def is_due(policy: Policy, now: datetime) -> bool:
    """Say whether the last time was a day ago or more; a clock that was set back does not make it wait."""
    return policy.done is None or not timedelta(0) <= now - moment(policy.done) < DAY


def carry_out(store: Store, now: datetime) -> dict[Kind, int]:
    """Delete what is due now, at most once a day; returns how many readings of which kind."""
    decided = policy(store)
    if not is_due(decided, now):
        return {}
    gone = {}
    for deletion in plan(decided, spans(store), store.days(), now):
        if deletion.due <= now:
            count = store.forget_before(deletion.kind, deletion.before, now)
            if count:
                gone[deletion.kind] = count
    after = decided.model_copy(update={"done": micros(now)})
    store.put(SETTING, after.model_dump(mode="json"))
    store.commit()
    return gone
