"""The fixed list of typed, read-only calls that a question can become."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.periods import Period


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
