"""Alerts are raised and told in a process that is killed, again and again: what is lost, what comes twice.

The child says of each alert that it is raised only once the engine has returned, which is when it is
committed. All are emergencies, so that by the default policy none is capped, grouped or held back: what an
acknowledged alert waits for is the hook alone. One rule is seen anew each time; it is over at once, so each
is an alert of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from healthslm.alerts import Courier, Engine, Tell, WebhookHook
from healthslm.alerts.watch import Watch
from healthslm.bench.alerts_carry import carrying
from healthslm.bench.alerts_receiver import SECRET, Arrived, listening
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import PASSPHRASE, UTC
from healthslm.errors import HealthslmError
from healthslm.readings import Finding, Severity
from healthslm.store import CHEAPEST, create, open_store

_START = datetime(2026, 11, 2, tzinfo=UTC)
_STEP = timedelta(minutes=10)
_WAITING = 8
"""So many payloads may wait for the hook before the next alert is raised: a kill finds some of them."""
_SOON_S = 0.03
"""A kill comes within so long of an alert: that is a few of them, with all that is written for each."""
_STARTING_S = 0.4
"""One that hits a start comes within so long."""
_PATIENCE_S = 120.0
_MANY = 1_000_000
"""More alerts than a child comes to."""
_DONE = "done"
"""What the child says at the end; first the number of the process that carries for it, or 0; then ids."""


_RULE = Watch("made_up", timedelta(0))
"""Nothing joins one alert of it to the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What came of it. `alerts` are those acknowledged, `kills` how often a process was killed meanwhile.

    `lost` were acknowledged and never came. `foreign` came again under another key, `again` under the same.
    `late` came for the first time only after one that was raised later. `more` came and were never
    acknowledged: the kill was between the commit and the word.
    """

    alerts: int
    kills: int
    lost: int
    foreign: int
    again: int
    late: int
    more: int


def judged(acknowledged: Sequence[str], came: Sequence[Arrived], kills: int) -> Killed:
    """Compare what was acknowledged, in order, with what came to one hook, in order."""
    keys: dict[str, str] = {}
    foreign = again = 0
    for one in came:
        if one.alert not in keys:
            keys[one.alert] = one.key
        elif keys[one.alert] == one.key:
            again += 1
        else:
            foreign += 1
    place = {alert: number for number, alert in enumerate(acknowledged)}
    late, furthest = 0, -1
    for alert in keys:
        at = place.get(alert, furthest)
        late += at < furthest
        furthest = max(furthest, at)
    return Killed(
        alerts=len(place),
        kills=kills,
        lost=len(place.keys() - keys.keys()),
        foreign=foreign,
        again=again,
        late=late,
        more=len(keys.keys() - place.keys()),
    )


# The child


def raise_alerts(home: Path, url: str, done: int, count: int, say: Connection) -> None:
    """Raise so many alerts after those `done`, say the id of each once it is committed, and have all told."""
    asyncio.run(_raise(home, url, done, count, say))


async def _raise(home: Path, url: str, done: int, count: int, say: Connection) -> None:
    hooks = [WebhookHook(name="webhook", url=url, secret=SECRET, tell=Tell.SEVERITY)]
    now = _START + done * _STEP
    with open_store(home, PASSPHRASE) as store:

        def delivered(alert_ids: Sequence[str], hook: str, row: int) -> None:
            engine.delivered(alert_ids, hook, row)

        async with (
            carrying() as carried,
            Courier(store, hooks, clock=lambda: now, carry=carried.carry, on_delivered=delivered) as courier,
        ):
            engine = Engine(store, hooks, clock=lambda: now, post=courier)
            say.send(carried.pid or 0)
            for _ in range(count):
                now += _STEP
                alert = engine.update(_RULE, _finding(now), now)
                if alert is None:
                    raise AssertionError("what was to be an alert is none")
                say.send(alert.id)
                engine.tick(now)
                await asyncio.sleep(0)
                while store.outbox_pending() >= _WAITING:  # noqa: ASYNC110  the courier does not say
                    await asyncio.sleep(0.002)
            if not await courier.drain(_PATIENCE_S):
                raise AssertionError("the outbox did not run dry")
    say.send(_DONE)


def _finding(now: datetime) -> Finding:
    return Finding(
        rule=_RULE.name,
        version="1",
        severity=Severity.EMERGENCY,
        title="Made up",
        action="Nothing is to be done.",
        source="the bench",
        start=now,
        end=now,
        ongoing=True,
    )


# The parent


class _Rounds:
    """One child after the other, over one store."""

    def __init__(self, home: Path, url: str, dice: random.Random) -> None:
        self.acknowledged: list[str] = []
        self.kills = 0
        self._home = home
        self._url = url
        self._dice = dice
        self._courier = 0
        self._context = get_context("forkserver")  # a start takes next to nothing, as of a bare fork
        self._context.set_forkserver_preload([__name__, "httpx"])

    def killed(self, alerts: int) -> None:
        """Let a child raise about so many alerts, and kill it; or first who carries for it."""
        child, hear = self._begin(_MANY)
        victim = 0
        while victim != child.pid:
            words = self._dice.randint(0, 2 * alerts)
            for _ in range(words):
                self._hear(hear)
            time.sleep(self._dice.uniform(0, _SOON_S if words else _STARTING_S))
            victim = self._dice.choice([pid for pid in (child.pid, self._courier) if pid])
            os.kill(victim, signal.SIGKILL)
            self.kills += 1
            self._courier = 0  # another one is there in its place: its number is not known
        with suppress(EOFError, OSError):  # what it said before the kill, whole or not
            while True:
                self._took(hear.recv())
        child.join()

    def finished(self, alerts: int) -> None:
        """Let a last child raise so many alerts, undisturbed, until nothing waits any more."""
        child, hear = self._begin(alerts)
        while self._hear(hear) != _DONE:
            pass
        child.join()

    def _begin(self, count: int) -> tuple[BaseProcess, Connection]:
        hear, say = self._context.Pipe(duplex=False)
        done = len(self.acknowledged) + self.kills  # of each that was killed one may not have been told
        self._courier = 0
        child = self._context.Process(target=raise_alerts, args=(self._home, self._url, done, count, say))
        child.start()
        say.close()
        return child, hear

    def _hear(self, hear: Connection) -> str | int:
        if not hear.poll(_PATIENCE_S):
            raise HealthslmError("The process that raises alerts does not go on.", "See what it said.")
        try:
            return self._took(hear.recv())
        except EOFError as error:
            raise HealthslmError(
                "The process that raises alerts ended by itself.", "See what it said."
            ) from error

    def _took(self, word: str | int) -> str | int:
        if isinstance(word, int):
            self._courier = word
        elif word != _DONE:
            self.acknowledged.append(word)
        return word


def kill(
    alerts: int = 10_000, kills: int = 200, *, seed: int = 1, progress: Callable[[str], None] = lambda _: None
) -> Killed:
    """Raise so many alerts in processes of which so many are killed; then let the last one drain."""
    came: list[Arrived] = []
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder, listening(came.append) as url:
        home = Path(folder) / "store"
        create(home, PASSPHRASE, profile=CHEAPEST)[0].close()
        rounds = _Rounds(home, url, random.Random(seed))  # noqa: S311  moments, not secrets
        while rounds.kills < kills:
            left = alerts - len(rounds.acknowledged)
            if rounds.kills % 20 == 0:
                progress(f"{rounds.kills} of {kills} kills, {len(rounds.acknowledged):,} alerts")
            rounds.killed(max(1, left // (kills - rounds.kills + 1)))
        rounds.finished(max(1, alerts - len(rounds.acknowledged)))
        return judged(rounds.acknowledged, list(came), rounds.kills)


def rows(killed: Killed) -> list[Row]:
    """Say what came of it."""
    what = f"{killed.kills} kills during {killed.alerts:,} alerts"
    return [
        row(f"{what}: lost", "", [float(killed.lost)], most=0),
        row(f"{what}: told twice under another key", "", [float(killed.foreign)], most=0),
        row(f"{what}: told twice under the same key", "", [float(killed.again)]),
        row(f"{what}: first told out of order", "", [float(killed.late)], most=0),
        row(f"{what}: told, and killed before it could be said", "", [float(killed.more)]),
    ]
