"""How a person is through a day: made-up signals that develop a fever, and a rhythm that was recorded.

The signals are pure functions of the time of day and a seed: the same question has the same answer, whoever
asks and in whatever order. They are shaped to be recognisable, not to be a model of a disease.
"""

from __future__ import annotations

import csv
import gzip
import random
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from device.errors import RecordError

_Curve = Sequence[tuple[float, float]]  # hour of the day, value; straight lines between them

_TEMPERATURE: _Curve = (
    (0, 36.6),
    (5, 36.3),
    (12, 36.8),
    (13, 37.0),
    (15, 38.2),
    (17.5, 38.8),
    (20, 38.6),
    (24, 38.1),
)
_SPO2: _Curve = ((0, 96), (13, 96), (15, 94), (17, 89), (19, 89.5), (22, 92), (24, 93))
_HEART_RATE: _Curve = ((0, 60), (5, 57), (9, 70), (13, 74), (17.5, 96), (22, 86), (24, 80))
_SYSTOLIC: _Curve = (
    (0, 116),
    (6, 120),
    (8, 126),
    (12, 130),
    (14, 148),
    (16, 156),
    (19, 138),
    (21, 126),
    (24, 118),
)
_GLUCOSE: _Curve = (
    (0, 96),
    (4, 90),
    (7.5, 98),
    (8.5, 152),
    (10.5, 104),
    (12.5, 101),
    (13.5, 165),
    (16, 108),
    (19, 103),
    (20, 158),
    (22.5, 110),
    (24, 96),
)
_WALKING: _Curve = ((0, 0), (7, 0), (9, 1500), (12, 3000), (13, 4200), (18, 7000), (21, 8200), (24, 8200))
_DIASTOLIC: _Curve = ((0, 70), (6, 74), (8, 79), (12, 81), (14, 91), (16, 96), (19, 85), (21, 78), (24, 72))

SIGNALS = {
    "heart_rate": "beats a minute",
    "spo2": "%",
    "temperature": "degrees Celsius",
    "systolic": "mmHg",
    "diastolic": "mmHg",
    "glucose": "mg/dL",
    "weight": "kg",
    "body_fat": "%",
    "steps": "since midnight",
    "speed": "m/s",
    "cadence": "steps or turns a minute",
}
"""What can be asked of a wearer, and its unit."""


def _along(curve: _Curve, hour: float) -> float:
    index = min(max(bisect_right(curve, (hour, float("inf"))), 1), len(curve) - 1)
    (x0, y0), (x1, y1) = curve[index - 1], curve[index]
    return y0 + (y1 - y0) * (hour - x0) / (x1 - x0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """A blood pressure in mmHg."""

    systolic: int
    diastolic: int

    @property
    def mean_arterial(self) -> int:
        """The mean arterial pressure by the usual third."""
        return round(self.diastolic + (self.systolic - self.diastolic) / 3)


@dataclass(frozen=True, slots=True)
class Physiology:
    """One person on one day. `at` is a time in that person's own zone; only its time of day counts."""

    seed: int = 0

    def _wobble(self, signal: str, at: datetime, spread: float) -> float:
        """Noise that belongs to the moment: within twice `spread`, the same whenever it is asked for."""
        noise = random.Random(f"{self.seed} {signal} {at:%H:%M:%S}").gauss(0, spread)  # noqa: S311  a signal, not a secret
        return max(-2 * spread, min(2 * spread, noise))

    def temperature(self, at: datetime) -> float:
        """Core temperature in °C: rises from 13:00 to about 38.9 towards 17:30."""
        return round(_along(_TEMPERATURE, _hour(at)) + self._wobble("temperature", at, 0.05), 1)

    def spo2(self, at: datetime) -> int:
        """Oxygen saturation in %: 96, falling from 13:00 to about 89 at 17:00."""
        return min(100, round(_along(_SPO2, _hour(at)) + self._wobble("spo2", at, 0.4)))

    def heart_rate(self, at: datetime) -> int:
        """Resting heart rate in beats a minute; goes up with the fever."""
        return round(_along(_HEART_RATE, _hour(at)) + self._wobble("heart rate", at, 1.5))

    def pressure(self, at: datetime) -> Pressure:
        """Blood pressure: normal in the morning and late evening, about 155/95 in the afternoon."""
        systolic = _along(_SYSTOLIC, _hour(at)) + self._wobble("systolic", at, 2)
        diastolic = _along(_DIASTOLIC, _hour(at)) + self._wobble("diastolic", at, 1)
        return Pressure(systolic=round(systolic), diastolic=round(diastolic))

    def glucose(self, at: datetime) -> int:
        """Glucose in mg/dL: 90 to 110 between meals, up to about 160 an hour after each of three."""
        return round(_along(_GLUCOSE, _hour(at)) + self._wobble("glucose", at, 2))

    def weight(self, at: datetime) -> float:
        """Weight in kg: 78.4 in the morning and a kilogram more in the evening."""
        return round(78.4 + _hour(at) / 24 + self._wobble("weight", at, 0.03), 2)

    def steps(self, at: datetime) -> int:
        """Steps since midnight: about 8,200 by 21:00. Never falls."""
        return round(_along(_WALKING, _hour(at)))

    def value(self, signal: str, at: datetime) -> float:
        """Tell any of `SIGNALS`; fat, speed and cadence hardly change. Raises `KeyError` for another."""
        match signal:
            case "heart_rate" | "spo2" | "temperature" | "glucose" | "weight" | "steps":
                return float(getattr(self, signal)(at))
            case "systolic" | "diastolic":
                return float(getattr(self.pressure(at), signal))
            case "body_fat":
                return round(24.0 + self._wobble(signal, at, 0.1), 1)
            case "speed":
                return round(2.8 + self._wobble(signal, at, 0.1), 2)
            case "cadence":
                return round(84 + self._wobble(signal, at, 1))
        raise KeyError(signal)

    def crossings(self, signal: str, level: float) -> tuple[float, ...]:
        """Return the hours of the day at which a signal's course, without its noise, crosses `level`."""
        curve = {"temperature": _TEMPERATURE, "spo2": _SPO2, "systolic": _SYSTOLIC}[signal]
        return tuple(
            x0 + (x1 - x0) * (level - y0) / (y1 - y0)
            for (x0, y0), (x1, y1) in pairwise(curve)
            if (y0 < level) != (y1 < level)
        )


def _hour(at: datetime) -> float:
    return at.hour + at.minute / 60 + at.second / 3600


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat of a recorded rhythm: the interval that it ended, and whether it was atrial fibrillation."""

    rr_s: float
    af: bool


def rhythm_from_csv(path: Path) -> tuple[Beat, ...]:
    """Read a recorded rhythm: a CSV file, gzipped or not, with at least the columns `rr_s` and `af`.

    `rr_s` is in seconds, `af` 1 where an expert called the rhythm atrial fibrillation, else 0. Raises
    `RecordError` that names the file and the line.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = {"rr_s", "af"} - set(rows.fieldnames or ())
            if missing:
                raise RecordError(
                    f"{path} has no column {' and no column '.join(sorted(missing))}.",
                    "A recorded rhythm has the columns sample, rr_s (seconds) and af (0 or 1).",
                )
            beats = tuple(_beat(path, rows.line_num, row) for row in rows)
    except FileNotFoundError:
        raise RecordError(f"There is no recorded rhythm at {path}.", "Give the path of a CSV file.") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as e:
        raise RecordError(f"{path} could not be read: {e}.", "Fetch the file again.") from e
    if not beats:
        raise RecordError(f"{path} has no beats in it.", "Fetch the file again.")
    return beats


def _beat(path: Path, line: int, row: dict[str, str | None]) -> Beat:
    rr, af = row["rr_s"] or "", row["af"] or ""
    try:
        seconds = float(rr)
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds < 64:  # the longest that 16 bits of 1/1024 s can carry
        raise RecordError(
            f"{path}, line {line}: {rr!r} is not an RR interval in seconds.", "Correct that line."
        )
    if af not in ("0", "1"):
        raise RecordError(f"{path}, line {line}: af is {af!r}, not 0 or 1.", "Correct that line.")
    return Beat(seconds, af == "1")
