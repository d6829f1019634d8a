"""Dense series reading by reading, as SampledData: by choice, beside their statistics.

Source: FHIR R4 SampledData, http://hl7.org/fhir/R4/datatypes.html#SampledData; Personal Health Device guide
2.0.0, PhdRtsaObservation, claimed where a series has no hole. Samples stand at equal distances, wearables
send when they will: a sample's slot begins at most one period before its reading. A slot in which nobody
spoke is `E`, and so is a reading that cannot be used. Where readings come closer than the shortest period,
the last in a slot counts, and a note says how many did not. An Observation ends with the local day, after 24
hours or at a gap of an hour. Not covered: waveforms (ECG, acceleration), and long periods, of which only
averages are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import day_bounds
from healthslm.errors import ExportError
from healthslm.export.entries import Entries
from healthslm.export.gateway import Gateway
from healthslm.fhir import coding, mdc
from healthslm.fhir.coding import Json
from healthslm.readings import KINDS, UNUSABLE, Floats, Ints, Kind, Window, micro, micros, moment

_SECOND_US = 1_000_000
_PERIODS_US = tuple(int(s * _SECOND_US) for s in (900, 300, 60, 30, 10, 5, 4, 2, 1, 0.5))
"""What wearables keep to; the longest is taken in which no two readings fall together."""
_GAP_US = 3600 * _SECOND_US
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Run:
    """Readings that follow each other: µs since 1970, values (not a number where unusable)."""

    times: Ints
    values: Floats


def can_be_sampled(kind: Kind) -> bool:
    """Say whether a kind is a stream of numbers that each say something."""
    return KINDS[kind].holds is not None and not KINDS[kind].waveform


def add_samples(
    entries: Entries, window: Window, tz: ZoneInfo, subject: Json, gateway: Gateway
) -> list[Json]:
    """Add a window's readings; return the References. Raises `ExportError` for an overview."""
    if window.step is not None:
        raise ExportError(
            f"Of so long a period {KINDS[window.kind].title} is read as averages only.",
            "Ask for at most two days with --from and --to, or leave --series sampled out.",
        )
    kind = window.kind
    return [  # two sensors at once are two series
        entries.add(_sampled(run, kind, tz, subject, gateway))
        for one in window.by_device()
        for run in _runs(one, tz)
    ]


def _runs(window: Window, tz: ZoneInfo) -> Iterator[_Run]:
    times = micros(window)
    unusable = (window.quality & int(UNUSABLE)) != 0
    values = np.where(unusable | ~np.isfinite(window.values), np.nan, window.values)
    first = 0
    while first < len(times):
        ends = _ends(moment(np.datetime64(int(times[first]), "us")), tz)
        last = int(np.searchsorted(times, ends))
        far = np.flatnonzero(np.diff(times[first:last]) >= _GAP_US)
        last = first + int(far[0]) + 1 if len(far) else last
        if not np.isnan(values[first:last]).all():
            yield _Run(times[first:last], values[first:last])
        first = last


def _ends(start: datetime, tz: ZoneInfo) -> int:
    """The midnight after a time, and never more than a day away, in µs."""
    midnight = day_bounds(start.astimezone(tz).date(), tz)[1]
    return micro(min(midnight, start + _DAY))


def _slots(run: _Run) -> tuple[int, Ints]:
    """The longest period in which no two readings fall together, and each reading's slot."""
    since = run.times - run.times[0]
    for period in _PERIODS_US:
        slots = since // period
        if len(np.unique(slots)) == len(slots):
            return period, slots
    return _PERIODS_US[-1], since // _PERIODS_US[-1]


def _sampled(run: _Run, kind: Kind, tz: ZoneInfo, subject: Json, gateway: Gateway) -> Json:
    info = KINDS[kind]
    period, slots = _slots(run)
    texts = ["E"] * (int(slots[-1]) + 1)
    for slot, value in zip(slots.tolist(), run.values.tolist(), strict=True):
        texts[slot] = "E" if np.isnan(value) else f"{coding.digits(value, info.decimals):f}"
    start = moment(np.datetime64(int(run.times[0]), "us"))
    whole = "E" not in texts
    lost = len(slots) - len(set(slots.tolist()))
    note = f"Readings left out, for a later one came within {period / _SECOND_US:g} s: {lost}."
    origin = gateway.measured(kind, -1, guide="PhdRtsaObservation", profiles=[])
    if not whole:
        origin.pop("meta", None)
    return {
        "resourceType": "Observation",
        **origin,
        "status": "final",
        "code": mdc.measurement_code(kind),
        "subject": subject,
        "effectivePeriod": coding.period(start, start + timedelta(microseconds=period * len(texts)), tz),
        **({"note": [{"text": note}]} if lost else {}),
        "valueSampledData": {
            "origin": coding.quantity(Decimal(0), info.ucum, info.unit),
            "period": Decimal(period) / 1000,
            "factor": Decimal(1),
            "dimensions": 1,
            "data": " ".join(texts),
        },
    }
