"""A scenario: which wearables there are, what they measure, and what goes wrong when. A TOML file.

start = 2026-03-02T08:00:00Z    # the day's time at the beginning; without it, now
speed = 60                      # how many times faster than life

[[wearable]]
kind = "glucose meter"          # any of device.virtual.KINDS
address = "C0:FF:EE:00:00:05"
every = 300                     # seconds between two measurements
stored = 12                     # records that it has already, as far apart
clock = { stopped = true }      # or { offset = -3600 }, in seconds
bonding = "passkey"             # none, just works, passkey, numeric
passkey = 123456
series = "glucose.csv"          # a recorded series; else physiology
hold = { glucose = 54 }         # signals that stay where they are

[[wearable.event]]
at = 20                         # seconds after the beginning; or, each time: when = "subscribed"
do = "drop link"                # see `Do`
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from device.errors import RecordError
from device.virtual.bonding import Bonding
from device.virtual.faults import Frames, Step
from device.virtual.physiology import SIGNALS
from device.virtual.wearables import KINDS


class Do(StrEnum):
    """What happens to a wearable."""

    DROP_LINK = "drop link"
    GO_AWAY = "go away"
    COME_BACK = "come back"
    FORGET_BONDS = "forget bonds"
    CHANGE_TABLE = "change table"
    BATTERY_DIES = "battery dies"
    NEW_BATTERY = "new battery"
    FALL_SILENT = "fall silent"
    SPEAK = "speak"
    SPOIL = "spoil"
    """From then on frames go out as `frames` says, every `every`-th."""
    REPEAT = "repeat"
    """After a reconnection the last `count` frames are sent again."""
    DROP_AT = "drop at"
    """Lose the link at a `step`, once `after` of them have passed; `times` over."""
    HANG_AT = "hang at"
    RESTART_NUMBERS = "restart numbers"
    FLOOD = "flood"
    """Send `count` measurements as fast as the link takes them."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnClockSetting(_Strict):
    """How a wearable's own clock is wrong."""

    offset: float = 0
    stopped: bool = False
    settable: bool = True


class EventSetting(_Strict):
    """One thing that happens; which of the other keys it needs, `Do` says."""

    at: float | None = Field(None, ge=0)
    when: Literal["subscribed"] | None = None
    do: Do
    frames: Frames = Frames.MALFORMED
    every: int = Field(1, ge=1)
    step: Step | None = None
    after: int = Field(0, ge=0)
    times: int | None = Field(1, ge=1)
    count: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> EventSetting:
        if (self.at is None) == (self.when is None):
            raise ValueError("it needs either at, in seconds, or when")
        if self.do in (Do.DROP_AT, Do.HANG_AT) and self.step is None:
            raise ValueError(f"{self.do.value} needs a step: {', '.join(Step)}")
        return self


class WearableSetting(_Strict):
    """One wearable."""

    kind: str
    address: str = Field(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$")
    name: str = ""
    battery: int = Field(80, ge=0, le=100)
    bonding: Bonding | None = None
    passkey: int = Field(123456, ge=0, le=999_999)
    clock: OwnClockSetting = OwnClockSetting()
    every: float = Field(1, gt=0)
    stored: int = Field(0, ge=0)
    series: Path | None = None
    hold: dict[str, float] = {}
    event: tuple[EventSetting, ...] = ()

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"there is no such kind; there are: {', '.join(KINDS)}")
        return kind

    @field_validator("address")
    @classmethod
    def _static(cls, address: str) -> str:
        if int(address[:2], 16) < 0xC0:
            raise ValueError("a virtual wearable has a static random address: its first byte is C0 or more")
        return address.upper()

    @field_validator("hold")
    @classmethod
    def _known_signals(cls, hold: dict[str, float]) -> dict[str, float]:
        unknown = [name for name in hold if name not in SIGNALS]
        if unknown:
            raise ValueError(f"there is no signal {', '.join(unknown)}; there are: {', '.join(SIGNALS)}")
        return hold


class Scenario(_Strict):
    """A scenario as it was read. `wearable` are its wearables, at least one."""

    start: AwareDatetime | None = None
    speed: float = Field(1, gt=0)
    seed: int = 0
    wearable: tuple[WearableSetting, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> Scenario:
        addresses = [each.address for each in self.wearable]
        twice = {address for address in addresses if addresses.count(address) > 1}
        if twice:
            raise ValueError(f"two wearables have the address {', '.join(sorted(twice))}")
        return self

    def begins(self, now: datetime) -> datetime:
        """Tell the day's time at the beginning."""
        return self.start or now


def read_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises `RecordError` that names the file and the key; paths in it are beside it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"There is no scenario at {path}.", "Give the path of a TOML file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise RecordError(f"{path} could not be read: {e}.", "Correct that line.") from e
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = _key(first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise RecordError(f"{path}, {key}: {said}.", "Correct that key.") from None
    placed = tuple(
        each if each.series is None else each.model_copy(update={"series": path.parent / each.series})
        for each in scenario.wearable
    )
    return scenario.model_copy(update={"wearable": placed})


def _key(place: tuple[int | str, ...]) -> str:
    """Name a key as it is found in the file: wearable 2, event 1, step."""
    words = [f"{part + 1}," if isinstance(part, int) else part for part in place]
    return " ".join(words).removesuffix(",") or "the whole"
