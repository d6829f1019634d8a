"""Contec's oximeter CMS50D-BT, and EMAY's SleepO2, which is one: live values on service FF12.

Every frame begins with a byte of 128 or more, the rest of it has seven bits a byte, and its last byte is the
sum of all others in seven bits. Values come once a second after they were asked for, as long as the device
hears from the one who asked.

Source: icefest/pulseoxdl (the same frames over USB, from a CMS50E), the notes on the CMS50D-BT in
tobiasisenberg/OxiVis issue 2 and nringelstein/CMS50D-BT, OSCAR's SleepLib (the lengths of frames, what a
model is called on the air), and the public SleepO2 code of Ground Effect Software. Not covered: the pulse
wave and answers to commands, which are recognised and passed over; stored recordings; models that encrypt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from device.errors import LinkError
from device.gatt.fields import Reader
from device.vendors.family import Family, Talk
from device.vendors.framing import Reassembly, sum7

SERVICE, WRITE, NOTIFY = "FF12", "FF01", "FF02"
_LIVE = 0xEB
_VALUES = 0x01
_LENGTHS = {0x00: 6, _VALUES: 8, 0x02: 8, 0x7F: 3}
"""Bytes of a live frame, by its second byte."""
_LONGEST = 40
_RATE_HIGH, _NO_INDEX, _FINGER_OUT = 0x02, (0x7F, 0x00), 0x7F


def command(*body: int) -> bytes:
    """Make a command."""
    return bytes((*body, sum7(body)))


START = command(0x9B, 0x01)
"""Asks for values once a second."""
PING = command(0x9A)
"""Keeps them coming."""


@dataclass(frozen=True, slots=True)
class ContecMeasurement:
    """One frame of values (FF02), whole, from EB 01 to its sum.

    `spo2` in % and `pulse_rate` in beats a minute are `None` without a finger or while there is no value.
    `perfusion_index` in %; `None` on models without one, which is why 1.27 % cannot come out (it is sent as
    the same two bytes). `flags` are the bits of the third byte whose meaning is not public.
    """

    UUID: ClassVar[str] = NOTIFY

    spo2: int | None
    pulse_rate: int | None
    perfusion_index: float | None = None
    flags: int = 0x04

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a wrong sum, another frame, or an SpO2 above 100 %."""
        fields = Reader(cls.UUID, value)
        if (fields.uint8("its first byte"), fields.uint8("its kind")) != (_LIVE, _VALUES):
            raise fields.error("it is no frame of values")
        flags, rate, spo2 = (fields.uint8("a value") for _ in range(3))
        low, high = fields.uint8("the perfusion index"), fields.uint8("the perfusion index")
        total = fields.uint8("the sum")
        fields.end()
        if any(byte & 0x80 for byte in value[1:]):
            raise fields.error("a byte has eight bits")
        if sum7(value[:-1]) != total:
            raise fields.error("its sum is wrong")
        if 100 < spo2 < _FINGER_OUT:
            raise fields.error(f"an SpO2 of {spo2} %")
        rate |= 0x80 if flags & _RATE_HIGH else 0
        return cls(
            None if spo2 in (0, _FINGER_OUT) else spo2,
            None if rate in (0, 0xFF) else rate,
            None if (low, high) == _NO_INDEX else (low | high << 7) / 100,
            flags & ~_RATE_HIGH,
        )

    def __bytes__(self) -> bytes:
        rate = 0xFF if self.pulse_rate is None else self.pulse_rate
        spo2 = _FINGER_OUT if self.spo2 is None else self.spo2
        flags = self.flags | (_RATE_HIGH if rate & 0x80 else 0)
        low, high = _NO_INDEX
        if self.perfusion_index is not None:
            raw = round(self.perfusion_index * 100)
            low, high = raw & 0x7F, raw >> 7
        return command(_LIVE, _VALUES, flags, rate & 0x7F, spo2, low, high)

    @property
    def finger_in(self) -> bool:
        """Whether there is a value of SpO2: the device tells a missing finger in no other way."""
        return self.spo2 is not None


def _length(stream: bytes) -> int | None:
    """By the second byte for live frames; others go on to the next byte of eight bits."""
    if stream[0] < 0x80:
        return 0
    after = next((i for i in range(1, len(stream)) if stream[i] & 0x80), None)
    if stream[0] != _LIVE:
        if after is None:
            return None if len(stream) <= _LONGEST else 0
        return after if 2 <= after <= _LONGEST else 0
    if len(stream) < 2:
        return None
    size = _LENGTHS.get(stream[1], 0)
    return 0 if after is not None and after < size else size


class ContecConversation:
    """Asks for values and keeps them coming: a ping every `period` seconds, asking anew when none came.

    `most_silent` periods in a row without a frame end the link. `pause` waits; tests have their own.
    """

    listens = frozenset({NOTIFY})

    def __init__(
        self,
        wanted: Collection[str] = (),
        *,
        period: float = 2.0,
        most_silent: int = 15,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = Reassembly(_length, lambda frame: sum7(frame[:-1]) == frame[-1])
        self._period = period
        self._most = most_silent
        self._pause = pause
        self._silent = 0

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Put the frames together; garbage comes out under the same name, where it is refused."""
        if characteristic != NOTIFY:
            return [(characteristic, value)]
        heard = []
        for whole, piece in self._stream.feed(value):
            values = whole and piece[0] == _LIVE and piece[1] == _VALUES
            if values:
                self._silent = 0
            if values or not whole:
                heard.append((NOTIFY, piece))
        return heard

    async def talk(self, talk: Talk) -> None:
        """Ask for values, and go on asking. Raises `LinkError` when none come."""
        await talk.write(WRITE, START)
        while self._silent < self._most:
            await self._pause(self._period)
            self._silent += 1
            await talk.write(WRITE, PING if self._silent == 1 else START)
        raise LinkError(
            f"it sent no values for {self._most * self._period:g} s.",
            "Some models of the maker encrypt what they send, and are not understood here.",
        )


FAMILY = Family(
    name="Contec",
    services={SERVICE: "Contec oximeter"},
    names=("SpO208",),
    characteristics={NOTIFY: ContecMeasurement},
    converse=ContecConversation,
)
