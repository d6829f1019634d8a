"""Hearts: the strap's rate and RR intervals, and the energy that it reckons from them."""

from __future__ import annotations

from datetime import timedelta

from device.gatt import HeartRateMeasurement
from healthslm.ingest.heard import Heard
from healthslm.readings import KINDS, QUALITIES, Kind, Quality, reading
from healthslm.readings.units import KJ_PER_KCAL

BEAT_DRIFT = timedelta(seconds=2)
"""How far the chain of beats may drift from the times of reception before it starts anew."""
FLAT_BEATS = 120
FLAT_MS = 60_000.0
"""So many RR intervals in a row, over so long, that are equal to 1/1024 s are a stuck sensor: the breath
alone moves a sleeper's (Task Force 1996), and a pacemaker's steady ones are found by the strap a sample
early or late. A rate that stands still says nothing: a paced heart's does all night."""
_ENERGY_FULL = 0xFFFF
"""The counter stays there (Heart Rate Service 1.0, section 3.1.1.3)."""

_GOOD, _NO_CONTACT, _IMPLAUSIBLE = Quality.GOOD, Quality.NO_CONTACT, int(Quality.IMPLAUSIBLE)
_RATE, _RR = Kind.HEART_RATE, Kind.RR_INTERVAL
_RATE_LOW, _RATE_HIGH = KINDS[_RATE].low, KINDS[_RATE].high
_RR_LOW, _RR_HIGH = KINDS[_RR].low, KINDS[_RR].high
_beats: dict[int, tuple[float, timedelta]] = {}
"""Every RR interval that was ever sent, in ms and as a span: at most 65,536 of them, mostly a few hundred."""


def strap(measurement: HeartRateMeasurement, heard: Heard) -> None:
    """Take a heart rate and its RR intervals. Written out, not by `heard.add`: it comes the most often."""
    quality = _NO_CONTACT if measurement.sensor_contact is False else _GOOD
    device, received_at, out = heard.device, heard.live(), heard.readings
    beats = measurement.rr_intervals
    times: list[tuple[float, timedelta]] = []
    if beats:
        times = [_beats.get(raw) or _beat(raw) for raw in beats]
        if _flat(beats, times, heard):
            quality = QUALITIES[quality.value | Quality.FLAT_LINE.value]
    rate = float(measurement.heart_rate)
    marked = quality if _RATE_LOW <= rate <= _RATE_HIGH else QUALITIES[quality.value | _IMPLAUSIBLE]
    out.append(reading(received_at, _RATE, rate, device, marked))
    if measurement.energy_expended is not None:
        _energy(measurement.energy_expended, heard)
    if not times:
        return
    # Beats follow each other without a hole, so their own sum is a better clock than the radio's delay.
    state = heard.state
    last = state.last_beat
    total = times[0][1]
    for _, span in times[1:]:
        total += span
    if last is None or not -BEAT_DRIFT <= last + total - received_at <= BEAT_DRIFT:
        last = received_at - total
    for ms, span in times:
        last += span
        marked = quality if _RR_LOW <= ms <= _RR_HIGH else QUALITIES[quality.value | _IMPLAUSIBLE]
        out.append(reading(last, _RR, ms, device, marked))
    state.last_beat = last


def _beat(raw: int) -> tuple[float, timedelta]:
    span = timedelta(seconds=raw / 1024)
    _beats[raw] = made = (span.total_seconds() * 1000, span)
    return made


def _flat(beats: tuple[int, ...], times: list[tuple[float, timedelta]], heard: Heard) -> bool:
    """Say whether the RR intervals have stood still for too long."""
    state = heard.state
    same, count = state.same_beat, state.same_beats
    for raw in beats:
        if raw == same:
            count += 1
        else:
            same, count = raw, 0
    state.same_beat, state.same_beats = same, count
    return count >= FLAT_BEATS and count * times[-1][0] >= FLAT_MS


def _energy(kilojoules: int, heard: Heard) -> None:
    """Take what the counter of energy grew by; a counter that went back was set to 0 in between."""
    before = heard.state.counters.get("energy")
    grown = heard.grown("energy", kilojoules)
    if grown is None and before is not None:
        grown = float(kilojoules)
    if grown and kilojoules != _ENERGY_FULL:
        heard.add(Kind.ENERGY, round(grown / KJ_PER_KCAL, 3))
