"""Viatom's worn oximeters (O2Ring, Checkme O2, SleepU; sold as Wellue and Lepu, too): live values.

Commands begin with AA, answers with 55; both end with a CRC-8. An answer does not name its command, so that
only one command is ever given: live values, about once a second. An answer may span several notifications.

Source: the maker's demo app (viatomEcho/LepuBle: OxyBleCmd, OxyBleResponse, OxyBleInterface), and o2r
(MackeyStingray/o2r). Not covered: recordings in the ring, its settings, the pulse wave; nor the maker's ECG
recorders and cuffs, which have the same service and another protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from device.errors import LinkError
from device.gatt.fields import Reader
from device.vendors.family import Family, Talk
from device.vendors.framing import Reassembly, crc8

SERVICE = "14839ac4-7d7e-415c-9a42-167340cf2339"
NOTIFY = "0734594a-a8e7-4b1a-a6b1-cd5243059a57"
WRITE = "8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3"
_ANSWER = 0x55
_HEAD = 7
_LONGEST = 64
"""Bytes of content: what is asked for has 13; more is a damaged length."""


def command(number: int) -> bytes:
    """Make a command without content."""
    head = bytes((0xAA, number, number ^ 0xFF, 0, 0, 0, 0))
    return head + bytes((crc8(head),))


REAL_TIME = command(0x17)
"""Asks for live values."""


class BatteryState(IntEnum):
    """What the battery does."""

    IN_USE = 0
    CHARGING = 1
    CHARGED = 2


@dataclass(frozen=True, slots=True)
class ViatomMeasurement:
    """One answer with live values (0734594a), whole, from 55 to its CRC.

    `spo2` in %, `pulse_rate` in beats a minute: `None` while the device knows none (not worn: 255 and 65535,
    still searching: 0). `battery` in %. `motion` is a strength without a unit. `perfusion_index` in %.
    `lead` is what the device says of its contact, see `worn`; `alarms` two bits each for no value, SpO2,
    pulse rate and motion, `None` on models that do not tell. `block` is the frame's own number, mostly 0.
    """

    UUID: ClassVar[str] = NOTIFY

    spo2: int | None
    pulse_rate: int | None
    steps: int
    battery: int
    battery_state: BatteryState | int
    motion: int
    perfusion_index: float
    lead: int
    alarms: int | None = 0
    block: int = 0

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a wrong CRC, another answer, or values that cannot be."""
        fields = Reader(cls.UUID, value)
        if fields.uint8("its first byte") != _ANSWER:
            raise fields.error("it does not begin like an answer")
        status, inverse = fields.uint8("the status"), fields.uint8("the status again")
        if status ^ inverse != 0xFF:
            raise fields.error("the status and its inverse do not match")
        block, size = fields.uint16("the block"), fields.uint16("the length")
        if len(value) != _HEAD + size + 1:
            raise fields.error(f"it announces {size} bytes of content, and has {len(value) - _HEAD - 1}")
        if crc8(value[:-1]) != value[-1]:
            raise fields.error("its CRC is wrong")
        if status != 0:
            raise fields.error(f"the device refuses with status {status}")
        if size not in (12, 13):
            raise fields.error(f"{size} bytes of content are not live values")
        spo2, rate = fields.uint8("SpO2"), fields.uint16("the pulse rate")
        if 100 < spo2 < 255:
            raise fields.error(f"an SpO2 of {spo2} %")
        steps, battery = fields.uint(4, "the steps"), fields.uint8("the battery")
        state = fields.uint8("the battery's state")
        return cls(
            None if spo2 in (0, 0xFF) else spo2,
            None if rate in (0, 0xFFFF) else rate,
            steps,
            battery,
            BatteryState(state) if state <= BatteryState.CHARGED else state,
            fields.uint8("the motion"),
            fields.uint8("the perfusion index") / 10,
            fields.uint8("the lead"),
            fields.uint8("the alarms") if size == 13 else None,
            block,
        )

    def __bytes__(self) -> bytes:
        content = bytes((0xFF if self.spo2 is None else self.spo2,))
        content += (0xFFFF if self.pulse_rate is None else self.pulse_rate).to_bytes(2, "little")
        content += self.steps.to_bytes(4, "little")
        content += bytes((self.battery, self.battery_state, self.motion))
        content += bytes((round(self.perfusion_index * 10), self.lead))
        if self.alarms is not None:
            content += bytes((self.alarms,))
        head = bytes((_ANSWER, 0x00, 0xFF)) + self.block.to_bytes(2, "little")
        frame = head + len(content).to_bytes(2, "little") + content
        return frame + bytes((crc8(frame),))

    @property
    def worn(self) -> bool:
        """Whether the sensor has contact; without it the values are of no use."""
        return bool(self.lead & 1)

    @property
    def countdown(self) -> int:
        """Seconds until the device ends its recording, counted down once contact is lost; else 0."""
        return self.lead >> 4


def _length(stream: bytes) -> int | None:
    if stream[0] != _ANSWER or (len(stream) > 2 and stream[1] ^ stream[2] != 0xFF):
        return 0
    if len(stream) < _HEAD:
        return None
    size = int.from_bytes(stream[5:7], "little")
    return _HEAD + size + 1 if size <= _LONGEST else 0


class ViatomConversation:
    """Asks for live values every `period` seconds, and puts the answers together.

    `most_unanswered` requests in a row without an answer end the link. `pause` waits; tests have their own.
    """

    listens = frozenset({NOTIFY})

    def __init__(
        self,
        wanted: Collection[str] = (),
        *,
        period: float = 1.0,
        most_unanswered: int = 20,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = Reassembly(_length, lambda frame: crc8(frame[:-1]) == frame[-1])
        self._period = period
        self._most = most_unanswered
        self._pause = pause
        self._unanswered = 0

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Put the answers together; garbage comes out under the same name, where it is refused."""
        if characteristic != NOTIFY:
            return [(characteristic, value)]
        pieces = list(self._stream.feed(value))
        if any(whole for whole, _ in pieces):
            self._unanswered = 0
        return [(NOTIFY, piece) for _, piece in pieces]

    async def talk(self, talk: Talk) -> None:
        """Ask for ever. Raises `LinkError` when no answer comes."""
        while self._unanswered < self._most:
            self._unanswered += 1
            await talk.write(WRITE, REAL_TIME)
            await self._pause(self._period)
        raise LinkError(
            f"it did not answer {self._most} times: no oximeter, or one that is busy.",
            "The maker's ECG recorders and cuffs look the same, and are not understood here.",
        )


FAMILY = Family(
    name="Viatom",
    services={SERVICE: "Viatom oximeter"},
    characteristics={NOTIFY: ViatomMeasurement},
    converse=ViatomConversation,
)
