"""What deciding about alerts costs: ten devices, a value a second each, by a clock that is set by hand."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from device import Notification
from device.gatt import HeartRateMeasurement, PlxContinuousMeasurement
from healthslm.absence import Absence
from healthslm.alerts import CommandHook, Courier, Engine
from healthslm.bench import far
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import PASSPHRASE, UTC
from healthslm.collector import EVERY, Collector
from healthslm.ingest import Ingest
from healthslm.rounds import Rounds
from healthslm.rules import RULES
from healthslm.store import CHEAPEST, Store, create

_START = datetime(2026, 11, 2, 9, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_STRAP, _OXIMETER = "2A37", "2A5F"
_HOOKS = (CommandHook(name="bell", argv=("true",)), CommandHook(name="lamp", argv=("true",)))
"""Never called: nothing here is an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds of CPU for a simulated stretch: to decide about alerts, and in all with decoding and store."""

    simulated_s: float
    deciding: float
    all: float
    alerts: int


@dataclass(slots=True)
class _Meter:
    """Adds up the CPU of what is measured, all threads of this process."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds += time.process_time() - began


def notifications(devices: int, seconds: int, seed: int = 1) -> list[list[Notification]]:
    """What so many devices send, for each tenth of a second: every other one a strap, the rest oximeters.

    Everybody is well. Each device has its own moment of the second; a strap sends the beats since its last.
    """
    dice = random.Random(seed)  # noqa: S311  so that each run sends the same
    tenths: list[list[Notification]] = [[] for _ in range(seconds * 10)]
    for number in range(devices):
        phase, rate = number * 10 // devices, dice.uniform(58, 84)
        for second in range(seconds):
            rate += dice.gauss(0, 0.4) + 0.02 * (70 - rate)
            at = _START + second * _SECOND + phase * EVERY + timedelta(milliseconds=dice.randrange(90))
            characteristic, value = _sent(dice, rate, strap=number % 2 == 0)
            tenths[second * 10 + phase].append(
                Notification(at, far.address(number + 1), characteristic, value, second * 1_000_000_000)
            )
    return tenths


def _sent(dice: random.Random, rate: float, *, strap: bool) -> tuple[str, bytes]:
    if not strap:
        return _OXIMETER, bytes(PlxContinuousMeasurement(float(dice.randint(95, 99)), float(round(rate))))
    count = 1 if dice.random() < 0.8 else 2
    beats = tuple(round(61_440 / rate * dice.uniform(0.96, 1.04)) for _ in range(count))
    return _STRAP, bytes(HeartRateMeasurement(round(rate), True, None, beats))


_WARM_S = 20


def measure(devices: int = 10, minutes: float = 30) -> Cost:
    """Play a stretch twice as `collect()` does, with a look at what is due ten times a second.

    Once only what decides is measured: the rules, the engine and the rounds, of readings that are stored
    already. Once everything that follows a notification, with decoding and the store, and its commits.
    """
    _played(notifications(devices, _WARM_S), whole=True)  # what is loaded the first time is not counted
    sent = notifications(devices, round(minutes * 60))
    deciding, alerts = _played(sent, whole=False)
    everything, again = _played(sent, whole=True)
    return Cost(simulated_s=minutes * 60, deciding=deciding, all=everything, alerts=alerts + again)


def _played(sent: list[list[Notification]], *, whole: bool) -> tuple[float, int]:
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "store", PASSPHRASE, profile=CHEAPEST)
        with store:
            return _Stretch(store).play(sent, whole=whole)


class _Stretch:
    """The parts of `collect()` that come after the radio, and their clock."""

    def __init__(self, store: Store) -> None:
        self.now = _START
        self.store = store
        self.engine = Engine(store, _HOOKS, clock=lambda: self.now)
        self.collector = Collector(store, self.engine, RULES, UTC, lambda: self.now)
        self.collector.remember(self.now)
        absence = Absence(store, now=self.now, monotonic=self.now.timestamp(), zone=UTC)
        courier = Courier(store, _HOOKS, clock=lambda: self.now)
        self.rounds = Rounds(store, self.engine, _HOOKS, courier, absence)
        self.ingest = Ingest(UTC)
        self.alerts = 0

    def play(self, sent: list[list[Notification]], *, whole: bool) -> tuple[float, int]:
        meter = _Meter()
        for number, some in enumerate(sent):
            for notification in some:
                self.now = notification.received_at
                if whole:
                    with meter.running():
                        self._take(notification)
                else:
                    self._decide(notification, meter)
            self.now = _START + (number + 1) * EVERY
            with meter.running():
                self._look()
            if whole:
                with meter.running():
                    self.store.commit_if_due(self.now.timestamp())
            else:
                self.store.commit_if_due(self.now.timestamp())
        return meter.seconds, self.alerts

    def _take(self, notification: Notification) -> None:
        for update in self.collector.take([notification]):
            self.rounds.heard(update.event, update.stored)
            self.alerts += len(update.alerts)

    def _decide(self, notification: Notification, meter: _Meter) -> None:
        stored = self.store.append(self.ingest.take(notification).readings)
        with meter.running():
            self.alerts += len(self.collector.consider(stored, notification.received_at, self.now))
            self.rounds.heard(notification, stored)

    def _look(self) -> None:
        """What `collect()` does every tenth of a second."""
        self.collector.flush(self.now)
        self.alerts += len(
            [
                *self.collector.settle(),
                *self.rounds.make(self.now, self.now.timestamp()),
                *self.engine.tick(self.now),
            ]
        )


def run(repeat: int, *, devices: int = 10, minutes: float = 30) -> list[Row]:
    """Measure it so many times and return the rows."""
    costs = [measure(devices, minutes) for _ in range(repeat)]
    what = f"{devices} devices at 1 Hz each"
    sent = devices * minutes * 60
    return [
        row(
            f"{what}: rules, engine and rounds",
            "% of a core",
            [100 * c.deciding / c.simulated_s for c in costs],
            2,
            most=1,
        ),
        row("the same of a value", "µs of CPU", [1e6 * c.deciding / sent for c in costs], 0),
        row(
            f"{what}: all of it, with decoding and the store",
            "% of a core",
            [100 * c.all / c.simulated_s for c in costs],
            2,
        ),
    ]
