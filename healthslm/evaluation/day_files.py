"""Days to narrate, from a file: a JSON object a line, as `docs/narratives.md` describes it.

Features and findings have the fields that `healthslm summary --json` prints, so a line can be put together
from its output; what a sentence needs nothing of may be left out.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from healthslm.errors import UsageError
from healthslm.evaluation.days import Day, Telling
from healthslm.evaluation.questions import numbered
from healthslm.readings import KINDS, Feature, Finding, Kind, Severity
from healthslm.slm import Audience

_BEATS = ("rmssd", "sdnn", "nn", "irregular")
"""What is computed of intervals between beats, and says so."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureRow(_Row):
    """A number, or why there is none. `kind` and `decimals` are known from the name where they are usual."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    value: float | None = Field(allow_inf_nan=False)
    unit: str = Field(max_length=20)
    kind: Kind | None = None
    decimals: int | None = Field(default=None, ge=0, le=4)
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    at: AwareDatetime | None = None
    reason: str | None = None
    coverage: float | None = Field(default=None, ge=0, le=1)
    count: int = 0
    readings: tuple[int, ...] = ()

    def feature(self, start: datetime, end: datetime) -> Feature:
        """Make the feature, of the day where it names no period. Raises `ValueError` for an unknown kind."""
        kind = self.kind or _kind_of(self.name)
        decimals = self.decimals
        if decimals is None:
            usual = self.unit == KINDS[kind].ucum
            decimals = KINDS[kind].decimals if usual else len(f"{self.value or 0:g}".partition(".")[2])
        return Feature(
            name=self.name,
            kind=kind,
            value=self.value,
            unit=self.unit,
            decimals=decimals,
            start=self.start or start,
            end=self.end or end,
            at=self.at,
            reason=self.reason or "",
            coverage=self.coverage,
            count=self.count,
            readings=self.readings,
        )


class FindingRow(_Row):
    """What a rule found; its evidence are features."""

    rule: str
    severity: Literal["info", "watch", "urgent", "emergency"]
    title: str
    action: str = ""
    start: AwareDatetime
    end: AwareDatetime
    evidence: tuple[FeatureRow, ...] = ()
    id: str = ""
    version: str = "1"
    source: str = ""
    ongoing: bool = False
    missing: tuple[str, ...] = ()
    thresholds: tuple[dict[str, Any], ...] = ()

    def finding(self, start: datetime, end: datetime) -> Finding:
        """Make the finding."""
        return Finding(
            rule=self.rule,
            version=self.version,
            severity=Severity[self.severity.upper()],
            title=self.title,
            action=self.action,
            source=self.source,
            start=self.start,
            end=self.end,
            ongoing=self.ongoing,
            evidence=tuple(row.feature(start, end) for row in self.evidence),
            missing=self.missing,
        )


class DayRow(_Row):
    """One line: a period, for whom it is told, and what is known of it."""

    audience: Audience
    timezone: str = "UTC"
    start: AwareDatetime
    end: AwareDatetime
    features: tuple[FeatureRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()

    def telling(self) -> Telling:
        """Make what is told. Raises `ValueError` for an unknown time zone or kind."""
        try:
            zone = ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"there is no time zone {self.timezone}") from error
        day = Day(
            findings=tuple(row.finding(self.start, self.end) for row in self.findings),
            features=tuple(row.feature(self.start, self.end) for row in self.features),
        )
        return Telling(day=day, audience=self.audience, zone=zone)


def _kind_of(name: str) -> Kind:
    """The kind that a feature's name has in it, the longest."""
    if any(part in _BEATS for part in name.split("_")):
        return Kind.RR_INTERVAL
    found = max((kind for kind in Kind if kind in name), key=len, default=None)
    if found is None:
        raise ValueError(f"the feature {name} needs its kind")
    return found


def tellings(path: Path) -> list[Telling]:
    """Read a file of days. Raises `UsageError` naming the file and the line that cannot be read."""
    found = []
    for number, line in numbered(path):
        try:
            found.append(DayRow.model_validate_json(line).telling())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UsageError(
                f"{path}, line {number}: {where}: {first['msg']}.", "docs/narratives.md says what it needs."
            ) from error
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}.", "Mend or delete the line.") from error
    if not found:
        raise UsageError(f"{path} holds no day to narrate.", "Give a JSON object a line.")
    return found
