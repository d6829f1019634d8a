import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from healthslm.alerts import Alert, AlertState, Engine, Tell, desk, parse_hooks, payload
from healthslm.alerts.payload import TOLD
from healthslm.alerts.policy import Policy, keep_policy
from healthslm.alerts.watch import Watch
from healthslm.errors import UsageError
from healthslm.readings import Finding, Kind, Severity
from healthslm.rules import judge
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.temperature import FEVER
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.making import DAY, at, series, windows

HOOKS = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"]}])


def fever(*values: float) -> Finding | None:
    rows = series(Kind.TEMPERATURE, at("12:00"), values, every=1800)
    return judge(FEVER, windows(rows), rows[-1].time)


def engine_of(store: Store) -> Engine:
    return Engine(store, HOOKS, clock=lambda: DAY)


def test_a_finding_is_raised_once(store: Store) -> None:
    engine = engine_of(store)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    assert alert.state is AlertState.RAISED
    assert engine.update(FEVER, fever(38.3, 38.4), at("12:30")) is None
    assert store.outbox_pending() == 1


def test_worse_is_news_even_to_who_has_seen_it(store: Store) -> None:
    engine = engine_of(store)
    first = engine.update(FEVER, fever(38.3), at("12:00"))
    assert first is not None
    desk.acknowledge(store, first.id[:6], at("12:10"))
    worse = engine.update(FEVER, fever(38.3, 39.2, 39.3), at("13:00"))
    assert worse is not None
    assert (worse.id, worse.severity, worse.acknowledged_at) == (first.id, Severity.URGENT, None)
    assert store.outbox_pending() == 2


def test_better_is_no_news_and_over_is_resolved_only_after_a_while(store: Store) -> None:
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.update(FEVER, None, at("13:00"))
    assert engine.open_alerts  # a dip below the line does not end a fever
    engine.update(FEVER, None, at("12:00") + FEVER.join + timedelta(minutes=1))
    assert not engine.open_alerts
    assert [state for _, state, _, _ in store.alerts()] == ["resolved"]
    assert engine.update(FEVER, fever(38.3), at("22:00")) is not None


def test_a_restart_does_not_raise_again(store: Store) -> None:
    engine_of(store).update(FEVER, fever(38.3), at("12:00"))
    again = engine_of(store)
    assert len(again.open_alerts) == 1
    assert again.update(FEVER, fever(38.3, 38.5), at("12:30")) is None
    assert store.outbox_pending() == 1


def test_an_alert_reads_back_as_it_was_written(store: Store) -> None:
    alert = engine_of(store).update(FEVER, fever(38.3), at("12:00"))
    ((_, _, _, document),) = store.alerts()
    assert Alert.from_json(document) == alert


def test_delivery_is_noted(store: Store) -> None:
    engine = engine_of(store)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    engine.delivered([alert.id], "bell", 1)
    (kept,) = engine.open_alerts
    assert (kept.state, kept.delivered_to) == (AlertState.DELIVERED, ("bell",))


@pytest.mark.parametrize("which", ["nothing", ""])
def test_acknowledging_what_is_not_there_says_so(store: Store, which: str) -> None:
    with pytest.raises(UsageError, match="no alert"):
        desk.acknowledge(store, which, at("12:00"))


def test_a_hook_is_told_no_more_than_was_chosen(store: Store) -> None:
    alert = engine_of(store).update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    little, title, full = (payload(alert, tell) for tell in Tell)
    for secret in ("fever", "Fever", "38.3", "temperature"):
        assert secret not in little
    assert json.loads(little).keys() == TOLD[Tell.SEVERITY]
    assert "Fever" in title
    assert "38.3" not in title
    assert json.loads(full)["finding"]["evidence"][0]["value"] == "38.3"
    assert {json.loads(p)["schema"] for p in (little, title, full)} == {"healthslm.alert/1"}


def low_oxygen(value: float, clock: str) -> Finding | None:
    rows = series(Kind.SPO2, at(clock) - timedelta(minutes=6), [value] * 360)
    return judge(LOW_SPO2, windows(rows), rows[-1].time)


def test_a_new_episode_days_later_is_a_new_alert_though_nothing_was_measured_between(store: Store) -> None:
    engine = engine_of(store)
    first = engine.update(FEVER, fever(38.5), at("12:00"))
    later = engine.update(FEVER, fever(38.6), at("12:00") + timedelta(days=3))
    assert first is not None
    assert later is not None
    assert first.id != later.id
    assert [state for _, state, _, _ in store.alerts()] == ["raised", "resolved"]


def test_a_second_emergency_is_raised_though_it_never_was_quite_well_between(store: Store) -> None:
    engine = engine_of(store)
    first = engine.update(LOW_SPO2, low_oxygen(80, "12:00"), at("12:00"))
    assert first is not None
    desk.acknowledge(store, first.id, at("12:01"))
    for minute in range(2, 60):
        assert (
            engine.update(LOW_SPO2, low_oxygen(91, "12:30"), at("12:00") + timedelta(minutes=minute)) is None
        )
    again = engine.update(LOW_SPO2, low_oxygen(78, "13:00"), at("13:00"))
    assert again is not None
    assert (again.severity, again.state) == (Severity.EMERGENCY, AlertState.RAISED)


def test_an_emergency_after_a_short_recovery_is_raised_again(store: Store) -> None:
    engine = engine_of(store)
    engine.update(LOW_SPO2, low_oxygen(80, "12:00"), at("12:00"))
    for minute in range(1, 20):
        engine.update(LOW_SPO2, None, at("12:00") + timedelta(minutes=minute))
    assert engine.update(LOW_SPO2, low_oxygen(78, "12:20"), at("12:20")) is not None


def test_what_dithers_around_the_first_threshold_is_one_alert(store: Store) -> None:
    engine = engine_of(store)
    raised = 0
    for minute in range(0, 60, 2):
        when = at("12:00") + timedelta(minutes=minute)
        raised += (
            engine.update(LOW_SPO2, low_oxygen(93, "12:00") if minute % 20 == 0 else None, when) is not None
        )
    assert raised == 1


def test_an_alert_that_a_wrong_clock_saw_in_the_future_does_not_silence_the_next(store: Store) -> None:
    engine_of(store).update(FEVER, fever(38.5), at("12:00") + timedelta(days=365 * 70))
    assert engine_of(store).update(FEVER, fever(38.6), at("12:30")) is not None


def test_a_restart_knows_when_it_last_held(store: Store) -> None:
    engine = engine_of(store)
    engine.update(FEVER, fever(38.5), at("08:00"))
    for hour in range(9, 16):
        engine.update(FEVER, fever(38.5), at(f"{hour:02}:00"))
    assert engine_of(store).update(FEVER, fever(38.5), at("16:00")) is None


def test_a_damaged_alert_is_left_out(store: Store) -> None:
    store.put_alert("broken", "raised", DAY, "{}")
    assert engine_of(store).open_alerts == ()


def test_what_must_be_confirmed_is_raised_when_it_has_held_for_so_long(store: Store) -> None:
    keep_policy(store, Policy(confirm_min={"fever": 10}))
    engine = engine_of(store)
    assert engine.update(FEVER, fever(38.3), at("12:00")) is None
    assert [state for _, state, _, _ in store.alerts()] == ["pending"]
    assert engine.tick(at("12:09")) == []
    again = engine_of(store)  # a restart changes nothing
    (alert,) = again.tick(at("12:10"))
    assert alert.state is AlertState.RAISED
    assert store.outbox_pending() == 1


def test_what_passes_before_it_is_confirmed_is_told_to_nobody(store: Store) -> None:
    keep_policy(store, Policy(confirm_min={"fever": 10}))
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.update(FEVER, None, at("12:05"))
    assert engine.tick(at("12:20")) == []
    assert engine.open_alerts == ()
    assert store.outbox_pending() == 0


def test_nothing_known_is_not_well(store: Store) -> None:
    """A sensor that fell off says nothing, so the alert stays; a day later it is over, and not as well."""
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    later = at("12:00") + FEVER.join + timedelta(hours=1)
    engine.update(FEVER, None, later, known=False)
    engine.tick(later)
    assert engine.open_alerts
    while (later := later + timedelta(hours=1)) <= at("12:00") + timedelta(days=1):
        engine.tick(later)
        assert engine.open_alerts
    engine.tick(later)
    assert engine.open_alerts == ()
    ((_, _, _, document),) = store.alerts()
    assert "not known" in Alert.from_json(document).ended


def test_a_clock_that_leaps_ends_nothing_and_neither_does_sleep(store: Store) -> None:
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.tick(at("12:01"))
    engine.tick(at("12:00") + timedelta(days=30))
    assert engine.open_alerts


def test_over_is_said_by_the_clock_when_nothing_is_measured_after_the_good_reading(store: Store) -> None:
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.update(FEVER, None, at("13:00"))
    engine.tick(at("12:00") + FEVER.join + timedelta(minutes=1))
    assert engine.open_alerts == ()


def test_an_acknowledgement_between_reading_and_writing_is_not_lost(tmp_path: Path) -> None:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made as mine, open_store(tmp_path / "home", "passphrase") as theirs:
        engine = engine_of(mine)
        alert = engine.update(FEVER, fever(38.3), at("12:00"))
        assert alert is not None
        desk.acknowledge(theirs, alert.id, at("12:10"), "anna")
        engine.delivered([alert.id], "bell", 1)  # it has not looked yet
        mine.commit()
        engine.tick(at("12:11"))
        (kept,) = engine.open_alerts
        assert (kept.state, kept.acknowledged_by) == (AlertState.ACKNOWLEDGED, "anna")


def test_who_wants_to_hear_it_is_told_that_it_was_seen_and_that_it_is_over(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"], "over": True}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    desk.acknowledge(store, alert.id, at("12:10"))
    engine.refresh()
    engine.tick(at("12:11"))
    engine.update(FEVER, None, at("13:00"))
    engine.tick(at("12:00") + FEVER.join + timedelta(minutes=1))
    assert [row.occasion for row in store.outbox("bell")] == ["new", "acknowledged", "over"]


def test_what_quiet_hours_held_and_is_over_by_then_is_told_in_the_morning(store: Store) -> None:
    keep_policy(store, Policy.model_validate({"quiet": [{"start": "22:00", "end": "23:00"}]}))
    engine = engine_of(store)
    engine.update(LOW_SPO2, low_oxygen(91, "22:00"), at("22:00"))
    engine.update(LOW_SPO2, None, at("22:05"))
    engine.tick(at("22:05") + LOW_SPO2.join)
    assert engine.open_alerts == ()
    assert store.outbox_pending() == 0
    again = engine_of(store)
    again.tick(at("23:00"))
    (row,) = store.outbox("bell")
    assert json.loads(row.payload)["state"] == "resolved"
    again.tick(at("23:01"))
    assert store.outbox_pending() == 1


def test_the_calls_of_an_acknowledged_alert_are_taken_out_of_the_outbox(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "carer", "argv": ["true"], "after_min": 10}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    engine.tick(at("12:10"))
    assert [row.occasion for row in store.outbox("carer")] == ["escalated"]
    desk.acknowledge(store, alert.id, at("12:11"))
    assert store.outbox_pending() == 0


def test_a_policy_that_cannot_be_read_keeps_nobody_from_being_told(store: Store) -> None:
    store.put("alert policy", {"cap": "nonsense"})
    assert engine_of(store).update(FEVER, fever(38.5), at("12:00")) is not None
    assert store.outbox_pending() == 1


def test_the_first_good_reading_after_long_ends_it_as_well(store: Store) -> None:
    engine = engine_of(store)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.update(FEVER, None, at("12:00") + FEVER.join + timedelta(hours=1))
    ((_, state, _, document),) = store.alerts()
    assert (state, Alert.from_json(document).ended) == ("resolved", "")


def test_an_older_word_that_arrives_late_says_nothing_of_the_newer(store: Store) -> None:
    engine = engine_of(store)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    worse = engine.update(FEVER, fever(38.3, 39.2, 39.3), at("13:00"))
    assert alert is not None
    assert worse is not None
    first, second = (row.id for row in store.outbox("bell"))
    engine.delivered([alert.id], "bell", first)
    assert engine.open_alerts[0].delivered_to == ()
    engine.delivered([alert.id], "bell", second)
    assert engine.open_alerts[0].delivered_to == ("bell",)


def test_a_call_for_several_is_taken_out_when_the_last_of_them_is_seen(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "carer", "argv": ["true"], "after_min": 10}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    oxygen = engine.update(LOW_SPO2, low_oxygen(89, "12:00"), at("12:00"))
    low = replace(low_oxygen(89, "12:00") or fever(39.0), rule="high_respiration")  # type: ignore[type-var]
    breath = engine.update(Watch("high_respiration", timedelta(hours=1)), low, at("12:00"))
    assert oxygen is not None
    assert breath is not None
    engine.tick(at("12:10"))
    (row,) = store.outbox("carer")
    assert set(row.alert_ids) == {oxygen.id, breath.id}
    desk.acknowledge(store, oxygen.id, at("12:11"))
    assert len(store.outbox("carer")) == 1
    desk.acknowledge(store, breath.id, at("12:12"))
    assert store.outbox("carer") == []


def test_a_call_is_taken_out_when_it_is_over(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "carer", "argv": ["true"], "after_min": 10}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    engine.update(FEVER, fever(38.3), at("12:00"))
    engine.tick(at("12:10"))
    engine.update(FEVER, None, at("13:00"))
    engine.tick(at("12:00") + FEVER.join + timedelta(minutes=1))
    assert store.outbox("carer") == []


def test_a_snooze_forgets_nobody_who_was_told(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"], "over": True}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    alert = engine.update(FEVER, fever(38.3), at("12:00"))
    assert alert is not None
    (row,) = store.outbox("bell")
    store.outbox_done(row.id)
    engine.delivered([alert.id], "bell", row.id)
    desk.snooze(store, alert.id, 60, Policy(), at("12:01"))
    desk.acknowledge(store, alert.id, at("12:10"))
    engine.refresh()
    engine.tick(at("12:11"))
    assert [row.occasion for row in store.outbox("bell")] == ["acknowledged"]


HEART = Watch("high_heart_rate", timedelta(minutes=30))


def heart(severity: Severity) -> Finding:
    return Finding(
        rule=HEART.name, version="1", severity=severity, title="Fast heart", action="", source="",
        start=at("12:00"), end=at("12:00"),
    )  # fmt: skip


def minute(number: float) -> datetime:
    return at("12:00") + timedelta(minutes=number)


def test_what_gets_better_before_it_is_confirmed_is_raised_at_its_worst(store: Store) -> None:
    keep_policy(store, Policy(confirm_min={HEART.name: 10}))
    engine = engine_of(store)
    engine.update(HEART, heart(Severity.URGENT), minute(0))
    assert engine.update(HEART, heart(Severity.WATCH), minute(5)) is None
    alert = engine.update(HEART, heart(Severity.WATCH), minute(10))
    assert alert is not None
    assert (alert.severity, alert.finding.severity) == (Severity.URGENT, Severity.URGENT)


def test_a_clock_that_is_set_back_keeps_nobody_waiting(store: Store) -> None:
    keep_policy(store, Policy(confirm_min={HEART.name: 10}))
    engine = engine_of(store)
    engine.update(HEART, heart(Severity.URGENT), minute(0))
    assert engine.tick(minute(5)) == []
    assert [alert.rule for alert in engine.tick(minute(-30))] == [HEART.name]


def test_a_short_relief_makes_no_news_of_the_same_level(store: Store) -> None:
    engine = engine_of(store)
    assert engine.update(HEART, heart(Severity.URGENT), minute(0))
    for number in range(1, 10):
        engine.update(HEART, heart(Severity.WATCH), minute(number))
    assert engine.update(HEART, heart(Severity.URGENT), minute(9)) is None


def test_it_is_eased_to_the_worst_of_the_relief_not_to_its_end(store: Store) -> None:
    engine = engine_of(store)
    engine.update(HEART, heart(Severity.EMERGENCY), minute(0))
    engine.update(HEART, heart(Severity.URGENT), minute(1))
    for number in range(2, 13):
        engine.update(HEART, heart(Severity.WATCH), minute(number))
    (alert,) = engine.open_alerts
    assert alert.severity is Severity.URGENT
    assert engine.update(HEART, heart(Severity.EMERGENCY), minute(13)) is not None


def test_what_needs_days_to_be_over_is_not_over_in_one(store: Store) -> None:
    engine = engine_of(store)
    engine.update(Watch(HEART.name, timedelta(days=3)), heart(Severity.WATCH), minute(0))
    for hours in range(1, 3 * 24 + 1):
        engine.tick(minute(0) + timedelta(hours=hours))
        assert engine.open_alerts
    engine.tick(minute(1) + timedelta(days=3))
    assert not engine.open_alerts


def test_an_acknowledgement_of_another_process_is_seen_though_nothing_is_written(tmp_path: Path) -> None:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made as mine, open_store(tmp_path / "home", "passphrase") as theirs:
        engine = engine_of(mine)
        alert = engine.update(HEART, heart(Severity.WATCH), minute(0))
        assert alert is not None
        desk.acknowledge(theirs, alert.id, minute(1), "anna")
        engine.tick(minute(2))
        assert [alert.acknowledged_by for alert in engine.open_alerts] == ["anna"]


def test_that_it_was_seen_is_told_once(store: Store) -> None:
    hooks = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"], "over": True}])
    engine = Engine(store, hooks, clock=lambda: DAY)
    alert = engine.update(HEART, heart(Severity.WATCH), minute(0))
    assert alert is not None
    desk.acknowledge(store, alert.id, minute(1))
    engine.refresh()
    for number in (2, 3, 4):
        engine.tick(minute(number))
    assert [row.occasion for row in store.outbox("bell")] == ["new", "acknowledged"]


@pytest.mark.parametrize(("seen", "told"), [(False, ["held"]), (True, [])])
def test_what_quiet_hours_held_is_not_told_in_the_morning_to_who_has_seen_it(
    store: Store, seen: bool, told: list[str]
) -> None:
    keep_policy(store, Policy.model_validate({"quiet": [{"start": "11:00", "end": "14:00"}]}))
    engine = engine_of(store)
    alert = engine.update(HEART, heart(Severity.URGENT), minute(0))
    assert alert is not None
    if seen:
        desk.acknowledge(store, alert.id, minute(1))
        engine.refresh()
    engine.update(HEART, None, minute(2))
    for number in (40, 125):
        engine.tick(minute(number))
    assert not engine.open_alerts
    assert [row.occasion for row in store.outbox("bell")] == told


def test_what_was_too_much_for_the_hour_is_told_afterwards_though_it_is_over(store: Store) -> None:
    keep_policy(store, Policy(cap=1))
    engine = engine_of(store)
    for rule in ("fever", "weight_gain", HEART.name):
        found = replace(heart(Severity.WATCH), rule=rule)
        engine.update(Watch(rule, HEART.join), found, minute(0))
    engine.update(HEART, None, minute(1))
    engine.tick(minute(40))
    assert HEART.name not in {alert.rule for alert in engine.open_alerts}
    assert [row.occasion for row in store.outbox("bell")] == ["new", "held"]
    engine.tick(minute(61))
    last = store.outbox("bell")[-1]
    assert last.occasion == "held"
    assert [document for id_ in last.alert_ids if '"high_heart_rate"' in (document := store.alert(id_) or "")]


def test_what_holds_again_after_a_good_reading_is_not_over_when_nothing_more_comes(store: Store) -> None:
    engine = engine_of(store)
    engine.update(HEART, heart(Severity.WATCH), minute(0))
    engine.update(HEART, None, minute(5))
    engine.update(HEART, heart(Severity.WATCH), minute(10))
    engine.tick(minute(60))
    assert engine.open_alerts
