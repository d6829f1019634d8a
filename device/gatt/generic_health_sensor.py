"""Generic Health Sensor service (1840): observations of any kind, live and stored, in ISO/IEEE 11073's codes.

What an observation is of, its unit and what a code means are numbers of the nomenclature (IEEE 11073-10101),
`partition * 65536 + code`; the observations themselves are in `device.gatt.observations`. A value that does
not fit into a notification comes in segments, which `device.gatt.segments` joins.

Source: Generic Health Sensor Service 1.0, by two implementations of it that agree: Philips' client and server
(philips-labs/BLE-GHS-Client-Example, BLE-GHS-Server-Simulator) and ST's STM32WBA-BLE-Generic-Health-Sensor.
The control point's answers 0x81 to 0x83 are those of Philips' client and of Lamprey Networks' sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from device.gatt.fields import Number, Reader, encode_float32
from device.gatt.measurement import GattService, by_uuid
from device.gatt.observations import Observation, read_observation
from device.gatt.segments import HEALTH_SENSOR, Header


def _header(fields: Reader) -> int:
    """Take the header of a whole value; its counter."""
    header = HEALTH_SENSOR.read(fields.uint8("the header"))
    if not header.whole:
        raise fields.error("it is one segment of several, which must be joined first")
    return header.counter


@dataclass(frozen=True, slots=True)
class LiveHealthObservations:
    """Live Health Observations (2B8B), notified or indicated as they are made: one observation or bundle."""

    UUID: ClassVar[str] = "2B8B"

    observation: Observation
    segment_counter: int = 0

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on a part of a segmented value, and on anything that is not whole."""
        fields = Reader(cls.UUID, value)
        counter = _header(fields)
        observation = read_observation(fields)
        fields.end()
        return cls(observation, counter)

    def __bytes__(self) -> bytes:
        return HEALTH_SENSOR.write(Header(True, True, self.segment_counter)) + bytes(self.observation)


@dataclass(frozen=True, slots=True)
class StoredHealthObservations:
    """Stored Health Observations (2BDD), sent when asked for by record: `record_number` counts upwards."""

    UUID: ClassVar[str] = "2BDD"

    record_number: int
    observation: Observation
    segment_counter: int = 0

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on a part of a segmented value, and on anything that is not whole."""
        fields = Reader(cls.UUID, value)
        counter = _header(fields)
        record = fields.uint32("the record number")
        observation = read_observation(fields)
        fields.end()
        return cls(record, observation, counter)

    def __bytes__(self) -> bytes:
        header = HEALTH_SENSOR.write(Header(True, True, self.segment_counter))
        return header + self.record_number.to_bytes(4, "little") + bytes(self.observation)


@dataclass(frozen=True, slots=True)
class ObservationScheduleChanged:
    """Observation Schedule Changed (2BF1): how often one kind of observation is made from now on, in s."""

    UUID: ClassVar[str] = "2BF1"

    observation_type: int
    measurement_period: Number
    update_interval: Number

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but twelve."""
        fields = Reader(cls.UUID, value)
        schedule = cls(
            fields.uint32("the observation type"),
            fields.float32("the measurement period"),
            fields.float32("the update interval"),
        )
        fields.end()
        return schedule

    def __bytes__(self) -> bytes:
        times = encode_float32(self.measurement_period) + encode_float32(self.update_interval)
        return self.observation_type.to_bytes(4, "little") + times


@dataclass(frozen=True, slots=True)
class DeviceSpecialization:
    """A device specialization of partition 8, like 4103 for a blood-pressure monitor, and its version."""

    code: int
    version: int


@dataclass(frozen=True, slots=True)
class HealthSensorFeatures:
    """Health Sensor Features (2BF3): the kinds of observation that the sensor makes."""

    UUID: ClassVar[str] = "2BF3"

    observation_types: tuple[int, ...]
    device_specializations: tuple[DeviceSpecialization, ...] | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over, or flags not assigned."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        if flags & ~0x01:
            raise fields.error(f"flags {flags:#04x} are not assigned")
        count = fields.uint8("the number of observation types")
        types = tuple(fields.uint32("an observation type") for _ in range(count))
        specializations = None
        if flags & 0x01:
            count = fields.uint8("the number of specializations")
            specializations = tuple(
                DeviceSpecialization(fields.uint16("a specialization"), fields.uint8("its version"))
                for _ in range(count)
            )
        fields.end()
        return cls(types, specializations)

    def __bytes__(self) -> bytes:
        body = bytes((self.device_specializations is not None, len(self.observation_types)))
        body += b"".join(code.to_bytes(4, "little") for code in self.observation_types)
        if self.device_specializations is not None:
            body += bytes((len(self.device_specializations),))
            for each in self.device_specializations:
                body += each.code.to_bytes(2, "little") + bytes((each.version,))
        return body


class GhsCommand(IntEnum):
    """What a sensor is told, and what it answers."""

    START_SENDING_LIVE_OBSERVATIONS = 0x01
    STOP_SENDING_LIVE_OBSERVATIONS = 0x02
    SUCCESS = 0x80
    SERVER_BUSY = 0x81
    LIVE_OBSERVATIONS_NOT_SUBSCRIBED_TO = 0x82
    UNKNOWN_COMMAND = 0x83


_COMMANDS = frozenset(GhsCommand)


@dataclass(frozen=True, slots=True)
class GhsControlPoint:
    """GHS Control Point (2BF4): starts and stops the live observations."""

    UUID: ClassVar[str] = "2BF4"

    command: GhsCommand

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but one, or a command that is not assigned."""
        fields = Reader(cls.UUID, value)
        command = fields.uint8("the command")
        fields.end()
        if command not in _COMMANDS:
            raise fields.error(f"command {command:#04x} is not assigned")
        return cls(GhsCommand(command))

    def __bytes__(self) -> bytes:
        return bytes((self.command,))


SERVICE = GattService(
    number="1840",
    name="Generic Health Sensor",
    characteristics=by_uuid(
        LiveHealthObservations,
        StoredHealthObservations,
        ObservationScheduleChanged,
        HealthSensorFeatures,
        GhsControlPoint,
    ),
    measurements=frozenset({"2B8B", "2BDD"}),
    state=frozenset({"2BF3"}),
)
