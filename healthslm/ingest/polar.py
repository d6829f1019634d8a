"""Polar's streams: ECG and acceleration sample by sample, movement every ten seconds, pulse intervals."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import sqrt

from device.vendors.polar import PmdFrame
from device.vendors.polar_control import PmdControlPoint, PmdResponse
from device.vendors.polar_frames import AccFrame, EcgFrame, PmdType, PpiFrame
from healthslm.ingest.heard import Heard
from healthslm.ingest.state import Shaking
from healthslm.readings import KINDS, QUALITIES, Kind, Quality

_STEPS_NS = {"ecg": 1_000_000_000 // 130, "acc": 20_000_000}
"""From sample to sample, until two frames have said it: 130 Hz, the strap's only rate, and 50 Hz."""
DRIFT = timedelta(seconds=2)
"""How far a sensor's clock may drift from reception before its offset is taken anew."""
LEAST_SAMPLES = 50
"""Of ten seconds of acceleration; the slowest stream there is, 25 Hz, has 250."""
FLAT_NS = 500_000_000
"""Samples that are all equal for half a second are of no heart: between two beats an amplifier still hums."""


def frame(measurement: PmdFrame, heard: Heard) -> None:
    """Take a frame of any stream."""
    if isinstance(measurement, EcgFrame):
        _ecg(measurement, heard)
    elif isinstance(measurement, AccFrame):
        _acceleration(measurement, heard)
    elif isinstance(measurement, PpiFrame):
        _pulse(measurement, heard)


def control(measurement: PmdControlPoint, heard: Heard) -> None:
    """Keep the factor of compressed acceleration, which the sensor gives when it is started."""
    if isinstance(measurement, PmdResponse) and measurement.measurement_type == PmdType.ACC:
        heard.state.factor = measurement.factor or heard.state.factor


def _ecg(measurement: EcgFrame, heard: Heard) -> None:
    samples = measurement.samples
    times, bits = _times("ecg", measurement.timestamp_ns, len(samples), heard)
    step = _step("ecg", heard)
    if min(samples) == max(samples) and step * len(samples) >= FLAT_NS:
        bits |= Quality.FLAT_LINE.value
    quality = QUALITIES[bits]
    for at, sample in zip(times, samples, strict=True):
        heard.add(Kind.ECG, float(sample), quality, at)


def _acceleration(measurement: AccFrame, heard: Heard) -> None:
    factor = 1.0
    if measurement.compressed:
        if heard.state.factor is None:
            heard.refuse("acceleration: the sensor did not say by which factor its samples are to be taken")
            return
        factor = heard.state.factor * (1000.0 if measurement.frame_type == 0 else 1.0)
    times, bits = _times("acc", measurement.timestamp_ns, len(measurement.samples), heard)
    quality = QUALITIES[bits]
    for at, (x, y, z) in zip(times, measurement.samples, strict=True):
        value = round(factor * sqrt(x * x + y * y + z * z), 1)
        heard.add(Kind.ACCELERATION, value, quality, at)
        if not bits and value <= KINDS[Kind.ACCELERATION].high:
            _moving(at, value, heard)


def _moving(at: datetime, value: float, heard: Heard) -> None:
    """Take a sample into its ten seconds of the clock; when those are over, say how much they varied.

    What the rules need of hours of acceleration is that: hours of samples would be millions.
    """
    number, shaking = int(at.timestamp()) // 10, heard.state.shaking
    if shaking is None or number != shaking.number:
        if shaking is not None and shaking.count >= LEAST_SAMPLES:
            heard.add(Kind.MOVEMENT, round(shaking.spread, 1), at=shaking.last)
        shaking = heard.state.shaking = Shaking(number=number, last=at)
    shaking.last = at
    shaking.count += 1
    shaking.total += value
    shaking.squares += value * value


def _pulse(measurement: PpiFrame, heard: Heard) -> None:
    """Take the intervals, the last of which ended when the frame came; its heart rate comes as 2A37 too."""
    at = heard.received_at - timedelta(milliseconds=sum(s.interval for s in measurement.samples))
    for sample in measurement.samples:
        at += timedelta(milliseconds=sample.interval)
        quality = Quality.GOOD if sample.valid else Quality.SENSOR_FAULT
        if sample.skin_contact is False:
            quality |= Quality.NO_CONTACT
        heard.add(Kind.PULSE_INTERVAL, float(sample.interval), quality, at)


def _step(stream: str, heard: Heard) -> int:
    known = heard.state.offsets.get(stream)
    return known[1] if known is not None else _STEPS_NS[stream]


def _times(stream: str, timestamp: int, count: int, heard: Heard) -> tuple[list[datetime], int]:
    """When each sample was: by the sensor's clock, moved by the least delay that a frame ever had.

    The step is that from the last frame to this one, unless one was lost between. A clock that stands still
    or goes back says nothing: then the samples end at reception, and are marked `FROZEN`.
    """
    known, received = heard.state.offsets.get(stream), heard.received_at
    step, bits = _step(stream, heard), 0
    base = timedelta(microseconds=timestamp // 1000)
    offset = received - (_EPOCH + base) if timestamp < _TOO_FAR else timedelta()
    if known is not None:
        passed = timestamp - known[0]
        if passed <= 0:
            bits = Quality.FROZEN.value
        elif passed < 1.5 * step * count:  # else a frame is missing
            step = passed // count
        if not bits and abs(offset - known[2]) <= DRIFT:
            offset = min(offset, known[2])
    heard.state.offsets[stream] = (timestamp, step, offset)
    end = received if bits or timestamp >= _TOO_FAR else _EPOCH + base + offset
    return [end - timedelta(microseconds=step * (count - 1 - i) // 1000) for i in range(count)], bits


_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_TOO_FAR = 200 * 365 * 86_400 * 1_000_000_000
"""No clock is so late: such a timestamp is damaged."""
