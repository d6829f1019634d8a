"""An alert does not wait for a disk, and once there is room again nothing is told twice."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from healthslm.alerts import Alert, AlertState, Courier, Engine, Hook, desk, parse_hooks
from healthslm.alerts.courier import REFUSED
from healthslm.alerts.undelivered import undelivered
from healthslm.alerts.watch import Watch
from healthslm.errors import HookError
from healthslm.readings import Finding, Severity
from healthslm.store import Store, open_store
from tests.making import at
from tests.store.disk import Disk, watched
from tests.store.test_torn import PASSPHRASE, failing, full, made, over_the_disk

(BELL,) = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"]}])


def emergency(rule: str, now: datetime) -> tuple[Watch, Finding]:
    finding = Finding(
        rule=rule, version="1", severity=Severity.EMERGENCY, title=rule, action="", source="made up",
        start=now, end=now, ongoing=True,
    )  # fmt: skip
    return Watch(rule, timedelta(hours=1)), finding


class Phone:
    """The hook's other end: what it was told, by key; `up` says whether it answers."""

    def __init__(self) -> None:
        self.up = True
        self.refuses = ""
        self.told: list[tuple[str, str]] = []

    async def take(self, hook: Hook, payload: str, key: str) -> None:
        if not self.up or json.loads(payload)["id"] == self.refuses:
            raise HookError(f"hook {hook.name}: nobody answers.")
        self.told.append((json.loads(payload)["id"], key))


class Parts:
    """A store on a disk that can be full, and what brings its alerts to a phone."""

    def __init__(self, store: Store, disk: Disk) -> None:
        self.store, self.disk, self.phone = store, disk, Phone()
        self.clock = 0.0
        self.courier = Courier(
            store,
            [BELL],
            clock=lambda: at("12:00"),
            carry=self.phone.take,
            on_delivered=self._delivered,
            jitter=lambda: 1.0,
            monotonic=lambda: self.clock,
        )
        self.engine = Engine(store, [BELL], clock=lambda: at("12:00"), post=self.courier)

    def _delivered(self, ids: object, hook: str, row: int) -> None:
        self.engine.delivered(ids, hook, row)  # type: ignore[arg-type]

    def raises(self, rule: str) -> Alert:
        alert = self.engine.update(*emergency(rule, at("12:00")), at("12:00"))
        assert alert is not None
        return alert

    def deliver(self) -> None:
        asyncio.run(self.courier.deliver(BELL))


@contextmanager
def parts(folder: Path) -> Iterator[Parts]:
    access = made(folder / "home")
    with watched() as disk:
        store = over_the_disk(access)
        try:
            yield Parts(store, disk)
        finally:
            disk.fault = lambda _event: None
            store.close()


@pytest.mark.parametrize("fault", [full, failing])
def test_it_is_told_at_once_and_once(tmp_path: Path, fault: Callable[[object], None]) -> None:
    with parts(tmp_path) as it:
        it.disk.fault = fault
        first, second = it.raises("low_spo2"), it.raises("low_glucose")
        it.deliver()
        assert {alert for alert, _ in it.phone.told} == {first.id, second.id}
        it.disk.fault = lambda _event: None
        it.engine.tick(at("12:00"))
        it.store.commit()
        it.deliver()
        assert len(it.phone.told) == 2
        assert it.store.outbox_pending() == 0
    with open_store(tmp_path / "home", PASSPHRASE) as again:
        assert {a.rule: a.delivered_to for a in desk.alerts_in(again)} == {
            "low_spo2": ("bell",),
            "low_glucose": ("bell",),
        }


def test_a_hook_that_does_not_take_it_then_is_tried_again(tmp_path: Path) -> None:
    with parts(tmp_path) as it:
        it.disk.fault = full
        alert = it.raises("low_spo2")
        it.phone.up = False
        it.deliver()
        it.phone.up = True
        it.deliver()
        assert it.phone.told == []  # it is left alone for a while
        it.clock += 10
        it.deliver()
        assert [told for told, _ in it.phone.told] == [alert.id]


def test_what_is_on_the_disk_after_all_is_no_other_delivery(tmp_path: Path) -> None:
    """The process ends before the hook took it: the next one has the same key for it."""
    with parts(tmp_path) as it:
        it.disk.fault = full
        it.raises("low_spo2")
        it.deliver()
        it.disk.fault = lambda _event: None
        it.store.commit()
        (row,) = it.store.outbox("bell")
        assert it.phone.told[0][1] == f"{row.alert_ids[0]}-{row.id}"


def test_what_somebody_acknowledged_while_the_disk_was_full_stays_acknowledged(tmp_path: Path) -> None:
    """It was seen by another process between the write that failed and the one that makes up for it."""
    with parts(tmp_path) as it:
        alert = it.raises("low_spo2")
        it.deliver()
        it.disk.fault = full
        it.engine.update(*emergency("low_spo2", at("12:02")), at("12:02"))
        it.disk.fault = lambda _event: None
        it.store.commit()
        desk.acknowledge(it.store, alert.id, at("12:03"))
        it.engine.refresh()
        it.engine.tick(at("12:04"))
        it.store.commit()
        assert next(desk.alerts_in(it.store)).acknowledged_at == at("12:03")
        assert [one.state for one in it.engine.open_alerts] == [AlertState.ACKNOWLEDGED]


def test_a_payload_in_memory_that_is_refused_holds_up_no_other(tmp_path: Path) -> None:
    with parts(tmp_path) as it:
        it.disk.fault = full
        refused = it.raises("low_spo2")
        it.disk.fault = lambda _event: None
        it.phone.refuses = refused.id
        it.store.commit()
        other = it.raises("low_glucose")
        for _ in range(REFUSED):
            it.clock += 1000
            it.deliver()
        assert other.id in [told for told, _ in it.phone.told]


def test_what_waits_in_memory_is_told_by_the_others_like_what_waits_on_the_disk(tmp_path: Path) -> None:
    with parts(tmp_path) as it:
        it.disk.fault = full
        it.phone.up = False
        it.raises("low_spo2")
        it.deliver()
        ((_, said),) = undelivered(it.store, [BELL], at("12:09"), it.courier.in_hand)
        assert said is None
        ((watch, said),) = undelivered(it.store, [BELL], at("12:11"), it.courier.in_hand)
        assert (watch.name, said is not None) == ("undelivered:bell", True)


def test_a_call_in_memory_is_called_off_like_one_on_the_disk(tmp_path: Path) -> None:
    with parts(tmp_path) as it:
        alert = it.raises("low_spo2")
        it.deliver()
        it.phone.up = False
        it.disk.fault = full
        it.engine.tick(at("12:15"))  # told again after ten minutes
        it.deliver()
        assert it.courier.in_hand("bell") is not None
        it.disk.fault = lambda _event: None
        it.store.commit()
        desk.acknowledge(it.store, alert.id, at("12:16"))
        it.phone.up, it.clock = True, it.clock + 1000
        it.deliver()
        assert len(it.phone.told) == 1
