"""Low and high glucose that lasts, and a low one that is to be expected, by a sensor; a low one by a meter.

A sensor lags behind the blood and can be pressed upon, so one value alone says nothing; a meter's value does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis import absent, extreme, of_window
from healthslm.analysis.forecast import PRIOR, forecasts
from healthslm.analysis.quality import worn
from healthslm.readings import Feature, Floats, Ints, Kind, Severity, Threshold, Window, micro, micros, moment
from healthslm.rules.base import Case, Rule, Verdict, Windows

_CONSENSUS = (
    "Battelino T et al. Clinical targets for continuous glucose monitoring data interpretation. Diabetes Care"
    " 2019;42:1593-1603"
)
_TRIALS = (
    "Battelino T et al. Continuous glucose monitoring and metrics for clinical trials. Lancet Diabetes"
    " Endocrinol 2023;11:42-57"
)
_AHEAD = (
    "Forlenza GP et al. Predictive low-glucose insulin suspension reduces duration of hypoglycemia (PROLOG)."
    " Diabetes Care 2018;41:2155-2161: below 80 mg/dL expected in 30 minutes"
)
_MIN_US = 60_000_000
_GAP_US = 20 * _MIN_US
"""Readings further apart do not speak for the time between them."""
_LOW_GAP_US = 35 * _MIN_US
"""Low readings further apart do not speak for the time between them: one every half an hour tells, twice."""
_RECENT_US = 15 * _MIN_US
"""The slowest sensors' interval: a reading from before that is not about now."""
_STEP_US = 5 * _MIN_US
"""So long at most a reading stands for; two of a slow sensor are still a quarter of an hour."""
_LOOK_BACK_US = 120 * _MIN_US
LOW_THRESHOLDS = (
    Threshold(
        name="watch_below",
        value=70,
        unit="mg/dL",
        meaning="below it for a while, act now so that it does not go on falling",
        low=55,
        high=90,
        source=f"{_CONSENSUS}: level 1, below 70 mg/dL (3.9 mmol/L)",
    ),
    Threshold(
        name="urgent_below",
        value=54,
        unit="mg/dL",
        meaning="below it, act at once, and do not stay alone",
        low=45,
        high=70,
        source=f"{_CONSENSUS}: level 2, below 54 mg/dL (3.0 mmol/L), clinically significant",
    ),
    Threshold(
        name="minutes",
        value=15,
        unit="min",
        meaning="so long a sensor has to show it",
        low=5,
        high=60,
        source=f"{_CONSENSUS}: an event begins with 15 minutes",
    ),
    Threshold(
        name="urgent_minutes",
        value=10,
        unit="min",
        meaning="so long a sensor has to show the urgent one: two readings five minutes apart",
        low=5,
        high=30,
        source="shorter than the consensus' 15 minutes, which are for counting and not for warning",
    ),
)
HIGH_THRESHOLDS = (
    Threshold(
        name="watch_above",
        value=250,
        unit="mg/dL",
        meaning="above it for long, worth a look",
        low=180,
        high=400,
        source=f"{_CONSENSUS}: level 2, above 250 mg/dL (13.9 mmol/L)",
    ),
    Threshold(
        name="minutes",
        value=90,
        unit="min",
        meaning="so many minutes of the last 120 have to be above it",
        low=15,
        high=120,
        source=f"{_TRIALS}: extended, 90 minutes within 120",
    ),
)
SOON_THRESHOLDS = (
    Threshold(
        name="soon_below",
        value=80,
        unit="mg/dL",
        meaning="expected below it in 30 minutes while it falls, by two readings in a row",
        low=60,
        high=100,
        source=_AHEAD,
    ),
    Threshold(
        name="low_below",
        value=70,
        unit="mg/dL",
        meaning="below it glucose is low already, and no longer to be expected",
        low=55,
        high=90,
        source=f"{_CONSENSUS}: level 1, below 70 mg/dL (3.9 mmol/L)",
    ),
    Threshold(
        name="fall",
        value=5,
        unit="mg/dL",
        meaning="it is falling when it is expected to be lower by more than this",
        low=0,
        high=30,
        source="what a sensor wavers by from one reading to the next",
    ),
)


_NO_TIMES: Ints = np.array([], dtype=np.int64)
_NO_VALUES: Floats = np.array([], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A sensor's readings: `times` in microseconds, and for each what the rule makes of it.

    `watch` and `urgent`: whether it holds there; `begun`: when that began. `meter`: times and values of drops
    of blood.
    """

    times: Ints
    watch: NDArray[np.bool_]
    urgent: NDArray[np.bool_]
    begun: Ints
    meter: tuple[Ints, Floats] = (_NO_TIMES, _NO_VALUES)

    def at(self, now: datetime) -> int:
        """The index of the reading that speaks for `now`, or -1."""
        time = micro(now)
        index = int(np.searchsorted(self.times, time, side="right")) - 1
        return index if index >= 0 and time - int(self.times[index]) <= _RECENT_US else -1


def _good(windows: Windows, kind: Kind = Kind.SENSOR_GLUCOSE) -> tuple[Ints, Floats]:
    window = windows.get(kind)
    if window is None or not len(window):
        return _NO_TIMES, _NO_VALUES
    good = worn(window)
    return micros(good), good.values


def _lasted(times: Ints, beyond: NDArray[np.bool_], gap: int = _GAP_US) -> tuple[Ints, Ints]:
    """How long it has been beyond at each reading without a break, and since when; microseconds."""
    if not len(times):
        return times, times
    apart = np.diff(times, prepend=times[0])
    goes_on = np.append([False], beyond[:-1]) & (apart <= gap)
    index = np.arange(len(times))
    first = np.maximum.accumulate(np.where(goes_on & beyond, 0, index))
    begun = times[first]
    return np.where(beyond, times - begun + np.minimum(np.where(goes_on, apart, 0), _STEP_US), 0), begun


def _prepare_low(windows: Windows, thresholds: Mapping[str, float]) -> _Seen:
    times, values = _good(windows)
    low = values < thresholds["watch_below"]
    lasted, begun = _lasted(times, low, _LOW_GAP_US)
    worse, _ = _lasted(times, values < thresholds["urgent_below"], _LOW_GAP_US)
    urgent = worse >= thresholds["urgent_minutes"] * _MIN_US
    watch = lasted >= thresholds["minutes"] * _MIN_US
    return _Seen(
        times=times,
        watch=low & watch,
        urgent=urgent & (worse > 0),
        begun=begun,
        meter=_good(windows, Kind.GLUCOSE),
    )


def _prepare_high(windows: Windows, thresholds: Mapping[str, float]) -> _Seen:
    times, values = _good(windows)
    high = values > thresholds["watch_above"]
    _, begun = _lasted(times, high)
    # What a reading says goes until the next one; of what came before the 120 minutes nothing counts.
    stands = np.where(np.diff(times, append=0) <= _GAP_US, np.diff(times, append=0), 0)
    total = np.append([0], np.cumsum(np.where(high, np.maximum(stands, 0), 0)))
    first = np.searchsorted(times, times - _LOOK_BACK_US)
    above = total[:-1] - total[first] if len(times) else total[:0]
    # The last reading stands for an interval too, as in counting episodes.
    above = above + np.minimum(np.diff(times, prepend=times[:1]), _STEP_US)
    watch = high & (above >= thresholds["minutes"] * _MIN_US)
    return _Seen(times=times, watch=watch, urgent=np.zeros(len(times), dtype=np.bool_), begun=begun)


def _onset(begun: int, window: Window) -> datetime:
    return max(moment(np.datetime64(begun, "us")), window.start)


def _low(case: Case) -> Verdict | None:
    seen: _Seen = case.prepared
    index = seen.at(case.now)
    by_meter = _by_meter(case)
    if index < 0 or not (seen.watch[index] or seen.urgent[index]):
        return by_meter
    severity = Severity.URGENT if seen.urgent[index] else Severity.WATCH
    onset = _onset(int(seen.begun[index]), case.windows[Kind.SENSOR_GLUCOSE])
    if by_meter is None:
        return Verdict(severity=severity, onset=onset)
    return Verdict(severity=max(severity, by_meter.severity), onset=min(onset, by_meter.onset))


def _by_meter(case: Case) -> Verdict | None:
    """Judge the last drop of blood of a quarter of an hour."""
    times, values = case.prepared.meter
    if not len(times):
        return None
    now = micro(case.now)
    index = int(np.searchsorted(times, now, side="right")) - 1
    if index < 0 or now - int(times[index]) > _RECENT_US:
        return None
    onset = moment(np.datetime64(int(times[index]), "us"))
    if values[index] < case["urgent_below"]:
        return Verdict(severity=Severity.URGENT, onset=onset)
    return Verdict(severity=Severity.WATCH, onset=onset) if values[index] < case["watch_below"] else None


def _high(case: Case) -> Verdict | None:
    seen: _Seen = case.prepared
    index = seen.at(case.now)
    if index < 0 or not seen.watch[index]:
        return None
    return Verdict(
        severity=Severity.WATCH, onset=_onset(int(seen.begun[index]), case.windows[Kind.SENSOR_GLUCOSE])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What was to be expected: `times` in microseconds, `then` in mg/dL, `held`: whether twice low."""

    times: Ints
    then: Floats
    held: NDArray[np.bool_]


def _prepare_soon(windows: Windows, thresholds: Mapping[str, float]) -> _Ahead:
    times, values = _good(windows)
    found = forecasts(PRIOR, times / _MIN_US, values)
    at = times[found.index]
    now = values[found.index]
    soon = (found.value < thresholds["soon_below"]) & (found.value < now - thresholds["fall"])
    soon &= now >= thresholds["low_below"]
    again = np.append([False], soon[:-1] & (np.diff(at) <= _GAP_US))[: len(at)]
    return _Ahead(times=at, then=found.value, held=soon & again)


def _soon(case: Case) -> Verdict | None:
    ahead: _Ahead = case.prepared
    now = micro(case.now)
    index = int(np.searchsorted(ahead.times, now, side="right")) - 1
    if index < 0 or now - int(ahead.times[index]) > _RECENT_US or not ahead.held[index]:
        return None
    onset = _onset(int(ahead.times[index - 1]), case.windows[Kind.SENSOR_GLUCOSE])
    return Verdict(severity=Severity.WATCH, onset=onset)


def _extremes(case: Case, which: str) -> tuple[Feature, ...]:
    """The extreme and the latest of the sensor's readings, and the extreme of a meter's if there are any."""
    sensor = worn(case.windows[Kind.SENSOR_GLUCOSE])
    meter = worn(case.windows[Kind.GLUCOSE]) if Kind.GLUCOSE in case.windows else None
    found = (extreme(meter, which),) if meter is not None and len(meter) else ()
    if not len(sensor) and found:
        return found
    return (extreme(sensor, which), extreme(sensor, "latest"), *found)


def _low_evidence(case: Case) -> tuple[Feature, ...]:
    return _extremes(case, "min")


def _high_evidence(case: Case) -> tuple[Feature, ...]:
    return _extremes(case, "max")


def _soon_evidence(case: Case) -> tuple[Feature, ...]:
    window = worn(case.windows[Kind.SENSOR_GLUCOSE])
    ahead: _Ahead = case.prepared
    inside = (ahead.times >= micro(window.start)) & (ahead.times < micro(window.end))
    if not inside.any():
        why = "a forecast needs readings over half an hour"
        return (absent("glucose_in_30min", window.kind, window.start, window.end, why, unit="mg/dL"),)
    value = of_window("glucose_in_30min", float(ahead.then[inside].min()), window, unit="mg/dL", decimals=0)
    error = of_window("glucose_in_30min_error", PRIOR.rmse, window, unit="mg/dL", decimals=0)
    return value, error, extreme(window, "latest")


_UNSEEN = ("food, insulin and exercise", "how you feel")
_EVERY = timedelta(minutes=1)
LOW_GLUCOSE = Rule(
    name="low_glucose",
    version="2",
    title="Low glucose",
    source=_CONSENSUS,
    kinds=(Kind.SENSOR_GLUCOSE, Kind.GLUCOSE),
    lookback=timedelta(hours=3),
    join=timedelta(minutes=15),
    every=_EVERY,
    thresholds=LOW_THRESHOLDS,
    ordered=(("urgent_below", "watch_below"),),
    prepare=_prepare_low,
    verdict=_low,
    evidence=_low_evidence,
    actions={
        Severity.WATCH: "Do what your care plan says for low glucose: take something sweet if you can "
        "swallow, and measure again after a quarter of an hour.",
        Severity.URGENT: "Take something sweet now if you can swallow, tell somebody near you, and measure "
        "again after a quarter of an hour; for somebody drowsy or confused call the emergency number.",
    },
    missing=(*_UNSEEN, "whether the sensor is pressed upon, or in its first day: a meter tells"),
)
HIGH_GLUCOSE = Rule(
    name="high_glucose",
    version="1",
    title="High glucose for long",
    source=f"{_TRIALS}; {_CONSENSUS}",
    kinds=(Kind.SENSOR_GLUCOSE,),
    lookback=timedelta(hours=4),
    join=timedelta(minutes=60),
    every=_EVERY,
    thresholds=HIGH_THRESHOLDS,
    prepare=_prepare_high,
    verdict=_high,
    evidence=_high_evidence,
    actions={
        Severity.WATCH: "Drink water and do what your care plan says for high glucose, ketones included; "
        "call your doctor if it stays high, and at once if you vomit, breathe fast or feel very ill.",
    },
    missing=(*_UNSEEN, "ketones", "a meter's readings"),
)
LOW_GLUCOSE_SOON = Rule(
    name="low_glucose_soon",
    version="2",
    title="Glucose may be low within half an hour",
    source=f"{_AHEAD}; {_CONSENSUS}",
    kinds=(Kind.SENSOR_GLUCOSE,),
    lookback=timedelta(hours=2),
    join=timedelta(minutes=30),
    every=_EVERY,
    thresholds=SOON_THRESHOLDS,
    ordered=(("low_below", "soon_below"),),
    prepare=_prepare_soon,
    verdict=_soon,
    evidence=_soon_evidence,
    actions={
        Severity.WATCH: "Look at your glucose again in ten minutes, and have something sweet at hand.",
    },
    missing=(*_UNSEEN, "this person's own pattern: the forecast is the general one"),
)
