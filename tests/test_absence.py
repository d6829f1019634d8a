"""What is not there is said by the clock, not when something comes: each watch, on and off."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device import LinkEvent, LinkState
from healthslm.absence import Absence, disk, last_beat
from healthslm.absence.silence import EXPECTED
from healthslm.alerts import Engine
from healthslm.links import Links
from healthslm.readings import Device, Finding, Kind, Quality, Severity
from healthslm.store import HEARTBEAT, Store, erase
from tests.making import at, reading

STRAP, SUGAR, SCALE, FINGER = (f"C0:FF:EE:00:00:0{n}" for n in range(1, 5))
NINE = at("09:00")
BERLIN = ZoneInfo("Europe/Berlin")
PLENTY = (10**11, 10**11)


class Watching:
    """An `Absence` with clocks that are set by hand: the counter goes on, the wall clock may be set."""

    def __init__(self, store: Store, now: datetime = NINE, **settings: object) -> None:
        self.store, self.now, self.counter = store, now, 1000.0
        self.space = PLENTY
        self.absence = Absence(
            store,
            now=now,
            monotonic=self.counter,
            zone=BERLIN,
            free=lambda: self.space,
            **settings,  # type: ignore[arg-type]
        )
        self.found: Mapping[str, Finding] = {}
        self.look()

    def look(self) -> Mapping[str, Finding]:
        told = list(self.absence.look(self.now, self.counter))
        assert len({watch.name for watch, _ in told}) == len(told)
        self.found = {watch.name: finding for watch, finding in told if finding is not None}
        assert all(finding.rule == name for name, finding in self.found.items())
        return self.found

    def wait(self, span: timedelta, step: float = 20, **sends: object) -> Mapping[str, Finding]:
        """Let time go by, looking; with `sends` a device sends at every step."""
        until = self.counter + span.total_seconds()
        while self.counter < until:
            self.counter += step
            self.now += timedelta(seconds=step)
            if sends:
                self.hears(**sends)  # type: ignore[arg-type]
            self.look()
        return self.found

    def hears(
        self,
        device: str = STRAP,
        kind: Kind = Kind.HEART_RATE,
        value: float | None = None,
        quality: Quality = Quality.GOOD,
    ) -> None:
        """One reading; without a value one that changes from time to time."""
        changing = 60 + self.counter // 40 % 7
        one = reading(kind, self.now, changing if value is None else value, quality=quality, device=device)
        self.absence.heard([one], self.now)

    def link(self, state: LinkState, why: str = "", device: str = STRAP) -> None:
        self.absence.link(LinkEvent(at=self.now, device=device, state=state, why=why))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def known(store: Store) -> Store:
    """A store with a strap, a sensor, a scale and an oximeter on the list, of which nothing is stored."""
    for address, name in (
        (STRAP, "Chest [strap]"),
        (SUGAR, "Sensor"),
        (SCALE, "Scale"),
        (FINGER, "Oximeter"),
    ):
        store.put_device(Device(address=address, name=name))
    return store


# Nothing comes


def test_a_strap_that_falls_silent_is_missed_until_it_speaks(known: Store) -> None:
    watching = Watching(known)
    watching.hears()
    assert not watching.wait(minutes(29))
    found = watching.wait(minutes(2))
    (name,) = found
    assert name == f"no_data:{STRAP}"
    finding = found[name]
    assert (
        finding.title == "Nothing has come from Chest strap since 10:00"
    )  # in Berlin, and its name made plain
    assert "Nothing is watched by it since 10:00" in finding.action
    assert (finding.severity, finding.start, finding.ongoing) == (Severity.WATCH, NINE, True)
    assert finding.missing
    watching.hears()
    assert not watching.look()


def test_nothing_at_all_comes_after_a_start(known: Store) -> None:
    known.append([reading(Kind.HEART_RATE, NINE - timedelta(days=3), 60, device=STRAP)])
    watching = Watching(known)
    assert not watching.wait(minutes(29))
    found = watching.wait(minutes(2))
    assert list(found) == [f"no_data:{STRAP}"]
    assert "since 30 Oct 10:00" in found[f"no_data:{STRAP}"].title


def test_what_never_sent_anything_and_what_was_never_heard_of_is_not_missed(known: Store) -> None:
    watching = Watching(known)
    assert not watching.wait(timedelta(hours=2))


def test_a_glucose_sensor_is_missed_sooner(known: Store) -> None:
    watching = Watching(known)
    for _ in range(4):
        watching.hears(SUGAR, Kind.SENSOR_GLUCOSE, 110)
        watching.wait(minutes(5))
    assert not watching.wait(minutes(14))
    (finding,) = watching.wait(minutes(2)).values()
    assert "Dexcom" in finding.source


def test_a_glucose_sensor_that_speaks_every_quarter_of_an_hour_may_miss_one(known: Store) -> None:
    watching = Watching(known)
    for _ in range(4):
        watching.hears(SUGAR, Kind.SENSOR_GLUCOSE, 110)
        watching.wait(minutes(15))
    assert not watching.wait(minutes(29))
    assert watching.wait(minutes(2))


def test_an_oximeter_that_is_held_for_a_minute_is_not_missed_one_that_is_worn_is(known: Store) -> None:
    watching = Watching(known)
    watching.wait(minutes(2), device=FINGER, kind=Kind.SPO2)
    assert not watching.wait(timedelta(hours=1))
    watching.wait(minutes(12), device=FINGER, kind=Kind.SPO2)
    assert list(watching.wait(minutes(31))) == [f"no_data:{FINGER}"]
    watching.wait(minutes(1), device=FINGER, kind=Kind.SPO2)
    assert not watching.wait(timedelta(hours=1))


def test_a_cuffs_pulse_is_no_stream(known: Store) -> None:
    watching = Watching(known)
    for kind in (Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.PULSE_RATE):
        watching.hears(SCALE, kind, 80)
    assert not watching.wait(timedelta(hours=2))


def test_a_scale_is_missed_after_as_long_as_somebody_set(known: Store) -> None:
    known.append([reading(Kind.WEIGHT, NINE - timedelta(hours=25), 80, device=SCALE)])
    watching = Watching(known, expected={SCALE.lower(): timedelta(hours=26)})
    assert not watching.wait(minutes(59))
    (finding,) = watching.wait(minutes(2)).values()
    assert "every 26 h." in finding.action
    (finding,) = watching.wait(timedelta(days=5), step=300).values()
    assert finding.severity is Severity.WATCH  # a weight that was forgotten is not urgent
    watching.hears(SCALE, Kind.WEIGHT, 80)
    assert not watching.look()


def test_a_device_that_somebody_relies_on_becomes_urgent(known: Store) -> None:
    watching = Watching(known, expected={STRAP: minutes(10)})
    watching.hears()
    (finding,) = watching.wait(minutes(39)).values()
    assert finding.severity is Severity.WATCH
    (finding,) = watching.wait(minutes(2)).values()
    assert finding.severity is Severity.URGENT


def test_a_device_that_is_connected_and_silent_is_not_said_to_be_gone(known: Store) -> None:
    watching = Watching(known)
    watching.link(LinkState.CONNECTED)
    watching.hears()
    (finding,) = watching.wait(minutes(31)).values()
    assert finding.rule == f"no_data:{STRAP}"
    assert "out of reach" not in finding.title
    assert "It is connected" in finding.action


def test_it_can_be_switched_off(known: Store) -> None:
    watching = Watching(known, expected={STRAP: None})
    watching.hears(quality=Quality.NO_CONTACT)
    assert not watching.wait(minutes(20), quality=Quality.NO_CONTACT)
    assert not watching.wait(timedelta(hours=5))


def test_a_device_that_is_gone_says_why(known: Store) -> None:
    watching = Watching(known)
    watching.link(LinkState.CONNECTED)
    watching.hears()
    watching.link(LinkState.LOST, "the link ended.")
    watching.link(LinkState.SEARCHING)
    (finding,) = watching.wait(minutes(31)).values()
    assert finding.rule == f"device_gone:{STRAP}"
    assert finding.title.endswith("since 10:00: the link ended")
    watching.link(LinkState.CONNECTED)
    (finding,) = watching.look().values()
    assert finding.rule == f"device_gone:{STRAP}"  # one absence is told once
    assert "connected" in finding.action
    watching.hears()
    assert not watching.look()


def test_an_adapter_that_is_gone_is_one_finding(known: Store) -> None:
    watching = Watching(known)
    for address in (STRAP, SUGAR):
        watching.hears(address, Kind.SENSOR_GLUCOSE if address == SUGAR else Kind.HEART_RATE)
    for _ in range(100):
        for address in (STRAP, SUGAR):
            watching.link(LinkState.NO_ADAPTER, "Bluetooth is switched off.", address)
            watching.link(LinkState.SEARCHING, device=address)
        found = watching.wait(minutes(0.5))
    (finding,) = found.values()
    assert finding.rule == "adapter_gone"
    assert finding.title == "This machine's Bluetooth is gone since 10:00: Bluetooth is switched off"
    # It is back, and is not told as missing any more; the devices are not.
    found = watching.wait(minutes(3))
    assert set(found) == {f"device_gone:{STRAP}", f"device_gone:{SUGAR}"}
    assert not any("switched off" in finding.title for finding in found.values())
    watching.link(LinkState.CONNECTED)
    watching.hears()
    assert set(watching.look()) == {f"device_gone:{SUGAR}"}


def test_an_adapter_that_is_back_within_five_minutes_is_not_told(known: Store) -> None:
    watching = Watching(known)
    for _ in range(6):
        watching.link(LinkState.NO_ADAPTER, "restarting")
        assert not watching.wait(timedelta(seconds=40))
    watching.link(LinkState.CONNECTED)
    assert not watching.wait(minutes(5))


def test_a_strap_whose_heart_rate_is_missing_is_missed_though_it_counts_steps(known: Store) -> None:
    watching = Watching(known)
    watching.hears()
    assert list(watching.wait(minutes(31), kind=Kind.STEPS)) == [f"no_data:{STRAP}"]


def test_a_device_that_is_relied_on_is_missed_also_when_it_was_not_worn_before(known: Store) -> None:
    off = f"not_worn:{STRAP}"
    for expected, both in (({}, {off}), ({STRAP: minutes(10)}, {off, f"no_data:{STRAP}"})):
        watching = Watching(known, expected=expected)
        watching.wait(minutes(12), quality=Quality.NO_CONTACT)
        assert set(watching.wait(minutes(40))) == both


def test_what_was_told_goes_on_when_the_adapter_goes_too(known: Store) -> None:
    watching = Watching(known)
    watching.hears()
    watching.wait(minutes(31))
    for _ in range(20):
        watching.link(LinkState.NO_ADAPTER, "gone")
        watching.wait(minutes(0.5))
    assert set(watching.found) == {f"no_data:{STRAP}", "adapter_gone"}


def test_a_restart_keeps_what_holds(known: Store) -> None:
    known.append([reading(Kind.HEART_RATE, NINE - timedelta(hours=2), 60, device=STRAP)])
    Links(known).note(LinkEvent(at=NINE - timedelta(hours=2), device=STRAP, state=LinkState.LOST, why="far"))
    held = [f"device_gone:{STRAP}", "no_data:AA:AA"]
    watching = Watching(known, held=held)
    assert list(watching.found) == [f"device_gone:{STRAP}"]
    assert watching.found[f"device_gone:{STRAP}"].start == NINE - timedelta(hours=2)
    # A device that is no longer on the list is said to be over, so that its alert ends.
    assert ("no_data:AA:AA", None) in [(w.name, f) for w, f in watching.absence.look(NINE, 1000)]
    assert not Watching(known, now=NINE - minutes(119), held=held).found


def test_a_restart_keeps_that_nobody_wears_it(known: Store) -> None:
    off = Quality.NO_CONTACT
    known.append([reading(Kind.HEART_RATE, NINE - timedelta(hours=1), 60, device=STRAP, quality=off)])
    watching = Watching(known, held=[f"not_worn:{STRAP}"])
    assert list(watching.wait(timedelta(hours=1))) == [f"not_worn:{STRAP}"]
    watching.hears()
    assert not watching.look()


def test_an_oximeter_that_was_worn_is_missed_after_a_restart_too(known: Store) -> None:
    worn = [reading(Kind.SPO2, NINE - minutes(20 - m), 97, device=FINGER) for m in range(15)]
    known.append(worn)
    assert list(Watching(known).wait(minutes(31))) == [f"no_data:{FINGER}"]


def test_after_a_sleep_devices_have_time_to_come_back_and_it_is_said(known: Store) -> None:
    watching = Watching(known)
    watching.hears()
    watching.look()
    watching.now += timedelta(hours=8)
    watching.counter += timedelta(hours=8).total_seconds()
    (finding,) = watching.look().values()
    assert finding.title == "healthslm did not run from 10:00 to 18:00: nothing was watched then"
    assert not watching.wait(minutes(29))
    assert list(watching.wait(minutes(2))) == [f"no_data:{STRAP}"]


def test_an_absence_becomes_one_alert_and_is_over_a_while_after_it_spoke(known: Store) -> None:
    engine = Engine(known, (), clock=lambda: NINE)
    watching = Watching(known)

    def pass_by(span: timedelta) -> list[str]:
        raised = []
        until = watching.counter + span.total_seconds()
        while watching.counter < until:
            watching.counter += 20
            watching.now += timedelta(seconds=20)
            for watch, finding in watching.absence.look(watching.now, watching.counter):
                if alert := engine.update(watch, finding, watching.now):
                    raised.append(alert.rule)
        return raised

    watching.hears()
    assert pass_by(timedelta(hours=5)) == [f"no_data:{STRAP}"]
    watching.hears()
    assert pass_by(minutes(29)) == []
    assert len(engine.open_alerts) == 1
    watching.hears()
    assert pass_by(minutes(2)) == []
    assert not engine.open_alerts


# Nobody wears it


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        (Quality.NO_CONTACT, "is not worn:"),
        (Quality.NOT_WORN, "is not worn:"),
        (Quality.FROZEN, "is not worn, or stuck:"),
        (Quality.FLAT_LINE, "is not worn, or stuck:"),
        (Quality.SENSOR_FAULT, "can be used"),
    ],
)
def test_a_device_that_nobody_wears(known: Store, quality: Quality, words: str) -> None:
    watching = Watching(known)
    watching.wait(minutes(5))
    assert not watching.wait(minutes(9), quality=quality)
    (finding,) = watching.wait(minutes(2), quality=quality).values()
    assert finding.rule == f"not_worn:{STRAP}"
    assert words in finding.title
    assert finding.severity is Severity.WATCH
    assert list(watching.wait(timedelta(hours=2))) == [
        f"not_worn:{STRAP}"
    ]  # and no second one of its silence
    watching.hears()
    assert not watching.look()


def test_one_usable_reading_is_enough_to_be_worn(known: Store) -> None:
    watching = Watching(known)
    watching.wait(minutes(8), quality=Quality.NO_CONTACT)
    watching.hears()
    assert not watching.wait(minutes(8), quality=Quality.NO_CONTACT)


def test_a_heart_rate_that_stands_still(known: Store) -> None:
    watching = Watching(known)
    assert not watching.wait(minutes(29), value=61)
    (finding,) = watching.wait(minutes(2), value=61).values()
    assert finding.title.startswith("Chest strap is not worn, or stuck")
    assert "pacemaker" in finding.action
    assert finding.evidence[0].text == "61"
    watching.hears(value=62)
    assert not watching.look()


def test_a_heart_rate_is_not_the_same_over_a_time_when_it_could_not_be_used(known: Store) -> None:
    watching = Watching(known)
    watching.wait(minutes(20), value=61)
    watching.wait(minutes(5), value=61, quality=Quality.NO_CONTACT)
    assert not watching.wait(minutes(20), value=61)


def test_a_heart_rate_that_stands_still_while_beats_move_is_of_somebody(known: Store) -> None:
    watching = Watching(known)
    for _ in range(40):
        watching.hears(kind=Kind.RR_INTERVAL, value=1000)
        assert not watching.wait(minutes(1), value=60)


def test_a_paced_heart_can_be_left_out(known: Store) -> None:
    assert not Watching(known, steady_for=None).wait(timedelta(hours=2), value=60)


def test_the_same_heart_rate_with_holes_is_chance(known: Store) -> None:
    watching = Watching(known)
    for _ in range(20):
        watching.hears(value=60)
        assert not watching.wait(minutes(3))


# Batteries


def test_a_battery_that_is_low_until_it_is_charged_or_long_ago(known: Store) -> None:
    watching = Watching(known, expected={STRAP: None})
    watching.hears(kind=Kind.BATTERY, value=16)
    assert not watching.look()
    watching.hears(kind=Kind.BATTERY, value=15)
    (finding,) = watching.look().values()
    assert (finding.rule, finding.severity) == (f"battery_low:{STRAP}", Severity.WATCH)
    assert finding.title == "The battery of Chest strap is low: 15 %"
    assert finding.evidence[0].readings
    watching.hears(kind=Kind.BATTERY, value=90)
    assert not watching.look()
    watching.hears(kind=Kind.BATTERY, value=3)
    assert watching.wait(timedelta(hours=47), step=300)
    assert not watching.wait(timedelta(hours=2), step=300)


def test_a_battery_is_known_after_a_restart(known: Store) -> None:
    known.append([reading(Kind.BATTERY, NINE - timedelta(hours=5), 9, device=SCALE)])
    watching = Watching(known)
    assert list(watching.found) == [f"battery_low:{SCALE}"]
    watching.absence.finish(NINE)
    assert not Watching(known, now=NINE + timedelta(days=2)).found


# Clocks


@pytest.mark.parametrize(("by", "words"), [(3, "set forward by 3 h"), (-3, "set back by 3 h")])
def test_a_clock_that_is_set_is_told_for_a_while_and_makes_no_silence(
    known: Store, by: int, words: str
) -> None:
    watching = Watching(known)
    watching.hears()
    watching.look()
    watching.now += timedelta(hours=by)
    (finding,) = watching.wait(minutes(0.3)).values()
    assert finding.rule == "clock_wrong"
    assert words in finding.title
    assert not watching.wait(minutes(11))
    (finding,) = watching.wait(minutes(19)).values()
    assert finding.rule == f"no_data:{STRAP}"
    assert abs(finding.start - (NINE + timedelta(hours=by))) < minutes(1)


def test_a_clock_that_is_moved_a_little_is_none(known: Store) -> None:
    watching = Watching(known)
    for _ in range(10):
        watching.now += timedelta(seconds=90)
        assert not watching.wait(minutes(1))


def test_a_clock_that_is_set_back_by_a_year(known: Store) -> None:
    watching = Watching(known)
    watching.wait(minutes(5), device=STRAP)
    watching.now -= timedelta(days=365)
    (finding,) = watching.wait(minutes(6), device=STRAP).values()
    assert finding.severity is Severity.URGENT  # it is before this version was written
    assert "it shows 2025-11-02 10:11" in finding.title
    watching.now += timedelta(days=365)
    watching.wait(minutes(11), device=STRAP)
    assert not watching.found


def test_a_clock_that_is_before_the_newest_reading(known: Store) -> None:
    known.append([reading(Kind.WEIGHT, NINE + timedelta(days=2), 80, device=SCALE)])
    watching = Watching(known)
    assert not watching.wait(minutes(4))  # it may get the time from the network yet
    (finding,) = watching.wait(minutes(2)).values()
    assert finding.severity is Severity.WATCH
    assert "but something was measured on 2026-11-04 10:00" in finding.title


def test_what_was_last_heard_before_a_wrong_clock_was_set_is_reckoned_anew(known: Store) -> None:
    known.append([reading(Kind.WEIGHT, NINE, 80, device=SCALE)])
    watching = Watching(known, now=NINE - timedelta(hours=20), expected={SCALE: timedelta(hours=26)})
    watching.now = NINE + timedelta(hours=27)
    watching.wait(minutes(31))
    assert f"no_data:{SCALE}" in watching.found


def test_a_devices_clock_is_shown_and_nobody_is_told(known: Store) -> None:
    watching = Watching(known)
    one = reading(Kind.SYSTOLIC, NINE, 120, device=SCALE, quality=Quality.CLOCK_CORRECTED)
    late = replace(one, device_time=datetime(2026, 11, 2, 8, 30))  # noqa: DTZ001  a device's, without a zone
    watching.absence.heard([late], NINE)
    (finding,) = watching.look().values()
    assert (finding.rule, finding.severity) == (f"clock_wrong:{SCALE}", Severity.INFO)
    assert "wrong by 1 h 30 min (behind)" in finding.title
    right = replace(late, quality=Quality.GOOD)
    watching.absence.heard([right], NINE)
    assert not watching.look()
    watching.absence.heard([one], NINE)  # one that did not say by how much
    (finding,) = watching.look().values()
    assert "wrong;" in finding.title
    assert not watching.wait(timedelta(hours=25), step=300)


# The disk


def test_a_disk_that_fills_up(known: Store) -> None:
    watching = Watching(known)
    watching.space = (150 * 10**6, 16 * 10**9)
    assert not watching.look()  # once a minute is often enough
    (finding,) = watching.wait(minutes(1)).values()
    assert (finding.rule, finding.severity) == ("disk_full", Severity.WATCH)
    assert "150 MB are left" in finding.title
    watching.space = (40 * 10**6, 16 * 10**9)
    (finding,) = watching.wait(minutes(1)).values()
    assert finding.severity is Severity.URGENT
    watching.space = (310 * 10**6, 16 * 10**9)
    assert watching.wait(minutes(1))  # less than 2 %
    watching.space = (1100 * 10**6, 10**12)
    assert not watching.wait(minutes(1))


def test_a_disk_that_cannot_be_looked_at_is_not_full(known: Store) -> None:
    def fails() -> tuple[int, int]:
        raise OSError("gone")

    absence = Absence(known, now=NINE, monotonic=0, zone=BERLIN, free=fails)
    assert not [finding for _, finding in absence.look(NINE, 0) if finding]


def test_the_disk_that_is_looked_at_is_the_stores(known: Store) -> None:
    left, whole = disk.free_of(known.folder)()
    assert 0 <= left <= whole == shutil.disk_usage(known.folder).total
    found = dict(Absence(known, now=NINE, monotonic=0, zone=BERLIN).look(NINE, 0))[disk.WATCH]
    assert (found is None) is (disk.level(left, whole) is None)


# The sign of life


def test_a_stop_that_nobody_asked_for_is_told_once(known: Store) -> None:
    Watching(known).wait(minutes(5))
    path = known.folder / HEARTBEAT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    beat = last_beat(known.folder)
    assert beat is not None
    assert (beat.at, beat.clean) == (NINE + minutes(4) + timedelta(seconds=40), False)
    watching = Watching(known, now=NINE + timedelta(hours=2))
    (finding,) = watching.found.values()
    assert finding.rule == "engine_stopped"
    assert finding.title == "healthslm did not run from 10:04 to 12:00: nothing was watched then"
    assert finding.start == beat.at
    assert not watching.wait(minutes(1))


def test_a_short_stop_and_one_that_was_asked_for_are_not_told(known: Store) -> None:
    Watching(known)
    assert not Watching(known, now=NINE + minutes(9)).found
    Watching(known).absence.finish(NINE)
    beat = last_beat(known.folder)
    assert beat is not None
    assert (beat.at, beat.clean) == (NINE, True)
    assert not Watching(known, now=NINE + timedelta(days=1)).found


def test_restarts_again_and_again_are_told_and_give_no_device_more_time(known: Store) -> None:
    """Started anew every 9 minutes: that it ends is told, and a strap that was never found is missed."""
    known.append([reading(Kind.HEART_RATE, NINE - minutes(1), 60, device=STRAP)])
    watching = Watching(known)
    watching.wait(minutes(8))
    for start in (9, 18):
        watching = Watching(known, now=NINE + minutes(start))
        assert not watching.wait(minutes(8))
    found = Watching(known, now=NINE + minutes(27)).wait(minutes(8))
    assert set(found) == {"engine_stopped", f"no_data:{STRAP}"}
    assert (
        found["engine_stopped"].title == "healthslm ended 3 times within an hour without having been told to"
    )


def test_after_a_sleep_and_a_restart_devices_have_their_time_again(known: Store) -> None:
    known.append([reading(Kind.HEART_RATE, NINE - minutes(1), 60, device=STRAP)])
    watching = Watching(known)
    watching.wait(minutes(5))
    watching.counter += 8 * 3600
    watching.now += timedelta(hours=8)
    watching.look()
    watching.wait(minutes(2))
    assert f"no_data:{STRAP}" not in Watching(known, now=watching.now + minutes(1)).found


def test_a_machine_without_a_clock_of_its_own_tells_of_a_power_cut_once_it_has_the_time(known: Store) -> None:
    """After it the clock goes on from where it was, until the network tells the time two hours later."""
    Watching(known).wait(minutes(5))
    watching = Watching(known, now=NINE + minutes(5))
    assert not watching.wait(minutes(2))
    watching.now += timedelta(hours=2)
    found = watching.look()
    assert found["engine_stopped"].title == (
        "healthslm did not run from 10:04 to 12:05: nothing was watched then"
    )
    assert "engine_stopped" not in watching.wait(minutes(1))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"at": 5, "clean": true}', '{"at": "2026-11-02"}', "[" * 999]
)
def test_a_sign_of_life_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / HEARTBEAT).write_text(text)
    assert last_beat(tmp_path) is None
    assert last_beat(tmp_path / "nowhere") is None


def test_the_machines_own_clock_is_of_no_device_that_is_gone(known: Store) -> None:
    watching = Watching(known, held=["clock_wrong", "disk_full", f"clock_wrong:{SCALE}", "clock_wrong:AA:AA"])
    told = [(watch.name, finding) for watch, finding in watching.absence.look(NINE, 1000)]
    assert [name for name, _ in told if name.startswith("clock_wrong")].count("clock_wrong") == 1
    assert ("clock_wrong:AA:AA", None) in told


def test_a_sign_of_life_goes_with_the_store(known: Store) -> None:
    Watching(known)
    known.close()
    erase(known.folder)
    assert last_beat(known.folder) is None
    assert not (known.folder / HEARTBEAT).exists()


def test_a_sign_of_life_that_cannot_be_written_disturbs_nobody(known: Store) -> None:
    (known.folder / f"{HEARTBEAT}.part").mkdir()
    watching = Watching(known)
    watching.wait(minutes(2))
    watching.absence.finish(NINE)
    assert last_beat(known.folder) is None


# Whatever happens

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0, 900)),
        st.tuples(st.just("set"), st.floats(-4e8, 4e8)),
        st.tuples(st.just("hear"), st.sampled_from(list(Quality))),
        st.tuples(st.just("link"), st.sampled_from(list(LinkState))),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_nothing_is_missed_before_its_time_however_clocks_are_set(known: Store, steps: list[object]) -> None:
    watching = Watching(known)
    heard: float | None = None
    for what, how in steps:  # type: ignore[misc]
        if what == "wait":
            watching.counter += how
            watching.now += timedelta(seconds=how)
        elif what == "set":
            watching.now = min(
                max(watching.now + timedelta(seconds=how), at("00:00").replace(year=1971)),
                at("00:00").replace(year=2100),
            )
        elif what == "hear":
            watching.hears(quality=how)
            heard = watching.counter
        elif what == "link":
            watching.link(how, "why")
        found = watching.look()
        silent = {f"no_data:{STRAP}", f"device_gone:{STRAP}"} & set(found)
        assert len(silent) <= 1
        assert not silent or (heard is not None and watching.counter - heard >= EXPECTED.total_seconds())
    if heard is not None:
        watching.wait(minutes(65))
        assert {f"no_data:{STRAP}", f"device_gone:{STRAP}", f"not_worn:{STRAP}", "adapter_gone"} & set(
            watching.found
        )
