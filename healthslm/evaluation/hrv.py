"""Heart-rate variability against published values: equal to the printed digits, or said to be not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from healthslm.analysis.hrv_frequency import BANDS, Spectrum, lomb_scargle, welch
from healthslm.analysis.hrv_nonlinear import LONG, SHORT, dfa, poincare, sample_entropy
from healthslm.analysis.hrv_time import time_domain
from healthslm.errors import UsageError
from healthslm.evaluation.table import Line, Table
from healthslm.readings import Floats

_DIGITS = 8
"""Of figures that are printed with all digits of a float, so many decimals are compared."""
_TIME = {
    "Mean NNI (ms)": "mean_nn_ms",
    "Minimum NNI (ms)": "min_nn_ms",
    "Maximum NNI (ms)": "max_nn_ms",
    "Mean Delta-NNI (ms)": "mean_abs_change_ms",
    "Minimum Delta-NNI (ms)": "min_abs_change_ms",
    "Maximum Delta-NNI (ms)": "max_abs_change_ms",
    "Mean Heart Rate (bpm)": "mean_rate",
    "Minimum Heart Rate (bpm)": "min_rate",
    "Maximum Heart Rate (bpm)": "max_rate",
    "Standard Deviation of Heart Rate (bpm)": "sd_rate",
    "SDNN (ms)": "sdnn_ms",
    "SDNN Index (ms)": "sdnn_index_ms",
    "SDANN (ms)": "sdann_ms",
    "SDSD (ms)": "sdsd_abs_ms",
    "RMSSD (ms)": "rmssd_ms",
    "NN50 (-)": "nn50",
    "pNN50 (%)": "pnn50",
    "NN20 (-)": "nn20",
    "pNN20 (%)": "pnn20",
    "Triangular Index (-)": "triangular_index",
}
_WELCH = {
    **{f"Peak Frequencies (Hz).{i}": f"{band}_peak_hz" for i, band in enumerate(BANDS)},
    **{f"Absolute Powers (Hz).{i}": f"{band}_ms2" for i, band in enumerate(BANDS)},
    **{f"Logarithmic Powers (Hz).{i}": f"{band}_log" for i, band in enumerate(BANDS)},
    **{f"Relative Powers (%).{i}": f"{band}_share" for i, band in enumerate(BANDS)},
    "Normalized Powers (-).0": "lf_nu",
    "Normalized Powers (-).1": "hf_nu",
    "Total Power (ms^2)": "total_ms2",
    "LF/HF Ratio (-)": "lf_hf",
}
_NONLINEAR = {
    "SD1 (ms)": "sd1_ms",
    "SD2 (ms)": "sd2_ms",
    "SD2/SD1 (-)": "sd2_sd1",
    "Ellipse Area S (ms^2)": "ellipse_ms2",
    "Sample Entropy (-)": "sample_entropy",
    "DFA alpha 1 (long term fluctuation) (-)": "dfa_alpha1",
    "DFA alpha 2 (long term fluctuation) (-)": "dfa_alpha2",
}
_SECTIONS = (("Time Domain", _TIME), ("FFT Welch", _WELCH), ("Nonlinear", _NONLINEAR))
_WITHOUT_REPORT = {337: {"sdnn_ms": "95.690", "rmssd_ms": "101.301"}}
"""What is published of pyHRV's short series, by its length."""
_NOTES = (
    "SDSD as printed is of absolute differences; the Task Force's is of signed ones (sdsd_ms).",
    "Not compared: the report's Lomb-Scargle, which takes the frequency for 2π/f; its TINN, which is 0 and no"
    " value; its autoregression, which is no power in ms².",
    "The fluctuation of DFA is the mean of the boxes' root mean squares, as in the report.",
)


def run(data: Path) -> Table:
    """Compare every series of NN intervals in ms (`*.npy`) in a folder with the report (`*.csv`) beside it.

    A report belongs to the series with as many intervals as it says. Raises `UsageError` without any series.
    """
    if not data.is_dir():
        raise UsageError(f"{data} is no folder.", "Give the folder with the series (.npy) and their report.")
    series = {path.stem: np.load(path).astype(np.float64) for path in sorted(data.glob("*.npy"))}
    if not series:
        raise UsageError(f"There is no series of NN intervals (.npy) in {data}.", "Give another folder.")
    reports = [_report(path.read_text(encoding="utf-8")) for path in sorted(data.glob("*.csv"))]
    lines: list[Line] = []
    for name, nn in series.items():
        ours = _figures(nn)
        own = [r for r in reports if float(r.get("Time Domain/Number of NNIs (-)", "0")) == len(nn)]
        for report in own:
            lines += [
                _line(f"{name} {key}", ours[key], report[f"{section}/{printed}"])
                for section, table in _SECTIONS
                for printed, key in table.items()
                if f"{section}/{printed}" in report
            ]
        if not own:
            published = _WITHOUT_REPORT.get(len(nn), {})
            lines += [_line(f"{name} {key}", ours[key], text) for key, text in published.items()]
        lines += [_own(f"{name} {key}", ours[key]) for key in ("sdsd_ms", "tinn_ms", "lomb_total_ms2")]
    return Table(title="Heart-rate variability against published values", lines=tuple(lines), notes=_NOTES)


def _printed(nn: Floats, spectrum: Spectrum) -> dict[str, float]:
    """What reports print and nothing else here is told of; rates are per minute, peaks in Hz, shares in %."""
    size, rate = np.abs(np.diff(nn)), 60_000 / nn
    found = {
        "min_nn_ms": nn.min(),
        "max_nn_ms": nn.max(),
        "mean_abs_change_ms": size.mean(),
        "min_abs_change_ms": size.min(),
        "max_abs_change_ms": size.max(),
        "mean_rate": rate.mean(),
        "min_rate": rate.min(),
        "max_rate": rate.max(),
        "sd_rate": rate.std(ddof=1),
    }
    powers = spectrum.bands()
    for name, band in BANDS.items():
        inside = spectrum.within(band)
        found[f"{name}_peak_hz"] = spectrum.frequencies[inside][spectrum.density[inside].argmax()]
        found[f"{name}_log"] = np.log(powers[f"{name}_ms2"])
        found[f"{name}_share"] = 100 * powers[f"{name}_ms2"] / powers["total_ms2"]
    return {name: float(value) for name, value in found.items()}


def _figures(nn: Floats) -> Mapping[str, float]:
    spectrum = welch(nn)
    lomb = lomb_scargle(nn).bands()
    nothing = dict.fromkeys(("sdnn_index_ms", "sdann_ms"), float("nan"))
    return {
        **nothing,
        **time_domain(nn),
        **spectrum.bands(),
        **_printed(nn, spectrum),
        **poincare(nn),
        "sample_entropy": sample_entropy(nn),
        "dfa_alpha1": dfa(nn, SHORT),
        "dfa_alpha2": dfa(nn, LONG),
        "lomb_total_ms2": lomb["total_ms2"],
    }


def _report(text: str) -> dict[str, str]:
    """The printed figures as `section/name`, of a list `section/name.index`."""
    found: dict[str, str] = {}
    section = name = ""
    index = 0
    for line in text.splitlines():
        for known, _ in _SECTIONS:
            if known in line:
                section = known
        if "Autoregression" in line or "Lomb-Scargle" in line:
            section = "other"
        if line.lstrip().startswith("-\t"):
            value = line.split("\t")[-1].strip()
            if value != "None":  # a band that was not asked for
                shown = value.strip("()").split(",")[0]
                found[f"{section}/{name}.{index}"] = shown
                index += 1
        elif ";" in line:
            name, _, value = (part.strip() for part in line.partition(";"))
            index = 0
            found[f"{section}/{name}"] = value
    return found


def _line(name: str, ours: float, published: str) -> Line:
    """A figure beside the printed one; met when equal to its digits."""
    decimals = min(len(published.partition(".")[2]), _DIGITS)
    met = f"{ours:.{decimals}f}" == f"{float(published):.{decimals}f}"
    value = ours if np.isfinite(ours) else None
    return Line(name=name, value=value, decimals=decimals, published=published, reach="equal", met=met)


def _own(name: str, ours: float) -> Line:
    return Line(name=name, value=ours, decimals=3, note="ours alone")
