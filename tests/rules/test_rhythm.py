"""Irregular rhythm: confirmed over hours before anybody is told."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from healthslm.readings import Finding, Kind, Reading, Severity
from healthslm.rules import Rule, judge, scan
from healthslm.rules.rhythm import IRREGULAR_RHYTHM
from healthslm.training.rhythms import fibrillation, sinus
from tests.making import at, beats, windows


def wild(minutes: float, seed: int = 1) -> list[float]:
    return _rhythm(fibrillation, minutes, seed)


def steady(minutes: float, seed: int = 1) -> list[float]:
    return _rhythm(sinus, minutes, seed)


def _rhythm(make, minutes: float, seed: int) -> list[float]:
    rr = 1000 * np.clip(make(np.random.default_rng(seed), int(minutes * 240)), 0.3, 1.4)
    return rr[np.cumsum(rr) <= minutes * 60_000].tolist()


def found(rows: list[Reading], rule: Rule = IRREGULAR_RHYTHM) -> list[Finding]:
    return scan(rule, windows(rows))


def test_an_hour_of_it_is_not_enough_and_two_hours_are() -> None:
    assert found(beats(at("08:00"), wild(65))) == []
    (finding,) = found(beats(at("08:00"), wild(120)))
    assert finding.severity is Severity.WATCH
    assert finding.start == at("08:00")
    minutes, share, _, trace = finding.evidence
    assert minutes.value == pytest.approx(105, abs=2)  # the last quarter of an hour is not over
    assert share.value > 90
    assert (trace.name, trace.end - trace.start) == ("rr_trace", timedelta(minutes=15))
    assert trace.readings[0] < trace.readings[1]
    assert "ECG" in finding.action


def test_a_steady_rhythm_is_nothing_for_ten_hours() -> None:
    assert found(beats(at("08:00"), steady(600))) == []


def test_one_regular_quarter_among_six_is_allowed_two_are_not() -> None:
    def quarters(pattern: str) -> list[float]:
        return [rr for i, c in enumerate(pattern) for rr in (wild if c == "a" else steady)(15, i + 1)]

    assert len(found(beats(at("08:00"), quarters("aasaaas")))) == 1
    assert found(beats(at("08:00"), quarters("aasasaaasas"))) == []


def test_short_measurements_over_a_day_confirm_each_other() -> None:
    rows = []
    for hour in range(8, 20, 2):
        rows += beats(at(f"{hour:02}:00"), wild(10, hour))
    (finding,) = found(rows)
    assert finding.start == at("08:00")
    assert found([r for r in rows if r.time < at("14:00")]) == []


def test_what_was_a_day_ago_confirms_nothing() -> None:
    day = timedelta(days=1)
    rows = [*beats(at("08:00"), wild(50)), *beats(at("10:00") + day, wild(50))]
    assert found(rows) == []


def test_a_quarter_with_few_beats_is_not_judged() -> None:
    rows = []
    for hour in range(8, 16):
        rows += beats(at(f"{hour:02}:00"), wild(4, hour))
    assert found(rows) == []
    patient = IRREGULAR_RHYTHM.having(
        "minutes", 3, by="Dr. A", at=None, why="wears it for four minutes at a time"
    )
    assert len(found(rows, patient)) == 1


def test_a_stricter_clinician_is_obeyed() -> None:
    rows = beats(at("08:00"), wild(80))
    assert len(found(rows)) == 1
    strict = IRREGULAR_RHYTHM.having("irregular", 6, by="Dr. A", at=None, why="many false ones")
    assert found(rows, strict) == []


@pytest.mark.parametrize("clock", ["09:10", "09:16", "09:44", "10:20", "11:29"])
def test_live_says_what_history_says(clock: str) -> None:
    rows = beats(at("08:00"), [*wild(100), *steady(120)])
    now: datetime = at(clock)
    live = judge(IRREGULAR_RHYTHM, windows([r for r in rows if r.time <= now]), now)
    later = [f for f in scan(IRREGULAR_RHYTHM, windows(rows)) if f.start <= now]
    told_at = at("09:15")
    assert (live is not None) == (told_at <= now <= at("10:00"))
    assert len(later) == 1
    if live is not None:
        assert live.start == later[0].start


def test_it_needs_rr_intervals_alone() -> None:
    assert IRREGULAR_RHYTHM.kinds == (Kind.RR_INTERVAL,)
