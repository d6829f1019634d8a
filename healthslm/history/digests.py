"""What a local day came to, kept in the store until its readings, or the way it is computed, change."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from healthslm.analysis import day_bounds
from healthslm.errors import StoreError
from healthslm.readings import Kind
from healthslm.store import Store

_LOG = logging.getLogger(__name__)
_DAY = timedelta(days=1)
Prints = Mapping[Kind, Mapping[date, bytes]]
"""By kind and day what changes with the day's readings."""


class Digests:
    """The digests of one store, read and written in one time zone."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store = store
        self._zone = zone

    def prints(self, kinds: Iterable[Kind], first: date, last: date) -> dict[Kind, dict[date, bytes]]:
        """Return the fingerprints of the days in `[first, last]` that have readings.

        They are made of number, extremes and mean in the roll-ups, which outlive the readings themselves.
        """
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if not days:
            return {}
        edges = [day_bounds(day, self._zone)[0] for day in [*days, last + _DAY]]
        found = {}
        for kind in set(kinds):
            rolled = self._store.rollup_between(kind, edges)
            found[kind] = {
                day: b"".join(column[n].tobytes() for column in (rolled.minimum, rolled.maximum, rolled.mean))
                + rolled.count[n].tobytes()
                for n, day in enumerate(days)
                if rolled.count[n]
            }
        return found

    def known(
        self, name: str, days: Sequence[date], prints: Prints, *, how: str, back: int
    ) -> tuple[dict[date, str], dict[date, bytes]]:
        """Return the values of the days that are kept and right, and the fingerprints of those that are not.

        `how` is everything but the readings that a value hangs on, `back` how many days before count.
        """
        kept = self._store.digests(name, days[0].toordinal(), days[-1].toordinal()) if days else {}
        values, unknown = {}, {}
        for day in days:
            seen = self._seen(how, prints, day, back)
            before = kept.get(day.toordinal())
            if before is not None and before[0] == seen:
                values[day] = before[1]
            else:
                unknown[day] = seen
        return values, unknown

    def keep(self, name: str, values: Mapping[date, str], seen: Mapping[date, bytes]) -> None:
        """Keep what days came to. A disk that takes nothing is no trouble: it is computed anew next time."""
        if not values:
            return
        try:
            self._store.put_digests(name, {d.toordinal(): (seen[d], text) for d, text in values.items()})
        except StoreError as error:
            _LOG.warning("What days came to could not be kept. %s", error)

    def commit(self) -> None:
        """Make durable what was kept."""
        try:
            self._store.commit()
        except StoreError as error:
            _LOG.warning("What days came to could not be kept. %s", error)

    def _seen(self, how: str, prints: Prints, day: date, back: int) -> bytes:
        mark = hashlib.blake2b(f"{how} {self._zone.key}".encode(), digest_size=16)
        for kind in sorted(prints):
            mark.update(kind.encode())
            for n in range(back + 1):
                mark.update(prints[kind].get(day - timedelta(days=n), b"-"))
        return mark.digest()
