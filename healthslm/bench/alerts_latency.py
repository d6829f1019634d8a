"""How long it takes from a notification at the radio until whoever a hook calls has got the alert.

All of the way is walked, anew for each alert: a virtual thermometer in another process, bleak, `watch`,
`collect()` with the rules and the encrypted store, the outbox, the courier, a real hook, and a receiver in a
third process. So that each fever is a new one, the data's clock leaps by more than the rule's `join` whenever
both hooks have been told. The rules that look at days are left out: they are asked once in ten minutes, and
the leaps would have them asked for each alert.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from device import Notification, watch
from device.virtual import VirtualRadio
from healthslm.alerts import CommandHook, Tell, WebhookHook
from healthslm.bench import alerts_radio, far, latency
from healthslm.bench.alerts_carry import carrying
from healthslm.bench.alerts_receiver import SECRET, Receiver, receiving
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import PASSPHRASE, UTC, until
from healthslm.collector import Update
from healthslm.errors import ModelError
from healthslm.pipeline import collect
from healthslm.rules import RULES
from healthslm.rules.temperature import FEVER
from healthslm.slm import Audience, ModelProcess
from healthslm.slm.jobs import sentence_about
from healthslm.store import CHEAPEST, create

HOOKS = ("command", "webhook")
_START = datetime(2026, 11, 2, tzinfo=UTC)
_LEAP = FEVER.join + timedelta(minutes=1)
_EVERY = 0.13
"""Seconds between two measurements: a moment of its own within each tenth of a second."""
_WARM = 5
"""The first alerts load what a running program has loaded: not counted."""
_P50_MS, _P99_MS = 50, 250
_PATIENCE_S = 300.0
_FACTS = "heart rate: average 74 bpm, lowest 52 bpm, highest 121 bpm; temperature: highest 38.5 °C; "


@dataclass(slots=True)
class _Fevers:
    """The data's clock, and when each alert's notification came, in ns of the machine's monotonic clock."""

    leaps: int = 0
    began: float = field(default_factory=time.monotonic)
    heard: dict[str, int] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)

    def clock(self) -> datetime:
        return _START + self.leaps * _LEAP + timedelta(seconds=time.monotonic() - self.began)

    def observe(self, update: Update) -> None:
        for alert in update.alerts:
            if alert.rule == FEVER.name and isinstance(update.event, Notification):
                self.heard[alert.id] = update.event.monotonic_ns

    def delivered(self, alert_id: str, hook: str) -> None:
        told = self.told.setdefault(alert_id, set())
        told.add(hook)
        if len(told) == len(HOOKS):
            self.leaps += 1


def _hooks(receiver: Receiver) -> list[CommandHook | WebhookHook]:
    tee = shutil.which("tee") or "tee"
    return [
        CommandHook(name="command", argv=(tee, str(receiver.pipe)), tell=Tell.SEVERITY),
        WebhookHook(name="webhook", url=receiver.url, secret=SECRET, tell=Tell.SEVERITY),
    ]


async def alerts(count: int) -> dict[str, list[float]]:
    """Raise so many alerts; return by hook the milliseconds that each took."""
    fevers, stop, wanted = _Fevers(), asyncio.Event(), count + _WARM
    with (
        tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder,
        far.begun(alerts_radio.__name__, str(Path(folder) / "radio.sock"), str(_EVERY)),
        receiving() as receiver,
        create(Path(folder) / "store", PASSPHRASE, profile=CHEAPEST)[0] as store,
    ):
        async with (
            carrying() as carried,
            VirtualRadio.over(Path(folder) / "radio.sock") as air,
            watch([far.address(1)], clock=fevers.clock, radio=air.radio) as events,
        ):
            collecting = asyncio.create_task(
                collect(
                    events,
                    store,
                    zone=UTC,
                    hooks=_hooks(receiver),
                    carry=carried.carry,
                    rules=[rule for rule in RULES if not rule.daily],
                    clock=fevers.clock,
                    observe=fevers.observe,
                    delivered=fevers.delivered,
                    stop=stop,
                )
            )
            try:
                await until(lambda: collecting.done() or len(fevers.told) > wanted, 60 + wanted * 2)
            finally:
                stop.set()
                await collecting
    return {
        hook: [
            (receiver.came[hook, alert] - heard) / 1e6
            for alert, heard in list(fevers.heard.items())[_WARM:wanted]
        ]
        for hook in HOOKS
    }


def run(
    model: Path, repeat: int, *, count: int = 200, progress: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Measure so many alerts a run while the model writes a summary, and while it rests; return the rows."""
    try:
        writer = ModelProcess(model, answer_s=_PATIENCE_S)
    except ModelError:
        situations: list[tuple[str, ModelProcess | None]] = [("without a language model", None)]
    else:
        situations = [("while a summary is written", writer), ("while the model rests", None)]
    rows = []
    for name, process in situations:
        runs: dict[str, list[list[float]]] = {hook: [] for hook in HOOKS}
        for number in range(repeat):
            progress(f"{count} alerts from the radio to the hooks, {name}, run {number + 1} of {repeat}")
            for hook, took in _run(process, count).items():
                runs[hook].append(took)
        rows += _rows(name, runs)
    return rows


def _run(process: ModelProcess | None, count: int) -> dict[str, list[float]]:
    if process is None:
        return asyncio.run(alerts(count))
    with process:
        process.start()
        with latency.writing(process, sentence_about(_FACTS, Audience.WEARER)) as written:
            measured = asyncio.run(alerts(count))
        if not written():
            raise AssertionError("the model wrote nothing meanwhile")
    return measured


def _rows(name: str, runs: dict[str, list[list[float]]]) -> list[Row]:
    return [
        row(
            f"notification at the radio to the {hook}'s receiver, {name}: {label}",
            "ms",
            [float(np.percentile(took, share)) for took in runs[hook]],
            1,
            most=most,
        )
        for hook in HOOKS
        for label, share, most in (("p50", 50, _P50_MS), ("p99", 99, _P99_MS))
    ]
