from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.analysis.beats import beats_of
from healthslm.analysis.hrv_frequency import BANDS, cubic, lomb_scargle, welch
from healthslm.analysis.hrv_nonlinear import dfa, sample_entropy
from healthslm.analysis.hrv_time import time_domain, tinn_ms
from healthslm.analysis.variability import figures, summary
from healthslm.errors import UsageError
from healthslm.evaluation import hrv
from healthslm.readings import Kind, Reading, Window
from tests.making import at, beats

DATA = Path(__file__).parent.parent / "data" / "rr" / "hrv_reference"
SHORT = np.load(DATA / "SampleNNISeriesShort.npy").astype(float)


def test_every_published_figure_is_equal_to_its_printed_digits() -> None:
    table = hrv.run(DATA)
    compared = [line for line in table.lines if line.reach]
    assert len(compared) == 45
    assert not [(one.name, one.value, one.published) for one in compared if not one.met]


def test_a_folder_without_series_is_refused(tmp_path: Path) -> None:
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError):
            hrv.run(wrong)


def test_a_cubic_is_interpolated_as_it_is() -> None:
    x = np.array([0.0, 0.7, 1.1, 2.5, 3.0, 4.2])

    def curve(t: np.ndarray) -> np.ndarray:
        return 2 + t - 3 * t**2 + 0.5 * t**3

    fine = np.linspace(0, 4.2, 50)
    assert cubic(x, curve(x), fine) == pytest.approx(curve(fine))


def test_spectra_equal_those_of_scipy() -> None:
    """The numbers are of SciPy 1.17.1, every 41st and every twelfth of the densities, and their sum.

    With t = beat_times(SHORT), at = np.arange(t[0], t[-1], 0.25), even = interpolate.interp1d(t, SHORT,
    "cubic")(at): signal.welch(even - even.mean(), 4, "hamming", nperseg=300, nfft=4096), and 2 *
    np.diff(t).mean() * signal.lombscargle(t, SHORT - SHORT.mean(), 2 * np.pi * frequencies).
    """
    ours = welch(SHORT).density
    assert len(ours) == 2049
    assert ours.sum() == pytest.approx(7710182.5705)
    assert ours[0:410:41] == pytest.approx([
        4488.43877, 17570.3782, 8470.49993, 17209.8541, 21036.3054,
        22966.8986, 61718.4903, 24894.9358, 13692.0351, 2455.74703,
    ])  # fmt: skip
    ours = lomb_scargle(SHORT).density
    assert len(ours) == 119
    assert ours.sum() == pytest.approx(2503587.0850)
    assert ours[::12] == pytest.approx([
        48067.1998, 5873.75565, 14511.7634, 28936.1805, 1143.17497,
        24293.0926, 126272.062, 38421.3952, 24003.3573, 4274.72191,
    ])  # fmt: skip


@pytest.mark.parametrize(("hertz", "band"), [(0.1, "lf"), (0.25, "hf")])
def test_a_wave_is_found_in_its_band_with_its_power(hertz: float, band: str) -> None:
    times = np.arange(0, 300, 0.8)
    nn = 800 + 30 * np.sin(2 * np.pi * hertz * times)
    for spectrum in (welch(nn, times), lomb_scargle(nn, times)):
        powers = spectrum.bands()
        assert powers[f"{band}_ms2"] == pytest.approx(450, rel=0.1)
        assert spectrum.frequencies[spectrum.density.argmax()] == pytest.approx(hertz, abs=0.004)


def test_noise_has_the_exponent_of_noise() -> None:
    nn = 800 + 20 * np.random.default_rng(4).standard_normal(4000)
    assert dfa(nn, (17, 64)) == pytest.approx(0.5, abs=0.1)
    assert dfa(np.cumsum(nn - 800), (17, 64)) == pytest.approx(1.5, abs=0.1)
    assert sample_entropy(nn) == pytest.approx(2.2, abs=0.15)
    assert sample_entropy(np.sin(np.arange(4000) / 10)) < 0.3


def test_a_long_series_is_taken_apart() -> None:
    nn = 800 + 20 * np.random.default_rng(5).standard_normal(12_000)
    assert sample_entropy(nn) == pytest.approx(sample_entropy(nn[:4000]), abs=0.1)


def test_the_triangle_of_a_triangle_is_its_base() -> None:
    bins = np.repeat(np.arange(90, 111), 1 + 10 - np.abs(np.arange(-10, 11)))
    assert tinn_ms((bins + 0.5) * 7.8125) == pytest.approx(22 * 7.8125, abs=2 * 7.8125)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(400, 1200), min_size=5, max_size=60), st.floats(0.5, 2))
def test_what_is_in_ms_scales_with_the_intervals(values: list[float], factor: float) -> None:
    nn = np.array(values)
    one, other = time_domain(nn), time_domain(nn * factor)
    for name in ("mean_nn_ms", "sdnn_ms", "rmssd_ms", "sdsd_ms"):
        assert other[name] == pytest.approx(one[name] * factor, abs=1e-6)


def test_how_much_recording_a_figure_asks_for() -> None:
    rng = np.random.default_rng(6)
    found = {
        minutes: {f.name: f for f in figures(beats_of(800 + 20 * rng.standard_normal(minutes * 75)))}
        for minutes in (1, 3, 6, 16)
    }
    given_ = {m: {n for n, f in fs.items() if f.value is not None} for m, fs in found.items()}
    assert "lf_ms2" not in given_[1]
    assert found[1]["lf_ms2"].reason.endswith("2 are needed")
    assert {"lf_ms2", "hf_ms2", "rmssd_ms"} <= given_[3]
    assert "vlf_ms2" not in given_[3]
    assert "vlf_ms2" in given_[6]
    assert "sdann_ms" not in given_[6]
    assert "sdann_ms" in given_[16]


def test_the_same_beats_told_by_two_devices_count_once() -> None:
    """And what only one of them told of counts too."""
    dice = np.random.default_rng(2)
    rr = (900 + 60 * np.sin(np.arange(2000) / 4) + dice.normal(0, 15, 2000)).round().tolist()
    first = beats(at("09:00"), rr)
    second = [replace(one, time=one.time + timedelta(milliseconds=400)) for one in first]
    later = beats(at("12:00"), rr)
    rows = sorted([*((one, 1) for one in first), *((one, 2) for one in [*second, *later])], key=_time)
    made = partial(Window.of, Kind.RR_INTERVAL, at("00:00"), at("23:00"))
    both = replace(made([one for one, _ in rows]), devices=np.array([n for _, n in rows], np.int32))
    alone = made([*first, *later])
    for ours, theirs in zip(summary(both), summary(alone), strict=True):
        assert ours.value == pytest.approx(theirs.value, rel=0.01)
        assert ours.count == pytest.approx(theirs.count, abs=4)


def _time(row: tuple[Reading, int]) -> datetime:
    return row[0].time


def test_an_irregular_rhythm_has_no_variability() -> None:
    rr = np.random.default_rng(7).uniform(400, 1200, 400)
    for figure in figures(beats_of(rr)):
        assert figure.value is None
        assert "normal" in figure.reason or "irregular" in figure.reason


def test_a_window_says_its_coverage_or_why_there_is_nothing() -> None:
    start = at("08:00")
    rows = beats(start, SHORT.tolist())
    worn = summary(Window.of(Kind.RR_INTERVAL, start, start + timedelta(minutes=5), rows))
    named = {f.name: f for f in worn}
    assert named["rmssd_ms"].text == "101"
    assert named["rmssd_ms"].coverage is not None
    assert named["rmssd_ms"].readings == (rows[0].id, rows[-1].id)
    for feature in summary(Window.of(Kind.RR_INTERVAL, start, start + timedelta(minutes=9), ())):
        assert feature.value is None
        assert "64 are needed" in feature.reason


@pytest.mark.parametrize("minutes", [5, 25])
def test_no_frequency_counts_twice(minutes: int) -> None:
    """Over ten minutes the grid is of 1/300 Hz: 0.04 and 0.15 Hz are points of it, and edges of two bands."""
    nn = 800 + 20 * np.random.default_rng(8).standard_normal(minutes * 75)
    spectrum = lomb_scargle(nn)
    marks = np.array([spectrum.within(band) for band in BANDS.values()])
    assert (marks.sum(axis=0) == 1).all()
    powers = spectrum.bands()
    step = spectrum.frequencies[1] - spectrum.frequencies[0]
    assert powers["total_ms2"] == pytest.approx(spectrum.density.sum() * step)
    if minutes > 10:
        edges = np.flatnonzero(np.isin(spectrum.frequencies, (0.04, 0.15)))
        assert [[name for name, on in zip(BANDS, marks[:, n], strict=True) if on] for n in edges] == [
            ["vlf"],
            ["lf"],
        ]
        # Of white noise a band has the power that its width says: this many of the points.
        assert [int(one.sum()) for one in marks] == [12, 33, 75]


def test_the_powers_of_a_long_series_are_those_of_its_parts() -> None:
    times = np.arange(0, 1500, 0.8)
    nn = 800 + 30 * np.sin(2 * np.pi * 0.15 * times)  # on the edge itself
    powers = lomb_scargle(nn, times).bands()
    assert powers["total_ms2"] == pytest.approx(450, rel=0.02)
    assert powers["lf_ms2"] > 0.9 * 450 > 0.1 * 450 > powers["hf_ms2"]
