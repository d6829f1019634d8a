"""Where the week is played: the folders, the store as it is at first, and the hook's other end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from healthslm.bench.alerts_receiver import SECRET, Arrived
from healthslm.bench.week_plan import DAY_S, ZONE, Plan
from healthslm.bench.week_words import PASSPHRASE, TOKEN
from healthslm.companion import Client, Role
from healthslm.companion.clients import add, digest
from healthslm.readings import Device, Kind
from healthslm.store import CHEAPEST, create, retention, schedule
from healthslm.store.codec import Columns

_OLD = "C0:FF:EE:00:00:FF"
_OLD_DAYS = 12
_OLD_MINUTES = 5
KEPT_DAYS = 7
"""Heart rates are kept for so many days: of those that are older, some are deleted on each."""
BACKUPS = schedule.Policy(daily=3, weekly=1, monthly=1)


class Places:
    """The folders of a run."""

    def __init__(self, root: Path) -> None:
        self.home, self.backups, self.state = root / "home", root / "backups", root / "state"
        self.temporary = root / "tmp"
        self.socket, self.clock = root / "air", root / "clock"
        for folder in (self.backups, self.state, self.temporary):
            folder.mkdir()

    def make(self, plan: Plan, url: str) -> None:
        """Make the store: an old device's readings, the wearables, a hook."""
        store, _ = create(self.home, PASSPHRASE, profile=CHEAPEST)
        with store:
            end = int(plan.start.timestamp())
            times = np.arange(end - _OLD_DAYS * DAY_S, end, 60 * _OLD_MINUTES, dtype=np.int64) * 1_000_000
            values = (70 + 9 * np.sin(times / 4e9)).round()
            store.append_columns(
                Kind.HEART_RATE, _OLD, Columns(times, values, np.zeros(len(times), np.int16))
            )
            for one in plan.worn:
                store.put_device(Device(address=one.address, name=one.kind))
            hook = {"kind": "webhook", "name": "family", "url": url, "secret": SECRET}
            store.put("hooks", [hook])
            chosen = schedule.chosen(self.backups, self.home, BACKUPS)
            store.put(schedule.SETTING, chosen.to_json())
            kept = retention.decide(retention.policy(store), Kind.HEART_RATE.value, KEPT_DAYS)
            store.put(retention.SETTING, kept.model_dump(mode="json"))
            client = Client(
                id="0" * 16, name="bench", role=Role.WEARER, token=digest(TOKEN), added=plan.start
            )
            add(store, client)
            store.commit()

    def setup(self, paired: Sequence[str]) -> dict[str, Any]:
        """What a process is started with."""
        return {
            "home": str(self.home),
            "state": str(self.state),
            "socket": str(self.socket),
            "clock": str(self.clock),
            "zone": ZONE.key,
            "paired": list(paired),
        }


class Hook:
    """The hook's other end, and whether it takes anything."""

    def __init__(self) -> None:
        self.up = True
        self.came: list[Arrived] = []
        self._lock = threading.Lock()

    def took(self, one: Arrived) -> None:
        """Take a payload."""
        with self._lock:
            self.came.append(one)


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder, however deep."""
    return [path for path in folder.rglob("*") if path.is_file()]
