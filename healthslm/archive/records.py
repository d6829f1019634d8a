"""The rows of an archive's tables, as JSON has them, one a line: nothing more and nothing less.

Times end in `_us` and are microseconds since 1970 (UTC; a device's own in its own clock); values are in the
kind's unit, each the shortest decimal that names the double exactly.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from healthslm.readings import KINDS, Device, Kind, Note, Quality, Reading
from healthslm.store import rows
from healthslm.store.ids import DENSE, STREAMS
from healthslm.store.whole import Amended

_INT64 = (1 << 63) - 1
_YEAR_1, _YEAR_9999 = -62_104_060_800_000_000, 253_338_969_599_999_999
"""Where times of rows begin and end: a year of slack to what a calendar has, for every time zone."""
TimeUs = Annotated[int, Field(ge=_YEAR_1, le=_YEAR_9999)]
Id = Annotated[int, Field(ge=1, le=_INT64)]
RowId = Annotated[int, Field(ge=1, lt=DENSE)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Address = Annotated[str, Field(max_length=10_000)]
Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", max_length=256)]


class Row(BaseModel):
    """What all rows share: no field too many, no type but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SettingRow(Row):
    """A setting that travels (carried.py)."""

    name: str
    value: Any


class DeviceRow(Row):
    """A device that was ever heard; `listed` while it is on the person's list."""

    address: Address
    name: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    listed: bool

    @property
    def device(self) -> Device:
        """The device itself."""
        return Device(**self.model_dump(exclude={"listed"}))


class StreamRow(Row):
    """A series of one kind of one device; its readings are in `streams/NUMBER.bin`."""

    number: Annotated[int, Field(ge=1, lt=STREAMS)]
    kind: Kind
    device: Address
    unit: str

    @model_validator(mode="after")
    def _in_the_kinds_unit(self) -> StreamRow:
        if self.unit != KINDS[self.kind].ucum:
            raise ValueError("a unit that is not the kind's")
        return self

    @property
    def member(self) -> str:
        """The name of the member with its readings."""
        return f"streams/{self.number}.bin"


class ReadingRow(Row):
    """A reading that is kept one by one."""

    id: Id
    kind: Kind
    device: Address
    time_us: TimeUs
    value: Number
    quality: Annotated[int, Field(ge=0, le=32_767)]
    device_time_us: TimeUs | None
    sequence: Annotated[int, Field(ge=0, le=_INT64)] | None
    context: str | None

    @classmethod
    def fields_of(cls, one: Reading) -> dict[str, Any]:
        """Return a reading as this row, without a check of what the store has checked."""
        _, _, _, time, value, quality, device_time, sequence, context = rows.to_row(one, 0, 0)
        return {
            "id": one.id,
            "kind": one.kind.value,
            "device": one.device,
            "time_us": time,
            "value": value,
            "quality": quality,
            "device_time_us": device_time,
            "sequence": sequence,
            "context": context,
        }

    @property
    def reading(self) -> Reading:
        """The reading itself."""
        device_time = None if self.device_time_us is None else rows.moment(self.device_time_us)
        return Reading(
            time=rows.moment(self.time_us),
            kind=self.kind,
            value=self.value,
            device=self.device,
            quality=Quality(self.quality),
            device_time=None if device_time is None else device_time.replace(tzinfo=None),
            sequence=self.sequence,
            id=self.id,
            context=self.context,
        )


class AmendmentRow(ReadingRow):
    """A reading as it was before it was corrected, or deleted: then `new_value` is null."""

    new_value: Number | None
    reason: str
    at_us: TimeUs

    @property
    def amended(self) -> Amended:
        """The amendment itself."""
        return Amended(self.reading, self.new_value, self.reason, self.at_us)


class NoteRow(Row):
    """What the person wrote, and the level that it was given."""

    id: Id
    time_us: TimeUs
    text: str
    level: Literal["info", "watch", "urgent", "emergency"]
    reason: str
    origin: str

    @property
    def note(self) -> Note:
        """The note itself."""
        return Note(
            id=self.id,
            time=rows.moment(self.time_us),
            text=self.text,
            level=self.level,
            reason=self.reason,
            origin=self.origin,
        )


class AlertRow(Row):
    """An alert, with its finding, the evidence (ids of readings), its state, and who has seen it."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    state: str
    raised_at_us: TimeUs
    alert: dict[str, Any]


class DigestRow(Row):
    """What a local day came to; `day` is its proleptic ordinal (1 is 0001-01-01)."""

    name: Annotated[str, Field(max_length=200)]
    day: Annotated[int, Field(ge=1, le=3_652_059)]
    seen: Hex
    value: str


class ForgottenRow(Row):
    """That readings from before then were deleted for their age; `leftover/KIND.bin` is what is left."""

    kind: Kind
    before_us: TimeUs

    @property
    def member(self) -> str:
        """The name of the member with what is left of them."""
        return f"leftover/{self.kind.value}.bin"


class Member(Row):
    """A file of the archive; `count` is how many things are in it."""

    name: Annotated[str, Field(max_length=100)]
    bytes: Annotated[int, Field(ge=0, le=1 << 50)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    count: Annotated[int, Field(ge=0, le=_INT64)]


class Of(Row):
    """Whose archive it is."""

    name: str
    birth_date: str


class Period(Row):
    """When the first and the last reading were."""

    first: AwareDatetime
    last: AwareDatetime


class LeftOut(Row):
    """What is not in the archive, by name: hooks, other settings; and how much waited for hooks."""

    hooks: list[str]
    settings: list[str]
    outbox: int


class Manifest(Row):
    """`manifest.json`: what an archive is of, and what is in it."""

    format: Literal["healthslm archive"]
    version: int
    made_by: str
    made_at: AwareDatetime
    tables: int
    """The version of the store's tables."""
    timezone: str
    of: Of
    period: Period | None
    last_reading: Annotated[int, Field(ge=0, lt=DENSE)]
    """The highest id that a reading of `readings.jsonl` ever had."""
    to_whom: str
    purpose: str
    expires: str
    left_out: LeftOut
    warning: str
    members: Annotated[list[Member], Field(max_length=5000)]

    def count(self, *names: str) -> int:
        """Return how many things are in the members whose names begin so."""
        return sum(one.count for one in self.members if one.name.startswith(names))


class Head(BaseModel):
    """What is read of a manifest first, whatever else is in it."""

    model_config = ConfigDict(extra="ignore")

    format: str
    version: int
    made_by: str = "?"
