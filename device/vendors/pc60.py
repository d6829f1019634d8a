"""The fingertip oximeter PC-60FW (Lepu, Creative Medical, Viatom; sold as Wellue) and its kin.

It speaks unasked over Nordic's UART service, which many other devices have: it is recognised by its name.
Frames begin with AA 55 and end with a CRC-8, and come cut anywhere.

Source: the maker's demo app (viatomEcho/LepuBle: PC60FwBleResponse, Pc60FwBleInterface, the names of its
kin in Bluetooth.java), sza2/viatom_pc60fw. Not covered: the pulse wave and the working state, which are
recognised and passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import ClassVar, Self

from device.errors import DecodeError
from device.gatt.fields import Reader
from device.vendors.family import Family, Talk
from device.vendors.framing import Reassembly, crc8_maxim

NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
_START = b"\xaa\x55"
_OXIMETER, _DEVICE = 0x0F, 0xF0
_HEAD = 4
_LONGEST = 64


class Pc60Status(IntFlag):
    """What the oximeter says of its values; the other bits have no public meaning."""

    PROBE_OFF = 2
    """No finger in it."""
    PULSE_SEARCHING = 4


@dataclass(frozen=True, slots=True)
class Pc60Frame:
    """One frame (6e400003), whole, from AA 55 to its CRC: a `Pc60Measurement` or a `Pc60Battery`."""

    UUID: ClassVar[str] = NOTIFY
    KIND: ClassVar[tuple[int, int]] = (0, 0)
    """The token and type by which a frame is told from others."""

    @classmethod
    def from_bytes(cls, value: bytes) -> Pc60Frame:
        """Decode. Raises `DecodeError` for a wrong CRC, a frame of another kind, or values that cannot be."""
        for frame in (Pc60Measurement, Pc60Battery):
            if (*value[2:3], *value[4:5]) == frame.KIND:
                return frame.from_bytes(value)
        raise DecodeError(cls.UUID, value, "it is no frame with values that are understood here")

    def __bytes__(self) -> bytes:
        raise ValueError("make a Pc60Measurement or a Pc60Battery")


def _open(kind: tuple[int, int], value: bytes) -> Reader:
    """Check what every frame begins and ends with; the reader then stands at the content."""
    fields = Reader(NOTIFY, value)
    start = bytes((fields.uint8("its first byte"), fields.uint8("its second byte")))
    token, size = fields.uint8("the token"), fields.uint8("the length")
    if start != _START or (token, fields.uint8("the type")) != kind:
        raise fields.error("it does not begin as such a frame does")
    if len(value) != _HEAD + size:
        raise fields.error(f"it announces {size} more bytes, and has {len(value) - _HEAD}")
    if crc8_maxim(value):
        raise fields.error("its CRC is wrong")
    return fields


def _close(kind: tuple[int, int], content: bytes) -> bytes:
    frame = _START + bytes((kind[0], len(content) + 2, kind[1])) + content
    return frame + bytes((crc8_maxim(frame),))


@dataclass(frozen=True, slots=True)
class Pc60Measurement(Pc60Frame):
    """Values, about once a second.

    `spo2` in %, `pulse_rate` in beats a minute, `perfusion_index` in %: `None` while there is none (sent as
    0). `reserved` is a last byte without a public meaning.
    """

    KIND: ClassVar[tuple[int, int]] = (_OXIMETER, 0x01)

    spo2: int | None
    pulse_rate: int | None
    perfusion_index: float | None
    status: Pc60Status = field(default=Pc60Status(0))
    reserved: int = 0

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a wrong CRC, another kind or length, or an SpO2 above 100 %."""
        fields = _open(cls.KIND, value)
        if len(value) != 12:
            raise fields.error(f"{len(value)} bytes, not the 12 of a frame of values")
        spo2 = fields.uint8("SpO2")
        if spo2 > 100:
            raise fields.error(f"an SpO2 of {spo2} %")
        rate, index = fields.uint16("the pulse rate"), fields.uint8("the perfusion index")
        status = Pc60Status(fields.uint8("the status"))
        return cls(spo2 or None, rate or None, index / 10 if index else None, status, fields.uint8("a byte"))

    def __bytes__(self) -> bytes:
        content = bytes((self.spo2 or 0,)) + (self.pulse_rate or 0).to_bytes(2, "little")
        content += bytes((round((self.perfusion_index or 0) * 10), self.status, self.reserved))
        return _close(self.KIND, content)

    @property
    def finger_in(self) -> bool:
        """Whether there is a finger in it; without one the values are of no use."""
        return Pc60Status.PROBE_OFF not in self.status


@dataclass(frozen=True, slots=True)
class Pc60Battery(Pc60Frame):
    """The battery's `level`: 0 (empty) to 3 (full)."""

    KIND: ClassVar[tuple[int, int]] = (_DEVICE, 0x03)

    level: int

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a wrong CRC, another kind or length, or a level above 3."""
        fields = _open(cls.KIND, value)
        level = fields.uint8("the level")
        if len(value) != 7 or level > 3:
            raise fields.error("it is no level of 0 to 3")
        return cls(level)

    def __bytes__(self) -> bytes:
        return _close(self.KIND, bytes((self.level,)))


_KNOWN = {Pc60Measurement.KIND, Pc60Battery.KIND}


def _length(stream: bytes) -> int | None:
    if not _START.startswith(stream[:2]) or (len(stream) > 2 and stream[2] not in (_OXIMETER, _DEVICE)):
        return 0
    if len(stream) < _HEAD:
        return None
    return _HEAD + stream[3] if 2 <= stream[3] <= _LONGEST else 0


class Pc60Conversation:
    """Listens, and puts frames together. Whole frames of other kinds are passed over."""

    listens = frozenset({NOTIFY})

    def __init__(self, wanted: Collection[str] = ()) -> None:
        self._stream = Reassembly(_length, lambda frame: crc8_maxim(frame) == 0)

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Put the frames together; garbage comes out under the same name, where it is refused."""
        if characteristic != NOTIFY:
            return [(characteristic, value)]
        pieces = self._stream.feed(value)
        return [(NOTIFY, piece) for whole, piece in pieces if not whole or (piece[2], piece[4]) in _KNOWN]

    async def talk(self, talk: Talk) -> None:
        """Say nothing: it sends by itself."""


FAMILY = Family(
    name="PC-60FW",
    names=("PC-60F_SN", "PC-60FW", "PC-60NW", "PC-60B", "POD-1_SN", "POD-1W", "POD-2B_SN", "OxySmart"),
    characteristics={NOTIFY: Pc60Frame},
    converse=Pc60Conversation,
)
