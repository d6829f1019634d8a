"""Observations of the Generic Health Sensor service: a header that all share, and a value of nine classes.

Layout: class (1 byte), length of what follows (2), flags (2), the fields that the flags announce, the value.

Source: Generic Health Sensor Service 1.0, by two implementations of it that agree: Philips' client and server
(philips-labs/BLE-GHS-Client-Example, BLE-GHS-Server-Simulator) and ST's STM32WBA-BLE-Generic-Health-Sensor.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Self

from device.gatt.fields import Number, Reader, encode_float32


class ObservationClass(IntEnum):
    """The class of an observation's value."""

    NUMERIC = 1
    SIMPLE_DISCRETE = 2
    STRING = 3
    SAMPLE_ARRAY = 4
    COMPOUND_DISCRETE_EVENT = 5
    COMPOUND_STATE_EVENT = 6
    COMPOUND = 7
    TLV_ENCODED = 8
    OBSERVATION_BUNDLE = 255


class MeasurementStatus(IntFlag):
    """How far an observation can be trusted, or what it is instead of a measurement."""

    INVALID = 1 << 0
    QUESTIONABLE = 1 << 1
    NOT_AVAILABLE = 1 << 2
    CALIBRATING = 1 << 3
    TEST_DATA = 1 << 4
    EARLY_ESTIMATE = 1 << 5
    MANUALLY_ENTERED = 1 << 6
    SETTING = 1 << 7
    THRESHOLD_ERROR = 1 << 14
    THRESHOLD_DISABLED = 1 << 15


class TimeFlags(IntFlag):
    """What an elapsed time counts. The two resolution bits: seconds, 100 ms, ms or 100 µs."""

    TICK_COUNTER = 1 << 0
    UTC = 1 << 1
    RESOLUTION_LOW = 1 << 2
    RESOLUTION_HIGH = 1 << 3
    OFFSET_USED = 1 << 4
    CURRENT_TIMELINE = 1 << 5


_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MICROSECONDS = (1_000_000, 100_000, 1_000, 100)


@dataclass(frozen=True, slots=True)
class ElapsedTime:
    """A sensor's clock: a count since 2000, or of ticks since some start, with what the count means.

    `time_sync_source` says what the clock was set by; `tz_dst_offset` is in quarters of an hour. Without the
    flag `CURRENT_TIMELINE` the clock was set anew since, so the time cannot be compared with it.
    """

    flags: TimeFlags
    time_value: int
    time_sync_source: int = 0
    tz_dst_offset: int = 0

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one of nine bytes off a value."""
        return cls(
            TimeFlags(fields.uint8("the time's flags")),
            fields.uint(6, "the time"),
            fields.uint8("the time's source"),
            fields.sint(1, "the time's offset"),
        )

    def __bytes__(self) -> bytes:
        return (
            bytes((self.flags,))
            + self.time_value.to_bytes(6, "little")
            + bytes((self.time_sync_source,))
            + self.tz_dst_offset.to_bytes(1, "little", signed=True)
        )

    @property
    def datetime(self) -> dt.datetime | None:
        """The moment, in UTC where that can be known, without a zone where not; `None` for mere ticks."""
        if self.flags & TimeFlags.TICK_COUNTER:
            return None
        microseconds = self.time_value * _MICROSECONDS[self.flags >> 2 & 3]
        try:
            moment = _EPOCH + dt.timedelta(microseconds=microseconds)
        except OverflowError:
            return None
        if self.flags & TimeFlags.UTC:
            return moment
        if self.flags & TimeFlags.OFFSET_USED:
            return moment - dt.timedelta(minutes=15 * self.tz_dst_offset)
        return moment.replace(tzinfo=None)


def _codes(fields: Reader, what: str) -> tuple[int, ...]:
    """Take a count of one byte and so many codes of four."""
    return tuple(fields.uint32(what) for _ in range(fields.uint8(f"how often {what}")))


def _write_codes(codes: tuple[int, ...]) -> bytes:
    return bytes((len(codes),)) + b"".join(code.to_bytes(4, "little") for code in codes)


@dataclass(frozen=True, slots=True)
class NumericValue:
    """A number with its unit, a code of partition 4 (544 is %, 2720 beats a minute, 3872 mmHg)."""

    unit_code: int
    value: Number

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        return cls(fields.uint16("the unit"), fields.float32("the value"))

    def __bytes__(self) -> bytes:
        return self.unit_code.to_bytes(2, "little") + encode_float32(self.value)


@dataclass(frozen=True, slots=True)
class DiscreteValue:
    """One code."""

    code: int

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        return cls(fields.uint32("the code"))

    def __bytes__(self) -> bytes:
        return self.code.to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class StringValue:
    """A text; what cannot be printed is left out of it."""

    text: str

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value; it must be UTF-8."""
        encoded = fields.take(fields.uint16("the text's length"), "the text")
        try:
            text = encoded.decode("utf-8")
        except UnicodeDecodeError as e:
            raise fields.error(f"the text is not UTF-8 at its byte {e.start}") from None
        return cls("".join(c for c in text if c.isprintable()))

    def __bytes__(self) -> bytes:
        encoded = self.text.encode("utf-8")
        return len(encoded).to_bytes(2, "little") + encoded


@dataclass(frozen=True, slots=True)
class SampleArrayValue:
    """A waveform: one sample is its raw integer of `bytes_per_sample` × `scale_factor` + `offset`.

    `sample_period` in s, in which `samples_per_period` come. `samples` are the raw bytes: whether the
    integers have a sign depends on what is observed.
    """

    unit_code: int
    scale_factor: Number
    offset: Number
    sample_period: Number
    samples_per_period: int
    bytes_per_sample: int
    samples: bytes

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        unit = fields.uint16("the unit")
        scale, offset = fields.float32("the scale factor"), fields.float32("the offset")
        period = fields.float32("the sample period")
        each, size = fields.uint8("the samples a period"), fields.uint8("the bytes a sample")
        number = fields.uint32("the number of samples")
        if size == 0:
            raise fields.error("its samples have no bytes")
        return cls(unit, scale, offset, period, each, size, fields.take(number * size, "the samples"))

    def __bytes__(self) -> bytes:
        number, rest = divmod(len(self.samples), self.bytes_per_sample)
        if rest:
            raise ValueError(f"{len(self.samples)} bytes are not samples of {self.bytes_per_sample}")
        return (
            self.unit_code.to_bytes(2, "little")
            + b"".join(map(encode_float32, (self.scale_factor, self.offset, self.sample_period)))
            + bytes((self.samples_per_period, self.bytes_per_sample))
            + number.to_bytes(4, "little")
            + self.samples
        )


@dataclass(frozen=True, slots=True)
class CompoundDiscreteEventValue:
    """Several codes that hold at once."""

    codes: tuple[int, ...]

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        return cls(_codes(fields, "a code"))

    def __bytes__(self) -> bytes:
        return _write_codes(self.codes)


@dataclass(frozen=True, slots=True)
class CompoundStateEventValue:
    """Bits of equal length: which are supported, which are states rather than events, and which are set."""

    supported_mask: bytes
    state_or_event_mask: bytes
    bits: bytes

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        size = fields.uint8("the number of bytes")
        return cls(*(fields.take(size, what) for what in ("the supported bits", "the mask", "the bits")))

    def __bytes__(self) -> bytes:
        if not len(self.supported_mask) == len(self.state_or_event_mask) == len(self.bits):
            raise ValueError("masks and bits differ in length")
        return bytes((len(self.bits),)) + self.supported_mask + self.state_or_event_mask + self.bits


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a compound observation: what it is of, and its value."""

    component_type: int
    value: SimpleValue

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        kind, number = fields.uint32("a component's type"), fields.uint8("a component's class")
        reader = _SIMPLE.get(number)
        if reader is None:
            raise fields.error(f"a component of class {number} is not assigned")
        return cls(kind, reader(fields))

    def __bytes__(self) -> bytes:
        return self.component_type.to_bytes(4, "little") + bytes((_class(self.value),)) + bytes(self.value)


@dataclass(frozen=True, slots=True)
class CompoundValue:
    """Values that belong together, like the pressures of one blood-pressure measurement."""

    components: tuple[Component, ...]

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        number = fields.uint8("the number of components")
        return cls(tuple(Component.read(fields) for _ in range(number)))

    def __bytes__(self) -> bytes:
        return bytes((len(self.components),)) + b"".join(map(bytes, self.components))


@dataclass(frozen=True, slots=True)
class Tlv:
    """One attribute that the format does not know: its type, how its bytes are to be read, its bytes."""

    attribute_type: int
    format_type: int
    encoded: bytes

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        kind, length = fields.uint32("an attribute's type"), fields.uint16("an attribute's length")
        return cls(kind, fields.uint8("an attribute's format"), fields.take(length, "an attribute"))

    def __bytes__(self) -> bytes:
        head = self.attribute_type.to_bytes(4, "little") + len(self.encoded).to_bytes(2, "little")
        return head + bytes((self.format_type,)) + self.encoded


@dataclass(frozen=True, slots=True)
class TlvValue:
    """Attributes instead of a value."""

    tlvs: tuple[Tlv, ...]

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value."""
        return cls(tuple(Tlv.read(fields) for _ in range(fields.uint8("the number of attributes"))))

    def __bytes__(self) -> bytes:
        return bytes((len(self.tlvs),)) + b"".join(map(bytes, self.tlvs))


@dataclass(frozen=True, slots=True)
class BundleValue:
    """Single observations that share what the bundle's own header says."""

    observations: tuple[Observation, ...]

    @classmethod
    def read(cls, fields: Reader) -> Self:
        """Take one off a value; a bundle within a bundle is refused."""
        number = fields.uint8("the number of observations")
        return cls(tuple(read_observation(fields, bundled=True) for _ in range(number)))

    def __bytes__(self) -> bytes:
        return bytes((len(self.observations),)) + b"".join(map(bytes, self.observations))


SimpleValue = (
    NumericValue
    | DiscreteValue
    | StringValue
    | SampleArrayValue
    | CompoundDiscreteEventValue
    | CompoundStateEventValue
)
ObservationValue = SimpleValue | CompoundValue | TlvValue | BundleValue

_SIMPLE: Mapping[int, Callable[[Reader], SimpleValue]] = {
    ObservationClass.NUMERIC: NumericValue.read,
    ObservationClass.SIMPLE_DISCRETE: DiscreteValue.read,
    ObservationClass.STRING: StringValue.read,
    ObservationClass.SAMPLE_ARRAY: SampleArrayValue.read,
    ObservationClass.COMPOUND_DISCRETE_EVENT: CompoundDiscreteEventValue.read,
    ObservationClass.COMPOUND_STATE_EVENT: CompoundStateEventValue.read,
}
_VALUES: Mapping[int, Callable[[Reader], ObservationValue]] = {
    **_SIMPLE,
    ObservationClass.COMPOUND: CompoundValue.read,
    ObservationClass.TLV_ENCODED: TlvValue.read,
    ObservationClass.OBSERVATION_BUNDLE: BundleValue.read,
}
_CLASSES: Mapping[type, ObservationClass] = {
    NumericValue: ObservationClass.NUMERIC,
    DiscreteValue: ObservationClass.SIMPLE_DISCRETE,
    StringValue: ObservationClass.STRING,
    SampleArrayValue: ObservationClass.SAMPLE_ARRAY,
    CompoundDiscreteEventValue: ObservationClass.COMPOUND_DISCRETE_EVENT,
    CompoundStateEventValue: ObservationClass.COMPOUND_STATE_EVENT,
    CompoundValue: ObservationClass.COMPOUND,
    TlvValue: ObservationClass.TLV_ENCODED,
    BundleValue: ObservationClass.OBSERVATION_BUNDLE,
}


def _class(value: ObservationValue) -> ObservationClass:
    return _CLASSES[type(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation, or a bundle of them.

    `observation_type` is a code of the nomenclature (150456 is oxygen saturation), `None` within a bundle
    that has it; `measurement_duration` in s; `patient` is the sensor's own number of a user;
    `supplemental_information` are codes, like where the sensor sits; `derived_from` and `is_member_of` name
    other observations by their `observation_id`.
    """

    value: ObservationValue
    observation_type: int | None = None
    time_stamp: ElapsedTime | None = None
    measurement_duration: Number | None = None
    measurement_status: MeasurementStatus | None = None
    observation_id: int | None = None
    patient: int | None = None
    supplemental_information: tuple[int, ...] = ()
    derived_from: tuple[int, ...] = ()
    is_member_of: tuple[int, ...] = ()
    tlvs: tuple[Tlv, ...] = ()

    @property
    def observation_class(self) -> ObservationClass:
        """The class of its value."""
        return _class(self.value)

    def __bytes__(self) -> bytes:
        flags, body = 0, b""
        for bit, part in enumerate(self._parts()):
            if part is not None:
                flags |= 1 << bit
                body += part
        body = flags.to_bytes(2, "little") + body + bytes(self.value)
        return bytes((self.observation_class,)) + len(body).to_bytes(2, "little") + body

    def _parts(self) -> Iterable[bytes | None]:
        """Write what each bit of the flags announces, from bit 0 upwards."""
        status, known = self.measurement_status, self.observation_id
        yield None if self.observation_type is None else self.observation_type.to_bytes(4, "little")
        yield None if self.time_stamp is None else bytes(self.time_stamp)
        yield None if self.measurement_duration is None else encode_float32(self.measurement_duration)
        yield None if status is None else int(status).to_bytes(2, "little")
        yield None if known is None else known.to_bytes(4, "little")
        yield None if self.patient is None else bytes((self.patient,))
        for codes in (self.supplemental_information, self.derived_from, self.is_member_of):
            yield _write_codes(codes) if codes else None
        yield bytes(TlvValue(self.tlvs)) if self.tlvs else None


def read_observation(fields: Reader, *, bundled: bool = False) -> Observation:
    """Take an observation off a value. Raises `DecodeError` when it is not as long as it says, or unknown."""
    number = fields.uint8("the observation's class")
    length = fields.uint16("the observation's length")
    end = fields.at + length
    flags = fields.uint16("the observation's flags")
    read_value = _VALUES.get(number)
    if read_value is None or (bundled and number == ObservationClass.OBSERVATION_BUNDLE):
        where = "within a bundle" if bundled else "here"
        raise fields.error(f"an observation of class {number} is not understood {where}")
    if flags >> 10:
        raise fields.error(f"flags {flags:#06x} announce fields that are not assigned")
    observation = Observation(
        observation_type=fields.uint32("the observation's type") if flags & 0x0001 else None,
        time_stamp=ElapsedTime.read(fields) if flags & 0x0002 else None,
        measurement_duration=fields.float32("the duration") if flags & 0x0004 else None,
        measurement_status=MeasurementStatus(fields.uint16("the status")) if flags & 0x0008 else None,
        observation_id=fields.uint32("the observation's id") if flags & 0x0010 else None,
        patient=fields.uint8("the patient") if flags & 0x0020 else None,
        supplemental_information=_codes(fields, "a supplement") if flags & 0x0040 else (),
        derived_from=_codes(fields, "a source") if flags & 0x0080 else (),
        is_member_of=_codes(fields, "a group") if flags & 0x0100 else (),
        tlvs=TlvValue.read(fields).tlvs if flags & 0x0200 else (),
        value=read_value(fields),
    )
    if fields.at != end:
        raise fields.error(f"an observation has {length} bytes, but its fields {length + fields.at - end}")
    return observation
