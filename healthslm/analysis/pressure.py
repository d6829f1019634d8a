"""Blood pressure: complete measurements, sittings, the average at home, morning against evening and night.

Sources:
[1] NICE NG136, Hypertension in adults, 2019 (updated 2023), 1.2.7: two consecutive measurements at least a
    minute apart, morning and evening, at least 4 days and ideally 7; the first day left out
[2] McEvoy JW et al. 2024 ESC Guidelines for elevated blood pressure and hypertension. Eur Heart J
    2024;45:3912-4018: two measurements 1 to 2 minutes apart, morning and evening, 3 to 7 days
[3] Shimbo D et al. Self-measured blood pressure monitoring at home (AHA and AMA). Circulation
    2020;142:e42-e63: at least 12 measurements over 3 days
[4] Kario K et al. Morning surge in blood pressure as a predictor of cerebrovascular disease. Circulation
    2003;107:1401-1406
[5] Kario K et al. Morning hypertension. Hypertens Res 2006;29:581-587 (morning minus evening: MEdif)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.days import day_bounds
from healthslm.analysis.features import absent
from healthslm.analysis.quality import worn
from healthslm.readings import Feature, Floats, Ints, Kind, Times, Window, moment

SITTING = timedelta(minutes=30)
"""Measurements within this time are one sitting, and are averaged."""
APART = timedelta(seconds=55)
"""A minute, less what the clock of a cuff may miss: sooner it is the same measurement, told twice [1, 2]."""
LEAST_MEASUREMENTS, LEAST_DAYS, LEAST_IN_ALL = 2, 3, 12
"""In a sitting [1]; days after the first one [1, 2]; measurements in all [3]."""
MORNING, EVENING = (4, 12), (16, 26)
"""Hours of the day by the clock on the wall; an evening goes on until two hours after midnight."""
WEEK = timedelta(days=7)
"""What is averaged at home, after a first day that is left out [1, 2]."""
NIGHT = (0, 6)
_UNIT = "mm[Hg]"


def paired(systolic: Window, diastolic: Window) -> tuple[Window, Window]:
    """Return the usable readings of both windows that were taken at the same instant, in step.

    A cuff gives both at one time stamp; a value without its partner (NaN from the device, implausible) is
    left out of averages, as a guideline's average is one of complete measurements. So is a pair whose
    systolic is not above its diastolic: no cuff measured that.
    """
    upper, lower = worn(systolic), worn(diastolic)
    _both, first, second = np.intersect1d(upper.times, lower.times, return_indices=True)
    sound = upper.values[first] > lower.values[second]
    first, second = first[sound], second[sound]
    keep_upper = np.zeros(len(upper), dtype=np.bool_)
    keep_lower = np.zeros(len(lower), dtype=np.bool_)
    keep_upper[first], keep_lower[second] = True, True
    return upper.where(keep_upper), lower.where(keep_lower)


def separate(upper: Window, lower: Window) -> tuple[Window, Window]:
    """Return paired measurements that lie a minute apart; of those closer together the first."""
    apart = np.timedelta64(APART)
    if len(upper) < 2 or bool((np.diff(upper.times) >= apart).all()):
        return upper, lower
    keep = np.zeros(len(upper), dtype=np.bool_)
    last = None
    for index, time in enumerate(upper.times):
        if last is None or time - last >= apart:
            keep[index], last = True, time
    return upper.where(keep), lower.where(keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Measurements taken together: their means in mmHg, how many they are, and the readings' ids."""

    start: datetime
    systolic: float
    diastolic: float
    count: int
    readings: tuple[int, ...]


def sittings(systolic: Window, diastolic: Window) -> tuple[Sitting, ...]:
    """Return the sittings, in order: a measurement, and those within 30 minutes of it a minute apart each.

    One with a single measurement is a sitting too; whether it counts is for who averages.
    """
    upper, lower = separate(*paired(systolic, diastolic))
    found: list[Sitting] = []
    first = 0
    while first < len(upper):
        after = int(np.searchsorted(upper.times, upper.times[first] + np.timedelta64(SITTING), side="right"))
        part = slice(first, after)
        ids = (*upper.ids[part].tolist(), *lower.ids[part].tolist())
        found.append(
            Sitting(
                start=moment(upper.times[first]),
                systolic=float(upper.values[part].mean()),
                diastolic=float(lower.values[part].mean()),
                count=after - first,
                readings=tuple(int(one) for one in ids),
            )
        )
        first = after
    return tuple(found)


def _time_of_day(one: Sitting, zone: ZoneInfo) -> tuple[int, str]:
    """The day (its ordinal) that a sitting belongs to, and `morning`, `evening` or nothing."""
    local = one.start.astimezone(zone)
    hour = local.hour + local.minute / 60
    day = local.date().toordinal()
    if hour < EVENING[1] - 24:
        return day - 1, "evening"
    if MORNING[0] <= hour < MORNING[1]:
        return day, "morning"
    return day, "evening" if hour >= EVENING[0] else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """The sittings that a home average stands on, each with its day and time of day."""

    sittings: tuple[Sitting, ...]
    days: tuple[int, ...]
    parts: tuple[str, ...]
    reason: str

    def of(self, part: str) -> list[tuple[int, Sitting]]:
        rows = zip(self.days, self.parts, self.sittings, strict=True)
        return [(day, one) for day, which, one in rows if which == part]


def _home(systolic: Window, diastolic: Window, zone: ZoneInfo) -> _Home:
    """Sittings of two measurements and more, of all days but the first; `reason` says what is too few."""
    whole = sittings(systolic, diastolic)
    good = [one for one in whole if one.count >= LEAST_MEASUREMENTS]
    when = [_time_of_day(one, zone) for one in good]
    # The first day is the first one measured on, were it with a single measurement.
    first = min((_time_of_day(one, zone)[0] for one in whole), default=0)
    kept = [(one, day, part) for one, (day, part) in zip(good, when, strict=True) if day > first]
    days = {day for _, day, _ in kept}
    measurements = sum(one.count for one, _, _ in kept)
    parts = {part for _, _, part in kept}
    if not whole:
        reason = "no complete blood pressure measurement in this period"
    elif not good:
        few = f"{len(whole)} sitting{'s' * (len(whole) != 1)}"
        reason = f"{few}, none with {LEAST_MEASUREMENTS} measurements a minute apart within half an hour"
    elif len(days) < LEAST_DAYS:
        reason = f"{len(days)} days after the first one, at least {LEAST_DAYS} are asked for"
    elif measurements < LEAST_IN_ALL:
        reason = f"{measurements} measurements after the first day, at least {LEAST_IN_ALL} are asked for"
    elif not {"morning", "evening"} <= parts:
        lacking = " and ".join(sorted({"morning", "evening"} - parts))
        reason = f"no sitting in the {lacking}: both times of day are asked for"
    else:
        reason = ""
    return _Home(
        sittings=tuple(one for one, _, _ in kept),
        days=tuple(day for _, day, _ in kept),
        parts=tuple(part for _, _, part in kept),
        reason=reason,
    )


def _feature(
    name: str,
    kind: Kind,
    value: float,
    window: Window,
    used: list[Sitting],
    *,
    unit: str = _UNIT,
    decimals: int = 1,
) -> Feature:
    return Feature(
        name=name,
        kind=kind,
        value=value,
        unit=unit,
        decimals=decimals,
        start=window.start,
        end=window.end,
        count=sum(one.count for one in used),
        readings=tuple(identity for one in used for identity in one.readings),
    )


def last_week(systolic: Window, diastolic: Window, zone: ZoneInfo) -> tuple[Window, Window]:
    """Return both windows cut to the last day with a measurement, the six before it, and a first day.

    Whole days of `zone`, as far as the windows reach; windows without a measurement are returned as they are.
    """
    times = [moment(one.times[-1]) for one in (systolic, diastolic) if len(one)]
    if not times:
        return systolic, diastolic
    last = max(times).astimezone(zone).date()
    start, end = day_bounds(last - WEEK, zone)[0], day_bounds(last, zone)[1]
    upper, lower = (one.between(max(start, one.start), min(end, one.end)) for one in (systolic, diastolic))
    return upper, lower


def home_average(systolic: Window, diastolic: Window, *, zone: ZoneInfo) -> tuple[Feature, Feature, Feature]:
    """Return the average at home, systolic and diastolic in mmHg, and how many sittings it stands on [1-3].

    The windows are those of some days, a week as a rule (`last_week`). Of every measurement in sittings of at
    least two, without the first day; without value, and with the reason, where days, measurements or times of
    day are too few. Times of day are those of `zone`.
    """
    home = _home(systolic, diastolic, zone)
    used = list(home.sittings)
    start, end = systolic.start, systolic.end
    number = _feature(
        "home_pressure_sittings", Kind.SYSTOLIC, len(used), systolic, used, unit="1", decimals=0
    )
    if home.reason:
        return (
            absent("home_systolic", Kind.SYSTOLIC, start, end, home.reason, unit=_UNIT),
            absent("home_diastolic", Kind.DIASTOLIC, start, end, home.reason, unit=_UNIT),
            number,
        )
    weights = np.array([one.count for one in used], dtype=np.float64)
    upper = float(np.average([one.systolic for one in used], weights=weights))
    lower = float(np.average([one.diastolic for one in used], weights=weights))
    return (
        _feature("home_systolic", Kind.SYSTOLIC, upper, systolic, used),
        _feature("home_diastolic", Kind.DIASTOLIC, lower, diastolic, used),
        number,
    )


def morning_evening_difference(systolic: Window, diastolic: Window, *, zone: ZoneInfo) -> Feature:
    """Return the mean systolic pressure of mornings less that of evenings, in mmHg: MEdif [5].

    Of days with both, without the first day; at least three. It is no morning surge: evenings are no night.
    """
    name = "morning_evening_difference"
    home = _home(systolic, diastolic, zone)
    mornings, evenings = _by_day(home.of("morning")), _by_day(home.of("evening"))
    both = sorted(mornings.keys() & evenings.keys())
    if len(both) < LEAST_DAYS:
        why = f"{len(both)} days with sittings both in the morning and in the evening after the first day,"
        why = f"{why} at least {LEAST_DAYS} are asked for"
        return absent(name, Kind.SYSTOLIC, systolic.start, systolic.end, why, unit=_UNIT)
    used = [one for day in both for one in (*mornings[day], *evenings[day])]
    value = float(np.mean([_mean(mornings[day]) - _mean(evenings[day]) for day in both]))
    return _feature(name, Kind.SYSTOLIC, value, systolic, used)


def _by_day(rows: list[tuple[int, Sitting]]) -> dict[int, list[Sitting]]:
    days: dict[int, list[Sitting]] = {}
    for day, one in rows:
        days.setdefault(day, []).append(one)
    return days


def _mean(ones: list[Sitting]) -> float:
    return float(np.average([one.systolic for one in ones], weights=[one.count for one in ones]))


def morning_surge(systolic: Window, *, zone: ZoneInfo, woke: datetime | None = None) -> Feature:
    """Return the sleep-trough morning surge in mmHg, as Kario's: morning less the lowest of the night [4].

    `systolic` reaches over one night and the morning after it. The morning is the mean of the two hours from
    `woke` on; the lowest is the mean of the lowest reading between midnight and then (six o'clock at the
    latest) and its two neighbours. Without value where nobody said when they woke, or there are fewer than
    three readings of the night or two of the morning: a cuff used by day alone shows no surge.

    It is for whoever knows when somebody woke (`analyse vitals --woke`) and has a cuff that measured in the
    night: sleep is stored as so many hours, without its end.
    """
    name = "morning_surge"

    def none(why: str) -> Feature:
        return absent(name, Kind.SYSTOLIC, systolic.start, systolic.end, why, unit=_UNIT)

    if woke is None:
        return none("the time of waking is not known")
    good = worn(systolic)
    midnight = woke.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    night = good.between(midnight, min(woke, midnight + timedelta(hours=NIGHT[1])))
    after = good.between(woke, woke + timedelta(hours=2))
    if len(night) < 3:
        return none(f"{len(night)} readings at night, at least 3 around the lowest are asked for")
    if len(after) < LEAST_MEASUREMENTS:
        return none(f"{len(after)} readings in the two hours after waking, at least 2 are asked for")
    lowest = _lowest(night.values)
    trough = float(night.values[lowest].mean())
    ids: Ints = np.concatenate((night.ids[lowest], after.ids))
    times: Times = after.times
    return Feature(
        name=name,
        kind=Kind.SYSTOLIC,
        value=float(after.values.mean()) - trough,
        unit=_UNIT,
        decimals=1,
        start=systolic.start,
        end=systolic.end,
        count=len(ids),
        readings=tuple(int(one) for one in ids),
        at=moment(times[0]),
    )


def _lowest(values: Floats) -> NDArray[np.bool_]:
    """The lowest and its neighbours; at an edge the three nearest it."""
    middle = min(max(int(np.argmin(values)), 1), len(values) - 2)
    chosen = np.zeros(len(values), dtype=np.bool_)
    chosen[middle - 1 : middle + 2] = True
    return chosen
