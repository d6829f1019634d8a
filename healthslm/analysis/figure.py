"""One figure of many that are computed at once from a series: its value, or why it cannot be had."""

from __future__ import annotations

import math
from dataclasses import dataclass

from healthslm.analysis.features import absent, of_window
from healthslm.readings import Feature, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: `value` is `None` with a `reason` where it cannot be had."""

    name: str
    value: float | None
    unit: str
    decimals: int
    reason: str = ""

    @classmethod
    def of(cls, name: str, value: float | None, unit: str, decimals: int, *, why: str) -> Figure:
        """Return the figure; without a value, for the reason `why`, where that is no finite number."""
        if value is None or not math.isfinite(value):
            return cls(name=name, value=None, unit=unit, decimals=decimals, reason=why)
        return cls(name=name, value=float(value), unit=unit, decimals=decimals)

    def feature(
        self, window: Window, good: Window, *, prefix: str = "", why: str = "", count: int | None = None
    ) -> Feature:
        """Return the figure as a feature of a window, of which the readings of `good` went in.

        With a reason `why` it has no value, whatever was computed.
        """
        name, reason = prefix + self.name, self.reason or why
        if self.value is None or reason:
            return absent(name, window.kind, window.start, window.end, reason, unit=self.unit)
        return of_window(name, self.value, good, unit=self.unit, decimals=self.decimals, count=count)
