"""What a dense reading's id is: its stream and its time, so that it need not be stored.

Sparse readings have ids of their own, counted from 1; all dense ones are above `DENSE`.
"""

from __future__ import annotations

from healthslm.readings import Kind

DENSE = 1 << 62
_TIME_BITS = 51
_EPOCH = 946_684_800_000_000
"""2000-01-01 UTC, in µs since 1970: 51 bits reach from there to May 2071."""
STREAMS = 1 << (62 - _TIME_BITS)
"""How many streams can be told apart."""
EARLIEST, LATEST = _EPOCH, _EPOCH + (1 << _TIME_BITS) - 1
"""The times, in µs since 1970, that such an id can say."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def name(id: int) -> str:
    """Write an id as a person reads and types it: a dense one as `d` and letters, others as they are."""
    if id < DENSE:
        return str(id)
    left, letters = id - DENSE, ""
    while left:
        left, digit = divmod(left, 36)
        letters = _DIGITS[digit] + letters
    return f"d{letters or '0'}"


def parse(text: str) -> int:
    """Read what `name` wrote. Raises `ValueError` for anything else."""
    plain = text.strip().removeprefix("#").lower()
    try:
        id_ = int(plain[1:], 36) + DENSE if plain.startswith("d") else int(plain)
    except ValueError:
        id_ = 0
    if not 0 < id_ < 1 << 63 or name(id_) != plain:
        raise ValueError(f"{text!r} is not the id of a reading")
    return id_


DAY_US, HOUR_US, MINUTE_US = 86_400_000_000, 3_600_000_000, 60_000_000
# How long a segment's span is, in µs. A waveform has a day's readings in ten minutes.
SPANS = {
    Kind.HEART_RATE: DAY_US,
    Kind.RR_INTERVAL: DAY_US,
    Kind.SPO2: DAY_US,
    Kind.PULSE_RATE: DAY_US,
    Kind.RESPIRATORY_RATE: DAY_US,
    Kind.PERFUSION_INDEX: DAY_US,
    Kind.PULSE_INTERVAL: DAY_US,
    Kind.SPEED: DAY_US,
    Kind.CADENCE: DAY_US,
    Kind.MOVEMENT: DAY_US,
    Kind.ECG: 10 * MINUTE_US,
    Kind.ACCELERATION: 10 * MINUTE_US,
}
"""The kinds that come all the time, and how long a span of each makes one segment."""


def dense_id(stream: int, time_us: int) -> int:
    """Return the id of a stream's reading at a time."""
    return DENSE + (stream << _TIME_BITS) + time_us - _EPOCH


def stream_and_time(id: int) -> tuple[int, int]:
    """Return the stream and the time of a dense id."""
    return id >> _TIME_BITS & STREAMS - 1, (id & (1 << _TIME_BITS) - 1) + _EPOCH


def span_start(kind: Kind, time_us: int) -> int:
    """Return where the span of a segment begins that a time falls into."""
    return time_us - time_us % SPANS[kind]
