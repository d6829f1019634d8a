"""Read an archive of healthslm with nothing of healthslm: what is in it, and every reading of its series.

    python examples/read_an_archive.py healthslm-archive-2026-03-01-to-2026-03-31.zip

Prints the series, then each single reading, as JSON lines. Needs numpy. The format: docs/exports.md.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct("<BBBBIqq")


def unsigned(data: bytes, count: int, width: int) -> NDArray[np.uint64]:
    """Undo the byte planes: all lowest bytes first, then all second ones, and so on."""
    planes = np.frombuffer(zlib.decompress(data), np.uint8).reshape(width, count)
    numbers = np.zeros(count, np.uint64)
    for place in range(width):
        numbers |= planes[place].astype(np.uint64) << np.uint64(8 * place)
    return numbers


def signed(data: bytes, count: int) -> NDArray[np.int64]:
    """Undo the folding of 0, -1, 1, -2 to 0, 1, 2, 3; the first byte says how many planes there are."""
    folded = unsigned(data[1:], count, data[0])
    return (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)


def block(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the times (µs since 1970, UTC), values and quality of one block."""
    _version, how_times, how_values, how_quality, count, first, pace = HEAD.unpack_from(data)
    parts, at = [], HEAD.size
    for _ in range(4):
        (size,) = struct.unpack_from("<I", data, at)
        parts.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    whole, rest, value_part, quality_part = parts
    if how_values == 9:  # the doubles as they are
        values = unsigned(value_part, count, 8).view(np.float64)
    else:
        steps = np.cumsum(signed(value_part, count))
        if how_values == 8:  # 1/1024 s as milliseconds
            values = np.rint(steps * (1e6 / 1024)) / 1e6 * 1000.0
        else:
            values = steps / 10.0**how_values
    moved = np.zeros(count, np.int64)
    moved[1:] = signed(whole, count - 1)
    if how_times == 1:  # each ends as much later as its value says, in milliseconds
        moved[1:] += np.rint(np.clip(values[1:], -1e12, 1e12) * 1000).astype(np.int64)
    else:
        moved = (moved + pace) * 1000
        if rest:
            moved[1:] += unsigned(rest[1:], count - 1, rest[0]).view(np.int64)
    moved[0] = first
    if how_quality == 0:
        quality = np.full(count, np.frombuffer(quality_part, "<i2")[0], np.int64)
    else:
        quality = signed(quality_part, count)
    return np.cumsum(moved), values, quality


def blocks(data: bytes) -> Iterator[bytes]:
    """Cut a member into its blocks: each has its length in front."""
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def main(path: str) -> None:
    """Print what is in an archive."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for member in manifest["members"]:
            if hashlib.sha256(archive.read(member["name"])).hexdigest() != member["sha256"]:
                sys.exit(f"{member['name']} is not what was written")
        for line in archive.read("streams.jsonl").splitlines():
            stream = json.loads(line)
            for data in blocks(archive.read(f"streams/{stream['number']}.bin")):
                for time, value, quality in zip(*(part.tolist() for part in block(data)), strict=True):
                    row = {"kind": stream["kind"], "device": stream["device"], "time_us": time}
                    print(json.dumps({**row, "value": value, "quality": quality}))
        sys.stdout.write(archive.read("readings.jsonl").decode())


if __name__ == "__main__":
    main(sys.argv[1])
