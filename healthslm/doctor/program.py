"""healthslm itself: is it at work, of one version, is its key kept from others, how sparing is it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from healthslm.absence.beat import EVERY, OFTEN, Beat
from healthslm.absence.moment import how_long
from healthslm.board import AUTO, Choice, Profile
from healthslm.doctor.check import Check, State, attention, ok, problem
from healthslm.secrecy import Kept

WHAT = "at work"
_HUNG = 10 * EVERY
_HOUR = timedelta(hours=1)
_LOG = "journalctl -u healthslm, where it is a service; else what it printed."


def at_work(
    beat: Beat | None, *, running: bool, now: datetime, wearables: int | None, installed: str
) -> Iterator[Check]:
    """Say whether `healthslm run` is at work, by its lock and its sign of life, and of which version."""
    missed = State.PROBLEM if wearables else State.ATTENTION
    if not running:
        last = "it never was" if beat is None else f"it was last at {beat.at:%Y-%m-%d %H:%M} UTC"
        if beat is not None and not beat.clean:
            last += ", and ended without being told to"
        if wearables == 0:
            yield ok(
                WHAT, f"`healthslm run` is not; no wearable is set up ({last})", "healthslm devices scan"
            )
        else:
            yield Check(
                what=WHAT,
                state=missed,
                said=f"`healthslm run` is not: nothing is watched; {last}",
                next="healthslm run"
                if beat is None or beat.clean
                else f"healthslm run; why it ended: {_LOG}",
            )
        return
    if beat is None:
        yield ok(WHAT, "`healthslm run` has begun")
        return
    silent = now - beat.at
    if silent > _HUNG:
        yield problem(
            WHAT,
            f"`healthslm run` gave no sign of life for {how_long(silent.total_seconds())}, and has not ended",
            f"End it and start it again. Why: {_LOG}",
        )
    else:
        since = "" if beat.since is None else f" since {beat.since:%Y-%m-%d %H:%M} UTC"
        yield ok(WHAT, f"`healthslm run` is{since}")
    starts = [start for start in beat.starts if timedelta(0) <= now - start < _HOUR]
    if len(starts) >= OFTEN:
        yield attention(WHAT, f"it ended {len(starts)} times within the hour without being told to", _LOG)
    if beat.version and beat.version != installed:
        yield attention(
            "version",
            f"what runs is {beat.version}, and {installed} is installed",
            "Stop `healthslm run` and start it again.",
        )


def version(code: str, package: str | None) -> Check:
    """Say which version this is; the package's own record may be of another, after half an update."""
    if package is not None and package != code:
        return problem(
            "version",
            f"the program is {code}, and its package says {package}: an update was not finished",
            "Install it again.",
        )
    return ok("version", code)


def secrecy(kept: Kept) -> Check:
    """Say whether the key can get out of the process."""
    if kept.dumps:
        return ok("secrecy", "no core dump of this process is written")
    return attention("secrecy", "a crash may write the key to the disk", "Set: ulimit -c 0")


def board(profile: Profile, chosen: Choice, memory: int | None) -> Check:
    """Say which profile is used, and by what."""
    size = "memory not known" if memory is None else f"{memory / 1e6:,.0f} MB of memory"
    by = "" if chosen is AUTO else ", as settings.toml says"
    return ok("board", f"{profile.name}{by} ({size}): {profile.why}")
