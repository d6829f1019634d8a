"""Heart-rate variability of a recording, and in short of a window: every figure, or why it cannot be had.

Source: Task Force of the ESC and NASPE. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043 (how long
a recording has to be; short-term figures are of five minutes, of which at least 80 % have to be clean).
"""

from __future__ import annotations

import itertools

import numpy as np

from healthslm.analysis.beats import Beats, beats_in, of_one_device
from healthslm.analysis.features import absent, of_window
from healthslm.analysis.figure import Figure
from healthslm.analysis.hrv_frequency import lomb_scargle, welch
from healthslm.analysis.hrv_nonlinear import LONG, SHORT, dfa, poincare, sample_entropy
from healthslm.analysis.hrv_time import time_domain
from healthslm.readings import Feature, Floats, Window

LEAST, CLEAN, IRREGULAR = 64, 0.8, 0.2
"""Normal intervals, share of all that is normal, and share off the local median that is too much."""
HOLE_S = 15.0
"""No spectrum is made across a hole longer than the slowest wave of LF takes half of (1/0.04 s is 25 s)."""
_MINUTES = {"hf": 1.0, "lf": 2.0, "vlf": 5.0, "total": 5.0}
"""How much recording a band asks for."""
_NAMES: tuple[tuple[str, str, int], ...] = (
    *((f"{name}_ms", "ms", 1) for name in ("mean_nn", "sdnn", "rmssd", "sdsd", "sdsd_abs")),
    ("nn50", "", 0),
    ("pnn50", "%", 1),
    ("nn20", "", 0),
    ("pnn20", "%", 1),
    ("triangular_index", "", 1),
    ("tinn_ms", "ms", 0),
    ("sdnn_index_ms", "ms", 1),
    ("sdann_ms", "ms", 1),
    *((f"{name}_ms2", "ms2", 0) for name in ("vlf", "lf", "hf", "total")),
    ("lf_nu", "%", 1),
    ("hf_nu", "%", 1),
    ("lf_hf", "", 2),
    *((f"lomb_{name}_ms2", "ms2", 0) for name in ("vlf", "lf", "hf", "total")),
    ("lomb_lf_hf", "", 2),
    ("sd1_ms", "ms", 1),
    ("sd2_ms", "ms", 1),
    ("sd2_sd1", "", 2),
    ("ellipse_ms2", "ms2", 0),
    ("sample_entropy", "", 2),
    ("dfa_alpha1", "", 2),
    ("dfa_alpha2", "", 2),
)


def figures(beats: Beats) -> tuple[Figure, ...]:
    """Return every figure of a series.

    None of them is given under 64 normal intervals, where less than 80 % are normal, and in a rhythm that is
    irregular as a whole: there the numbers do not mean what they are named after.
    """
    reason = _why_not(beats)
    if reason:
        return tuple(Figure.of(n, None, u, d, why=reason) for n, u, d in _NAMES)
    at = np.flatnonzero(beats.successive)
    nn = beats.nn
    values = time_domain(nn, beats.changes)
    values |= poincare(beats.rr[at], beats.rr[at - 1])
    values |= {
        "sample_entropy": sample_entropy(nn),
        "dfa_alpha1": dfa(nn, SHORT),
        "dfa_alpha2": dfa(nn, LONG),
    }
    reasons = {"sdnn_index_ms": _TOO_SHORT, "sdann_ms": _TOO_SHORT}
    ends = np.cumsum(np.where(np.isfinite(beats.rr), beats.rr, 0.0)) / 1000
    _add_spectra(nn, ends[beats.normal], values, reasons)
    return tuple(Figure.of(n, values.get(n), u, d, why=reasons.get(n, _UNDEFINED)) for n, u, d in _NAMES)


_TOO_SHORT = "shorter than two segments of five minutes"
_UNDEFINED = "too few intervals, or none that differ"


def _why_not(beats: Beats) -> str:
    count = int(beats.normal.sum())
    if count < LEAST:
        return f"{count} normal RR intervals, at least {LEAST} are needed"
    if beats.share < CLEAN:
        return f"only {beats.share:.0%} of the RR intervals are normal, {CLEAN:.0%} are needed"
    if beats.irregular > IRREGULAR:
        return (
            f"the rhythm is irregular: {beats.irregular:.0%} of the intervals are 20 % off their neighbours"
        )
    if not beats.successive.any():
        return "no two normal RR intervals follow each other"
    return ""


def _add_spectra(nn: Floats, at: Floats, values: dict[str, float], reasons: dict[str, str]) -> None:
    """Add the powers of the bands that the length of the longest stretch without a hole bears."""
    cuts = [0, *(np.flatnonzero(np.diff(at) > HOLE_S) + 1).tolist(), len(at)]
    low, high = max(itertools.pairwise(cuts), key=lambda edge: at[edge[1] - 1] - at[edge[0]])
    nn, at = nn[low:high], at[low:high]
    minutes = float(at[-1] - at[0]) / 60
    seen = [band for band, least in _MINUTES.items() if minutes >= least * 0.98 and len(at) >= LEAST]
    for band, least in _MINUTES.items():
        for name in (f"{band}_ms2", f"lomb_{band}_ms2"):
            reasons[name] = f"{minutes:.1f} minutes without a hole, {least:g} are needed"
    for name in ("lf_nu", "hf_nu", "lf_hf", "lomb_lf_hf"):
        reasons[name] = reasons["lf_ms2"]
    if not seen:
        return
    for prefix, spectrum in (("", welch(nn, at)), ("lomb_", lomb_scargle(nn, at))):
        bands = spectrum.bands()
        for band in seen:
            values[f"{prefix}{band}_ms2"] = bands[f"{band}_ms2"]
        if "lf" in seen:
            values |= {f"{prefix}{name}": bands[name] for name in ("lf_nu", "hf_nu", "lf_hf")}


def summary(window: Window) -> tuple[Feature, ...]:
    """Return `mean_nn_ms`, `sdnn_ms` and `rmssd_ms` of a window, whatever share of it the readings cover.

    Without a value, and with the reason, in the cases of `figures`.
    """
    window = of_one_device(window)
    beats = beats_in(window)
    reason, names = _why_not(beats), ("mean_nn_ms", "sdnn_ms", "rmssd_ms")
    if reason:
        return tuple(absent(n, window.kind, window.start, window.end, reason, unit="ms") for n in names)
    nn, changes, good = beats.nn, beats.changes, window.usable()
    values = (float(nn.mean()), float(nn.std(ddof=1)), float(np.sqrt(np.mean(changes**2))))
    return tuple(
        of_window(name, value, good, unit="ms", decimals=0, count=len(nn))
        for name, value in zip(names, values, strict=True)
    )
