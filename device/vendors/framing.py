"""Frames that come cut into several values, or several in one: put together, and told from garbage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

Length = Callable[[bytes], int | None]
"""From bytes that begin like a frame: how long it is; `None` when more are needed to tell, 0 for no frame."""
Whole = Callable[[bytes], bool]
"""Whether the checksum of a frame is right."""


class Reassembly:
    """A stream of bytes, cut anywhere, in; frames and garbage out, every byte once and in order.

    After a frame that is damaged the search goes on behind its first byte, so that what follows is found.
    `length` is asked often, and must give no more than the longest frame that can be meant: a damaged
    length would hold back everything after it for as long.
    """

    def __init__(self, length: Length, whole: Whole) -> None:
        self._length = length
        self._whole = whole
        self._held = b""

    def feed(self, value: bytes) -> Iterator[tuple[bool, bytes]]:
        """Take the next bytes. Yields `True` with a frame, `False` with bytes that belong to none."""
        stream = self._held + value
        self._held = b""
        garbage = at = 0
        while at < len(stream):
            size = self._length(stream[at:])
            if size is None or size > len(stream) - at:
                break
            frame = stream[at : at + size]
            if size == 0 or not self._whole(frame):
                at += 1
                continue
            if garbage < at:
                yield False, stream[garbage:at]
            yield True, frame
            garbage = at = at + size
        self._held = stream[at:]
        if garbage < at:
            yield False, stream[garbage:at]


def _after(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1 ^ 0x07) & 0xFF if byte & 0x80 else byte << 1
    return byte


def _after_maxim(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0x8C if byte & 1 else byte >> 1
    return byte


_CRC8 = bytes(_after(byte) for byte in range(256))
_CRC8_MAXIM = bytes(_after_maxim(byte) for byte in range(256))


def crc8(data: Iterable[int]) -> int:
    """CRC-8 with the polynomial x⁸ + x² + x + 1, from 0 ("CRC-8/SMBUS")."""
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def crc8_maxim(data: Iterable[int]) -> int:
    """CRC-8 with the polynomial x⁸ + x⁵ + x⁴ + 1, lowest bit first, from 0 ("CRC-8/MAXIM-DOW")."""
    crc = 0
    for byte in data:
        crc = _CRC8_MAXIM[crc ^ byte]
    return crc


def sum7(data: Iterable[int]) -> int:
    """The sum of all bytes, in seven bits."""
    return sum(data) & 0x7F
