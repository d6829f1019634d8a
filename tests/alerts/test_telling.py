"""Who is told when: decided from alerts and the policy alone, without a store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthslm.alerts import Alert, AlertState, Hook, parse_hooks
from healthslm.alerts.alert import Held, Told
from healthslm.alerts.payload import Occasion
from healthslm.alerts.policy import Policy
from healthslm.alerts.telling import GROUP, HOUR, Lately, afterwards, held_for_all, messages
from healthslm.readings import Finding, Severity
from tests.making import at

NOON = at("12:00")
USUAL = Policy()


def hook(**more: Any) -> Hook:
    (made,) = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"], **more}])
    return made


def alert(rule: str, severity: Severity = Severity.WATCH, **more: Any) -> Alert:
    finding = Finding(
        rule=rule, version="1", severity=severity, title=rule, action="", source="", start=NOON, end=NOON
    )
    given: dict[str, Any] = {
        "id": rule, "rule": rule, "state": AlertState.RAISED, "severity": severity, "finding": finding,
        "raised_at": NOON, "last_seen": NOON, "due_since": NOON,
    }  # fmt: skip
    return Alert(**{**given, **more})


def told(alerts: list[Alert], now: datetime = NOON, lately: Lately | None = None, **more: Any) -> list[Any]:
    sent, _ = messages(alerts, hook(**more), USUAL, lately if lately is not None else Lately(), now)
    return [(message.occasion, [a.id for a in message.alerts]) for message in sent]


def test_what_belongs_together_is_one_message_the_worst_first() -> None:
    fast, low = alert("high_respiration"), alert("low_spo2", Severity.URGENT)
    assert told([fast, low, alert("fever")]) == [
        (Occasion.NEW, ["low_spo2", "high_respiration"]),
        (Occasion.NEW, ["fever"]),
    ]


def test_what_comes_a_moment_later_waits_for_the_next_of_its_group() -> None:
    lately = Lately()
    assert told([alert("low_spo2", Severity.URGENT)], lately=lately)
    fast = alert("high_respiration")
    assert told([fast], NOON + timedelta(seconds=30), lately) == []
    assert told([fast], NOON + GROUP, lately) == [(Occasion.NEW, ["high_respiration"])]


def test_what_is_more_severe_than_its_group_does_not_wait() -> None:
    lately = Lately()
    assert told([alert("high_respiration")], lately=lately)
    assert told([alert("low_spo2", Severity.URGENT)], NOON, lately)


def test_an_emergency_is_a_message_of_its_own_and_is_not_counted() -> None:
    lately = Lately()
    storm = [alert(f"storm_{number}", Severity.EMERGENCY) for number in range(40)]
    assert len(told(storm, lately=lately)) == 40
    assert told([alert("fever")], lately=lately) == [(Occasion.NEW, ["fever"])]


def test_more_than_the_cap_is_held_and_said_once_and_told_together_later() -> None:
    lately = Lately()
    storm = [alert(f"storm_{number:02}") for number in range(20)]
    sent = told(storm, lately=lately)
    assert [occasion for occasion, _ in sent] == [Occasion.NEW] * 12 + [Occasion.HELD]
    left = storm[13:]
    assert told(left, NOON + timedelta(minutes=59), lately) == []
    assert told(left, NOON + HOUR, lately) == [(Occasion.HELD, [a.id for a in left])]


def test_a_storm_of_mild_ones_holds_no_urgent_one_back() -> None:
    lately = Lately()
    told([alert(f"storm_{number}") for number in range(20)], lately=lately)
    ((_, ids),) = told([alert("fever", Severity.URGENT)], NOON, lately)
    assert ids == ["fever"]


def test_a_carer_is_called_when_nobody_has_answered() -> None:
    low = alert("low_spo2", Severity.URGENT)
    assert told([low], NOON + timedelta(minutes=9), after_min=10) == []
    assert told([low], NOON + timedelta(minutes=10), after_min=10) == [(Occasion.ESCALATED, ["low_spo2"])]


def test_a_clock_that_was_wrong_keeps_no_carer_waiting() -> None:
    low = alert("low_spo2", Severity.URGENT, due_since=NOON + timedelta(days=400))
    assert told([low], NOON, after_min=10) == [(Occasion.ESCALATED, ["low_spo2"])]


@pytest.mark.parametrize(
    ("minutes", "times", "took", "again"),
    [
        (60, 1, True, True),
        (59, 1, True, False),
        (60, 3, True, True),
        (60, 4, True, False),
        (60, 1, False, False),
        (-59, 1, True, False),
        (-61, 1, True, True),  # a clock that was wrong then keeps nobody waiting
    ],
)
def test_what_was_taken_and_not_acknowledged_is_told_again_a_few_times(
    minutes: int, times: int, took: bool, again: bool
) -> None:
    """Not what still waits in the outbox: sixty of the same are no help when the server comes back."""
    low = alert(
        "fever", Severity.URGENT, told={"bell": Told(at=NOON, row=1, times=times)},
        delivered_to=("bell",) if took else (),
    )  # fmt: skip
    assert bool(told([low], NOON + timedelta(minutes=minutes))) is again


def test_a_hook_hears_only_of_its_rules_from_its_level_on() -> None:
    assert told([alert("fever")], least=Severity.URGENT) == []
    assert told([alert("fever"), alert("low_spo2")], rules=["fever"]) == [(Occasion.NEW, ["fever"])]


def test_a_hook_that_fails_is_not_told_of_that() -> None:
    assert told([alert("undelivered:bell", Severity.URGENT)]) == []
    assert told([alert("undelivered:other", Severity.URGENT)])


@pytest.mark.parametrize(
    ("severity", "hours", "held"),
    [
        (Severity.URGENT, ("22:00", "07:00"), Held.QUIET),
        (Severity.EMERGENCY, ("22:00", "07:00"), Held.NOT),
        (Severity.URGENT, ("12:00", "13:00"), Held.NOT),
    ],
)
def test_quiet_hours_span_midnight_and_spare_emergencies(
    severity: Severity, hours: tuple[str, str], held: Held
) -> None:
    policy = Policy.model_validate({"quiet": [{"start": hours[0], "end": hours[1]}]})
    night = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
    assert held_for_all(alert("fever", severity), policy, night, night, False) is held


def test_everything_snoozed_spares_the_emergencies_that_were_chosen() -> None:
    policy = Policy(spared=("low_glucose",))
    assert held_for_all(alert("low_glucose", Severity.EMERGENCY), policy, NOON, NOON, True) is Held.NOT
    assert held_for_all(alert("low_spo2", Severity.EMERGENCY), policy, NOON, NOON, True) is Held.SNOOZED
    assert held_for_all(alert("low_spo2", Severity.EMERGENCY), USUAL, NOON, NOON, True) is Held.NOT


def test_a_snooze_of_a_clock_that_was_wrong_is_over() -> None:
    far = NOON + timedelta(days=3000)
    snoozed = alert("fever", snoozed_at=far, snoozed_until=far + timedelta(hours=1))
    assert held_for_all(snoozed, USUAL, NOON, NOON, False) is Held.NOT


def test_what_was_told_lately_survives_a_restart() -> None:
    lately = Lately()
    told([alert(f"storm_{number}") for number in range(20)], lately=lately)
    again = Lately.from_json(lately.to_json())
    assert told([alert("fever")], NOON + timedelta(minutes=1), again) == []


def test_an_emergency_stays_one_whatever_the_policy_says() -> None:
    policy = Policy(at_most={"low_spo2": Severity.WATCH}, confirm_min={"low_spo2": 30})
    assert policy.level("low_spo2", Severity.EMERGENCY) is Severity.EMERGENCY
    assert policy.level("low_spo2", Severity.URGENT) is Severity.WATCH
    assert not policy.confirmation("low_spo2", Severity.EMERGENCY)


def test_a_hold_that_began_when_a_clock_was_wrong_begins_now() -> None:
    lately = Lately(capped_since=NOON + timedelta(days=3000))
    lately.forget(NOON)
    assert lately.capped_since == NOON


def test_what_is_as_severe_as_its_group_waits_too() -> None:
    lately = Lately()
    assert told([alert("high_respiration")], lately=lately)
    assert told([alert("low_spo2")], NOON + timedelta(seconds=30), lately) == []


def test_of_the_same_level_the_oldest_is_told_first() -> None:
    later = alert("fever", id="a", raised_at=NOON + timedelta(minutes=1))
    assert [ids for _, ids in told([later, alert("low_spo2", id="b")])] == [["b"], ["a"]]


def test_what_was_told_by_a_clock_that_was_wrong_holds_nothing_back() -> None:
    lately = Lately()
    told([alert(f"storm_{number}") for number in range(20)], NOON + timedelta(days=400), lately)
    lately.capped_since = None
    assert told([alert("fever")], NOON, lately) == [(Occasion.NEW, ["fever"])]


def test_as_many_as_the_cap_within_the_hour_are_too_many() -> None:
    lately = Lately()
    storm = [alert(f"storm_{number:02}") for number in range(20)]
    told(storm[:1], NOON, lately)
    told(storm[1:], NOON + timedelta(minutes=10), lately)  # eleven, and that more is held back
    assert told(storm[13:], NOON + HOUR, lately) == []  # one is forgotten, twelve are left
    assert told(storm[13:], NOON + timedelta(minutes=10) + HOUR, lately)


def test_when_what_was_held_back_fills_the_hour_again_it_is_not_said_again() -> None:
    lately, policy = Lately(), Policy(cap=1)
    storm = [alert(f"storm_{number}") for number in range(6)]

    def occasions(alerts: list[Alert], now: datetime) -> list[Occasion]:
        return [message.occasion for message in messages(alerts, hook(), policy, lately, now)[0]]

    assert occasions(storm[:3], NOON) == [Occasion.NEW, Occasion.HELD]
    assert occasions(storm[2:4], NOON + HOUR) == [Occasion.HELD]
    assert occasions(storm[4:], NOON + HOUR + timedelta(minutes=5)) == []


@pytest.mark.parametrize(
    ("more", "after_min", "occasion"),
    [
        ({"worse": True}, 0, Occasion.WORSE),
        ({"snoozed_at": NOON, "snoozed_until": NOON, "worse": True}, 0, Occasion.AGAIN),
        ({"state": AlertState.RESOLVED}, 0, Occasion.HELD),
        ({"state": AlertState.RESOLVED}, 10, None),
    ],
)
def test_the_first_word_says_why_it_comes_now(
    more: dict[str, Any], after_min: int, occasion: Occasion | None
) -> None:
    """Nobody is called at last for what is over."""
    sent = told([alert("fever", Severity.URGENT, **more)], NOON + HOUR, after_min=after_min)
    assert [why for why, _ in sent] == ([] if occasion is None else [occasion])


@pytest.mark.parametrize(
    ("until", "state", "again"),
    [
        (timedelta(minutes=30), AlertState.DELIVERED, True),
        (timedelta(minutes=-30), AlertState.DELIVERED, False),
        (timedelta(minutes=30), AlertState.RESOLVED, False),
    ],
)
def test_what_was_snoozed_is_told_again_once(until: timedelta, state: AlertState, again: bool) -> None:
    """Told at noon, snoozed until before or after that, and looked at an hour later."""
    low = alert(
        "fever", state=state, told={"bell": Told(at=NOON, row=1)}, delivered_to=("bell",),
        snoozed_at=NOON - HOUR, snoozed_until=NOON + until,
    )  # fmt: skip
    assert bool(told([low], NOON + HOUR)) is again


def test_only_who_was_told_hears_that_it_is_over() -> None:
    mine, other = hook(over=True), hook(over=True, name="other")
    fever = alert("fever", told={"bell": Told(at=NOON, row=1)})
    sent = list(afterwards(fever, [mine, other], Occasion.OVER))
    assert [(message.hook.name, message.occasion) for message in sent] == [("bell", Occasion.OVER)]
    assert list(afterwards(fever, [hook()], Occasion.OVER)) == []
