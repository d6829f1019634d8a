"""Drawn days: features and findings as analysis and rules would make them, from one random generator.

They are varied on purpose, not typical: none, one or several findings, gaps, and kinds that nobody measured.
No person's data is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.readings import KINDS, Feature, Finding, Kind, Severity
from healthslm.rules import RULES, Rule
from healthslm.slm import Audience

LEARNED = 7
"""The seed of the days that are learned from (`healthslm.training`); nothing is measured on them."""
_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_DAY = timedelta(days=1)
_ZONE = ZoneInfo("Europe/Berlin")
_FINDINGS = 3
"""So many a day on average, however many rules there are."""
_MOST = 4
"""Findings of a day at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is known of one drawn day."""

    findings: tuple[Finding, ...]
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A day to be told to somebody."""

    day: Day
    audience: Audience
    zone: ZoneInfo


class _Draw:
    """Draws one day."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = np.random.default_rng([seed, number])
        self.start = _FIRST_DAY + number * _DAY
        self.ids = 0

    def chance(self, share: float) -> bool:
        """Say yes in a share of the cases."""
        return bool(self.random.random() < share)

    def between(self, low: float, high: float) -> float:
        """Draw evenly from a range."""
        return float(self.random.uniform(low, high))

    def feature(
        self, name: str, kind: Kind, value: float, *, at: bool = False, coverage: float | None = None
    ) -> Feature:
        """A feature of the whole day; with `at` it is a single reading at some time."""
        self.ids += 2
        info = KINDS[kind]
        return Feature(
            name=name,
            kind=kind,
            value=round(value, info.decimals),
            unit=info.ucum,
            decimals=info.decimals,
            start=self.start,
            end=self.start + _DAY,
            coverage=coverage,
            count=1 if at else 500,
            readings=(self.ids,) if at else (self.ids - 1, self.ids),
            at=self.start + timedelta(minutes=int(self.random.integers(0, 1440))) if at else None,
        )

    def statistics(self, kind: Kind, mean: float, spread: float) -> list[Feature]:
        """Latest, mean, min and max, as `analysis.describe` gives them; or the reason why there are none."""
        if self.chance(0.12):
            reason = f"no {KINDS[kind].title} reading in this period"
            blank = [self.feature(f"{kind}_{s}", kind, 0) for s in ("latest", "mean", "min", "max")]
            return [replace(f, value=None, reason=reason, readings=(), count=0) for f in blank]
        coverage = self.between(0.1, 1.0) if KINDS[kind].holds is not None else None
        top = min(mean + self.between(0.2, 1) * spread, KINDS[kind].high)
        low = mean - self.between(0.2, 1) * spread
        latest = self.feature(f"{kind}_latest", kind, self.between(low, top), at=True, coverage=coverage)
        ends = [
            self.feature(f"{kind}_min", kind, low, at=True, coverage=coverage),
            self.feature(f"{kind}_max", kind, top, at=True, coverage=coverage),
        ]
        last = max((latest, *ends), key=lambda one: one.at or self.start)  # no reading comes after the latest
        return [
            replace(latest, value=last.value, at=last.at),
            self.feature(f"{kind}_mean", kind, mean, coverage=coverage),
            *ends,
        ]


_SEEN: dict[str, tuple[tuple[str, Kind, float, float], ...]] = {
    "low_temperature": (("temperature_min", Kind.TEMPERATURE, 33, 35),),
    "high_heart_rate": (("heart_rate_max", Kind.HEART_RATE, 115, 190),),
    "low_heart_rate": (("heart_rate_min", Kind.HEART_RATE, 28, 42),),
    "low_glucose": (("sensor_glucose_min", Kind.SENSOR_GLUCOSE, 38, 69),),
    "high_glucose": (("sensor_glucose_max", Kind.SENSOR_GLUCOSE, 255, 480),),
    "low_glucose_soon": (("glucose_in_30min", Kind.SENSOR_GLUCOSE, 50, 69),),
    "low_pressure": (
        ("systolic_worst_sitting_mean", Kind.SYSTOLIC, 70, 95),
        ("diastolic_worst_sitting_mean", Kind.DIASTOLIC, 38, 60),
    ),
    "spo2_above_target": (("spo2_5min_high", Kind.SPO2, 94, 100),),
    "high_respiration": (("respiratory_rate_max", Kind.RESPIRATORY_RATE, 23, 42),),
    "low_respiration": (("respiratory_rate_min", Kind.RESPIRATORY_RATE, 4, 9),),
    "raised_resting_rate": (
        ("resting_heart_rate_days", Kind.HEART_RATE, 68, 95),
        ("resting_heart_rate_usual", Kind.HEART_RATE, 48, 66),
    ),
    "lowered_variability": (
        ("night_rmssd_ms_days", Kind.RR_INTERVAL, 8, 25),
        ("night_rmssd_ms_usual", Kind.RR_INTERVAL, 28, 80),
    ),
    "weight_gain": (("weight_gain_7_days", Kind.WEIGHT, 2, 5), ("weight_latest", Kind.WEIGHT, 55, 130)),
    "infection_pattern": (
        ("temperature_max", Kind.TEMPERATURE, 37, 38),
        ("resting_heart_rate_days", Kind.HEART_RATE, 68, 95),
    ),
    "decompensation_pattern": (
        ("weight_gain_7_days", Kind.WEIGHT, 1, 4),
        ("resting_heart_rate_days", Kind.HEART_RATE, 68, 95),
    ),
}
"""What a rule gives as evidence: the feature, its kind, and where the rule would find it."""


def _evidence(draw: _Draw, rule: Rule, known: dict[str, Feature]) -> tuple[Feature, ...]:
    """The features that a rule gives as evidence, in the rule's order."""
    if rule.name == "fever":
        names: tuple[str, ...] = ("temperature_max", "temperature_latest")
    elif rule.name == "high_pressure":
        names = ("systolic_mean", "diastolic_mean", "systolic_max")
    elif rule.name == "low_spo2":
        low = draw.feature("spo2_5min_low", Kind.SPO2, draw.between(78, 93), at=True)
        return low, *(known[n] for n in ("spo2_min",) if n in known)
    elif rule.name == "irregular_rhythm":
        minutes = draw.feature("irregular_minutes", Kind.RR_INTERVAL, draw.between(70, 240))
        share = draw.feature("irregular_share", Kind.RR_INTERVAL, draw.between(75, 100))
        return replace(minutes, unit="min"), replace(share, unit="%")
    else:
        return tuple(
            draw.feature(name, kind, draw.between(low, high), at=name.endswith(("_min", "_max", "_low")))
            for name, kind, low, high in _SEEN[rule.name]
        )
    return tuple(known[n] for n in names if n in known and known[n].value is not None)


_ADDED = ((Kind.STEPS, 300, 19_000), (Kind.ENERGY, 1200, 3600), (Kind.DISTANCE, 200, 15_000),
          (Kind.SLEEP_DURATION, 3, 10))  # fmt: skip


def _less_usual(draw: _Draw) -> list[Feature]:
    """What not everybody measures: each of it on some days only."""
    made: list[Feature] = []
    for kind, low, high, spread in (
        (Kind.SENSOR_GLUCOSE, 85, 220, 70),
        (Kind.GLUCOSE, 85, 220, 70),
        (Kind.RESPIRATORY_RATE, 10, 24, 6),
        (Kind.WEIGHT, 45, 130, 1),
        (Kind.BODY_FAT, 10, 45, 1),
    ):
        if draw.chance(0.35):
            made += draw.statistics(kind, draw.between(low, high), spread)
    for kind, low, high in _ADDED:
        if draw.chance(0.35):
            made.append(draw.feature(f"{kind}_total", kind, draw.between(low, high)))
    return made


def _some(draw: _Draw) -> tuple[Rule, ...]:
    """Draw how many rules find something, and which: as many days have none as have four."""
    count = int(draw.random.integers(0, _MOST + 1))
    chosen = draw.random.permutation(len(RULES))[:count]
    return tuple(RULES[n] for n in sorted(chosen.tolist()))


def draw_day(seed: int, number: int) -> Day:
    """Draw the day of a number; the same seed and number give the same day."""
    draw = _Draw(seed, number)
    temperature = draw.between(36.2, 39.6)
    systolic = draw.between(105, 185)
    features = [
        *draw.statistics(Kind.HEART_RATE, draw.between(52, 115), 40),
        *draw.statistics(Kind.SPO2, draw.between(88, 98), 8),
        *draw.statistics(Kind.TEMPERATURE, temperature, 0.8),
        *draw.statistics(Kind.SYSTOLIC, systolic, 15),
        *draw.statistics(Kind.DIASTOLIC, systolic * draw.between(0.55, 0.65), 8),
        replace(draw.feature("rmssd_ms", Kind.RR_INTERVAL, draw.between(8, 90)), unit="ms"),
        *_less_usual(draw),
    ]
    known = {f.name: f for f in features if f.value is not None}
    findings = []
    for rule in _some(draw):
        evidence = _evidence(draw, rule, known)
        if not evidence or evidence[0].value is None:
            continue
        severity = list(rule.actions)[int(draw.random.integers(0, len(rule.actions)))]
        began = draw.start + timedelta(minutes=int(draw.random.integers(0, 1300)))
        findings.append(
            Finding(
                rule=rule.name,
                version=rule.version,
                severity=Severity(severity),
                title=rule.title,
                action=rule.actions[severity],
                source=rule.source,
                start=began,
                end=began + timedelta(hours=1),
                evidence=evidence,
                missing=rule.missing,
            )
        )
    return Day(findings=tuple(findings), features=tuple(features))


def drawn(seed: int) -> Iterator[Telling]:
    """Draw days without end, each to be told to both audiences, never one that was learned from."""
    assert seed != LEARNED, "the model has learned from these days"  # noqa: S101  no measure is worth this
    number = 0
    while True:
        day = draw_day(seed, number)
        yield from (Telling(day=day, audience=audience, zone=_ZONE) for audience in Audience)
        number += 1
