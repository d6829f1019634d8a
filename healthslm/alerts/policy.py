"""How one person wants to be warned: what has to be confirmed, repeated, held back, and when it is quiet.

Kept in the encrypted store, as every setting that says something of a person. The defaults are such that
nobody has to set anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from healthslm.errors import DamagedError
from healthslm.readings import Severity

_NAME = "alert policy"
Minutes = int
LEVELS = (Severity.WATCH, Severity.URGENT, Severity.EMERGENCY)
"""What can be told: what is only `info` is shown, and nobody is told."""
MOST = 7 * 24 * 60
"""A week of minutes, or so many times: more is a slip of the pen."""
SNOOZE = (1, 24 * 60)
CAP = (1, 1000)
CHOICES = 8
"""So many quiet hours, or lengths of a snooze, there are at the most."""
EVERY_RULE = "*"


class Quiet(BaseModel):
    """A time of the day at which nobody wants to be disturbed, by the person's wall clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: time
    end: time

    @model_validator(mode="after")
    def _is_a_while(self) -> Quiet:
        if self.start == self.end:
            raise ValueError("quiet hours that end when they begin are none")
        return self

    def covers(self, local: datetime) -> bool:
        """Say whether a local time lies in it: the wall clock's own, whatever the zone does that night."""
        at = local.time()
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def ends(self, local: datetime) -> datetime:
        """Return when it ends that covers a local time."""
        day = local.date() + timedelta(days=0 if local.time() < self.end else 1)
        return datetime.combine(day, self.end, local.tzinfo)


class Policy(BaseModel):
    """How a person wants to be warned. Minutes everywhere; 0 is "not at all".

    `quiet` hours hold back what is below `quiet_spares`, which is never more than an emergency. At most `cap`
    messages an hour go to a hook, an emergency not counted. `repeat_min` is how often what nobody has
    acknowledged is told again, `repeat_times` how many times at the most. `snooze_min` are the times that an
    alert may be snoozed for; snoozing all spares the emergencies of the rules `spared` (`*`: of all).

    By rule: `confirm_min` is how long it must hold before it is raised (an emergency does not wait),
    `at_least` and `at_most` bound its level (an emergency stays one), `repeat_of` is its own `repeat_min`. By
    device, `expect_min` is how long nothing may come from it; 0 is not watched. `paced` says that a pacemaker
    leads the heart, whose rate may stand still.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quiet: tuple[Quiet, ...] = Field(default=(), max_length=CHOICES)
    quiet_spares: Severity = Severity.EMERGENCY
    cap: int = Field(default=12, ge=CAP[0], le=CAP[1])
    repeat_min: Mapping[Severity, Minutes] = {Severity.EMERGENCY: 10, Severity.URGENT: 60}
    repeat_times: Mapping[Severity, int] = {Severity.EMERGENCY: 24, Severity.URGENT: 3}
    snooze_min: Mapping[Severity, tuple[Minutes, ...]] = {
        Severity.WATCH: (60, 240, 720, 1440),
        Severity.URGENT: (15, 30, 60, 120),
        Severity.EMERGENCY: (5, 10, 15),
    }
    spared: tuple[str, ...] = (EVERY_RULE,)
    confirm_min: Mapping[str, Minutes] = {}
    at_least: Mapping[str, Severity] = {}
    at_most: Mapping[str, Severity] = {}
    repeat_of: Mapping[str, Minutes] = {}
    expect_min: Mapping[str, Minutes] = {}
    paced: bool = False

    @field_validator("repeat_min", "confirm_min", "repeat_of", "expect_min", "repeat_times")
    @classmethod
    def _in_reason(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        for name, minutes in value.items():
            if not 0 <= minutes <= MOST:
                raise ValueError(f"{name} cannot be {minutes}: it may be 0 to a week's {MOST}")
        return value

    @field_validator("snooze_min")
    @classmethod
    def _ends(cls, value: Mapping[Severity, tuple[int, ...]]) -> Mapping[Severity, tuple[int, ...]]:
        low, high = SNOOZE
        for level in LEVELS:
            lengths = value.get(level, ())
            if len(lengths) > CHOICES or not all(low <= minutes <= high for minutes in lengths):
                raise ValueError(
                    f"a snooze lasts {low} to {high} minutes, and there are {CHOICES} at the most"
                )
        return value

    @property
    def expected(self) -> dict[str, timedelta | None]:
        """How long nothing may come from single devices; `None` for one that is never missed."""
        return {device: timedelta(minutes=m) if m else None for device, m in self.expect_min.items()}

    def level(self, rule: str, severity: Severity) -> Severity:
        """Return what a finding's level is to this person. What is an emergency stays one."""
        if severity in (Severity.INFO, Severity.EMERGENCY):
            return severity
        lowered = min(self.at_most.get(rule, severity), severity)
        return max(self.at_least.get(rule, lowered), lowered)

    def confirmation(self, rule: str, severity: Severity) -> timedelta:
        """Return how long a rule must hold before it is raised."""
        wait = 0 if severity is Severity.EMERGENCY else self.confirm_min.get(rule, 0)
        return timedelta(minutes=wait)

    def repetition(self, rule: str, severity: Severity) -> timedelta | None:
        """Return after how long what nobody acknowledged is told again; `None` for never."""
        minutes = self.repeat_of.get(rule, self.repeat_min.get(severity, 0))
        return timedelta(minutes=minutes) if minutes else None

    def is_quiet(self, local: datetime, severity: Severity) -> bool:
        """Say whether such an alert waits at this local time."""
        return severity < self.quiet_spares and any(quiet.covers(local) for quiet in self.quiet)

    def quiet_until(self, local: datetime, severity: Severity) -> datetime | None:
        """Return until when by the wall clock such an alert waits; `None` if it does not wait now."""
        until: datetime | None = None
        for _ in self.quiet:
            at = until or local
            quiet = next((q for q in self.quiet if q.covers(at)), None)
            if quiet is None or severity >= self.quiet_spares:
                break
            until = quiet.ends(at)
        return until

    def spares(self, rule: str, severity: Severity) -> bool:
        """Say whether it is told though everything is snoozed."""
        return severity is Severity.EMERGENCY and (EVERY_RULE in self.spared or rule in self.spared)


class Shelf(Protocol):
    """What the policy needs of the store."""

    def get(self, name: str, default: object = None) -> object:
        """Return what was put under a name."""
        ...

    def put(self, name: str, value: object) -> None:
        """Keep something under a name."""
        ...


def policy_of(store: Shelf) -> Policy:
    """Return how this person wants to be warned. Raises `DamagedError` when it cannot be read."""
    try:
        return Policy.model_validate(store.get(_NAME, {}))
    except ValidationError as error:
        raise DamagedError(
            "How this person wants to be warned cannot be read.",
            "Begin anew: healthslm alerts policy --reset",
        ) from error


def keep_policy(store: Shelf, policy: Policy) -> None:
    """Keep how this person wants to be warned; the caller notes and commits it."""
    store.put(_NAME, policy.model_dump(mode="json", exclude_defaults=True))
