"""The fixed list of typed, read-only calls that a question can become."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from healthslm.slm.periods import Period


class Metric(StrEnum):
    """What can be asked about."""

    HEART_RATE = "heart_rate"
    RESTING_HEART_RATE = "resting_heart_rate"
    HRV_RMSSD = "hrv_rmssd"
    RESPIRATORY_RATE = "respiratory_rate"
    SPO2 = "spo2"
    TEMPERATURE = "temperature"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    BODY_FAT = "body_fat"
    STEPS = "steps"
    ENERGY = "energy"
    SLEEP_DURATION = "sleep_duration"

    @property
    def words(self) -> str:
        """The metric as a sentence says it."""
        return {"spo2": "oxygen saturation", "hrv_rmssd": "heart-rate variability"}.get(
            self.value, self.value.replace("_", " ")
        )


class Statistic(StrEnum):
    """Which number of a metric."""

    LATEST = "latest"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    TOTAL = "total"


class Refusal(StrEnum):
    """Why a question is not answered."""

    DOSING = "dosing"
    DIAGNOSIS = "diagnosis"
    OTHER_PERSON = "other_person"
    OFF_TOPIC = "off_topic"


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments as JSON data; periods as `start` and `end`."""
        return self.model_dump(mode="json", exclude={"tool"})


class Value(_Call):
    """One number. Without a period: the latest there is."""

    tool: Literal["value"] = "value"
    metric: Metric
    statistic: Statistic
    period: Period | None = None


class Trend(_Call):
    """Whether something goes up or down."""

    tool: Literal["trend"] = "trend"
    metric: Metric
    period: Period


class Compare(_Call):
    """The same number of two periods."""

    tool: Literal["compare"] = "compare"
    metric: Metric
    statistic: Statistic
    period: Period
    other_period: Period


class TimeInRange(_Call):
    """How much of the time something was within bounds, in the kind's own unit."""

    tool: Literal["time_in_range"] = "time_in_range"
    metric: Metric
    low: float | None = None
    high: float | None = None
    period: Period


class Relate(_Call):
    """Whether two things go together."""

    tool: Literal["relate"] = "relate"
    metric: Metric
    other_metric: Metric
    period: Period


class Findings(_Call):
    """What the rules saw."""

    tool: Literal["findings"] = "findings"
    severity: Literal["info", "watch", "urgent", "emergency"] | None = None
    period: Period


class Devices(_Call):
    """The wearables and their batteries."""

    tool: Literal["devices"] = "devices"


class Explain(_Call):
    """What a word means."""

    tool: Literal["explain"] = "explain"
    topic: str


class Refuse(_Call):
    """What is not answered, and why."""

    tool: Literal["refuse"] = "refuse"
    reason: Refusal


class Emergency(_Call):
    """Words of an emergency: always the notice, whatever else they are."""

    tool: Literal["emergency"] = "emergency"


Call = Annotated[
    Value | Trend | Compare | TimeInRange | Relate | Findings | Devices | Explain | Refuse | Emergency,
    Field(discriminator="tool"),
]


class Unclear(_Call):
    """A question that is not understood: said, with what to ask instead; never guessed."""

    tool: Literal["unclear"] = "unclear"
    why: str
