from pathlib import Path

import numpy as np
import pytest

from healthslm.analysis.beats import beats_in, beats_of
from healthslm.importers.rr import read_rr
from healthslm.readings import Kind, Quality
from tests.making import at, beats, reading, windows

DATA = Path(__file__).parent.parent / "data" / "rr"


@pytest.mark.parametrize("name", ["SampleNNISeriesLong", "SampleNNISeriesShort"])
def test_series_of_normal_intervals_are_left_whole(name: str) -> None:
    rr = np.load(DATA / "hrv_reference" / f"{name}.npy").astype(float)
    found = beats_of(rr)
    assert found.normal.all()
    assert found.irregular < 0.1


@pytest.mark.parametrize(("record", "least"), [("119", 0.95), ("200", 0.7)])
def test_annotated_premature_beats_are_found(record: str, least: float) -> None:
    read = read_rr(DATA / f"mitdb-{record}-800-beats.csv.gz")
    pvc = read.labels["pvc"] == 1
    found = beats_of(read.rr_ms)
    assert found.ectopic[pvc].mean() > least
    assert found.ectopic[~pvc].mean() < 0.01


def test_a_premature_beat_and_its_pause_are_not_normal() -> None:
    rr = np.full(40, 800.0)
    rr[20], rr[21] = 500, 1100
    found = beats_of(rr)
    assert np.flatnonzero(found.ectopic).tolist() == [20]
    assert np.flatnonzero(~found.normal).tolist() == [20, 21]
    assert len(found.changes) == 36


def test_a_missed_and_an_extra_beat_are_artefacts() -> None:
    rr = np.full(40, 800.0)
    rr[10], rr[30] = 1600, 150
    found = beats_of(rr)
    assert np.flatnonzero(~found.normal).tolist() == [10, 30]
    assert np.flatnonzero(~found.usable).tolist() == [30]


def test_nothing_is_judged_across_a_hole_or_a_doubted_beat() -> None:
    rows = beats(at("08:00"), [800.0] * 10) + beats(at("08:05"), [500.0] * 10)
    rows.append(reading(Kind.RR_INTERVAL, at("08:06"), 700, quality=Quality.NO_CONTACT))
    found = beats_in(windows(rows)[Kind.RR_INTERVAL])
    assert found.normal.sum() == 20
    assert not found.changes.any()


@pytest.mark.parametrize("values", [[], [800.0], [800.0, np.nan], [np.nan] * 5])
def test_few_or_no_beats_are_no_error(values: list[float]) -> None:
    found = beats_of(np.array(values))
    assert found.normal.sum() == sum(v == 800 for v in values)
    assert not len(found.changes)
