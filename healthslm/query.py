"""A call's typed arguments → features from the store. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.analysis import absent, daily, extreme, in_range, mean, relation, total, trend
from healthslm.analysis.variability import summary
from healthslm.history import History
from healthslm.readings import KINDS, Feature, Finding, Kind, Severity, Window
from healthslm.rules import Rule
from healthslm.slm.names import Metric, Statistic
from healthslm.slm.periods import Period
from healthslm.slm.tools import (
    Call,
    Compare,
    Devices,
    Findings,
    Relate,
    TimeInRange,
    Trend,
    Unclear,
    Value,
)
from healthslm.store import Store

_TICK = timedelta(microseconds=1)
_FINDINGS_BACK = timedelta(days=2)
"""How far back findings are looked for when a number was asked for."""
_KINDS = {
    Metric.HEART_RATE: Kind.HEART_RATE,
    Metric.HRV_RMSSD: Kind.RR_INTERVAL,
    Metric.SPO2: Kind.SPO2,
    Metric.TEMPERATURE: Kind.TEMPERATURE,
    Metric.SYSTOLIC: Kind.SYSTOLIC,
    Metric.DIASTOLIC: Kind.DIASTOLIC,
}
"""The metrics of which it is said that there was no reading; of the others, without one, that nothing here
measures them."""
_ALSO = {
    Metric.RESPIRATORY_RATE: (Kind.RESPIRATORY_RATE,),
    Metric.GLUCOSE: (Kind.SENSOR_GLUCOSE, Kind.GLUCOSE),
    Metric.WEIGHT: (Kind.WEIGHT,),
    Metric.BODY_FAT: (Kind.BODY_FAT,),
    Metric.STEPS: (Kind.STEPS,),
    Metric.ENERGY: (Kind.ENERGY,),
    Metric.SLEEP_DURATION: (Kind.SLEEP_DURATION,),
}
"""Of several kinds the first that has a reading in the period: a sensor's stream says more than a meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call brought: features in the order of the call's parts; findings where it asked for them."""

    features: tuple[Feature, ...] = ()
    findings: tuple[Finding, ...] = ()


def perform(
    call: Call | Unclear, store: Store, *, now: datetime, zone: ZoneInfo, rules: Sequence[Rule]
) -> Result:
    """Carry out a call. One that reads nothing (explain, refuse, emergency) brings nothing."""
    match call:
        case Findings():
            return _findings(call, store, zone, rules)
        case Devices():
            return Result(features=tuple(_battery(store, address, now) for address in _addresses(store)))
        case Value():
            period = call.period or _latest_period(store, call.metric, now, zone)
            return Result(
                features=_value(call, period, store, zone),
                findings=_concerning(call.metric, period, store, zone, rules),
            )
        case Compare():
            windows = [_window(store, call.metric, p) for p in (call.period, call.other_period)]
            return Result(
                features=tuple(
                    _statistic(w, call.metric, call.statistic, zone) for w in windows if w is not None
                )
            )
        case Trend():
            window = _window(store, call.metric, call.period)
            features = trend(window, zone) if window is not None else ()
            return Result(
                features=features, findings=_concerning(call.metric, call.period, store, zone, rules)
            )
        case TimeInRange():
            window = _window(store, call.metric, call.period)
            features = (_in_range(window, call.low, call.high),) if window is not None else ()
            return Result(
                features=features, findings=_concerning(call.metric, call.period, store, zone, rules)
            )
        case Relate():
            one, other = (_window(store, m, call.period) for m in (call.metric, call.other_metric))
            return Result(features=(relation(one, other, zone),) if one and other else ())
        case _:
            return Result()


def _window(store: Store, metric: Metric, period: Period) -> Window | None:
    """The readings of a metric; `None` for a metric that no device here measures."""
    kind = _kind(store, metric, period)
    return None if kind is None else store.window(kind, period.start, period.end)


def _kind(store: Store, metric: Metric, period: Period) -> Kind | None:
    """The kind that a metric is measured as here, in a period if it was then."""
    if metric in _KINDS:
        return _KINDS[metric]
    measured = [kind for kind in _ALSO.get(metric, ()) if store.latest(kind) is not None]
    then = store.kinds(period.start, period.end) if len(measured) > 1 else set()
    return next((kind for kind in measured if kind in then), measured[0] if measured else None)


def _in_range(window: Window, low: float | None, high: float | None) -> Feature:
    info = KINDS[window.kind]
    if not info.adds:
        return in_range(window, low, high)
    why = f"{info.title} add up over a day, so no single reading of them is within bounds or not"
    return absent(f"{window.kind}_in_range", window.kind, window.start, window.end, why, unit="%")


def _value(call: Value, period: Period, store: Store, zone: ZoneInfo) -> tuple[Feature, ...]:
    """One number; of blood pressure both where they belong together: the latest, and the average."""
    metrics = [call.metric]
    if call.metric is Metric.SYSTOLIC and call.statistic in (Statistic.LATEST, Statistic.MEAN):
        metrics.append(Metric.DIASTOLIC)
    windows = [(metric, _window(store, metric, period)) for metric in metrics]
    return tuple(_statistic(w, metric, call.statistic, zone) for metric, w in windows if w is not None)


def _latest_period(store: Store, metric: Metric, now: datetime, zone: ZoneInfo) -> Period:
    """From a day before the newest reading of a metric until now: an old one is told with its day.

    Of what adds up it is the day of the newest one.
    """
    kinds = (_KINDS[metric],) if metric in _KINDS else _ALSO.get(metric, ())
    newest = max((r for kind in kinds if (r := store.latest(kind))), key=lambda r: r.time, default=None)
    start = min(newest.time, now) if newest is not None else now
    if newest is not None and KINDS[newest.kind].adds:
        midnight = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return Period(start=midnight, end=midnight + timedelta(days=1))
    if newest is not None and len(kinds) > 1:  # the newest of either kind, and no older one of the other
        return Period(start=start, end=now + _TICK)
    return Period(start=start - timedelta(days=1), end=now + _TICK)


def _concerning(
    metric: Metric, period: Period, store: Store, zone: ZoneInfo, rules: Sequence[Rule]
) -> tuple[Finding, ...]:
    """What the rules found about a metric in a period: a number alone can sound better than it is."""
    kind = _kind(store, metric, period)
    start = max(period.start, period.end - _FINDINGS_BACK)
    mine = [rule for rule in rules if kind in rule.kinds]
    return History(store, zone).findings(mine, start, period.end)


def _statistic(window: Window, metric: Metric, statistic: Statistic, zone: ZoneInfo) -> Feature:
    kind = window.kind
    if KINDS[kind].adds:  # one amount says nothing: the whole, or its days
        by_day = statistic in (Statistic.MEAN, Statistic.MIN, Statistic.MAX)
        return daily(window, statistic.value, zone) if by_day else total(window)
    if metric is Metric.HRV_RMSSD:
        return summary(window)[2]
    if statistic is Statistic.MEAN:
        return mean(window)
    if statistic in (Statistic.LATEST, Statistic.MIN, Statistic.MAX):
        return extreme(window, statistic.value)
    name = f"{kind}_{statistic}"
    if statistic is Statistic.TOTAL:
        why = f"a total of {KINDS[kind].title} readings means nothing"
        return absent(name, kind, window.start, window.end, why)
    good = window.usable()
    ids = (int(good.ids[0]), int(good.ids[-1])) if len(good) else ()
    return Feature(
        name=name,
        kind=kind,
        value=float(len(good)),
        unit="1",
        start=window.start,
        end=window.end,
        coverage=good.coverage,
        count=len(good),
        readings=ids,
    )


def _findings(call: Findings, store: Store, zone: ZoneInfo, rules: Sequence[Rule]) -> Result:
    numbers = [kind for kind in Kind if not KINDS[kind].waveform]
    windows = {kind: store.window(kind, call.period.start, call.period.end) for kind in numbers}
    least = Severity[call.severity.upper()] if call.severity else Severity.INFO
    every = History(store, zone).findings(rules, call.period.start, call.period.end)
    found = tuple(f for f in every if f.severity >= least)
    # How much there was to look at belongs to the answer: no finding in no readings is no good news.
    looked = tuple(
        total(w) if KINDS[kind].adds else mean(w)
        for kind, w in windows.items()
        if len(w) and kind is not Kind.BATTERY
    )
    return Result(findings=found, features=() if found else looked)


def _addresses(store: Store) -> list[str]:
    return [device.address for device in store.devices()]


def _battery(store: Store, address: str, now: datetime) -> Feature:
    """A device's battery, named after the device, at the time at which anything was last heard of it."""
    name = store.device(address).name or address
    heard = [r for kind in Kind if (r := store.latest_of(address, kind)) is not None]
    battery = store.latest_of(address, Kind.BATTERY)
    if not heard:
        return absent(name, Kind.BATTERY, now, now, "never heard of so far")
    last = max(reading.time for reading in heard)
    if battery is None:
        return absent(name, Kind.BATTERY, last, now, "its battery level is not known")
    end = battery.time + _TICK
    window = Window.of(Kind.BATTERY, battery.time, end, [battery])
    return replace(extreme(window, "latest"), name=name, at=last)
