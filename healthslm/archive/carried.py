"""Which settings travel in an archive, and what each has to look like; the others stay on their machine.

Hooks stay: their addresses hold secrets, and whoever had them could speak in this person's name. So do the
keys of Bluetooth links, how links stand, schedules of backups, and what is on its way: the machine's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from healthslm.alerts.policy import Policy
from healthslm.errors import ImportFailedError, UsageError
from healthslm.rulebook import Personal
from healthslm.rules.pressure_categories import guideline_named
from healthslm.store import retention


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Person(_Strict):
    name: str = ""
    birth_date: str = ""


class _Snooze(_Strict):
    at: AwareDatetime
    until: AwareDatetime


CARRIED: Mapping[str, TypeAdapter[Any]] = {
    "person": TypeAdapter(_Person),
    "thresholds": TypeAdapter(list[Personal]),
    "pressure guideline": TypeAdapter(str),
    "alert policy": TypeAdapter(Policy),
    "alerts snoozed": TypeAdapter(_Snooze),
    "retention": TypeAdapter(retention.Policy),
    "link losses": TypeAdapter(list[dict[str, int | str]]),
    "fhir patient": TypeAdapter(str),
}
"""The settings that travel: the person, and what they decided."""
STAYING = frozenset(
    {
        "alerts told lately",
        "backup schedule",
        "device links",
        "hooks",
        "hooks removed",
        "last scheduled backup",
        "link state",
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
        if name == "pressure guideline":
            guideline_named(value)
    except (ValidationError, UsageError) as error:
        raise ImportFailedError(
            f"The archive's setting {name!r} cannot be read.",
            "Use an archive as `healthslm export archive` writes it.",
        ) from error
    return value
