"""What a Bundle of our own brought, put into a store that may have some of it, with more digits, already.

A Bundle tells times in milliseconds and samples by their slots, so the same reading is one of the same kind
and device whose time falls into that millisecond, or that slot.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from healthslm.archive.taking_in import Outcome
from healthslm.importers.bundle import Brought, Series
from healthslm.importers.bundle_meaning import UNKNOWN
from healthslm.readings import Kind, Note, Reading, Window, instant, micro
from healthslm.store import Store
from healthslm.store.arrivals import Tally
from healthslm.store.audit import Event
from healthslm.store.whole import Whole
from healthslm.text import clean

_US = timedelta(microseconds=1)
_MS = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_DIGITS = 6


def merge(store: Store, brought: Brought, at: datetime, *, file: str, sha256: str) -> Outcome:
    """Store what is new of it, all or nothing, and say what became of it; what is here stays as it is.

    Saying it again stores nothing twice.
    """
    outcome, known, gone = Outcome(), store.device_numbers(), _Gone(store)
    fresh = list(_spots(store, brought.readings, gone, outcome))
    for series in brought.series:
        fresh += _samples(store, series, brought.readings, gone, outcome)
    # First, and at once: what cannot be stored is refused before anything else was written.
    new = len(store.append(fresh))
    # What else was not taken is there: told twice in the file, or stored by somebody else meanwhile.
    outcome.add("readings", Tally(new=new, there=len(fresh) - new))
    for device in brought.devices:
        if device.address in known:
            outcome.add("devices", Tally(there=1))
        else:
            store.know_device(device)
            outcome.add("devices", Tally(new=1))
    for note in brought.notes:
        outcome.add("notes", _note(store, note))
    readings = outcome.tallies.get("readings", Tally())
    store.note_event(
        Event.IMPORTED,
        at,
        file=file,
        sha256=sha256,
        made_by="healthslm, as a FHIR Bundle",
        readings=readings.new,
        there=readings.there,
        refused=readings.other + readings.deleted + readings.forgotten,
    )
    store.commit()
    return outcome


class _Gone:
    """What was deleted here, or forgotten for its age: that stays so, though a Bundle tells times roughly."""

    def __init__(self, store: Store) -> None:
        whole = Whole(store)
        self._forgotten = whole.forgotten()
        deleted: dict[tuple[Kind, str], list[int]] = {}
        for one in whole.amendments():
            if one.new_value is None:
                key = one.before.kind, one.before.device
                deleted.setdefault(key, []).append(micro(one.before.time))
        self._deleted = {key: sorted(times) for key, times in deleted.items()}

    def why(self, one: Reading, wide: timedelta) -> Tally | None:
        """Say why a reading of so wide a time stays out; `None` where it does not."""
        time = micro(one.time)
        if time < self._forgotten.get(one.kind, time):
            return Tally(forgotten=1)
        times = self._deleted.get((one.kind, one.device), ())
        place = bisect_left(times, time)
        is_deleted = place < len(times) and times[place] < time + wide // _US
        return Tally(deleted=1) if is_deleted else None


def _spots(store: Store, readings: list[Reading], gone: _Gone, outcome: Outcome) -> Iterator[Reading]:
    """Yield those that are not here."""
    for one in readings:
        window = store.window(one.kind, one.time, one.time + _MS)
        ids = window.ids.tolist()
        alike = [
            found for found in map(store.reading, ids) if found and one.device in (found.device, UNKNOWN)
        ]
        if not alike:
            out = gone.why(one, _MS)
            if out is None:
                yield one
            else:
                outcome.add("readings", out)
        elif any(round(found.value, _DIGITS) == one.value for found in alike):
            outcome.add("readings", Tally(there=1))
        else:
            outcome.add("readings", Tally(other=1))


def _samples(
    store: Store, series: Series, spots: list[Reading], gone: _Gone, outcome: Outcome
) -> list[Reading]:
    """Return those samples in whose slots nothing is here, nor among the single ones of the same Bundle."""
    readings = series.readings
    if not readings:
        return []
    device = readings[0].device
    window = _of(store, device, series, readings[-1].time + series.period)
    single = [instant(one.time) for one in spots if (one.kind, one.device) == (series.kind, device)]
    times = np.sort(np.append(window.times, np.array(single, "M8[us]")))
    starts = np.array([instant(one.time) for one in readings], "M8[us]")
    taken = times.searchsorted(starts) < times.searchsorted(starts + np.timedelta64(series.period))
    outcome.add("readings", Tally(there=int(taken.sum())))
    fresh = []
    for one, there in zip(readings, taken.tolist(), strict=True):
        out = None if there else gone.why(one, series.period)
        if out is not None:
            outcome.add("readings", out)
        elif not there:
            fresh.append(one)
    return fresh


def _of(store: Store, device: str, series: Series, end: datetime) -> Window:
    """What is here of a series' kind and time; of its device alone, where that is known."""
    start = series.readings[0].time
    window = store.window(series.kind, start, end)
    if device == UNKNOWN:
        return window
    if device not in store.sources(series.kind, start, end):
        return window.where(np.zeros(len(window), bool))
    if window.devices is None:
        return window
    return window.where(window.devices == store.device_numbers()[device])


def _note(store: Store, note: Note) -> Tally:
    start = note.time.replace(microsecond=0)
    if any(clean(one.text) == clean(note.text) for one in store.notes(start, start + _SECOND)):
        return Tally(there=1)
    store.add_note(note)
    return Tally(new=1)
