"""Backups once a day into one folder, and which of the older ones are kept.

Files are named by the store's id and the time, `healthslm-1a2b3c4d-20261124T031500Z.backup`: no name, and
several people's may lie in one folder. When a backup was made is read from its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.store import backup
from healthslm.store.access import Access
from healthslm.store.backup import Contents
from healthslm.store.container import Progress

SETTING = "backup schedule"
"""The setting in the store that holds a `Schedule`."""
EVERY = timedelta(hours=23)
"""A day less what the daily look may be late, so that backups do not move around the clock."""
_NAME = re.compile(r"healthslm-([0-9a-f]{8})-([12][0-9]{7}T[0-9]{6})Z\.backup")
_TIME = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many backups are kept: the newest of each of so many days, weeks (ISO 8601) and months, in UTC."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Where to, and what is kept. `own_disk`: the folder was on another disk than the store when chosen."""

    folder: Path
    policy: Policy
    own_disk: bool

    def to_json(self) -> dict[str, Any]:
        """Write it as a setting."""
        return {"folder": str(self.folder), "policy": asdict(self.policy), "own_disk": self.own_disk}

    @classmethod
    def from_json(cls, row: Any) -> Schedule | None:
        """Read the setting; `None` where there is none."""
        if not isinstance(row, dict):
            return None
        policy = Policy(**{k: int(v) for k, v in row["policy"].items()})
        return cls(folder=Path(row["folder"]), policy=policy, own_disk=bool(row["own_disk"]))


def to_delete(times: Iterable[datetime], now: datetime, policy: Policy) -> list[datetime]:
    """Return which of the backups made at these times are no longer needed, the oldest first.

    Kept is the newest of each of the newest `daily` days that have any, likewise weeks and months; so that
    time that passes, or a clock that jumps, deletes nothing by itself. Those from the future come of a clock
    that was wrong, then or now: they and the others are looked at apart, and do not push each other out.
    """
    given = sorted(set(times))
    kept: set[datetime] = set()
    for group in ([t for t in given if t <= now], [t for t in given if t > now]):
        for bucket, count in (
            (_day, policy.daily),
            (_week, policy.weekly),
            (_month, policy.monthly),
        ):
            newest: dict[Any, datetime] = {}
            for time in group:  # ascending, so that the last of a bucket stays
                newest[bucket(time)] = time
            kept.update(sorted(newest.values())[-count:] if count > 0 else ())
        kept.update(group[-1:])
    return [time for time in given if time not in kept]


def _day(time: datetime) -> object:
    return time.astimezone(UTC).date()


def _week(time: datetime) -> object:
    return time.astimezone(UTC).isocalendar()[:2]


def _month(time: datetime) -> object:
    at = time.astimezone(UTC)
    return at.year, at.month


def is_due(times: Iterable[datetime], now: datetime) -> bool:
    """Say whether a day has passed since the newest backup; those from the future do not count."""
    return not any(timedelta(0) <= now - time < EVERY for time in times)


def name_of(store_id: bytes, time: datetime) -> str:
    """Return the name of a scheduled backup."""
    return f"healthslm-{store_id[:4].hex()}-{time.astimezone(UTC):{_TIME}}Z.backup"


def listed(folder: Path, store_id: bytes) -> dict[datetime, Path]:
    """Return the scheduled backups of a store in a folder, the oldest first. Raises `StoreError`."""
    found = {}
    try:
        for path in folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name and name[1] == store_id[:4].hex() and path.is_file():
                with contextlib.suppress(ValueError):  # no such day
                    found[datetime.strptime(name[2], _TIME).replace(tzinfo=UTC)] = path
    except OSError as error:
        raise StoreError(
            f"The folder for backups, {folder}, cannot be read: {error.strerror}.",
            "Connect its disk, or choose another with `healthslm backup --schedule FOLDER`.",
        ) from error
    return dict(sorted(found.items()))


def chosen(folder: Path, home: Path, policy: Policy) -> Schedule:
    """Return a schedule for backups of the store in `home`. Raises `StoreError` for what is no folder."""
    place = folder.expanduser().absolute()
    if not place.is_dir():
        raise StoreError(f"{place} is no folder.", "Make it, or connect its disk.")
    return Schedule(folder=place, policy=policy, own_disk=place.stat().st_dev != home.stat().st_dev)


def carry_out(
    access: Access,
    schedule: Schedule,
    *,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
) -> tuple[Path, Contents]:
    """Make today's backup, then delete those that the policy no longer keeps; returns the new one.

    Raises `StoreError` when that cannot be; then none is deleted.
    """
    folder, store_id = schedule.folder, access.key_file.store_id
    listed(folder, store_id)
    if schedule.own_disk and folder.stat().st_dev == access.folder.stat().st_dev:
        raise StoreError(
            f"The disk of {folder} is not connected: the folder lies on the store's own disk now.",
            "Connect it, or choose the folder again with `healthslm backup --schedule FOLDER`.",
        )
    now = clock().replace(microsecond=0)
    target = folder / name_of(store_id, now)
    contents = backup.write(access, target, clock=lambda: now, progress=progress)
    there = listed(folder, store_id)
    try:
        for time in to_delete(there, now, schedule.policy):
            there[time].unlink(missing_ok=True)
        _sweep(folder, store_id)
    except OSError as error:
        raise StoreError(
            f"The backup {target} was made, but an old one could not be deleted: {error.strerror}.",
            "See that the folder belongs to you and is not read-only.",
        ) from error
    return target, contents


def _sweep(folder: Path, store_id: bytes) -> None:
    """Delete what killed backups left unfinished; one that is at work holds a lock."""
    for path in folder.glob(f".healthslm-{store_id[:4].hex()}-*{backup.PART}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
