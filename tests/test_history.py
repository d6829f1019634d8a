"""Looking back a day at a time comes to the same as looking at everything at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.analysis import Daily, day_bounds, describe, mean
from healthslm.daily import EVERY, DailyRules
from healthslm.history import History, overview, reach_of
from healthslm.importers.glucose import read_glucose
from healthslm.readings import Feature, Kind, Quality, Reading, Severity, Window, moment
from healthslm.rules import RULES, Case, Rule, Verdict, Windows, scan_all
from healthslm.rules.glucose import LOW_GLUCOSE_SOON
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.temperature import FEVER
from healthslm.store import CHEAPEST, Store, create
from healthslm.store.codec import Columns
from healthslm.store.rows import micros
from tests.making import DAY, series

BERLIN = ZoneInfo("Europe/Berlin")
CLARITY = Path(__file__).parent / "data" / "glucose" / "clarity-2-days.csv"


def _mean(windows: Mapping[Kind, Window]) -> Feature:
    return mean(windows[Kind.TEMPERATURE])


WARMTH = Daily(
    name="warmth", title="warmth", unit="Cel", decimals=1, kinds=(Kind.TEMPERATURE,), compute=_mean
)


def _rising(case: Case) -> Verdict | None:
    found = case.days["warmth"]
    if len(found) < 2 or not found.values[-1] > found.values[-2]:
        return None
    return Verdict(severity=Severity.INFO, onset=found.features[-1].start)


RISING = Rule(
    name="rising",
    version="1",
    title="Warmer than the day before",
    source="a test",
    kinds=(Kind.TEMPERATURE,),
    lookback=timedelta(0),
    join=timedelta(0),
    verdict=_rising,
    evidence=lambda case: case.days["warmth"].features[-2:],
    actions={Severity.INFO: "None."},
    daily=(WARMTH,),
    days=3,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made:
        yield made


def fill(store: Store, values: list[float], every: float = 3600) -> None:
    store.append(
        Reading(time=r.time, kind=r.kind, value=r.value, device=r.device)
        for r in series(Kind.TEMPERATURE, DAY, values, every=every)
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.sampled_from([36.8, 38.2, 39.4]), min_size=1, max_size=90))
def test_day_by_day_is_as_all_at_once(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    made, _ = create(tmp_path_factory.mktemp("store") / "home", "passphrase", profile=CHEAPEST)
    end = DAY + timedelta(days=5)
    with made as store:
        fill(store, values)
        whole = {kind: store.window(kind, DAY, end) for kind in reach_of(RULES)}
        assert History(store, BERLIN).findings(RULES, DAY, end) == scan_all(RULES, whole, zone=BERLIN)


def test_recorded_glucose_day_by_day_is_as_all_at_once(store: Store) -> None:
    """The evidence too: a forecast needs what lies before its episode."""
    recorded = read_glucose(CLARITY).window()
    start, end = recorded.start, recorded.end + timedelta(days=1)
    store.append(
        Reading(time=moment(at), kind=recorded.kind, value=value, device="C0:FF:EE:00:00:01")
        for at, value in zip(recorded.times, recorded.values.tolist(), strict=True)
    )
    found = History(store, BERLIN).findings(RULES, start, end)
    whole = {kind: store.window(kind, start, end) for kind in reach_of(RULES)}
    assert found == scan_all(RULES, whole, zone=BERLIN)
    soon = [finding.evidence[0] for finding in found if finding.rule == LOW_GLUCOSE_SOON.name]
    assert soon
    assert all(forecast.value is not None for forecast in soon)


def test_an_episode_is_the_same_whichever_period_is_asked_for(store: Store) -> None:
    fill(store, [38.5] * 30)  # from midnight to six o'clock on the next day
    history = History(store, ZoneInfo("UTC"))
    (all_of_it,) = history.findings(RULES, DAY, DAY + timedelta(days=2))
    (late,) = history.findings(RULES, DAY + timedelta(hours=9), DAY + timedelta(days=2))
    assert late.id == all_of_it.id
    assert late.evidence[0].value == all_of_it.evidence[0].value


def test_days_are_computed_once_until_something_changes(store: Store) -> None:
    fill(store, [36.5] * 72)
    history = History(store, ZoneInfo("UTC"))
    first, last, now = DAY.date(), DAY.date() + timedelta(days=5), DAY + timedelta(days=5)
    assert len(list(history.missing([WARMTH], first, last, now=now))) == 4  # a day, and the one after it
    assert list(history.missing([WARMTH], first, last, now=now)) == []
    assert history.days([WARMTH], first, last, now=now)["warmth"].values[:3].tolist() == [36.5] * 3
    late = Reading(time=DAY + timedelta(minutes=1), kind=Kind.TEMPERATURE, value=39.5, device="AA:02")
    store.append([late])
    history.changed([late.time])
    found = history.days([WARMTH], first, last, now=now)["warmth"].values
    assert found[0] == pytest.approx((24 * 36.5 + 39.5) / 25)


def test_today_is_not_known_before_it_is_over(store: Store) -> None:
    fill(store, [36.5] * 48)
    history = History(store, ZoneInfo("UTC"))
    noon = DAY + timedelta(days=1, hours=12)
    days = history.days([WARMTH], DAY.date(), noon.date(), now=noon)["warmth"]
    assert days.days == (DAY.date(),)


def test_rules_about_days(store: Store) -> None:
    fill(store, [36.5] * 24 + [36.9] * 24 + [36.6] * 24 + [37.2] * 24)
    found = History(store, ZoneInfo("UTC")).findings([RISING], DAY, DAY + timedelta(days=6))
    assert sorted(f.start for f in found) == [DAY + timedelta(days=1), DAY + timedelta(days=3)]
    for finding in found:
        before, after = (f.value for f in finding.evidence)
        assert before is not None
        assert after is not None
        assert after > before


def test_live_it_takes_one_step_at_a_time_and_comes_to_the_same(store: Store) -> None:
    fill(store, [36.5] * 24 + [36.9] * 24)
    now = DAY + timedelta(days=2)
    asking = DailyRules([RISING], History(store, ZoneInfo("UTC")), ZoneInfo("UTC"))

    def none(rule: Rule, _now: datetime) -> Windows:
        return {kind: Window.of(kind, now, now + timedelta(seconds=1), ()) for kind in rule.kinds}

    steps = [asking.step(now, none) for _ in range(3)]
    assert steps[:2] == [(), ()]
    ((rule, finding),) = steps[2]
    assert rule is RISING
    assert finding is not None
    assert finding.start == DAY + timedelta(days=1)
    assert asking.step(now + EVERY / 2, none) == ()
    assert len(asking.step(now + EVERY, none)) == 1


def test_a_day_has_the_hours_of_the_clock_on_the_wall() -> None:
    start, end = day_bounds(date(2026, 10, 25), BERLIN)
    assert end - start == timedelta(hours=25)
    assert start == datetime(2026, 10, 24, 22, tzinfo=UTC)
    night, morning = day_bounds(date(2026, 3, 29), BERLIN, (-4, 10))
    assert morning - night == timedelta(hours=13)


def _counting(asked: list[datetime]) -> Rule:
    def verdict(case: Case) -> Verdict | None:
        asked.append(case.now)
        window = case.windows[Kind.TEMPERATURE]
        hot = len(window) > 0 and bool(window.values[-1] >= 38)
        return Verdict(severity=Severity.WATCH, onset=case.now) if hot else None

    return Rule(
        name="counting",
        version="1",
        title="Hot",
        source="a test",
        kinds=(Kind.TEMPERATURE,),
        lookback=timedelta(hours=1),
        join=timedelta(hours=2),
        verdict=verdict,
        evidence=lambda case: (mean(case.windows[Kind.TEMPERATURE]),),
        actions={Severity.WATCH: "Measure again."},
    )


def test_a_day_is_asked_about_once_until_its_readings_change(store: Store) -> None:
    fill(store, [36.5, 38.5] + [36.5] * 70)
    asked: list[datetime] = []
    rule, end = _counting(asked), DAY + timedelta(days=3)
    first = History(store, BERLIN).findings([rule], DAY, end)
    whole_days = [at for at in asked if at >= day_bounds(date(2026, 11, 3), BERLIN)[0]]
    asked.clear()
    assert History(store, BERLIN).findings([rule], DAY, end) == first
    assert asked  # the parts of days at the two ends
    assert not set(asked) & set(whole_days[:23])
    hot = store.window(Kind.TEMPERATURE, DAY, end)
    store.correct(int(hot.ids[1]), 36.6, "a hot drink", DAY)
    store.correct(int(hot.ids[30]), 38.6, "misread", DAY)
    (changed,) = History(store, BERLIN).findings([rule], DAY, end)
    assert changed.start == DAY + timedelta(hours=30)


@pytest.mark.parametrize("days", [3, 40])
def test_an_overview_says_what_all_readings_say(store: Store, days: int) -> None:
    rng = np.random.default_rng(days)
    size = days * 1440
    times = (np.arange(size) * 60_000_000 + micros(DAY)).astype(np.int64)
    keep = rng.random(size) < 0.7
    values = np.round(rng.normal(70, 9, size))
    good = np.where(rng.random(size) < 0.02, int(Quality.NO_CONTACT), 0).astype(np.int16)
    columns = Columns(times=times[keep], values=values[keep], quality=good[keep])
    store.append_columns(Kind.HEART_RATE, "AA:01", columns)
    store.commit()
    end = DAY + timedelta(days=days)
    seen = overview(store, Kind.HEART_RATE, DAY, end)
    window, features = seen.window, seen.features
    exact = describe(store.window(Kind.HEART_RATE, DAY, end))
    for ours, theirs in zip(features, exact, strict=True):
        assert (ours.name, ours.text, ours.unit) == (theirs.name, theirs.text, theirs.unit)
        assert ours.coverage == pytest.approx(
            theirs.coverage, abs=1e-3
        )  # a reading speaks for its ten seconds
        if not ours.name.endswith("mean"):
            assert ours.at is not None
            found = store.reading(ours.readings[0])
            assert found is not None
            assert (found.value, found.time) == (ours.value, ours.at)
    assert len(window) <= (days * 24 if days > 32 else size)
    assert np.isnan(window.values).sum() == 0


def test_an_episode_of_days_has_one_beginning_whichever_period_is_asked_for(store: Store) -> None:
    fill(store, [36.5] * 24 + [38.5] * 24 * 5 + [36.5] * 24)
    history = History(store, BERLIN)
    begun, end = DAY + timedelta(days=1), DAY + timedelta(days=10)
    for days in (0, 2, 4, 5.5):
        (found,) = history.findings([FEVER], DAY + timedelta(days=days), end)
        assert found.start == begun
        assert found.evidence == history.findings([FEVER], DAY, end)[0].evidence
    assert history.findings([FEVER], DAY + timedelta(days=7), end) == ()


def test_the_beginning_is_looked_for_a_month_back_and_no_further(store: Store) -> None:
    fill(store, [38.5] * 12 * 45, every=7200)
    (found,) = History(store, ZoneInfo("UTC")).findings(
        [FEVER], DAY + timedelta(days=40), DAY + timedelta(days=45)
    )
    assert found.start == DAY + timedelta(days=9, hours=12)  # as far again as the rule looks back


def test_a_rule_of_days_too_is_told_from_its_beginning(store: Store) -> None:
    fill(store, [36.5] * 24 + [36.6] * 24 + [36.7] * 24 + [36.8] * 24 + [36.9] * 24)
    history = History(store, ZoneInfo("UTC"))
    rule = replace(RISING, join=timedelta(days=1))
    (all_of_it,) = history.findings([rule], DAY, DAY + timedelta(days=6))
    (late,) = history.findings([rule], DAY + timedelta(days=4), DAY + timedelta(days=6))
    assert (late.id, late.evidence) == (all_of_it.id, all_of_it.evidence)


@pytest.mark.parametrize("clock", [timedelta(hours=9), timedelta(hours=23, minutes=59, seconds=30)])
def test_one_reading_alone_is_found_on_its_day(store: Store, clock: timedelta) -> None:
    once = Reading(time=DAY + clock, kind=Kind.SPO2, value=78, device="AA:01")
    store.append([once])
    history = History(store, ZoneInfo("UTC"))
    (found,) = history.findings([LOW_SPO2], DAY, DAY + timedelta(days=1))
    assert (found.start, found.end, found.severity) == (once.time, once.time, Severity.WATCH)
    assert found.evidence[0].value == 78
    assert history.findings([LOW_SPO2], DAY + timedelta(days=1), DAY + timedelta(days=2)) == ()
    (whole,) = history.findings([LOW_SPO2], DAY, DAY + timedelta(days=3))
    assert whole.id == found.id
