"""How a wearer is at a moment, for whatever asks: made up, constant, or as it was recorded."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from device.errors import RecordError
from device.virtual.physiology import SIGNALS, Physiology

_MADE_UP = Physiology()


class Signals(Protocol):
    """Tells the value of each of `physiology.SIGNALS`, in the unit named there."""

    def value(self, signal: str, at: datetime) -> float:
        """Tell one signal at a moment. Raises `KeyError` for a signal that there is none of."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """Signals that stay where they are; those that are not named are the `otherwise` ones."""

    values: Mapping[str, float]
    otherwise: Signals = _MADE_UP

    def value(self, signal: str, at: datetime) -> float:
        """Tell a constant, else what the others say."""
        held = self.values.get(signal)
        return self.otherwise.value(signal, at) if held is None else held


@dataclass(frozen=True, slots=True)
class Recorded:
    """Signals as they were recorded, from `start` on, each value held until the next; over again at the end.

    `times` in seconds, growing; `columns` as long, by signal.
    """

    start: datetime
    times: Sequence[float]
    columns: Mapping[str, Sequence[float]]
    otherwise: Signals = _MADE_UP

    def value(self, signal: str, at: datetime) -> float:
        """Tell the last value before or at the moment, else what the others say."""
        column = self.columns.get(signal)
        if column is None:
            return self.otherwise.value(signal, at)
        length = self.times[-1] + (self.times[-1] - self.times[0]) / max(1, len(self.times) - 1)
        passed = (at - self.start) / timedelta(seconds=1)
        passed = passed % length if length > 0 else 0.0
        return column[max(0, bisect_right(self.times, passed) - 1)]


def recorded_from_csv(path: Path, start: datetime) -> Recorded:
    """Read a recorded series: a CSV file with a column `seconds`, growing from 0, and one a signal.

    Columns are named after `physiology.SIGNALS`. Raises `RecordError` that names the file and the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            names = [name for name in rows.fieldnames or () if name != "seconds"]
            unknown = [name for name in names if name not in SIGNALS]
            if "seconds" not in (rows.fieldnames or ()) or not names or unknown:
                raise RecordError(
                    f"{path} has {', '.join(rows.fieldnames or ()) or 'no columns'} for columns.",
                    f"A recorded series has the column seconds and any of {', '.join(SIGNALS)}.",
                )
            times: list[float] = []
            columns: dict[str, list[float]] = {name: [] for name in names}
            for row in rows:
                try:
                    times.append(float(row["seconds"] or ""))
                    for name in names:
                        columns[name].append(float(row[name] or ""))
                except ValueError:
                    raise RecordError(
                        f"{path}, line {rows.line_num}: a value is not a number.", "Correct that line."
                    ) from None
                if len(times) > 1 and times[-1] <= times[-2]:
                    raise RecordError(
                        f"{path}, line {rows.line_num}: the seconds do not grow.", "Correct that line."
                    )
    except FileNotFoundError:
        raise RecordError(f"There is no recorded series at {path}.", "Give the path of a CSV file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise RecordError(f"{path} could not be read: {e}.", "Give another file.") from e
    if not times:
        raise RecordError(f"{path} has no values in it.", "Give another file.")
    return Recorded(start, times, columns)
