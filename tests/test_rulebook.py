"""A person's own thresholds: signed, bounded, kept, and said wherever they were used."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm import rulebook
from healthslm.analysis import extreme
from healthslm.errors import DamagedError, UsageError
from healthslm.export import words
from healthslm.readings import Kind, Severity, Threshold
from healthslm.rules import RULES, Case, Rule, Verdict, scan
from tests.making import at, series, windows

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOT = Threshold(name="hot", value=38.0, unit="Cel", meaning="fever from here on", low=37, high=40)


def _verdict(case: Case) -> Verdict | None:
    window = case.windows[Kind.TEMPERATURE]
    if not len(window) or window.values[-1] < case["hot"]:
        return None
    return Verdict(severity=Severity.WATCH, onset=case.now, missing=("the other ear",))


RULE = Rule(
    name="warm",
    version="1",
    title="Warm",
    source="a test",
    kinds=(Kind.TEMPERATURE,),
    lookback=timedelta(hours=1),
    join=timedelta(hours=2),
    verdict=_verdict,
    evidence=lambda case: (extreme(case.windows[Kind.TEMPERATURE], "max"),),
    actions={Severity.WATCH: "Measure again."},
    thresholds=(HOT,),
    missing=("how you feel",),
)


class Shelf(dict[str, object]):
    """The store's settings, in memory."""

    def put(self, name: str, value: object) -> None:
        self[name] = value


def kept(value: float = 38.6) -> Shelf:
    shelf = Shelf()
    one = rulebook.Personal(rule="warm", name="hot", value=value, by="Dr. Stein", at=NOW, why="runs warm")
    shelf.put("thresholds", [one.model_dump(mode="json")])
    return shelf


def test_a_personal_threshold_decides_and_is_said_in_the_finding() -> None:
    rows = series(Kind.TEMPERATURE, at("12:00"), [38.2, 38.2, 38.7], every=1800)
    (usual,) = scan(RULE, windows(rows))
    (rule,) = rulebook.in_force(kept(), [RULE])
    (own,) = scan(rule, windows(rows))
    assert (usual.start, own.start) == (at("12:00"), at("13:00"))
    assert words.personal(usual, ZoneInfo("UTC")) == []
    (sentence,) = words.personal(own, ZoneInfo("UTC"))
    assert sentence == "Personal threshold hot 38.6 °C (usual 38): set by Dr. Stein on 2026-11-02, runs warm."
    assert own.missing == ("how you feel", "the other ear")


def test_a_rule_says_what_it_takes() -> None:
    with pytest.raises(UsageError, match=r"37 to 40"):
        RULE.having("hot", 36.9, by="x", at=NOW, why="y")
    with pytest.raises(UsageError, match=r"It has: hot"):
        RULE.having("cold", 36.9, by="x", at=NOW, why="y")


@pytest.mark.parametrize(
    ("rule", "name", "value", "other"),
    [
        ("high_respiration", "watch_from", 40, "urgent_from is 25"),
        ("fever", "fever", 39, ""),
        ("fever", "high", 38, ""),
        ("low_pressure", "systolic_very_low", 100, "systolic_low is 90"),
        ("low_pressure", "systolic_low", 70, "systolic_very_low is 80"),
        ("low_spo2", "urgent_below", 95, "watch_below is 94"),
        ("low_spo2", "watch_below", 84, "emergency_below is 85"),
        ("low_spo2", "emergency_below", 90, ""),
    ],
)
def test_a_level_does_not_cross_the_one_beside_it(rule: str, name: str, value: float, other: str) -> None:
    shelf = Shelf()
    if other == "":
        assert (
            rulebook.set_threshold(shelf, rule, name, value, by="a", why="b", at=NOW).settings[name] == value
        )
        return
    with pytest.raises(UsageError, match=other) as raised:
        rulebook.set_threshold(shelf, rule, name, value, by="a", why="b", at=NOW)
    assert f"{value:g}" in str(raised.value)
    assert not shelf


def test_levels_are_compared_with_what_else_is_set_for_this_person() -> None:
    shelf = Shelf()
    rulebook.set_threshold(shelf, "fever", "high", 38.2, by="a", why="b", at=NOW)
    with pytest.raises(UsageError, match=r"high is 38\.2"):
        rulebook.set_threshold(shelf, "fever", "fever", 38.5, by="a", why="b", at=NOW)
    rulebook.set_threshold(shelf, "high_respiration", "urgent_from", 40, by="a", why="b", at=NOW)
    rulebook.set_threshold(shelf, "high_respiration", "watch_from", 30, by="a", why="b", at=NOW)
    both = rulebook.set_threshold(shelf, "high_respiration", "urgent_from", 35, by="a", why="b", at=NOW)
    assert both.settings == {"watch_from": 30, "urgent_from": 35}
    book = {
        rule.name: rule for rule in rulebook.in_force(shelf)
    }  # kept with the one that needs the other first
    assert book["high_respiration"].settings == both.settings
    assert rulebook.reset(shelf, "high_respiration", "urgent_from") == 1
    book = {rule.name: rule for rule in rulebook.in_force(shelf)}
    assert book["high_respiration"].settings == {"watch_from": 21, "urgent_from": 25}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_levels_of_every_rule_are_in_order(rule: Rule) -> None:
    for names in rule.ordered:
        values = [rule.settings[name] for name in names]
        assert values == sorted(values)


@pytest.mark.parametrize(("value", "by", "why"), [(math.nan, "a", "b"), (38, " ", "b"), (38, "a", "")])
def test_nothing_is_set_without_a_number_a_name_and_a_reason(value: float, by: str, why: str) -> None:
    shelf = Shelf()
    with pytest.raises(UsageError):
        rulebook.set_threshold(shelf, RULES[0].name, "any", value, by=by, why=why, at=NOW)
    assert not shelf


def test_what_a_rule_no_longer_takes_leaves_its_own_number() -> None:
    (rule,) = rulebook.in_force(kept(value=99), [RULE])
    assert rule.settings == {"hot": 38.0}


def test_taking_back() -> None:
    shelf = kept()
    assert rulebook.reset(shelf, "warm", "cold") == 0
    assert rulebook.reset(shelf, "warm", "hot") == 1
    assert rulebook.personal(shelf) == []


def test_thresholds_that_cannot_be_read_are_no_thresholds() -> None:
    shelf = Shelf(thresholds=[{"rule": "warm"}])
    with pytest.raises(DamagedError, match="rules reset"):
        rulebook.in_force(shelf, [RULE])
    assert rulebook.reset(shelf) == 1
    assert rulebook.in_force(shelf, [RULE]) == (RULE,)


def test_every_threshold_of_every_rule_can_be_signed_for() -> None:
    """It has a meaning, a unit, bounds around its own value, and a name of its own within the rule."""
    for rule in RULES:
        assert len(rule.settings) == len(rule.thresholds)
        for threshold in rule.thresholds:
            assert threshold.low <= threshold.value <= threshold.high, (rule.name, threshold.name)
            assert threshold.meaning
            assert threshold.unit
            assert not threshold.personal
