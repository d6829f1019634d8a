"""Payloads by the million: any bytes at all give a measurement that survives `bytes()`, or `DecodeError`.

`python -m tests.fuzz 10000000` takes some minutes; `tests/device/test_fuzz.py` does 100,000 on each test run.
Seeded: the same call gives the same payloads, and a failure says which payload of which characteristic.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from device import DecodeError, decode, gatt, vendors
from device.gatt.fields import crc16
from device.gatt.measurement import Measurement
from device.vendors.framing import crc8, crc8_maxim, sum7
from tests.fuzz_seeds import seeds

KINDS: Mapping[str, type[Measurement]] = {**gatt.CHARACTERISTICS, **vendors.CHARACTERISTICS}
LONGEST = 512  # bytes that an attribute may have
_MOST_KNOWN = 48
_WORDS = """
00 ff 80 7f ff07 0008 fe07 0208 0108 ffff7f00 00008000 ffffffff 0000 ffff 00000000 e0070000000000 aa55 55aa
"""
_TELLING = tuple(bytes.fromhex(word) for word in _WORDS.split())
"""Words that mean something in some format: ±0, NaN, infinities, not known, no date, a frame's beginning."""
_SEALS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: crc16(body).to_bytes(2, "little"),
    lambda body: bytes((crc8(body),)),
    lambda body: bytes((crc8_maxim(body),)),
    lambda body: bytes((sum7(body),)),
)
"""The checksums of the formats: without a right one nothing behind them would ever be reached."""


@dataclass
class Report:
    """What came of a run: how many payloads were decoded and refused by characteristic, and what broke."""

    decoded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many payloads there were."""
        return self.decoded.total() + self.refused.total()

    def add(self, other: Report) -> None:
        """Take in another run."""
        self.decoded += other.decoded
        self.refused += other.refused
        self.failures += other.failures


class Payloads:
    """Random and mutated payloads of every characteristic. Learns the valid ones that it comes upon."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.known = seeds(KINDS)
        self._first = 0

    def of(self, name: str) -> bytes:
        """Make the next payload of a characteristic."""
        dice, known = self._dice, self.known[name]
        draw = dice.random()
        if draw < 0.1 or not known:
            value = dice.randbytes(self._length())
        elif draw < 0.25:  # whatever the flags in front are, before a body that was right for others
            self._first = (self._first + 1) % 256
            value = bytes((self._first,)) + dice.choice(known)[1:]
        else:
            value = dice.choice(known)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 5))):
            value = self._mutated(value, dice.choice(known) if known else b"")
        if dice.random() < 0.2:
            value = self._sealed(value)
        return value[:LONGEST]

    def _length(self) -> int:
        return self._dice.randrange(24) if self._dice.random() < 0.9 else self._dice.randrange(LONGEST + 1)

    def _mutated(self, value: bytes, other: bytes) -> bytes:
        dice = self._dice
        at = dice.randrange(len(value) + 1)
        match dice.randrange(8):
            case 0 if value:
                at = dice.randrange(len(value))
                return value[:at] + bytes((value[at] ^ 1 << dice.randrange(8),)) + value[at + 1 :]
            case 1 if value:
                at = dice.randrange(len(value))
                return value[:at] + dice.randbytes(1) + value[at + 1 :]
            case 2:
                return value[:at]
            case 3:
                return value + dice.randbytes(dice.choice((1, 1, 2, 2, 4, 7, 16)))
            case 4:
                return value[:at] + other[dice.randrange(len(other) + 1) :]
            case 5:
                return value[:at] + dice.choice(_TELLING) + value[at:]
            case 6:
                word = dice.choice(_TELLING)
                return value[:at] + word + value[at + len(word) :]
            case _:
                end = dice.randrange(at, len(value) + 1)
                return value[:end] + value[at:end] + value[end:]

    def _sealed(self, value: bytes) -> bytes:
        """Put a right checksum at the end, or in the place of what is there."""
        seal = self._dice.choice(_SEALS)
        body = value[: -len(seal(value))] if value and self._dice.random() < 0.7 else value
        return body + seal(body)

    def learn(self, name: str, value: bytes) -> None:
        """Remember a payload that was valid, for others to be made of it."""
        known = self.known[name]
        if len(known) < _MOST_KNOWN:
            known.append(value)
        elif self._dice.random() < 0.01:
            known[self._dice.randrange(_MOST_KNOWN)] = value


def broken(name: str, value: bytes, kind: type[Measurement] | None = None) -> tuple[bool, str]:
    """Decode: whether it was a measurement, and what is wrong with how that ended ("" when all is well)."""
    kind = kind or KINDS[name]
    try:
        measurement = kind.from_bytes(value)
    except DecodeError as error:
        told = error.why and error.hex == value.hex() and str(error)
        return False, "" if told else f"{name} {value.hex()}: the error does not say what of"
    except Exception as error:  # what this whole module looks for
        return False, f"{name} {value.hex()}: {error!r}"
    try:
        again = kind.from_bytes(bytes(measurement))
    except Exception as error:  # whatever it is, bytes() did not survive
        return True, f"{name} {value.hex()}: {measurement!r} does not survive: {error!r}"
    return True, "" if again == measurement else f"{name} {value.hex()}: {measurement!r} becomes {again!r}"


def payloads(count: int, seed: int) -> Report:
    """Send `count` payloads through the decoders, each characteristic in turn."""
    making, report = Payloads(random.Random(seed)), Report()
    names = list(KINDS)
    for number in range(count):
        name = names[number % len(names)]
        value = making.of(name)
        decoded, what = broken(name, value)
        if decoded:
            report.decoded[name] += 1
            making.learn(name, value)
        else:
            report.refused[name] += 1
        if what:
            report.failures.append(what)
    return report


def flags(seed: int) -> Report:
    """Send bodies of random lengths behind each first byte, to every characteristic."""
    dice, report = random.Random(seed), Report()
    for first in range(256):
        for name in KINDS:
            for _ in range(3):
                decoded, what = broken(name, bytes((first,)) + dice.randbytes(dice.randrange(30)))
                (report.decoded if decoded else report.refused)[name] += 1
                report.failures += [what] if what else []
    return report


def conversations(count: int, seed: int) -> Report:
    """Send `count` raw values through every family's frames: whole ones, damaged ones, cut anywhere."""
    dice, report = random.Random(seed), Report()
    making = Payloads(dice)
    for family in vendors.FAMILIES:
        if family.converse is None:
            continue
        conversation = family.converse(tuple(family.streams))
        names = [*sorted(conversation.listens), "2A37"]
        known = [name for name in family.characteristics if name in making.known]
        stream = b""
        for _ in range(count):
            if len(stream) < 20:
                stream += making.of(dice.choice(known)) if known else dice.randbytes(20)
            cut = dice.choice((1, 3, 8, 20, 20, 20, 244))
            value, stream = stream[:cut], stream[cut:]
            for what in _nonsense(conversation, dice.choice(names), value, report):
                report.failures.append(f"{family.name}: {what}")
        if (size := held(conversation)) > 1 << 16:
            report.failures.append(f"{family.name}: the conversation keeps {size:,} bytes")
    return report


def _nonsense(
    conversation: vendors.Conversation, characteristic: str, value: bytes, report: Report
) -> Iterator[str]:
    """Let a conversation have one value; yield what went wrong."""
    try:
        frames = list(conversation.frames(characteristic, value))
    except Exception as error:  # it may raise nothing at all
        yield f"{characteristic} {value.hex()}: {error!r}"
        return
    for name, frame in frames:
        if name != characteristic and name not in KINDS:
            yield f"{characteristic} {value.hex()}: comes out under {name}, which nothing decodes"
        try:
            decode(name, frame)
            report.decoded[name] += 1
        except DecodeError:
            report.refused[name] += 1
        except Exception as error:  # what this whole module looks for
            yield f"{name} {frame.hex()}: {error!r}"


def held(thing: object, depth: int = 4) -> int:
    """Count the bytes and items that an object keeps."""
    if isinstance(thing, bytes | bytearray):
        return len(thing)
    if depth == 0:
        return 0
    if isinstance(thing, dict):
        return len(thing) + sum(held(value, depth - 1) for value in thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return len(thing) + sum(held(value, depth - 1) for value in thing)
    return sum(held(value, depth - 1) for value in getattr(thing, "__dict__", {}).values())


def _both(job: tuple[int, int]) -> Report:
    count, seed = job
    report = payloads(count, seed)
    report.add(conversations(max(1, count // 100), seed))
    return report


def main(arguments: Sequence[str]) -> int:
    """Run, and say what came of it; 1 when anything broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    told = parser.parse_args(arguments)
    report, began, share = Report(), time.monotonic(), 50_000
    jobs = [(min(share, told.count - at), told.seed + at) for at in range(0, told.count, share)]
    with multiprocessing.Pool(told.processes) as pool:
        for part in pool.imap_unordered(_both, jobs):
            report.add(part)
    for what in sorted(set(report.failures), key=len)[:50]:
        sys.stderr.write(f"{what}\n")
    for name in KINDS:
        sys.stdout.write(
            f"{name:38} {report.decoded[name]:>10,} decoded {report.refused[name]:>10,} refused\n"
        )
    took = time.monotonic() - began
    sys.stdout.write(f"{report.count:,} payloads, {len(report.failures)} failures, {took:.0f} s\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
