"""`Absence`: fed while readings come, asked every few seconds, and never in need of the store in between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device import LinkEvent, LinkState
from healthslm.absence import beat, clocks, disk
from healthslm.absence.battery import battery_low
from healthslm.absence.moment import Moment
from healthslm.absence.remember import named, remembered
from healthslm.absence.silence import NO_ADAPTER, Adapter, is_down, is_silent, longest_silence, no_data
from healthslm.absence.wearable import JOIN, Wearable
from healthslm.absence.worn import OFF_FOR, STEADY_FOR, is_off, not_worn
from healthslm.alerts.watch import Watch, device_of
from healthslm.links import after, standing
from healthslm.readings import Finding, Reading
from healthslm.store import Store

Holds = tuple[Watch, Finding | None]
_USUAL = timedelta(0)


class Absence:
    """Says what is not there. Made when collecting begins, with what the store knows.

    `monotonic` is a counter in seconds that goes on while the machine sleeps: `clock_gettime(CLOCK_BOOTTIME)`
    on Linux. `expected` says for single devices (by address) after how long without anything they are
    missed, also those that are used once a day; `None` for one that is never missed, silent or not worn.
    `held` are the names of the watches that held when the program ended, so that nothing is told twice.
    `off_for` is how long a device may be unworn; `steady_for` how long a heart rate may stand still, `None`
    where a pacemaker leads it. `free` returns the free bytes of the store's disk, and all.

    Raises `StoreError` while it is made; later only `link` reads the store, for a name, and bears it if that
    fails.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: datetime,
        monotonic: float,
        zone: ZoneInfo,
        expected: Mapping[str, timedelta | None] | None = None,
        held: Collection[str] = (),
        off_for: timedelta = OFF_FOR,
        steady_for: timedelta | None = STEADY_FOR,
        free: disk.Free | None = None,
    ) -> None:
        self._store = store
        self._zone = zone
        self._expected = {address.upper(): length for address, length in (expected or {}).items()}
        self._off_for, self._steady_for = off_for, steady_for
        self._life = beat.SignOfLife(store.folder, now, monotonic)
        self._started = monotonic - self._life.watched_for(now)
        self._links = standing(store)
        self._adapter = Adapter(monotonic)
        self._wearables = {
            it.address: it for it in remembered(store, now, monotonic, frozenset(self._expected), held)
        }
        # What holds of a device that is no longer on the list must come to an end too.
        self._left = [Watch(name, JOIN) for name in held if device_of(name)]
        span = store.span()
        self._clock = clocks.MachineClock(span[1] if span else None, now, monotonic)
        self._disk = disk.Disk(free or disk.free_of(store.folder))

    def wished(self, expected: Mapping[str, timedelta | None], *, paced: bool) -> None:
        """Miss what the person wants missed, from now on."""
        self._expected = {address.upper(): length for address, length in expected.items()}
        self._steady_for = None if paced else STEADY_FOR

    def heard(self, readings: Iterable[Reading], received_at: datetime) -> None:
        """Hear of readings, usable or not, as they come in: about a microsecond each."""
        wearables = self._wearables
        for one in readings:
            it = wearables.get(one.device)
            if it is None:
                it = Wearable(one.device, named(self._store, one.device), self._started)
                wearables[one.device] = it
            it.took(one, received_at)

    def link(self, event: LinkEvent) -> None:
        """Hear what became of a link."""
        stands = after(self._links.get(event.device), event)
        if stands is not None:
            self._links[event.device] = stands
        if event.state is LinkState.NO_ADAPTER:
            self._adapter.missing(event.at, event.why)
        elif event.state is LinkState.CONNECTED:
            self._adapter.works()
            it = self._wearables.get(event.device)
            if it is not None:
                it.name = named(self._store, event.device, it.name)

    def look(self, now: datetime, monotonic: float) -> list[Holds]:
        """Say of every watch whether it holds now. To be asked at least twice a minute."""
        moment = Moment(now, monotonic, self._zone)
        asleep = monotonic - self._clock.last[1] > beat.MISSED.total_seconds()
        if asleep:  # the machine, or this program: a start like any other, and nothing was watched meanwhile
            self._life.slept(moment.wall(self._clock.last[1]), now, monotonic)
            self._started = monotonic
        leapt = self._clock.step(now, monotonic)
        self._adapter.settle(monotonic)
        found: list[Holds] = []
        for it in self._wearables.values():
            it.fresh &= not asleep
            if it.settle(monotonic) and it.heard_at is not None and not leapt:
                self._clock.heard(it.heard_at)
            if leapt and not it.fresh and it.heard_at is not None:
                # How long ago the last reading was is known anew: the clock was wrong at the start.
                ago = max(0.0, (now - it.heard_at).total_seconds())
                it.last = it.last_stream = monotonic - ago
            found += self._of(it, moment)
        found += [(w, None) for w in self._left if device_of(w.name) not in self._wearables]
        found.append((NO_ADAPTER, self._adapter.finding(moment)))
        found.append((clocks.WATCH, self._clock.finding(moment)))
        found.append((disk.WATCH, self._disk.finding(moment)))
        found.append((beat.WATCH, self._life.finding(moment)))
        self._life.beat(moment)
        return found

    def _of(self, it: Wearable, moment: Moment) -> Iterable[Holds]:
        missed = self._expected.get(it.address, _USUAL) is not None
        it.off_told = missed and (it.off_told or is_off(it, self._off_for))
        unworn = not_worn(it, moment, self._steady_for) if missed else None
        silent = self._silent(it, moment, told=unworn is not None) if missed else None
        gone = it.silent == it.device_gone.name
        yield it.no_data, None if gone else silent
        yield it.device_gone, silent if gone else None
        yield it.not_worn, unworn
        yield it.battery_low, battery_low(it, moment)
        yield it.clock_wrong, clocks.corrected(it, moment)

    def _silent(self, it: Wearable, moment: Moment, *, told: bool) -> Finding | None:
        """Say that nothing comes from a device, unless it is `told` why: not worn, or no Bluetooth at all."""
        personal = self._expected.get(it.address)
        longest = longest_silence(it, personal)
        if longest is None or not is_silent(it, longest, moment, self._started):
            it.silent = ""
            return None
        link = self._links.get(it.address)
        if not it.silent:
            if self._adapter.gone or (told and personal is None):
                return None
            it.silent = (it.device_gone if is_down(link) else it.no_data).name
        watch = it.device_gone if it.silent == it.device_gone.name else it.no_data
        return no_data(it, watch, link, longest, personal is not None, moment)

    def finish(self, now: datetime) -> None:
        """Note that the program ends because it was told to. Not to be called when an error ends it."""
        self._life.finish(now)
