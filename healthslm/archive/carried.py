"""Which settings travel in an archive, and what each has to look like; the others stay on their machine.

Hooks stay: their addresses hold secrets, and whoever had them could speak in this person's name. So do the
keys of Bluetooth links, how links stand, schedules of backups, and what is on its way: the machine's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from healthslm.alerts.policy import SNOOZE, Policy
from healthslm.errors import ImportFailedError, UsageError
from healthslm.rulebook import Personal
from healthslm.rules.pressure_categories import guideline_named
from healthslm.store import retention
from healthslm.store.rows import moment


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without a zone")
    return text


_Time = Annotated[str, AfterValidator(_time)]


class _Person(_Strict):
    name: str = ""
    birth_date: str = ""


class _Snooze(_Strict):
    at: _Time
    until: _Time

    @model_validator(mode="after")
    def _ends(self) -> _Snooze:
        at, until = map(datetime.fromisoformat, (self.at, self.until))
        if until - at > timedelta(minutes=SNOOZE[1]):
            raise ValueError("longer than anybody may snooze")
        return self


class _Loss(_Strict):
    device: str
    since: _Time = Field(alias="from")
    until: _Time
    count: int


def _signed(ones: list[Personal]) -> list[Personal]:
    if not all(one.by.strip() and one.why.strip() for one in ones):
        raise ValueError("a threshold that nobody signed")
    return ones


def _decided(policy: retention.Policy) -> retention.Policy:
    """A policy as `healthslm retention set` would have it: what keeps nothing would delete what is here."""
    for name, days in policy.days.items():
        retention.decide(policy, name, days)
    if policy.done is not None:
        moment(policy.done)
    return policy


CARRIED: Mapping[str, TypeAdapter[Any]] = {
    "person": TypeAdapter(_Person),
    "thresholds": TypeAdapter(Annotated[list[Personal], AfterValidator(_signed)]),
    "pressure guideline": TypeAdapter(Annotated[str, AfterValidator(guideline_named)]),
    "alert policy": TypeAdapter(Policy),
    "alerts snoozed": TypeAdapter(_Snooze),
    "retention": TypeAdapter(Annotated[retention.Policy, AfterValidator(_decided)]),
    "link losses": TypeAdapter(list[_Loss]),
    # As one is drawn: the address of somebody on a server would send this person's readings to theirs.
    "fhir patient": TypeAdapter(Annotated[str, Field(pattern=r"^urn:uuid:[0-9a-f-]{1,36}$")]),
}
"""The settings that travel: the person, and what they decided. Each as strict as what sets it here."""
STAYING = frozenset(
    {
        "alerts told lately",
        "backup schedule",
        "companion authority",
        "companion clients",
        "companion offers",
        "device links",
        "hooks",
        "hooks removed",
        "last scheduled backup",
        "last verified",
        "link state",
        "sealing keys",
    }
)
"""Those that stay, each known; one that is in neither stays too, and is named among what was left out."""


def checked(name: str, value: Any) -> Any:
    """Return a setting's value. Raises `ImportFailedError` for one that no store would have."""
    if name not in CARRIED:
        raise ImportFailedError(
            f"The archive has a setting {name!r:.60}, which does not belong into one.",
            "Use an archive as `healthslm export archive` writes it.",
        )
    try:
        CARRIED[name].validate_python(value)
        json.dumps(value, allow_nan=False)
    except (ValueError, OverflowError, UsageError) as error:
        raise ImportFailedError(
            f"The archive's setting {name!r} cannot be read.",
            "Use an archive as `healthslm export archive` writes it.",
        ) from error
    return value
