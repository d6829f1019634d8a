"""Plays a scenario: a file of what happens and what is expected, on a clock that is moved by hand.

From the bytes of a notification to the call of a hook everything is the real thing; only the clock, the
radio and what lies behind a hook are played. See `README.md` beside it for what a file may say.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.absence import Absence
from healthslm.alerts import Alert, Courier, Engine, desk, parse_hooks
from healthslm.alerts.policy import Policy, keep_policy, policy_of
from healthslm.alerts.watch import Watch
from healthslm.collector import Collector
from healthslm.errors import HookError
from healthslm.pipeline import review
from healthslm.readings import Device, Finding, Kind, Severity
from healthslm.rounds import Rounds
from healthslm.rules import RULES
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.scenarios.wearables import ADDRESSES, Line, Sender

DAY = date(2026, 11, 2)
PASSPHRASE = "passphrase"
LEVELS = {level.word: level for level in Severity}


def span(text: str) -> timedelta:
    """`30s`, `5m` or `2h`."""
    return timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours"}[text[-1]]: float(text[:-1])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a hook: when, whose, with what key, and the payload's fields."""

    at: datetime
    hook: str
    key: str
    told: Mapping[str, Any]


@dataclass(slots=True)
class World:
    """What is outside: the hooks' other ends. `takes` is how long each needs, `down` those that fail."""

    calls: list[Call] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    takes: dict[str, timedelta] = field(default_factory=dict)
    waiting: list[tuple[datetime, asyncio.Future[None]]] = field(default_factory=list)


def _rules(call: Call) -> list[str]:
    return [call.told["rule"], *(also["rule"] for also in call.told["also"])]


class Stage:
    """One scenario, from its beginning to its end."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.script = tomllib.loads(path.read_text(encoding="utf-8"))
        self._zone = ZoneInfo(self.script.get("zone", "Europe/Berlin"))
        self._day = self.script.get("day", DAY)
        self._place = self._zone
        self._folder = folder
        self.now = self.local(self.script["begins"])
        self._ends = self.local(self.script["ends"])
        self._step = span(self.script.get("step", "10s"))
        self._world = World(takes={h["name"]: span(h.pop("takes", "0s")) for h in self.script["hooks"]})
        self._hooks = parse_hooks(
            [{"kind": "command", "argv": ["true"], "tell": "title"} | hook for hook in self.script["hooks"]]
        )
        self._sender = Sender(self._zone, self.local)
        self._lives = 0
        store, _ = create(folder / "0", PASSPHRASE, profile=CHEAPEST)
        keep_policy(store, Policy.model_validate(self.script.get("policy", {})))
        for name in self.script.get("devices", ()):
            store.put_device(Device(address=ADDRESSES[name], name=name))
        store.commit()
        self._start(store)

    def local(self, text: str) -> datetime:
        """`12:00` on the scenario's day by its wall clock, `+1 03:12:30` on the next."""
        days, _, clock = text.rpartition(" ")
        hours, minutes, *seconds = (int(part) for part in clock.split(":"))
        day = self._day + timedelta(days=int(days or 0))
        return datetime(day.year, day.month, day.day, hours, minutes, *seconds, tzinfo=self._zone)

    # The parts, as `collect()` puts them together

    def _start(self, store: Store) -> None:
        self._store = store
        # A process that starts anew calls all hooks anew.
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        self._courier = Courier(
            store,
            self._hooks,
            clock=lambda: self.now,
            carry=self._carry,
            on_delivered=self._delivered,
            jitter=lambda: 1.0,
            monotonic=self._monotonic,
        )
        self._engine = Engine(
            store, self._hooks, clock=lambda: self.now, zone=lambda: self._place, post=self._courier
        )
        self._collector = Collector(store, self._engine, RULES, self._zone, lambda: self.now)
        self._collector.remember(self.now)
        self._absence = Absence(
            store,
            now=self.now,
            monotonic=self._monotonic(),
            zone=self._zone,
            expected=policy_of(store).expected,
            held=[alert.rule for alert in self._engine.open_alerts],
            free=lambda: (10**11, 10**12),
        )
        self._rounds = Rounds(store, self._engine, self._hooks, self._courier, self._absence)

    def _monotonic(self) -> float:
        return self.now.timestamp()

    def _delivered(self, alert_ids: Sequence[str], hook: str, row: int) -> None:
        self._engine.delivered(alert_ids, hook, row)

    async def _carry(self, hook: Any, payload: str, key: str) -> None:
        takes = self._world.takes[hook.name]
        if takes:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._world.waiting.append((self.now + takes, done))
            await done
        if hook.name in self._world.down:
            raise HookError(f"hook {hook.name}: nobody answers.")
        self._world.calls.append(Call(at=self.now, hook=hook.name, key=key, told=json.loads(payload)))

    # What happens

    async def play(self) -> None:
        """Play what happens, look at what is expected, and end. Raises `AssertionError`."""
        expected = [dict(line) for line in self.script["expects"]]
        moments = [(at, self._happens, line) for line in self.script["happens"] for at in self._times(line)]
        moments += [(self.local(line["at"]), self._is_so, line) for line in expected if "at" in line]
        moments.sort(key=lambda moment: moment[0])
        try:
            for at, do, line in moments:
                await self._until(at)
                do(line)
                await self._settle()
            await self._until(self._ends)
            for line in expected:
                if "at" not in line:
                    self._was_so(line)
        finally:
            for task in self._deliveries.values():
                task.cancel()
            await asyncio.gather(*self._deliveries.values(), return_exceptions=True)
            self._store.close()

    def _times(self, line: Line) -> Iterator[datetime]:
        if "from" not in line:
            yield self.local(line["when"])
            return
        at, until, every = self.local(line["from"]), self.local(line["to"]), span(line["every"])
        while at < until:
            yield at
            at = (at.astimezone(ZoneInfo("UTC")) + every).astimezone(self._zone)

    async def _until(self, at: datetime) -> None:
        """Let the time pass, looking after everything at every step."""
        while self.now < at:
            later = (self.now.astimezone(ZoneInfo("UTC")) + self._step).astimezone(self._zone)
            self.now = min(later, at)
            await self._settle()

    async def _settle(self) -> None:
        self._collector.flush(self.now)
        self._collector.settle()
        self._rounds.make(self.now, self._monotonic())
        self._engine.tick(self.now)
        for due, done in self._world.waiting[:]:
            if due <= self.now:
                self._world.waiting.remove((due, done))
                done.set_result(None)
        for hook in self._hooks:
            task = self._deliveries.get(hook.name)
            if task is None or task.done():
                if task is not None:
                    task.result()
                self._deliveries[hook.name] = asyncio.create_task(self._courier.deliver(hook))
        for _ in range(20):
            await asyncio.sleep(0)

    def _happens(self, line: Line) -> None:
        if "device" in line:
            updates = self._collector.take(list(self._sender.events(line, self.now)))
            for update in updates:
                self._rounds.heard(update.event, update.stored)
            return
        actions: dict[str, Callable[[Any], None]] = {
            "is_down": self._world.down.add,
            "is_up": self._world.down.discard,
            "travels_to": self._travel,
            "acknowledges": self._acknowledge,
            "snoozes": lambda what: self._snooze(what, int(line["minutes"])),
            "restarts": lambda _how: self._restart(killed=False),
            "is_killed": lambda _how: self._restart(killed=True),
            "findings": self._storm,
        }
        (action,) = actions.keys() & line.keys()
        actions[action](line[action])

    def _travel(self, zone: str) -> None:
        self._place = ZoneInfo(zone)

    def _alert(self, rule: str) -> Alert:
        return next(alert for alert in desk.alerts_in(self._store) if alert.rule == rule)

    def _acknowledge(self, rule: str) -> None:
        desk.acknowledge(self._store, self._alert(rule).id, self.now, "somebody")
        self._engine.refresh()

    def _snooze(self, what: str, minutes: int) -> None:
        if what == "all":
            desk.snooze_all(self._store, minutes, self.now)
        else:
            desk.snooze(self._store, self._alert(what).id, minutes, policy_of(self._store), self.now)
        self._engine.refresh()

    def _restart(self, *, killed: bool) -> None:
        """End and begin anew; killed, only what was on the disk at this moment is there afterwards."""
        self._lives += 1
        before, after = self._store.folder, self._folder / str(self._lives)
        for task in self._deliveries.values():
            task.cancel()
        self._world.waiting.clear()  # who was being called has heard nothing
        if killed:
            shutil.copytree(before, after)
        with suppress(Exception):
            self._store.close()
        if not killed:
            shutil.copytree(before, after)
        self._start(open_store(after, PASSPHRASE))

    def _storm(self, count: int) -> None:
        """So many findings within the minute, an emergency among them."""
        for number in range(count):
            emergency = number == count * 7 // 10
            finding = Finding(
                rule=f"broken_{number}",
                version="1",
                severity=Severity.EMERGENCY if emergency else Severity.WATCH,
                title="the emergency" if emergency else f"nonsense {number}",
                action="",
                source="a broken device",
                start=self.now,
                end=self.now,
            )
            self._engine.update(Watch(finding.rule, timedelta(minutes=5)), finding, self.now)

    # What is expected

    def _is_so(self, line: Mapping[str, Any]) -> None:
        """Look at how an alert stands now."""
        found = [a for a in desk.alerts_in(self._store) if a.rule == line["of"]]
        state = found[0].state.value if found else "none"
        assert state == line["is"], f"at {line['at']} {line['of']} is {state}, not {line['is']}"
        if "held" in line:
            assert found[0].held.value == line["held"], f"at {line['at']}: held: {found[0].held.value!r}"

    def _was_so(self, line: Mapping[str, Any]) -> None:
        if "told" in line:
            self._were_told(line)
        elif "finding" in line:
            self._was_found(line)
        elif "readings" in line:
            kept = self._store.window(Kind(line["of"]), self.local("00:00"), self._ends)
            assert len(kept) == line["readings"], f"{len(kept)} readings of {line['of']}"
        else:
            kept = [a for a in desk.alerts_in(self._store) if a.rule == line["of"]]
            assert len(kept) == line["alerts"], f"{len(kept)} alerts of {line['of']}: {kept}"

    def _were_told(self, line: Mapping[str, Any]) -> None:
        whole = (self.script["begins"], self.script["ends"])
        first, last = (self.local(text) for text in line.get("between", whole))
        calls = [
            call
            for call in self._world.calls
            if first <= call.at <= last
            and line["told"] in (call.hook, "anybody")
            and ("of" not in line or line["of"] in _rules(call))
            and all(line[name] == call.told[name] for name in ("severity", "occasion") if name in line)
            and line.get("saying", "") in call.told["message"]
        ]
        times = line.get("times")
        seen = "\n".join(
            f"  {c.at.astimezone(self._zone):%d %H:%M:%S} {c.hook}: {c.told['occasion']} {c.told['severity']}"
            f" {c.told['message']}"
            for c in self._world.calls
        )
        as_expected = len(calls) == times if times is not None else bool(calls)
        assert as_expected, f"{dict(line)} but:\n{seen or '  nobody'}"
        if line.get("in_order"):
            rows = [int(call.key.rpartition("-")[2]) for call in calls]
            assert rows == sorted(rows), f"not in order:\n{seen}"
            assert len({call.key for call in calls}) == len(calls), f"one key for several:\n{seen}"

    def _was_found(self, line: Mapping[str, Any]) -> None:
        end = self._ends if "on" not in line else self.local(line["on"])
        found = review(self._store, self.local("00:00"), end, zone=self._zone, made_at=self._ends).findings
        fits = [f for f in found if f.rule == line["finding"]]
        assert len(fits) == line.get("times", 1), f"{line['finding']}: {[(f.rule, f.start) for f in found]}"
        if "was_at" in line:
            assert fits[0].start == self.local(line["was_at"]), f"{fits[0].start} is not {line['was_at']}"
            assert not fits[0].ongoing
        for name in line.get("evidence", ()):
            assert name in {feature.name for feature in fits[0].evidence}
