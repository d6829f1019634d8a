"""The signals of the virtual day, and reading a recorded rhythm."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import RecordError
from device.virtual import Beat, Physiology, rhythm_from_csv

DAY = datetime(2026, 3, 2, tzinfo=UTC)
times = st.integers(0, 86399).map(lambda s: DAY + timedelta(seconds=s))


@given(times, st.integers(0, 5))
def test_signals_depend_on_time_of_day_and_seed_only(at: datetime, seed: int) -> None:
    one, other = Physiology(seed), Physiology(seed)
    other.spo2(DAY)  # what was asked before does not matter
    for signal in ("temperature", "spo2", "heart_rate", "pressure"):
        assert getattr(one, signal)(at) == getattr(other, signal)(at + timedelta(days=300))


@given(times, st.integers(0, 5))
def test_signals_stay_those_of_a_living_person(at: datetime, seed: int) -> None:
    body = Physiology(seed)
    assert 36.0 <= body.temperature(at) <= 39.0
    assert 87 <= body.spo2(at) <= 98
    assert 50 <= body.heart_rate(at) <= 110
    pressure = body.pressure(at)
    assert pressure.diastolic < pressure.mean_arterial < pressure.systolic


def test_the_day_develops_a_fever_and_low_oxygen() -> None:
    body = Physiology()
    morning, evening = DAY + timedelta(hours=9), DAY + timedelta(hours=17, minutes=30)
    assert body.temperature(morning) < 37
    assert body.temperature(evening) > 38.5
    assert body.spo2(morning) >= 95
    assert body.spo2(evening) <= 90
    assert body.pressure(morning).systolic < 135 < body.pressure(evening - timedelta(hours=2)).systolic


def test_seeds_differ() -> None:
    hours = [DAY + timedelta(minutes=m) for m in range(0, 1440, 10)]
    assert [Physiology(1).heart_rate(h) for h in hours] != [Physiology(2).heart_rate(h) for h in hours]


def test_the_shipped_rhythm(rhythm_file: Path) -> None:
    beats = rhythm_from_csv(rhythm_file)
    assert 7190 < sum(beat.rr_s for beat in beats) <= 7200
    assert 0.15 < sum(beat.rr_s for beat in beats if beat.af) / 7200 < 0.25


def test_plain_and_gzipped_are_the_same(tmp_path: Path) -> None:
    text = "sample,rr_s,af\n200,0.8,0\n425,0.9,1\n"
    plain, zipped = tmp_path / "r.csv", tmp_path / "r.csv.gz"
    plain.write_text(text)
    zipped.write_bytes(gzip.compress(text.encode()))
    assert rhythm_from_csv(plain) == rhythm_from_csv(zipped) == (Beat(0.8, False), Beat(0.9, True))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no column"),
        (b"sample,rr\n1,2\n", "no column af and no column rr_s"),
        (b"sample,rr_s,af\n", "no beats"),
        (b"sample,rr_s,af\n1,0.8,0\n2,x,0\n", "line 3: 'x' is not an RR interval"),
        (b"sample,rr_s,af\n1,nan,0\n", "line 2: 'nan'"),
        (b"sample,rr_s,af\n1,-0.8,0\n", "line 2: '-0.8'"),
        (b"sample,rr_s,af\n1,99,0\n", "line 2: '99'"),
        (b"sample,rr_s,af\n1,0.8\n", "line 2: af is ''"),
        (b"sample,rr_s,af\n1,0.8,2\n", "line 2: af is '2'"),
        (b"\xff\xfe\0", "could not be read"),
    ],
)
def test_a_bad_record_names_the_file_and_the_line(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        rhythm_from_csv(path)
    assert why in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_missing_cut_and_foreign_files(tmp_path: Path, rhythm_file: Path) -> None:
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(rhythm_file.read_bytes()[:20_000])
    foreign = tmp_path / "foreign.csv.gz"
    foreign.write_bytes(b"not gzip at all")
    for path in (tmp_path / "none.csv", cut, foreign, tmp_path):
        with pytest.raises(RecordError, match=str(path)):
            rhythm_from_csv(path)
