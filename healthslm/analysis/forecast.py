"""Where a sensor's glucose will be in 30 minutes: the way it goes now, damped, with its error stated.

A linear prediction from the last half hour: a damped trend (Gardner ES, McKenzie E. Forecasting trends in
time series. Management Science 1985;31:1237-1246) that a person's own earlier days draw away from as far as
they bear it (ridge towards the general model; Hoerl AE, Kennard RW. Technometrics 1970;12:55-67). Nothing
later than the reading that is forecast from goes in. Without a person's own days its error is given as 20
mg/dL, a little more than is published for 30 minutes in type 1 diabetes (18.2 mg/dL: Rubin-Falcone H, Fox I,
Wiens J. Deep residual time-series forecasting: application to blood glucose prediction. CEUR Workshop Proc
2020;2675).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.features import absent, of_window
from healthslm.analysis.quality import worn
from healthslm.readings import Feature, Floats, Window, micros

HORIZON = 30.0
"""Minutes ahead."""
STEP = 5.0
LAGS = 6
"""Changes over so many steps of five minutes are looked at: half an hour."""
MAX_GAP = 20.0
"""Minutes. Nothing is interpolated over more; the slowest sensors have a reading every quarter of an hour."""
STRENGTH = 72
"""So many of a person's own readings (six hours) weigh as much as the general model."""
LEVEL_STRENGTH = 288
"""The same of where somebody's glucose tends to go back to, which takes a whole day to show."""
ENOUGH = 72
"""Pairs of a reading and the one 30 minutes later from which a person's own error is stated."""
LOWEST, HIGHEST = 40.0, 500.0
"""mg/dL that sensors show; a forecast goes no further."""
LEAST_ERROR = 5.0
"""mg/dL. Sensors themselves are off by more, also where a line that did not move was never missed."""
_MINUTE_US = 60_000_000
_WIDE = 0.9
"""The share of forecasts that shall lie within the interval."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """How a change is had from changes.

    `weights`: shape `(7,)`, of the six changes over five minutes (the last one first) and of how far the
    reading is from `level` (mg/dL). `rmse` is the error to be stated in mg/dL; an interval reaches
    `base + slope * |change|` to both sides. `pairs` is how many a person's own days gave.
    """

    weights: Floats
    level: float
    rmse: float
    base: float
    slope: float
    pairs: int = 0


_DAMPING = 0.6
"""Of the trend, each five minutes; this and `STRENGTH` were chosen on one person's days, no other's."""
_RECENT = (0.6, 0.3, 0.1)
"""How much the last three changes make up the trend."""
_GAIN = sum(_DAMPING**k for k in range(1, LAGS + 1))
_PULL = np.array([STRENGTH] * LAGS + [LEVEL_STRENGTH], dtype=np.float64)
PRIOR = Model(
    weights=np.array([_GAIN * part for part in _RECENT] + [0.0] * (LAGS + 1 - len(_RECENT))),
    level=140.0,
    rmse=20.0,
    base=20.0,
    slope=0.6,
)
"""For anybody."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecasts:
    """Forecasts from some readings, in mg/dL.

    All of shape `(n,)`: `index` is the reading's, `value` what is expected 30 minutes after it, within
    `low`..`high` nine times out of ten.
    """

    index: NDArray[np.int64]
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """What there is to learn from.

    `index`: shape `(n,)`, the readings; `inputs`: shape `(n, 6)`, their changes; `change`: shape `(n,)`, what
    came of them; `start` and `end`: shape `(n,)`, minutes, the first and the last reading that went in.
    """

    index: NDArray[np.int64]
    inputs: Floats
    change: Floats
    start: Floats
    end: Floats


def at(minutes: Floats, values: Floats, wanted: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the values at some times, NaN where readings are more than 20 minutes apart around them.

    Also which reading was the later one that was used, shape as `wanted`.
    """
    after = np.searchsorted(minutes, wanted, side="left")
    inside = (after < len(minutes)) & (wanted >= minutes[0])
    after = np.minimum(after, len(minutes) - 1)
    before = np.maximum(after - 1, 0)
    near = (minutes[after] == wanted) | (minutes[after] - minutes[before] <= MAX_GAP)
    found = np.interp(wanted, minutes, values)
    return np.where(inside & near, found, np.nan), after


def inputs(minutes: Floats, values: Floats) -> Floats:
    """Return each reading's last six changes over five minutes, shape `(n, 6)`, NaN where not known."""
    if not len(minutes):
        return np.empty((0, LAGS))
    back = minutes[:, None] - STEP * np.arange(LAGS + 1)
    levels, _ = at(minutes, values, back.ravel())
    levels = levels.reshape(back.shape)
    return np.asarray(levels[:, :-1] - levels[:, 1:], dtype=np.float64)


def pairs(minutes: Floats, values: Floats) -> Pairs:
    """Return every reading with half an hour before it, and the change in the half hour after."""
    changes = inputs(minutes, values)
    later, used = at(minutes, values, minutes + HORIZON) if len(minutes) else (values, np.array([], np.int64))
    good = np.flatnonzero(np.isfinite(changes).all(axis=1) & np.isfinite(later))
    return Pairs(
        index=good,
        inputs=changes[good],
        change=later[good] - values[good],
        start=minutes[good] - STEP * LAGS - MAX_GAP,
        end=minutes[used[good]],
    )


def learn(changes: Floats, values: Floats, change: Floats, prior: Model = PRIOR) -> Model:
    """Return a person's own model from changes `(n, 6)`, readings and what came of them, both `(n,)`.

    Of nobody's readings it is the general model; its error is stated until there are some hours of them.
    """
    count = len(change)
    if not count:
        return prior
    level = float(np.median(values))
    table = np.column_stack((changes, values - level))
    scale = np.mean(table**2, axis=0)
    pull = np.diag(_PULL * np.maximum(scale, 1e-6))
    rest = change - table @ prior.weights
    weights = prior.weights + np.linalg.solve(table.T @ table + pull, table.T @ rest)
    expected = table @ weights
    if count < ENOUGH:
        return Model(
            weights=weights, level=level, rmse=prior.rmse, base=prior.base, slope=prior.slope, pairs=count
        )
    off = np.abs(change - expected)
    # Where it moves fast, it is missed by more: a line through the errors, then as wide as nine tenths need.
    rise, base = np.polyfit(np.abs(expected), off, 1) if np.ptp(expected) > 1 else (0.0, float(off.mean()))
    rise, base = max(float(rise), 0.0), max(float(base), 1.0)
    wide = float(np.quantile(off / (base + rise * np.abs(expected)), _WIDE))
    return Model(
        weights=weights,
        level=level,
        rmse=max(float(np.sqrt(np.sum(off**2) / max(count - table.shape[1], 1))), LEAST_ERROR),
        base=max(wide * base, LEAST_ERROR),
        slope=wide * rise,
        pairs=count,
    )


def fit(minutes: Floats, values: Floats, prior: Model = PRIOR) -> Model:
    """Return a person's own model from readings in order of time: minutes and mg/dL, shapes `(n,)`."""
    found = pairs(minutes, values)
    return learn(found.inputs, values[found.index], found.change, prior)


def expect(model: Model, changes: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return value, low and high 30 minutes on, each of shape `(n,)`, from `(n, 6)` changes and readings."""
    table = np.column_stack((changes, values - model.level))
    change = table @ model.weights
    wide = model.base + model.slope * np.abs(change)
    low, value, high = (np.clip(values + c, LOWEST, HIGHEST) for c in (change - wide, change, change + wide))
    # At the end of what sensors show there is still room to the other side.
    return value, np.minimum(low, HIGHEST - LEAST_ERROR), np.maximum(high, LOWEST + LEAST_ERROR)


def forecasts(model: Model, minutes: Floats, values: Floats) -> Forecasts:
    """Return the forecast from every reading that has half an hour of readings before it."""
    changes = inputs(minutes, values)
    index = np.flatnonzero(np.isfinite(changes).all(axis=1))
    value, low, high = expect(model, changes[index], values[index])
    return Forecasts(index=index, value=value, low=low, high=high)


def line_of(window: Window) -> tuple[Window, Floats]:
    """Return what can be computed with of a window, and its times in minutes."""
    good = worn(window)
    return good, micros(good) / _MINUTE_US


def forecast(window: Window, model: Model = PRIOR) -> tuple[Feature, ...]:
    """Return what is expected 30 minutes after the window's last reading, its interval and its error.

    As `glucose_in_30min`, `glucose_in_30min_low`, `glucose_in_30min_high` (90 % between them) and
    `glucose_in_30min_error` (root mean square), mg/dL.
    """
    good, minutes = line_of(window)
    recent = minutes >= minutes[-1] - HORIZON - MAX_GAP if len(minutes) else minutes > 0
    part = good.where(recent)
    found = forecasts(model, minutes[recent], part.values)
    if not len(found.index) or int(found.index[-1]) != len(part) - 1:
        why = "a forecast needs readings over the last half hour, no more than 20 minutes apart"
        return (absent("glucose_in_30min", window.kind, window.start, window.end, why, unit="mg/dL"),)
    numbers = {
        "": float(found.value[-1]),
        "_low": float(found.low[-1]),
        "_high": float(found.high[-1]),
        "_error": model.rmse,
    }
    return tuple(
        of_window(f"glucose_in_30min{end}", value, part, unit="mg/dL", decimals=0)
        for end, value in numbers.items()
    )
