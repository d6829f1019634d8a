"""One number a local day: what baselines, trends and slow changes are judged on."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.readings import Feature, Floats, Ints, Kind, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """How the number of a day is had.

    `compute` is given the windows of `kinds`, cut to the day's hours, and returns the day's feature, without
    a value and with a reason where the day does not bear one. `hours` are local, after the day's midnight:
    `(-4, 10)` is the night that ends on that day. `version` changes when the number's definition does.
    """

    name: str
    title: str
    unit: str
    decimals: int
    kinds: tuple[Kind, ...]
    compute: Callable[[Mapping[Kind, Window]], Feature]
    hours: tuple[float, float] = (0, 24)
    version: str = "1"

    def span(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the day's hours as UTC `[start, end)`; a day on which clocks change is longer or shorter."""
        return day_bounds(day, zone, self.hours)

    def of(self, windows: Mapping[Kind, Window], day: date, zone: ZoneInfo) -> Feature:
        """Return the day's feature from windows that reach over it; of a kind without one, from none."""
        start, end = self.span(day, zone)
        return self.compute(
            {
                kind: windows[kind].between(start, end)
                if kind in windows
                else Window.of(kind, start, end, ())
                for kind in self.kinds
            }
        )


def day_bounds(day: date, zone: ZoneInfo, hours: tuple[float, float] = (0, 24)) -> tuple[datetime, datetime]:
    """Return local hours of a day as UTC `[start, end)`, by the clock on the wall."""
    midnight = datetime.combine(day, time())
    start, end = ((midnight + timedelta(hours=hour)).replace(tzinfo=zone).astimezone(UTC) for hour in hours)
    return start, end


@dataclass(frozen=True, kw_only=True)
class DailySeries:
    """The features of one `Daily`, in the order of their days; days without readings may be missing.

    `dates`: shape `(n,)`, proleptic ordinals; `values`: shape `(n,)`, NaN where the day bears none.
    """

    name: str
    days: tuple[date, ...]
    features: tuple[Feature, ...]

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def dates(self) -> Ints:
        """The days as proleptic ordinals, shape `(n,)`."""
        return np.array([day.toordinal() for day in self.days], dtype=np.int64)

    @cached_property
    def values(self) -> Floats:
        """The days' values, shape `(n,)`; NaN where there is none."""
        return np.array([np.nan if f.value is None else f.value for f in self.features], dtype=np.float64)

    def until(self, now: datetime) -> DailySeries:
        """Return the days whose hours were over at `now`: what could be known then."""
        known = bisect.bisect_right(self.features, now, key=lambda feature: feature.end)
        return DailySeries(name=self.name, days=self.days[:known], features=self.features[:known])

    @classmethod
    def of(
        cls, daily: Daily, windows: Mapping[Kind, Window], days: Iterable[date], zone: ZoneInfo
    ) -> DailySeries:
        """Compute the series of some days, in their order, from windows that reach over them."""
        wanted = tuple(sorted(days))
        features = tuple(daily.of(windows, day, zone) for day in wanted)
        return cls(name=daily.name, days=wanted, features=features)


def over_days(name: str, features: Sequence[Feature], value: float, *, unit: str, decimals: int) -> Feature:
    """Return the number computed from the features of some days: it stands on their readings."""
    known = [feature for feature in features if feature.value is not None]
    readings = [number for feature in known for number in feature.readings]
    return Feature(
        name=name,
        kind=known[0].kind,
        value=value,
        unit=unit,
        decimals=decimals,
        start=known[0].start,
        end=known[-1].end,
        count=len(known),
        readings=(readings[0], readings[-1]) if readings else (),
    )


Days = Mapping[str, DailySeries]
"""Series by their names."""
