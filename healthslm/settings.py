"""Where things live and in whose time zone: the settings that are not health data.

Everything about a person (name, devices, hooks) is in the encrypted store; this file may be read by
anybody who can read the folder. Source of the folders: the XDG base directory specification.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from healthslm.board import AUTO, Choice, Profile, profile
from healthslm.errors import UsageError

_ZONE_LINK = Path("/etc/localtime")


def system_timezone() -> str:
    """Return the machine's IANA time zone, or `UTC` where it does not name one."""
    parts = _ZONE_LINK.resolve().parts
    if "zoneinfo" in parts:
        name = "/".join(parts[parts.index("zoneinfo") + 1 :])
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError):
            return "UTC"
    return "UTC"


class Settings(BaseModel):
    """What `settings.toml` in the home folder may say; every field has a default.

    `home` is the folder of the store, `model` that of the language model (shared by all stores of a user),
    `state` where it is noted how far the stores have come (so it lies outside of them), `timezone` the IANA
    name in which days begin and times are written, `board` how sparing to be with memory (`healthslm.board`):
    `small`, `medium`, `large`, or `auto`, which goes by how much there is. `strict` says not to start where
    the kernel cannot keep healthslm from the internet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("healthslm"))
    model: Path = Field(default_factory=lambda: platformdirs.user_cache_path("healthslm") / "model")
    state: Path = Field(default_factory=lambda: platformdirs.user_state_path("healthslm"))
    timezone: str = Field(default_factory=system_timezone)
    board: Choice = AUTO
    strict: bool = False

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone; use a name like Europe/Berlin") from error

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)

    @property
    def profile(self) -> Profile:
        """What suits this machine's memory, or what was chosen."""
        return profile(self.board)

    def zone_now(self) -> ZoneInfo:
        """Return where the person is just now: the machine's own zone, unless one was set."""
        set_here = "timezone" in self.model_fields_set
        return self.zone if set_here else ZoneInfo(system_timezone())


def load(home: Path | None = None) -> Settings:
    """Read `settings.toml` from the home folder, or take the defaults when there is none.

    Raises `UsageError` naming the file and the field that cannot be used.
    """
    folder = (home or platformdirs.user_data_path("healthslm")).expanduser()
    file = folder / "settings.toml"
    try:
        if file.exists() and not file.is_file():  # reading a pipe would wait for ever
            raise UsageError(f"{file} is not a regular file.", "Mend it or delete it.")
        given = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if "home" in given:
            raise UsageError(
                f"{file}: home cannot be set in the folder it names.", "Use --home FOLDER instead."
            )
        return Settings(**{**given, "home": folder})
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise _named(file, error) from error
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{file} cannot be read: {why}.", "Mend it or delete it.") from error


def _named(file: Path, error: ValidationError) -> UsageError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    what = first["msg"].removeprefix("Value error, ")
    return UsageError(f"{file}: {where}: {what}.", "Mend that line or delete it.")
