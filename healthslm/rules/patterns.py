"""Several signs that moved together: each against the person's own month, none of them alone a reason.

A sign counts from a change that is beyond both the person's usual spread and a least amount. Days on which a
sign was not measured make it unknown, not absent, and the finding names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from healthslm.analysis import Daily, over_days
from healthslm.analysis.daily_vitals import (
    DAY_SPO2,
    DAY_TEMPERATURE,
    DAY_WEIGHT,
    EVENING_TEMPERATURE,
    NIGHT_RESPIRATION,
    NIGHT_SPO2,
    NIGHT_TEMPERATURE,
)
from healthslm.analysis.resting import RESTING_HEART_RATE
from healthslm.analysis.shift import Shift, shift
from healthslm.readings import Feature, Severity, Threshold
from healthslm.rules.base import Case, Rule, Verdict
from healthslm.rules.shift import DAYS, TYPICAL_RATE, recent, shown
from healthslm.rules.weight import gain, weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sign that was looked for: whether it is there, and the features that show it."""

    there: bool
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One of the signs of a pattern. `look` says what is seen of it, or `None` where it was not measured."""

    title: str
    daily: tuple[Daily, ...]
    look: Callable[[Case], Seen | None]


def _moved(daily: Daily, *, typical: float, threshold: str, length: int, falls: bool = False) -> Sign:
    """A sign that is a shift of one daily series over the last `length` days."""

    def look(case: Case) -> Seen | None:
        series = recent(case.days.get(daily.name), case.now)
        if series is None:
            return None
        seen = shift(series.dates, series.values, typical=typical, length=length)
        if not isinstance(seen, Shift):
            return None
        sign = -1 if falls else 1
        there = sign * seen.change >= case[threshold] and sign * seen.spreads >= case["spreads"]
        return Seen(there=there, features=shown(daily, series, seen))

    return Sign(title=daily.title, daily=(daily,), look=look)


def _any(title: str, signs: Sequence[Sign]) -> Sign:
    """A sign that several series can show: the one that is there, or else one that was looked at."""

    def look(case: Case) -> Seen | None:
        seen = [one for sign in signs if (one := sign.look(case)) is not None]
        return next((one for one in seen if one.there), seen[0] if seen else None)

    return Sign(title=title, daily=tuple(d for sign in signs for d in sign.daily), look=look)


def _heavier(case: Case) -> Seen | None:
    series = weights(case)
    found = None if series is None else gain(series, 7)
    if series is None or found is None:
        return None
    feature = over_days("weight_gain_7_days", series.features[found[1] :], found[0], unit="kg", decimals=1)
    return Seen(there=found[0] >= case["weight_gain"], features=(feature,))


def _verdict_of(signs: Sequence[Sign]) -> Callable[[Case], Verdict | None]:
    def verdict(case: Case) -> Verdict | None:
        looked = [(sign, sign.look(case)) for sign in signs]
        there = [seen for _, seen in looked if seen is not None and seen.there]
        if len(there) < case["signs"]:
            return None
        onset = min(feature.start for seen in there for feature in seen.features[:1])
        unseen = tuple(f"{sign.title}: not measured" for sign, seen in looked if seen is None)
        return Verdict(severity=Severity.WATCH, onset=onset, missing=unseen)

    return verdict


def _evidence_of(signs: Sequence[Sign]) -> Callable[[Case], tuple[Feature, ...]]:
    def evidence(case: Case) -> tuple[Feature, ...]:
        seen = [one for sign in signs if (one := sign.look(case)) is not None]
        ordered = sorted(seen, key=lambda one: not one.there)
        return tuple(feature for one in ordered for feature in one.features)

    return evidence


def _threshold(
    name: str, value: float, unit: str, meaning: str, low: float, high: float, source: str
) -> Threshold:
    return Threshold(name=name, value=value, unit=unit, meaning=meaning, low=low, high=high, source=source)


def _rule(
    name: str, title: str, source: str, signs: Sequence[Sign], thresholds: tuple[Threshold, ...],
    action: str, missing: tuple[str, ...],
) -> Rule:  # fmt: skip
    return Rule(
        name=name,
        version="2",
        title=title,
        source=source,
        kinds=(),
        daily=tuple({daily.name: daily for sign in signs for daily in sign.daily}.values()),
        days=DAYS,
        lookback=timedelta(0),
        join=timedelta(days=4),
        thresholds=thresholds,
        verdict=_verdict_of(signs),
        evidence=_evidence_of(signs),
        actions={Severity.WATCH: action},
        missing=missing,
    )


_SIGNS = _threshold(
    "signs", 2, "1", "so many of the three signs must be there", 2, 3, "ours: one alone has many causes"
)
_BEYOND = _threshold(
    "spreads", 2, "1", "each beyond so many times its usual spread", 1, 5, "two standard deviations"
)
_RATE = _moved(RESTING_HEART_RATE, typical=TYPICAL_RATE, threshold="rate_rise", length=2)
INFECTION_PATTERN = _rule(
    "infection_pattern",
    "Two of temperature, heart rate, breathing above your usual",
    "Mishra et al., Nat Biomed Eng 2020;4:1208-1220; Smarr et al., Sci Rep 2020;10:21640 (temperature); "
    "Miller et al., PLoS ONE 2020;15:e0243693 (respiratory rate)",
    (
        _any(
            "temperature",
            [
                _moved(daily, typical=0.25, threshold="temperature_rise", length=1)
                for daily in (EVENING_TEMPERATURE, DAY_TEMPERATURE, NIGHT_TEMPERATURE)
            ],
        ),
        _RATE,
        _moved(NIGHT_RESPIRATION, typical=0.6, threshold="respiration_rise", length=2),
    ),
    (
        _SIGNS,
        _BEYOND,
        _threshold(
            "temperature_rise", 0.6, "Cel", "so far above the same hours' usual it counts", 0.3, 2,
            "Smarr et al. 2020: fevers against a person's own course",
        ),
        _threshold(
            "rate_rise", 4, "/min", "a resting heart rate so far above its usual counts", 2, 15,
            "Mishra et al. 2020",
        ),
        _threshold(
            "respiration_rise", 2, "/min", "breathing at night so far above its usual counts", 1, 8,
            "Miller et al. 2020",
        ),
    ),
    "Take your temperature, rest and drink enough; call your doctor if you feel ill or it gets worse, and "
    "at once with breathlessness or confusion.",
    ("the cause: an infection does this, and so do alcohol, heat, training and some vaccines",),
)  # fmt: skip
DECOMPENSATION_PATTERN = _rule(
    "decompensation_pattern",
    "Two of weight up, oxygen down and resting heart rate up",
    "McDonagh et al., 2021 ESC guidelines for heart failure, Eur Heart J 2021;42:3599-3726 (weight); "
    "Stehlik et al., Circ Heart Fail 2020;13:e006513 (several signs of a wearable together)",
    (
        Sign(title="weight", daily=(DAY_WEIGHT,), look=_heavier),
        _any(
            "oxygen saturation",
            [
                _moved(daily, typical=0.8, threshold="spo2_fall", length=2, falls=True)
                for daily in (NIGHT_SPO2, DAY_SPO2)
            ],
        ),
        _RATE,
    ),
    (
        _SIGNS,
        _BEYOND,
        _threshold(
            "weight_gain", 1.5, "kg", "a gain like this within a week counts", 0.5, 5,
            "below the ESC's 2 kg in 3 days, because another sign must agree",
        ),
        _threshold(
            "spo2_fall", 2, "%", "an oxygen saturation so far below its usual counts", 1, 8,
            "beyond what oximeters differ by from day to day",
        ),
        _threshold(
            "rate_rise", 4, "/min", "a resting heart rate so far above its usual counts", 2, 15,
            "Stehlik et al. 2020",
        ),
    ),
    "With heart failure call your doctor or heart-failure nurse today, and with breathlessness at rest the "
    "emergency number; without it, measure again tomorrow and call if it lasts.",
    ("whether you have heart failure", "swollen legs, breathlessness and how you lie at night"),
)  # fmt: skip
__all__ = ["DECOMPENSATION_PATTERN", "INFECTION_PATTERN"]
