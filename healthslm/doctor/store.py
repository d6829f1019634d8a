"""The store: what is in it, by what it is opened, when it was last verified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.doctor.check import Check, attention, ok, problem
from healthslm.errors import DamagedError
from healthslm.readings import KINDS
from healthslm.store import Store, database, keys, retention
from healthslm.store.slots import TYPED, RecoverySlot

VERIFIED = "last verified"
"""The setting that says when the whole store was last read and found whole."""
_OFTEN = timedelta(days=90)
_VERIFY = "healthslm doctor --verify"


def contents(store: Store, zone: ZoneInfo) -> Iterator[Check]:
    """Say what is in it."""
    spans, count, size = retention.spans(store), store.count(), store.bytes_on_disk()
    yield ok("store", f"{count:,} readings of {len(spans)} kinds in {size / 1e6:,.1f} MB, in {store.folder}")
    for kind, (first, last) in spans.items():
        begin, end = (f"{time.astimezone(zone):%Y-%m-%d}" for time in (first, last))
        yield ok("", f"{KINDS[kind].title}: {begin} to {end}")


def cipher(file: keys.KeyFile, suitable: str) -> Check:
    """Say by what it is encrypted."""
    suits = "which suits this CPU" if file.cipher == suitable else "which suits another CPU"
    return ok("cipher", f"{file.cipher}, {suits}")


def suitable_cipher() -> str:
    """Return what suits this CPU."""
    return database.suitable_cipher()


def slots(file: keys.KeyFile) -> Iterator[Check]:
    """Say by what it is opened, and whether the recovery words are among it. Needs no key."""
    typed = [slot for slot in file.slots if isinstance(slot, TYPED)]
    said = ", ".join(slot.label for slot in file.slots)
    words = any(isinstance(slot, RecoverySlot) for slot in file.slots)
    if len(typed) <= 1:
        lost = f"{said}: if that is forgotten or lost, so is everything"
        yield attention("opened by", lost, "healthslm keys add recovery")
    elif not words:
        lost = f"{said}: there are no recovery words, for when all of that is forgotten"
        yield attention("opened by", lost, "healthslm keys add recovery")
    else:
        yield ok("opened by", said)


def verify(store: Store, now: datetime, version: str) -> Check:
    """Read and check everything, and keep when that was."""
    try:
        store.verify()
        entries = store.verify_trail()
    except DamagedError as error:
        return problem("verified", error.message, error.hint)
    store.put(VERIFIED, {"at": now.isoformat(), "version": version})
    store.commit()
    return ok("verified", f"every page, segment and roll-up, and {entries:,} entries of the audit trail")


def last_verified(store: Store, file: keys.KeyFile, now: datetime) -> Check:
    """Say when everything was last read and found whole; that takes a while, so it is not done each time."""
    kept = store.get(VERIFIED)
    if kept is None:
        since = min((slot.created for slot in file.slots), default=now)
        said = "everything was never read and checked yet"
    else:
        since = datetime.fromisoformat(kept["at"])
        said = f"everything was last read and found whole on {since:%Y-%m-%d}, by {kept['version']}"
    if now - since > _OFTEN:
        return attention("verified", said, _VERIFY)
    return ok("verified", said, _VERIFY if kept is None else "")
