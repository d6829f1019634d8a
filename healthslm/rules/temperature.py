"""Fever: body temperature of 38.0 °C and above. Low body temperature: 35.0 °C and below, twice within hours.

One spot check alone beyond what would be urgent, on either side, is to be measured again at once.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from healthslm.analysis import extreme
from healthslm.analysis.quality import worn
from healthslm.readings import KINDS, Feature, Kind, Severity, Threshold, Window, instant, moment
from healthslm.rules.alone import LATER, lone
from healthslm.rules.base import Case, Rule, Verdict

THRESHOLDS = (
    Threshold(
        name="fever",
        value=38.0,
        unit="Cel",
        meaning="from here on, a fever",
        low=37.2,
        high=39.0,
        source='NHS: "a high temperature is usually considered to be 38C or above"',
    ),
    Threshold(
        name="high",
        value=39.1,
        unit="Cel",
        meaning="from here on, twice in a row, call a doctor today",
        low=38.0,
        high=41.0,
        source="NEWS2: 39.1 °C and above scores 2",
    ),
)
LOW_THRESHOLDS = (
    Threshold(
        name="low_at",
        value=35.0,
        unit="Cel",
        meaning="at or below it, by two readings that agree, measure again well and call a doctor",
        low=33.0,
        high=36.0,
        source='NEWS2: 35.0 °C and under scores 3; NHS: hypothermia is "below 35C"',
    ),
)
AGREE_AFTER, AGREE_WITHIN = timedelta(minutes=1), timedelta(hours=4)
"""Two readings so far apart agree or do not: measured again, and still about the same person's hour."""
AGREE = 1.0
"""Degrees by which readings that agree may differ."""
RISE, FALL = (0.1, 0.03), (0.3, 0.1)
"""Degrees, and more for each minute, by which the later one may be higher or lower: a body warms by two an
hour at the most, a probe put on warms faster than that; and one fallen off cools faster than a body."""
STREAM, STEADY_FOR, STEADY = 5, timedelta(minutes=10), 0.5
"""So many readings in ten minutes are of a probe that stays on: all ten minutes have to agree, by so much."""
NO_CODE = 10.0
"""From here up to what a body can have is a room; 0 and the like are codes: where it is they do not say."""


def _fever(case: Case) -> Verdict | None:
    good = worn(case.windows[Kind.TEMPERATURE])
    if not len(good) or good.values[-1] < case["fever"]:
        return None
    below = np.flatnonzero(good.values < case["fever"])
    first = int(below[-1]) + 1 if len(below) else 0
    onset = moment(good.times[first])
    # One reading may be tea or a badly placed probe; the higher level wants one that agrees, not of the same
    # minute.
    before = good.values[first:][good.times[first:] <= good.times[-1] - np.timedelta64(AGREE_AFTER)]
    high = bool(good.values[-1] >= case["high"])
    if high and len(before) and before[-1] >= case["high"]:
        return Verdict(severity=Severity.URGENT, onset=onset)
    return Verdict(severity=Severity.WATCH, onset=onset, alone=high)


def _low(case: Case) -> Verdict | None:
    """A probe just put on, or fallen off, shows less than the body has: it has to agree with one before."""
    good = worn(case.windows[Kind.TEMPERATURE])
    if not len(good) or good.values[-1] > case["low_at"]:
        return None
    if instant(case.now) - good.times[-1] > np.timedelta64(STEADY_FOR):
        return None  # it was judged then, by what is out of sight now
    earlier = _agreed(case, good)
    if earlier is None:
        return _low_once(case)
    whole = case.windows[Kind.TEMPERATURE]
    between = whole.values[(whole.times >= good.times[earlier]) & (whole.times <= good.times[-1])]
    if bool(((between > NO_CODE) & (between < KINDS[Kind.TEMPERATURE].low)).any()):
        return None  # it hung in the room in between: what looks steady is its way there and back
    return Verdict(severity=Severity.URGENT, onset=moment(good.times[earlier]))


def _low_once(case: Case) -> Verdict | None:
    few = lone(case.windows[Kind.TEMPERATURE], case.now, around=STEADY_FOR)
    if few is None or not bool((few.values <= case["low_at"]).all()):
        return None
    return Verdict(severity=Severity.WATCH, onset=moment(few.times[0]), alone=True)


def _agreed(case: Case, good: Window) -> int | None:
    """The index of the reading with which the last one agrees, all of those between them being low too."""
    last = good.times[-1]
    stream = int((good.times > last - np.timedelta64(STEADY_FOR)).sum()) >= STREAM
    after = np.timedelta64(STEADY_FOR if stream else AGREE_AFTER)
    earlier = int(np.searchsorted(good.times, last - after, side="right")) - 1
    if earlier < 0 or last - good.times[earlier] > np.timedelta64(AGREE_WITHIN):
        return None
    since = good.values[earlier:]
    spread = float(np.ptp(since))
    if float(since.max()) > case["low_at"] or spread > (STEADY if stream else AGREE):
        return None
    change = float(since[-1] - since[0])
    minutes = float((last - good.times[earlier]) / np.timedelta64(1, "m"))
    noise, slope = RISE if change > 0 else FALL
    return earlier if stream or abs(change) <= noise + slope * minutes else None


def _fever_evidence(case: Case) -> tuple[Feature, ...]:
    window = worn(case.windows[Kind.TEMPERATURE])
    return extreme(window, "max"), extreme(window, "latest")


def _low_evidence(case: Case) -> tuple[Feature, ...]:
    window = worn(case.windows[Kind.TEMPERATURE])
    return extreme(window, "min"), extreme(window, "latest")


FEVER = Rule(
    name="fever",
    version="4",
    title="Fever",
    source=(
        "NHS, High temperature (fever) in adults, 2023 (38 °C); "
        "Royal College of Physicians, National Early Warning Score 2, 2017 (39.1 °C)"
    ),
    kinds=(Kind.TEMPERATURE,),
    lookback=timedelta(hours=12),
    join=timedelta(hours=6),
    thresholds=THRESHOLDS,
    ordered=(("fever", "high"),),
    verdict=_fever,
    evidence=_fever_evidence,
    actions={
        Severity.WATCH: "Take your temperature again in half an hour, rest and drink enough; "
        "call your doctor if it lasts or you feel worse.",
        Severity.URGENT: "Call your doctor or the out-of-hours service today.",
    },
    alone="Measure again at once, well placed and not after something hot; if it is still so, or you feel "
    "unwell, call your doctor or the out-of-hours service today, and for somebody confused or hard to "
    "wake the emergency number.",
    missing=("where on the body the temperature was taken, unless the thermometer said so",),
)
LOW_TEMPERATURE = Rule(
    name="low_temperature",
    version="4",
    title="Low body temperature",
    source=(
        "Royal College of Physicians, National Early Warning Score 2, 2017 (35.0 °C and under); "
        "NHS, Hypothermia, 2023 (below 35 °C)"
    ),
    kinds=(Kind.TEMPERATURE,),
    lookback=AGREE_WITHIN + STEADY_FOR,
    join=timedelta(hours=6),
    thresholds=LOW_THRESHOLDS,
    verdict=_low,
    evidence=_low_evidence,
    actions={
        Severity.URGENT: "Get warm and dry, and measure again in the mouth or the ear; if it stays low call "
        "your doctor or the out-of-hours service now, and for somebody drowsy, confused or no longer "
        "shivering the emergency number.",
    },
    alone="Measure again at once, in the mouth or the ear; if it is still so, or you feel unwell, get warm "
    "and dry and call your doctor or the out-of-hours service now, and for somebody drowsy, confused or no "
    "longer shivering the emergency number.",
    later=LATER,
    missing=(
        "where on the body the temperature was taken: skin is colder than the body",
        "how cold it is around you",
    ),
)
