"""What the store has of alerts cannot be read: the rest goes on, and nobody is told less for it."""

from datetime import datetime, timedelta

import pytest

from healthslm.alerts import Engine, desk, parse_hooks
from healthslm.alerts.watch import Watch
from healthslm.readings import Finding, Severity
from healthslm.store import Store
from tests.making import at

HOOKS = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"]}])
NOON = at("12:00")


def raise_one(store: Store, rule: str = "low_spo2", now: datetime = NOON) -> str:
    finding = Finding(
        rule=rule, version="1", severity=Severity.URGENT, title=rule, action="", source="made up",
        start=now, end=now, ongoing=True,
    )  # fmt: skip
    engine = Engine(store, HOOKS, clock=lambda: now)
    alert = engine.update(Watch(rule, timedelta(hours=1)), finding, now)
    assert alert is not None
    return alert.id


@pytest.mark.parametrize(
    "kept",
    [
        5, [], "x", {"at": "x"}, {"at": NOON.isoformat()}, {"at": None, "until": None},
        {"at": "2026-11-02T12:00", "until": "2026-11-02T13:00"},
    ],
)  # fmt: skip
def test_a_snooze_that_cannot_be_read_is_none(store: Store, kept: object) -> None:
    store.put("alerts snoozed", kept)
    assert desk.all_snoozed_until(store, NOON) is None
    raise_one(store)
    assert store.outbox_pending() == 1


@pytest.mark.parametrize(
    "kept",
    [
        5, [], {"bell": 5}, {"bell": {}}, {"bell": {"sent": [1], "capped": None}},
        {"bell": {"sent": [["2026-11-02T12:00", "breathing", 3]], "capped": None}},
        {"bell": {"sent": [[NOON.isoformat(), "breathing", 99]], "capped": None}},
        {"bell": {"sent": [], "capped": "yesterday"}},
    ],
)  # fmt: skip
def test_what_was_told_lately_and_cannot_be_read_holds_nothing_back(store: Store, kept: object) -> None:
    store.put("alerts told lately", kept)
    raise_one(store)
    assert store.outbox_pending() == 1


@pytest.mark.parametrize("document", ["{}", "", "[1]", '{"id": 5}'])
def test_an_alert_that_cannot_be_read_stops_no_other(store: Store, document: str) -> None:
    damaged = raise_one(store, "fever")
    (row,) = store.outbox("bell")
    store.put_alert(damaged, "raised", NOON, document)
    other = raise_one(store)
    engine = Engine(store, HOOKS, clock=lambda: NOON)
    engine.delivered([damaged, other], "bell", row.id + 1)
    engine.tick(NOON + timedelta(minutes=1))
    assert desk.acknowledge(store, other, NOON).acknowledged_at == NOON
    assert [alert.id for alert in desk.alerts_in(store)] == [other]
    assert store.alert(damaged) == document  # left as it is, for whoever can read it
