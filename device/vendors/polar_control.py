"""The control point of Polar's sensors: what can be measured, with which settings, started and refused.

Source: Polar's "Online measurement" (version 1.0, 2024) and the BLE SDK that it belongs to
(polarofficial/polar-ble-sdk).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from struct import pack, unpack
from typing import ClassVar, Self

from device.errors import DecodeError
from device.gatt.fields import Reader
from device.vendors.polar_frames import PmdType

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"


class PmdStatus(IntEnum):
    """How the control point answers a request."""

    SUCCESS = 0
    INVALID_OP_CODE = 1
    INVALID_MEASUREMENT_TYPE = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_SAMPLE_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_NUMBER_OF_CHANNELS = 11
    INVALID_STATE = 12
    DEVICE_IN_CHARGER = 13
    DISK_FULL = 14

    @property
    def words(self) -> str:
        """The name in words."""
        return self.name.lower().replace("_", " ")


class PmdOpcode(IntEnum):
    """What the control point can be asked for; what belongs to recording and SDK mode is left out."""

    GET_MEASUREMENT_SETTINGS = 1
    REQUEST_MEASUREMENT_START = 2
    STOP_MEASUREMENT = 3


class PmdSetting(IntEnum):
    """What can be set."""

    SAMPLE_RATE = 0
    """In Hz."""
    RESOLUTION = 1
    """In bits."""
    RANGE = 2
    """In g, to either side, for acceleration."""
    RANGE_MILLIUNIT = 3
    CHANNELS = 4
    FACTOR = 5
    """The bits of an IEEE 754 float; given by the sensor, not to be asked for."""


_SIZES: Mapping[PmdSetting, int] = {
    PmdSetting.SAMPLE_RATE: 2,
    PmdSetting.RESOLUTION: 2,
    PmdSetting.RANGE: 2,
    PmdSetting.RANGE_MILLIUNIT: 4,
    PmdSetting.CHANNELS: 1,
    PmdSetting.FACTOR: 4,
}
Offers = dict[PmdSetting, tuple[int, ...]]
"""For each setting the values on offer, in the order in which the sensor named them."""
Choice = dict[PmdSetting, int]
"""One value for each setting."""


def parse_settings(parameters: bytes) -> Offers:
    """Read the values on offer. Raises `DecodeError` for a setting that is not known, or cut."""
    fields = Reader(CONTROL, parameters)
    offers: Offers = {}
    while fields.at < len(parameters):
        number = fields.uint8("the setting")
        if number not in _SIZES:
            raise fields.error(f"setting {number} is not understood here")
        setting = PmdSetting(number)
        count = fields.uint8("the number of values")
        offers[setting] = tuple(fields.uint(_SIZES[setting], "a value") for _ in range(count))
    return offers


def encode_settings(offers: Mapping[PmdSetting, tuple[int, ...]]) -> bytes:
    """Do the opposite of `parse_settings`."""
    parts = []
    for setting, values in offers.items():
        parts.append(bytes((setting, len(values))))
        parts.extend(value.to_bytes(_SIZES[setting], "little") for value in values)
    return b"".join(parts)


def choose(kind: PmdType, offers: Mapping[PmdSetting, tuple[int, ...]]) -> Choice:
    """Choose from what is on offer, the same from the same: a reader of the log can tell what was chosen.

    ECG: 130 Hz. Acceleration: 25 Hz, else 50, and ±8 g. What is not to be had like that: the lowest rate,
    the widest range. Of everything else the most: it costs no more packets.
    """
    wanted = {PmdType.ECG: (130,), PmdType.ACC: (25, 50)}.get(kind, ())
    choice: Choice = {}
    for setting, values in offers.items():
        if not values or setting is PmdSetting.FACTOR:
            continue
        if setting is PmdSetting.SAMPLE_RATE:
            choice[setting] = next((rate for rate in wanted if rate in values), min(values))
        elif setting is PmdSetting.RANGE and kind is PmdType.ACC and 8 in values:
            choice[setting] = 8
        else:
            choice[setting] = max(values)
    return choice


def request_settings(kind: PmdType) -> bytes:
    """Ask which settings are on offer."""
    return bytes((PmdOpcode.GET_MEASUREMENT_SETTINGS, kind))


def request_start(kind: PmdType, choice: Mapping[PmdSetting, int]) -> bytes:
    """Ask for a measurement to start."""
    settings = encode_settings({setting: (value,) for setting, value in choice.items()})
    return bytes((PmdOpcode.REQUEST_MEASUREMENT_START, kind)) + settings


def request_stop(kind: PmdType) -> bytes:
    """Ask for a measurement to stop."""
    return bytes((PmdOpcode.STOP_MEASUREMENT, kind))


@dataclass(frozen=True, slots=True)
class PmdControlPoint:
    """What the control point says (fb005c81): a `PmdResponse`, `PmdStopped`, or, when read, `PmdFeatures`."""

    UUID: ClassVar[str] = CONTROL

    @classmethod
    def from_bytes(cls, value: bytes) -> PmdControlPoint:
        """Decode. Raises `DecodeError` for anything that is none of them."""
        for message in (PmdResponse, PmdStopped, PmdFeatures):
            if value[:1] == bytes((message.FIRST,)):
                return message.from_bytes(value)
        raise DecodeError(cls.UUID, value, "it is neither an answer, nor a stop, nor a list of features")

    def __bytes__(self) -> bytes:
        raise ValueError("make a PmdResponse, a PmdStopped or a PmdFeatures")


@dataclass(frozen=True, slots=True)
class PmdResponse(PmdControlPoint):
    """An answer to a request.

    `opcode` and `measurement_type` are those of the request, kept as numbers where they have no name here.
    `more` says that the parameters go on in another answer. Without success there are none.
    """

    FIRST: ClassVar[int] = 0xF0

    opcode: int
    measurement_type: int
    status: PmdStatus
    more: bool = False
    parameters: bytes = b""

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when it is cut or its status has no name."""
        fields = Reader(cls.UUID, value)
        if fields.uint8("its first byte") != cls.FIRST:
            raise fields.error("it is no answer")
        opcode, kind = fields.uint8("the request"), fields.uint8("the measurement type")
        status = fields.uint8("the status")
        if status > PmdStatus.DISK_FULL:
            raise fields.error(f"status {status} has no meaning")
        if status != PmdStatus.SUCCESS or len(value) == fields.at:
            return cls(opcode, kind, PmdStatus(status))  # what may follow an error says nothing
        more = fields.uint8("whether more follows") != 0
        return cls(opcode, kind, PmdStatus.SUCCESS, more, bytes(value[fields.at :]))

    def __bytes__(self) -> bytes:
        head = bytes((self.FIRST, self.opcode, self.measurement_type, self.status))
        if self.status is not PmdStatus.SUCCESS:
            return head
        return head + bytes((self.more,)) + self.parameters

    @property
    def factor(self) -> float | None:
        """The factor of the units, in the answer to a start; `None` where none is given."""
        try:
            bits = parse_settings(self.parameters).get(PmdSetting.FACTOR, ())
        except DecodeError:
            return None
        return float(unpack("<f", pack("<I", bits[0]))[0]) if bits else None


@dataclass(frozen=True, slots=True)
class PmdStopped(PmdControlPoint):
    """The sensor ended measurements by itself: `measurement_types` by their numbers."""

    FIRST: ClassVar[int] = 0x01

    measurement_types: tuple[int, ...] = ()

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when it is something else."""
        fields = Reader(cls.UUID, value)
        if fields.uint8("its first byte") != cls.FIRST:
            raise fields.error("it says nothing of a stop")
        return cls(tuple(value[1:]))

    def __bytes__(self) -> bytes:
        return bytes((self.FIRST, *self.measurement_types))


@dataclass(frozen=True, slots=True)
class PmdFeatures(PmdControlPoint):
    """What the sensor can measure: the bits of `supported` are numbered like `PmdType`. Got by reading."""

    FIRST: ClassVar[int] = 0x0F

    supported: int = 0
    reserved: bytes = field(default=b"", repr=False)

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when it is cut or something else."""
        fields = Reader(cls.UUID, value)
        if fields.uint8("its first byte") != cls.FIRST:
            raise fields.error("it is no list of features")
        return cls(fields.uint16("the features"), bytes(value[fields.at :]))

    def __bytes__(self) -> bytes:
        return bytes((self.FIRST,)) + self.supported.to_bytes(2, "little") + self.reserved

    def __contains__(self, kind: PmdType) -> bool:
        return bool(self.supported >> kind & 1)
