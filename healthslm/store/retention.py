"""What is kept for how long, and what is deleted when: as data, and as a plan that can be looked at first.

A wrong clock must not delete two years at once. So the cut does not follow the clock: it moves on by at most
`PACE` each time, at most once a day, from where it was before, and never past the newest reading. After a
month without power it takes four days to catch up; a clock that stands a year ahead takes a week of the
oldest readings until somebody notices, not all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from healthslm.errors import UsageError
from healthslm.readings import KINDS, Kind
from healthslm.store.ids import SPANS
from healthslm.store.rows import micros, moment
from healthslm.store.store import Store

SETTING = "retention"
PACE = timedelta(days=7)
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
    cut: Mapping[str, int] = Field(default_factory=dict)
    """By kind, up to when (µs since 1970) was deleted last."""
    done: int | None = None
    """When that was, by this machine's clock."""

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
    return WAVEFORM if KINDS[kind].waveform else DENSE


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


def plan(policy: Policy, spans: Mapping[Kind, tuple[datetime, datetime]], now: datetime) -> list[Deletion]:
    """Say what is deleted next of each kind, and when. `spans` has the first and last reading of each."""
    newest = max((last for _, last in spans.values()), default=now)
    found = []
    for kind, (first, _) in sorted(spans.items()):
        days = policy.days_of(kind)
        if days is None:
            continue
        keep = timedelta(days=days)
        cut = moment(policy.cut[kind.value]) if kind.value in policy.cut else first
        wanted = min(now, newest) - keep
        before = min(wanted, max(cut, first) + PACE)
        if before > first:
            found.append(Deletion(kind=kind, before=before, due=now))
        else:
            found.append(Deletion(kind=kind, before=first + DAY, due=max(now + DAY, first + keep + DAY)))
    return found


def spans(store: Store) -> dict[Kind, tuple[datetime, datetime]]:
    """Return the times of the first and last reading of each kind that there is."""
    return {kind: ends for kind in Kind if (ends := store.span_of(kind)) is not None}


def is_due(policy: Policy, now: datetime) -> bool:
    """Say whether the last time was a day ago or more; a clock that was set back does not make it wait."""
    return policy.done is None or not timedelta(0) <= now - moment(policy.done) < DAY


def carry_out(store: Store, now: datetime) -> dict[Kind, int]:
    """Delete what the plan says is due now; returns how many readings of which kind. At most once a day."""
    decided = policy(store)
    if not is_due(decided, now):
        return {}
    gone, cut = {}, dict(decided.cut)
    for deletion in plan(decided, spans(store), now):
        if deletion.due <= now:
            cut[deletion.kind.value] = micros(deletion.before)
            count = store.forget_before(deletion.kind, deletion.before, now)
            if count:
                gone[deletion.kind] = count
    after = decided.model_copy(update={"cut": cut, "done": micros(now)})
    store.put(SETTING, after.model_dump(mode="json"))
    store.commit()
    return gone
