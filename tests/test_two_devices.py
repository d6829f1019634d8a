"""Two devices that measure the same do not speak for one another, live or in what is looked up later."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm.alerts import Alert, Engine
from healthslm.clock import utc_now
from healthslm.collector import Collector
from healthslm.history import History
from healthslm.readings import Kind, Reading, Severity
from healthslm.rules import HIGH_HEART_RATE, LOW_SPO2
from healthslm.store import Store
from tests.making import at, reading

UTC = ZoneInfo("UTC")
MINE, OTHER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
NINE = at("09:00")
RULES = (LOW_SPO2, HIGH_HEART_RATE)


class Heard:
    """A collector with a clock that is set by hand, over a real store."""

    def __init__(self, store: Store, now: datetime = NINE) -> None:
        self.store, self.now = store, now
        engine = Engine(store, (), clock=utc_now)
        self.collector = Collector(store, engine, RULES, UTC, lambda: self.now)
        self.collector.remember(now)

    def hears(self, kind: Kind, values: dict[str, float], *, late: timedelta = timedelta(0)) -> list[Alert]:
        """Every device sends one reading, one after the other."""
        raised: list[Alert] = []
        for device, value in values.items():
            (stored,) = self.store.append([reading(kind, self.now - late, value, device=device)])
            raised += self.collector.consider([stored], self.now, self.now)
        raised += self.collector.settle()
        return raised

    def minutes(self, count: float, kind: Kind, values: dict[str, float]) -> list[Alert]:
        raised: list[Alert] = []
        for _ in range(int(count * 60)):
            self.now += timedelta(seconds=1)
            raised += self.hears(kind, values)
        self.store.commit()
        return raised


def readings_of(store: Store, alert: Alert) -> Sequence[Reading]:
    ids = [id_ for feature in alert.finding.evidence for id_ in feature.readings]
    return [found for id_ in ids if (found := store.reading(id_)) is not None]


@pytest.mark.parametrize("healthy", [{OTHER: 98.0}, {}])
def test_a_healthy_one_does_not_hide_the_others_emergency(store: Store, healthy: dict[str, float]) -> None:
    heard = Heard(store)
    (alert,) = heard.minutes(8, Kind.SPO2, {MINE: 80, **healthy})
    assert alert.severity is Severity.EMERGENCY
    shown = readings_of(store, alert)
    assert shown
    assert {one.device for one in shown} == {MINE}
    (finding,) = History(store, UTC).findings(RULES, NINE, heard.now + timedelta(minutes=1))
    assert (finding.rule, finding.severity) == ("low_spo2", Severity.EMERGENCY)
    assert {
        found.device
        for feature in finding.evidence
        for id_ in feature.readings
        if (found := store.reading(id_)) is not None
    } == {MINE}


def test_it_goes_on_through_a_restart(store: Store) -> None:
    before = Heard(store)
    assert before.minutes(3, Kind.SPO2, {MINE: 80, OTHER: 98}) == []
    after = Heard(store, before.now)
    (alert,) = after.minutes(3, Kind.SPO2, {MINE: 80, OTHER: 98})
    assert alert.severity is Severity.EMERGENCY


def test_two_that_agree_raise_one_alert(store: Store) -> None:
    heard = Heard(store)
    assert len(heard.minutes(20, Kind.HEART_RATE, {MINE: 150, OTHER: 149})) == 1
    assert len(store.alerts()) == 1


def test_one_whose_readings_come_late_is_not_history_because_of_the_other(store: Store) -> None:
    """A device whose clock is two minutes slow, beside one that is right."""
    heard = Heard(store)
    raised = []
    for _ in range(10 * 60):
        heard.now += timedelta(seconds=1)
        raised += heard.hears(Kind.SPO2, {OTHER: 98})
        raised += heard.hears(Kind.SPO2, {MINE: 80}, late=timedelta(minutes=2))
    assert raised[-1].severity is Severity.EMERGENCY


def test_a_window_tells_devices_apart_only_where_there_are_several(store: Store) -> None:
    store.append([reading(Kind.SPO2, NINE, 98, device=MINE), reading(Kind.WEIGHT, NINE, 80, device=MINE)])
    end = NINE + timedelta(hours=1)
    assert store.window(Kind.SPO2, NINE, end).devices is None
    store.append([reading(Kind.SPO2, NINE, 97, device=OTHER), reading(Kind.WEIGHT, NINE, 81, device=OTHER)])
    window = store.window(Kind.SPO2, NINE, end)
    assert window.devices is not None
    numbers = store.device_numbers()
    assert dict(zip(window.devices.tolist(), window.values.tolist(), strict=True)) == {
        numbers[MINE]: 98.0,
        numbers[OTHER]: 97.0,
    }
    assert store.window(Kind.WEIGHT, NINE, end).devices is None  # whoever weighs


def test_a_silent_device_is_not_well_because_another_says_so(store: Store) -> None:
    heard = Heard(store)
    assert heard.minutes(8, Kind.SPO2, {MINE: 80, OTHER: 98})
    heard.minutes(60, Kind.SPO2, {OTHER: 98})
    (alert,) = heard.collector.engine.open_alerts
    assert alert.well_since is None
    heard.minutes(1, Kind.SPO2, {MINE: 97, OTHER: 98})
    assert heard.collector.engine.open_alerts == ()


def test_an_emergency_is_still_so_though_the_other_device_spoke_last(store: Store) -> None:
    heard = Heard(store)
    heard.minutes(8, Kind.SPO2, {MINE: 80})
    heard.now += timedelta(seconds=0.5)
    heard.hears(Kind.SPO2, {OTHER: 98})
    heard.store.commit()
    (finding,) = History(store, UTC).findings(RULES, NINE, heard.now + timedelta(minutes=1))
    assert finding.ongoing


def test_what_another_device_made_worse_is_over_by_that_ones_word(store: Store) -> None:
    """One shows something to watch and stops; the other shows an emergency, and then that it is over."""
    heard = Heard(store)
    (mild,) = heard.minutes(8, Kind.SPO2, {MINE: 93})
    (worse,) = heard.minutes(12, Kind.SPO2, {OTHER: 80})
    assert (worse.id, worse.severity) == (mild.id, Severity.EMERGENCY)
    heard.minutes(25, Kind.SPO2, {OTHER: 98})  # until what the first one showed is too long ago
    (alert,) = heard.collector.engine.open_alerts
    assert alert.well_since is not None
