"""What was held back, and clocks that were set meanwhile."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from healthslm.alerts import Engine, desk, parse_hooks
from healthslm.alerts.loose import Letter
from healthslm.alerts.policy import Policy, Quiet, keep_policy
from healthslm.alerts.undelivered import undelivered
from healthslm.alerts.watch import Watch
from healthslm.readings import Finding, Severity
from healthslm.store import Store
from tests.making import DAY, at

HOOKS = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"], "tell": "title"}])
NIGHT = Policy(quiet=(Quiet(start=time(22), end=time(7)),))


class Post:
    """Who takes payloads to the hooks, and here only notes that there are some."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, hook: str) -> None:
        self.woken.append(hook)

    def bring(self, hook: str, letter: Letter) -> None:
        raise AssertionError("the disk is not full")


def finding(rule: str, now: datetime, severity: Severity = Severity.URGENT) -> Finding:
    return Finding(
        rule=rule, version="1", severity=severity, title=rule, action="", source="made up",
        start=now, end=now, ongoing=True,
    )  # fmt: skip


def rule(name: str, join: timedelta = timedelta(minutes=30)) -> Watch:
    return Watch(name, join)


def engine_of(store: Store, now: datetime) -> Engine:
    return Engine(store, HOOKS, clock=lambda: now)


def test_what_was_seen_before_the_quiet_hours_ended_is_not_told_then(store: Store) -> None:
    keep_policy(store, NIGHT)
    engine = engine_of(store, DAY)
    for name in ("low_spo2", "fever"):
        assert engine.update(rule(name), finding(name, at("23:00")), at("23:00"))
    for name in ("low_spo2", "fever"):
        engine.update(rule(name), None, at("23:10"))
    engine.tick(at("23:50"))
    assert engine.open_alerts == ()
    seen = next(alert for alert in desk.alerts_in(store) if alert.rule == "fever")
    desk.acknowledge(store, seen.id, at("23:55"))
    engine.refresh()
    engine.tick(at("07:01") + timedelta(days=1))
    (row,) = store.outbox("bell")
    assert "low_spo2" in row.payload
    assert "fever" not in row.payload


def test_what_is_held_back_is_told_though_it_was_raised_days_ago(store: Store) -> None:
    """Raised three days ago by another hook's word, over in the night, held until the morning."""
    keep_policy(store, NIGHT)
    engine = engine_of(store, at("23:00"))
    engine.update(rule("fever"), finding("fever", at("23:00")), at("23:00"))
    (open_,) = engine.open_alerts
    old = replace(open_, raised_at=open_.raised_at - timedelta(days=3))
    store.put_alert(old.id, old.state, old.raised_at, old.to_json())
    engine.refresh()
    engine.update(rule("fever"), None, at("23:10"))
    engine.tick(at("23:50"))
    again = engine_of(store, at("06:00") + timedelta(days=1))
    again.tick(at("07:01") + timedelta(days=1))
    assert len(store.outbox("bell")) == 1


def test_a_clock_set_back_joins_nothing_to_what_was_told_in_the_future(store: Store) -> None:
    engine = engine_of(store, DAY)
    engine.update(rule("high_heart_rate"), finding("high_heart_rate", at("12:30")), at("12:30"))
    engine.update(rule("irregular_rhythm"), finding("irregular_rhythm", at("12:00")), at("12:00"))
    assert len(store.outbox("bell")) == 2  # both are of the heart, half an hour apart


def test_a_clock_set_back_does_not_hide_that_a_hook_takes_nothing(store: Store) -> None:
    row = store.outbox_add(["a"], "bell", "{}", at("12:50"))
    for tries in range(12):
        store.outbox_failed(row, "nobody answers")
        ((_, said),) = undelivered(store, HOOKS, at("12:00"))
        assert (said is not None) == (tries + 1 > 9)


def test_an_emergency_that_is_told_by_the_clock_does_not_wait_for_an_old_failure(store: Store) -> None:
    post = Post()
    carer = parse_hooks([{"kind": "command", "name": "carer", "argv": ["true"], "after_min": 5}])
    engine = Engine(store, carer, clock=lambda: at("12:00"), post=post)
    engine.update(rule("low_spo2"), finding("low_spo2", at("12:00"), Severity.EMERGENCY), at("12:00"))
    engine.tick(at("12:01"))
    assert post.woken == []
    engine.tick(at("12:06"))
    assert post.woken == ["carer"]
