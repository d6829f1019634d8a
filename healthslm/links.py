"""What became of each device's link: its state since when and why, and what was lost on the way.

Kept in the store beside the readings, so that `devices list` can say it while nothing runs, and a review
can say that a number is missing because it came too fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from device import LinkEvent, LinkState
from healthslm.readings import Finding, Severity
from healthslm.slm.letters import plain
from healthslm.store import Store

_STATES = "link state"
_LOSSES = "link losses"
_MOST_LOSSES = 1000
_SAME_LOSS = timedelta(minutes=5)
"""Losses of one device that are no further apart are one."""
_DOWN = {LinkState.LOST.value, LinkState.NO_ADAPTER.value}
_TRYING = {LinkState.SEARCHING, LinkState.CONNECTING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a device's link stands: `state` is a `LinkState`'s word, `since` aware UTC, `why` for a person."""

    state: str
    since: datetime
    why: str = ""


def after(before: Standing | None, event: LinkEvent) -> Standing | None:
    """Return how a link stands after an event: as `before` where that changes nothing."""
    if event.state in (LinkState.DROPPED, LinkState.FETCHED):
        return before
    since = event.at
    if before is not None and before.state in _DOWN:
        if event.state in _TRYING:
            return before  # still gone, for the reason that was given; looking for it changes nothing
        if event.state.value == before.state:
            since = before.since
    return Standing(state=event.state.value, since=since, why=event.why)


class Links:
    """Takes note of what happens to the links."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states = standing(store)

    def note(self, event: LinkEvent) -> None:
        """Keep what one event says. Raises `StoreError` when the store takes nothing."""
        if event.state is LinkState.DROPPED:
            self._lost(event)
        before = self._states.get(event.device)
        stands = after(before, event)
        if stands is None or stands is before:
            return
        self._states[event.device] = stands
        kept = {
            address: {"state": one.state, "since": one.since.isoformat(), "why": one.why}
            for address, one in self._states.items()
        }
        self._store.put(_STATES, kept)

    def _lost(self, event: LinkEvent) -> None:
        losses = self._store.get(_LOSSES, [])
        last = next((loss for loss in reversed(losses) if loss["device"] == event.device), None)
        if last is not None and event.at - datetime.fromisoformat(last["until"]) <= _SAME_LOSS:
            last["until"] = max(event.at.isoformat(), last["until"])
            last["count"] += event.dropped
        else:
            at = event.at.isoformat()
            losses.append({"device": event.device, "from": at, "until": at, "count": event.dropped})
        self._store.put(_LOSSES, losses[-_MOST_LOSSES:])


def standing(store: Store) -> dict[str, Standing]:
    """Return how each device's link stood when it was last heard of, by address."""
    return {
        address: Standing(
            state=kept["state"], since=datetime.fromisoformat(kept["since"]), why=kept.get("why", "")
        )
        for address, kept in store.get(_STATES, {}).items()
    }


def called(store: Store, address: str) -> str:
    """Return what a device is called in a text: by its name, made harmless, or by its address."""
    return plain(store.device(address).name, 60) or address


def losses(store: Store, start: datetime, end: datetime) -> Iterator[Finding]:
    """Yield a finding for each time in `[start, end)` that values came faster than they were taken."""
    for loss in store.get(_LOSSES, []):
        since, until = datetime.fromisoformat(loss["from"]), datetime.fromisoformat(loss["until"])
        if since < end and until >= start:
            name = called(store, loss["device"])
            yield Finding(
                rule="lost_values",
                version="1",
                severity=Severity.WATCH,
                title=f"{loss['count']} values from {name} were lost: they came faster than they were stored",
                action="What this period shows may be incomplete. See that the machine is not overloaded.",
                source="healthslm: the count of the Bluetooth link's queue",
                start=since,
                end=until + timedelta(seconds=1),
            )
