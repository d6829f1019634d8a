"""Values that are longer than a notification: cut into segments by the sensor, joined again here.

The first byte of each segment says whether it is the first and the last of its value, and counts on from
0 to 63 and over. A link passes every value that it receives through one `Joiner` a connection; the values of
all other characteristics come out as they went in.

Source: Generic Health Sensor Service 1.0, by Philips' client and ST's server for it. The activity monitor's
header is that of the payloads of bluetooth-sig-python (Physical Activity Monitor Service 1.0); in the draft
that Philips built, the bits below the first counted the segments still to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 65536
"""Bytes at which a value that never ends is given up."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first byte of a segment."""

    first: bool
    last: bool
    counter: int = 0

    @property
    def whole(self) -> bool:
        """Whether the segment is all of its value."""
        return self.first and self.last


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a service keeps the three parts of a segment's header."""

    first: int
    last: int
    shift: int

    def read(self, byte: int) -> Header:
        """Take a header apart."""
        return Header(bool(byte & self.first), bool(byte & self.last), byte >> self.shift & 0x3F)

    def write(self, header: Header) -> bytes:
        """Put a header together."""
        if not 0 <= header.counter <= 0x3F:
            raise ValueError(f"segment {header.counter} is not one of 0 to 63")
        parts = (self.first if header.first else 0) | (self.last if header.last else 0)
        return bytes((parts | header.counter << self.shift,))


HEALTH_SENSOR = Layout(first=0x01, last=0x02, shift=2)
ACTIVITY_MONITOR = Layout(first=0x80, last=0x40, shift=0)

SEGMENTED: Mapping[str, Layout] = {
    **dict.fromkeys(("2B8B", "2BDD"), HEALTH_SENSOR),
    **dict.fromkeys(("2B3C", "2B3D", "2B3E", "2B3F", "2B40", "2B41", "2B42"), ACTIVITY_MONITOR),
}
"""The characteristics whose values come in segments."""


class Joiner:
    """Joins the segments of one connection."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, bytes]] = {}

    def take(self, characteristic: str, value: bytes) -> bytes | None:
        """Take what was received: the whole value once its last segment is here, `None` before.

        A segment that does not follow the one before comes out as it is, to be refused by its decoder and so
        counted; what was begun is lost with it.
        """
        layout = SEGMENTED.get(characteristic)
        if layout is None or not value:
            return value
        header = layout.read(value[0])
        counter, begun = self._begun.pop(characteristic, (-1, b""))
        if header.whole:
            return value
        if header.first:
            self._begun[characteristic] = (header.counter, bytes(value[1:]))
            return None
        if counter < 0 or header.counter != (counter + 1) % 64 or len(begun) + len(value) > _LONGEST:
            return value
        begun += value[1:]
        if header.last:
            return layout.write(Header(True, True, header.counter)) + begun
        self._begun[characteristic] = (header.counter, begun)
        return None


def cut(characteristic: str, value: bytes, longest: int, counter: int = 0) -> list[bytes]:
    """Cut a whole value as its sensor would: into segments of at most `longest` bytes, header included."""
    layout, body, room = SEGMENTED[characteristic], value[1:], longest - 1
    parts = [body[at : at + room] for at in range(0, len(body), room)] or [b""]
    headers = (Header(n == 0, n == len(parts) - 1, (counter + n) % 64) for n in range(len(parts)))
    return [layout.write(header) + part for header, part in zip(headers, parts, strict=True)]
