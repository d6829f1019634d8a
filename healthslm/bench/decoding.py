"""How many frames a second one core decodes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from device import decode
from device.gatt import (
    CgmMeasurement,
    CgmRecord,
    DateTime,
    GlucoseMeasurement,
    HeartRateMeasurement,
    Measurement,
    PlxContinuousMeasurement,
)
from device.gatt.glucose import ConcentrationUnit, SampleLocation, SampleType
from healthslm.bench.rows import Row, row

_DIFFERENT = 1000
_NOW = DateTime(2026, 11, 2, 9, 0, 0)
_DICE = random.Random(1)  # noqa: S311  so that each run decodes the same


def _heart_rate(n: int) -> Measurement:
    intervals = tuple(_DICE.randrange(600, 1100) for _ in range(1 + n % 2))
    return HeartRateMeasurement(60 + n % 40, True, None, intervals)


def _glucose(n: int) -> Measurement:
    return GlucoseMeasurement(
        sequence_number=n,
        base_time=_NOW,
        time_offset=0,
        concentration=round(0.0008 + n / 1e6, 6),
        unit=ConcentrationUnit.KG_PER_L,
        sample_type=SampleType.CAPILLARY_WHOLE_BLOOD,
        sample_location=SampleLocation.FINGER,
    )


_FRAMES: tuple[tuple[str, str, float, Callable[[int], Measurement]], ...] = (
    ("heart rate", "2A37", 500_000, _heart_rate),
    ("PLX", "2A5F", 300_000, lambda n: PlxContinuousMeasurement(90.0 + n % 10, 60.0 + n % 40)),
    ("glucose", "2A18", 150_000, _glucose),
    ("CGM", "2AA7", 100_000, lambda n: CgmMeasurement((CgmRecord(100.0 + n % 100, n),))),
)


def run(repeat: int, seconds: float = 0.3) -> list[Row]:
    """Decode a thousand different frames of each kind over and over."""
    rows = []
    for name, characteristic, least, make in _FRAMES:
        values = [bytes(make(n)) for n in range(_DIFFERENT)]
        runs = []
        for _ in range(repeat):
            count, began = 0, time.process_time()
            while time.process_time() - began < seconds:
                for value in values:
                    decode(characteristic, value)
                count += len(values)
            runs.append(count / (time.process_time() - began))
        rows.append(row(f"decode {name}", "frames/s", runs, least=least))
    return rows
