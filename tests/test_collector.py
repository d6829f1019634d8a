"""What a reading is worth that nothing followed: a spot check is told of after a while, a stream is not."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.alerts import Engine
from healthslm.clock import utc_now
from healthslm.collector import Collector
from healthslm.readings import Kind, Severity
from healthslm.rules.alone import LATER, UNCONFIRMED
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.store import Store
from tests.making import at, reading

NINE = at("09:00")


class Heard:
    """A collector with a clock that is set by hand."""

    def __init__(self, store: Store) -> None:
        self.now = NINE
        engine = Engine(store, (), clock=utc_now)
        self.collector = Collector(store, engine, [LOW_SPO2], ZoneInfo("UTC"), lambda: self.now)

    def measures(self, value: float, when: datetime) -> list[str]:
        self.now = when
        alerts = self.collector.consider([reading(Kind.SPO2, when, value)], when, when)
        return [alert.severity.word for alert in alerts]


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
