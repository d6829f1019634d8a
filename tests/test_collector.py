"""What the collector makes of readings: which of them end an alert, and what one is worth alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm.alerts import Alert, Engine
from healthslm.alerts.engine import NOT_SEEN
from healthslm.clock import utc_now
from healthslm.collector import Collector
from healthslm.readings import UNUSABLE, Kind, Quality, Severity
from healthslm.rules import Rule
from healthslm.rules.alone import LATER, UNCONFIRMED
from healthslm.rules.heart_rate import HIGH_HEART_RATE
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.temperature import FEVER
from healthslm.rules.weight import WEIGHT_GAIN
from healthslm.store import Store
from tests.making import at, reading

NINE = at("09:00")


class Heard:
    """A collector with a clock that is set by hand; like a start of the program, it begins with the store."""

    def __init__(self, store: Store, rules: Sequence[Rule] = (LOW_SPO2,), now: datetime = NINE) -> None:
        self.now = now
        self.engine = Engine(store, (), clock=utc_now)
        self.collector = Collector(store, self.engine, rules, ZoneInfo("UTC"), lambda: self.now)
        self.collector.remember(now)

    def measures(
        self,
        value: float,
        when: datetime,
        kind: Kind = Kind.SPO2,
        quality: Quality = Quality.GOOD,
        late: timedelta = timedelta(0),
    ) -> list[str]:
        """Take in what was measured so much earlier than `when`; return the levels of what that raised."""
        self.now = when
        alerts = self.collector.consider([reading(kind, when - late, value, quality=quality)], when, when)
        return [alert.severity.word for alert in alerts]

    def has_open(self, rule: Rule) -> bool:
        return any(alert.rule == rule.name for alert in self.engine.open_alerts)


def test_a_spot_check_that_nothing_follows_raises_an_alert_after_a_while(store: Store) -> None:
    heard = Heard(store)
    assert heard.measures(78, NINE) == []
    assert heard.collector.settle() == []
    heard.now = NINE + LATER
    (alert,) = heard.collector.settle()
    assert alert.severity is Severity.WATCH
    assert UNCONFIRMED in alert.finding.missing
    assert alert.finding.start == NINE
    heard.now += timedelta(seconds=1)
    assert heard.collector.settle() == []
    assert heard.measures(79, NINE + timedelta(minutes=4)) == ["emergency"]


def test_a_stream_that_was_low_until_it_ended_raises_an_alert_after_a_while(store: Store) -> None:
    heard = Heard(store)
    for second in range(120):
        assert heard.measures(78, NINE + timedelta(seconds=second)) == []
        assert heard.collector.settle() == []
    heard.now += LATER
    (alert,) = heard.collector.settle()
    assert alert.severity is Severity.EMERGENCY


def test_a_clock_that_leaps_before_it_is_asked_makes_no_second_alert_of_one(store: Store) -> None:
    heard = Heard(store)
    raised = [word for second in range(900) for word in heard.measures(90, NINE + timedelta(seconds=second))]
    assert raised == ["urgent"]
    heard.now += LOW_SPO2.join + timedelta(minutes=10)
    assert heard.collector.settle() == []
    assert len(store.alerts()) == 1


def test_a_stream_that_begins_low_raises_none(store: Store) -> None:
    heard = Heard(store)
    for second, value in enumerate([78, 80, 84, 90, *[97] * 200]):
        assert heard.measures(value, NINE + timedelta(seconds=second)) == []
        assert heard.collector.settle() == []
    heard.now += 2 * LATER
    assert heard.collector.settle() == []


def test_a_spot_check_before_a_restart_is_asked_about_after_it(store: Store) -> None:
    store.append([reading(Kind.SPO2, NINE, 78)])
    heard = Heard(store, now=NINE + timedelta(seconds=30))
    assert heard.collector.settle() == []
    heard.now = NINE + LATER
    (alert,) = heard.collector.settle()
    assert UNCONFIRMED in alert.finding.missing


# What can say that it is over

EVENING = NINE + FEVER.lookback + timedelta(minutes=1)
"""The fever of nine o'clock is out of sight, and longer ago than it need not have held to be over."""


@pytest.fixture
def feverish(store: Store) -> Heard:
    """At nine there was a fever, and its alert is open."""
    heard = Heard(store, [FEVER])
    assert heard.measures(38.6, NINE, Kind.TEMPERATURE) == ["watch"]
    return heard


def test_a_good_reading_ends_what_is_long_ago(feverish: Heard) -> None:
    feverish.measures(36.5, EVENING, Kind.TEMPERATURE)
    assert not feverish.has_open(FEVER)


@pytest.mark.parametrize("quality", [flag for flag in Quality if flag & UNUSABLE])
def test_a_reading_that_cannot_be_used_ends_nothing(feverish: Heard, quality: Quality) -> None:
    feverish.measures(36.5, EVENING, Kind.TEMPERATURE, quality)
    assert feverish.has_open(FEVER)


def test_a_reading_whose_clock_was_corrected_is_as_good_as_any(feverish: Heard) -> None:
    feverish.measures(36.5, EVENING, Kind.TEMPERATURE, Quality.CLOCK_CORRECTED)
    assert not feverish.has_open(FEVER)


def test_a_reading_that_comes_late_ends_nothing(feverish: Heard) -> None:
    feverish.measures(36.5, EVENING, Kind.TEMPERATURE, late=timedelta(seconds=61))
    assert feverish.has_open(FEVER)
    feverish.measures(36.5, EVENING + timedelta(minutes=2), Kind.TEMPERATURE, late=timedelta(seconds=59))
    assert not feverish.has_open(FEVER)


@pytest.mark.parametrize(
    ("kind", "value", "is_open"),
    [
        (Kind.STEPS, 0, True),
        (Kind.CADENCE, 0, True),
        (Kind.SPEED, 0, True),
        (Kind.MOVEMENT, 0, True),
        (Kind.HEART_RATE, 70, False),
    ],
)
def test_who_moves_or_does_not_is_not_well_for_that(
    store: Store, kind: Kind, value: float, is_open: bool
) -> None:
    """The strap fell off while the heart was fast; a foot pod goes on sending."""
    heard = Heard(store, [HIGH_HEART_RATE])
    until = NINE + timedelta(minutes=15)
    raised = [
        word
        for second in range(0, 900, 5)
        for word in heard.measures(150, NINE + timedelta(seconds=second), Kind.HEART_RATE)
    ]
    assert raised
    heard.measures(value, until + HIGH_HEART_RATE.join + timedelta(minutes=10), kind)
    assert heard.has_open(HIGH_HEART_RATE) is is_open


def test_a_day_that_is_missing_says_nothing_of_the_weight(store: Store) -> None:
    """Nobody stood on the scale: it ends some day, and not as well."""
    store.append([reading(Kind.WEIGHT, NINE + timedelta(days=day), 80 + 3 * (day == 9)) for day in range(10)])
    weighed = at("00:30") + timedelta(days=10)  # a day has its number when it is over
    heard = Heard(store, [WEIGHT_GAIN], now=weighed)
    assert [alert.rule for _ in range(100) for alert in heard.collector.settle()] == [WEIGHT_GAIN.name]
    while heard.now < weighed + timedelta(days=5):
        heard.now += timedelta(minutes=30)
        assert not [alert for _ in range(3) for alert in heard.collector.settle()]
        heard.engine.tick(heard.now)
    assert not heard.has_open(WEIGHT_GAIN)
    ((_, state, _, document),) = store.alerts()
    assert (state, Alert.from_json(document).ended) == ("resolved", NOT_SEEN)


# What is overtaken

HALF_AN_HOUR = timedelta(minutes=30)


def test_what_comes_late_and_is_the_newest_there_is_raises_an_alert(store: Store) -> None:
    store.append([reading(Kind.TEMPERATURE, NINE - timedelta(hours=1), 36.5)])
    heard = Heard(store, [FEVER])
    assert heard.measures(38.6, NINE, Kind.TEMPERATURE, late=HALF_AN_HOUR) == ["watch"]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_comes_late_and_is_overtaken_changes_nothing_also_after_a_restart(
    store: Store, restarts: bool
) -> None:
    newest = reading(Kind.TEMPERATURE, NINE - timedelta(minutes=10), 36.5)
    store.append([newest])
    heard = Heard(store, [FEVER], now=NINE if restarts else NINE - timedelta(hours=1))
    if not restarts:
        heard.collector.consider([newest], newest.time, newest.time)
    assert heard.measures(38.6, NINE, Kind.TEMPERATURE, late=HALF_AN_HOUR) == []
    assert not heard.has_open(FEVER)
    assert store.alerts() == []
    assert heard.measures(38.6, NINE + timedelta(minutes=1), Kind.TEMPERATURE) == ["watch"]


def test_a_pulse_says_nothing_of_the_oxygen(store: Store) -> None:
    heard = Heard(store)
    raised = [word for second in range(600) for word in heard.measures(85, NINE + timedelta(seconds=second))]
    assert raised
    heard.measures(70, NINE + timedelta(hours=2), Kind.PULSE_RATE)
    assert heard.has_open(LOW_SPO2)
