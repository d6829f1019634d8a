"""What is done day by day: backups and whether one was tried, what is deleted, what comes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.doctor.check import Check, attention, ok, problem
from healthslm.errors import HealthslmError
from healthslm.readings import KINDS
from healthslm.store import Store, retention, schedule
from healthslm.store.audit import Entry, Event
from healthslm.store.schedule import Schedule

_SILENT = timedelta(days=2)
_LATE = timedelta(days=2)
_TRY_AGAIN = timedelta(days=180)
_SCHEDULE = "healthslm backup --schedule FOLDER, on another disk"


def kept(store: Store, zone: ZoneInfo, now: datetime) -> Check:
    """Say what is deleted next because it was kept long enough."""
    try:
        planned = retention.plan(retention.policy(store), retention.spans(store), store.days(), now)
    except HealthslmError as error:
        return attention("retention", error.message, error.hint)
    due = ", ".join(
        f"{KINDS[one.kind].title} from before {one.before.astimezone(zone):%Y-%m-%d}"
        for one in planned
        if one.due <= now
    )
    later = min((one.due for one in planned), default=None)
    nothing = "nothing" if later is None else f"nothing before {later.astimezone(zone):%Y-%m-%d}"
    return ok("retention", f"to be deleted next: {due or nothing}")


def newest(span: tuple[datetime, datetime] | None, now: datetime) -> Iterator[Check]:
    """Say that nothing came in for days."""
    if span is not None and now - span[1] > _SILENT:
        yield attention(
            "readings", f"the newest is {(now - span[1]).days} days old", "healthslm devices list"
        )


def backup(
    chosen: Schedule | None,
    last: Mapping[str, Any] | None,
    made: Entry | None,
    now: datetime,
    store_id: bytes,
) -> Iterator[Check]:
    """Say whether backups are made: by whom, how the last one went, and whether it is on another disk.

    `last` is how the last scheduled one went, `made` the trail's newest entry of one that was made.
    """
    what = "backup"
    by_hand = "none was ever made" if made is None else f"the last was made on {made.at:%Y-%m-%d}"
    if chosen is None:
        yield attention(what, f"none is made by itself; {by_hand}", _SCHEDULE)
        return
    if last is not None and "error" in last:
        yield problem(what, f"the last one failed: {last['error']}", "healthslm backup --list")
    try:
        times = [time for time in schedule.listed(chosen.folder, store_id) if time <= now]
    except HealthslmError as error:
        yield problem(what, error.message, error.hint)
        return
    if not times:
        yield problem(what, f"there is none in {chosen.folder}", "healthslm backup --list")
    elif now - times[-1] > _LATE:
        days = (now - times[-1]).days
        yield attention(
            what, f"the newest in {chosen.folder} is {days} days old", "healthslm run makes one a day"
        )
    else:
        yield ok(what, f"the newest is of {times[-1]:%Y-%m-%d %H:%M} UTC, in {chosen.folder}")
    if not chosen.own_disk:
        yield attention(
            what, f"{chosen.folder} is on the store's own disk: if that fails, both are gone", _SCHEDULE
        )


def tried(read: Entry | None, restored: Entry | None, now: datetime, folder: Path | None) -> Check:
    """Say whether a backup was ever restored, or read back whole from where it lies."""
    what = "backup tried"
    found = max((one for one in (read, restored) if one is not None), key=lambda one: one.at, default=None)
    where = str(folder) if folder is not None else "FOLDER"
    check = f"healthslm backup {where}/FILE.backup --check"
    if found is None:
        return attention(what, "no backup was ever restored, or read back from where it lies", check)
    made = str(found.detail.get("made", ""))[:10]
    did = "restored" if found.event == Event.RESTORED.value else "read back whole"
    said = f"one of {made} was {did} on {found.at:%Y-%m-%d}"
    return attention(what, said, check) if now - found.at > _TRY_AGAIN else ok(what, said)
