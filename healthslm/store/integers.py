"""Arrays of whole numbers as few bytes: folded, cut into byte planes, deflated.

Deflate sees a column best one byte plane after the other: the high planes are nearly all zeros.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]
_LEVEL = 6
_SIZE = struct.Struct("<I")


def frame(parts: Iterable[bytes]) -> bytes:
    """Write parts one behind the other, each with its length in front."""
    return b"".join(_SIZE.pack(len(part)) + part for part in parts)


def unframe(data: bytes, at: int, count: int) -> list[bytes]:
    """Read so many parts from there on. Raises `ValueError` or `struct.error` when one is cut."""
    parts = []
    for _ in range(count):
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size
        parts.append(data[at : at + size])
        if len(parts[-1]) != size:
            raise ValueError("cut")
        at += size
    return parts


def pack(numbers: Int64s) -> bytes:
    """Write signed numbers; small ones in few bytes."""
    return pack_unsigned(((numbers << 1) ^ (numbers >> 63)).view(np.uint64))  # 0, -1, 1, -2 as 0, 1, 2, 3


def unpack(data: bytes, count: int) -> Int64s:
    """Read `count` signed numbers. Raises `ValueError` (or `zlib.error`, `IndexError`) for other bytes."""
    if data[0] == 1:  # as nearly always: looked up is faster than computed
        return _UNFOLDED[_inflated(data[1:], count)]
    folded = unpack_unsigned(data, count)
    return (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)


def pack_unsigned(numbers: Uint64s) -> bytes:
    """Write numbers in as few bytes each as the largest takes; that many is the first byte."""
    width = max(1, (int(numbers.max()).bit_length() + 7) // 8) if len(numbers) else 1
    return bytes((width,)) + planes(numbers, width)


def unpack_unsigned(data: bytes, count: int) -> Uint64s:
    """Read `count` numbers. Raises as `unpack` does."""
    width = data[0]
    if not 1 <= width <= 8:
        raise ValueError("numbers of an impossible width")
    return from_planes(data[1:], width, count)


def planes(numbers: Uint64s, width: int = 8) -> bytes:
    """Deflate the lowest bytes of all, then the next ones, `width` of them."""
    octets = numbers.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :width]
    return zlib.compress(np.ascontiguousarray(octets.T).tobytes(), _LEVEL)


def from_planes(data: bytes, width: int, count: int) -> Uint64s:
    """Read what `planes` wrote. Raises `ValueError` for more numbers or fewer; makes no room for more."""
    plain = _inflated(data, width * count)
    numbers = plain[:count].astype(np.uint64)
    for plane in range(1, width):
        numbers |= plain[plane * count : (plane + 1) * count].astype(np.uint64) << np.uint64(8 * plane)
    return numbers


def _inflated(data: bytes, size: int) -> NDArray[np.uint8]:
    inflate = zlib.decompressobj()
    plain = inflate.decompress(data, size + 1)
    if len(plain) != size or not inflate.eof:
        raise ValueError("not as many numbers as announced")
    return np.frombuffer(plain, np.uint8)


_UNFOLDED = np.array([n >> 1 if n % 2 == 0 else -(n >> 1) - 1 for n in range(256)], np.int64)
