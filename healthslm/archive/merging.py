"""What a Bundle of our own brought, put into a store that may have some of it, with more digits, already.

A Bundle tells times in milliseconds and samples by their slots, so the same reading is one of the same kind
and device whose time falls into that millisecond, or that slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from healthslm.archive.taking_in import Outcome
from healthslm.importers.bundle import Brought, Series
from healthslm.importers.bundle_meaning import UNKNOWN
from healthslm.readings import Note, Reading, Window, instant
from healthslm.store import Store
from healthslm.store.arrivals import Tally
from healthslm.store.audit import Event
from healthslm.text import clean

_MS = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_DIGITS = 6


def merge(store: Store, brought: Brought, at: datetime, *, file: str, sha256: str) -> Outcome:
    """Store what is new of it, all or nothing, and say what became of it; what is here stays as it is.

    Saying it again stores nothing twice.
    """
    outcome, known = Outcome(), store.device_numbers()
    fresh = list(_spots(store, brought.readings, outcome))
    for series in brought.series:
        fresh += _samples(store, series, brought.readings, outcome)
    # First, and at once: what cannot be stored is refused before anything else was written.
    new = len(store.append(fresh))
    outcome.add("readings", Tally(new=new, forgotten=len(fresh) - new))
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
        refused=readings.other + readings.forgotten,
    )
    store.commit()
    return outcome


def _spots(store: Store, readings: list[Reading], outcome: Outcome) -> Iterator[Reading]:
    """Yield those that are not here."""
    for one in readings:
        window = store.window(one.kind, one.time, one.time + _MS)
        ids = window.ids.tolist()
        alike = [
            found for found in map(store.reading, ids) if found and one.device in (found.device, UNKNOWN)
        ]
        if not alike:
            yield one
        elif any(round(found.value, _DIGITS) == one.value for found in alike):
            outcome.add("readings", Tally(there=1))
        else:
            outcome.add("readings", Tally(other=1))


def _samples(store: Store, series: Series, spots: list[Reading], outcome: Outcome) -> list[Reading]:
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
    return [one for one, there in zip(readings, taken.tolist(), strict=True) if not there]


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
