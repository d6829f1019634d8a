"""Frequency-domain heart-rate variability: Welch on the resampled series, and Lomb-Scargle on the beats.

Sources:
[1] Task Force of the ESC and NASPE. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043
[2] Welch PD. IEEE Trans Audio Electroacoust 1967;15:70-73. doi:10.1109/TAU.1967.1161901
[3] Scargle JD. Astrophys J 1982;263:835-853. doi:10.1086/160554
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from healthslm.readings import Floats

RATE_HZ = 4.0
PER_SEGMENT, POINTS = 300, 4096
"""Samples a segment (75 s, overlapping by half), and of its zero-padded transform."""
VLF, LF, HF = (0.0, 0.04), (0.04, 0.15), (0.15, 0.4)
BANDS: Mapping[str, tuple[float, float]] = {"vlf": VLF, "lf": LF, "hf": HF}
"""In Hz [1]. A frequency on the edge of two bands belongs to the lower one: none is counted twice."""
LONG_S, PART_S = 600.0, 300.0
"""Longer series are taken apart for Lomb-Scargle, so that its cost grows with their length only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """A one-sided power spectral density: `frequencies` in Hz, `density` in ms²/Hz, both of shape `(n,)`."""

    frequencies: Floats
    density: Floats

    def within(self, band: tuple[float, float]) -> NDArray[np.bool_]:
        """Mark the frequencies of a band, shape `(n,)`."""
        low, high = band
        above = self.frequencies > low if low else self.frequencies >= low
        return np.asarray(above & (self.frequencies <= high))

    def bands(self) -> dict[str, float]:
        """Return powers in ms² and the LF/HF ratio [1].

        `lf_nu` and `hf_nu` are shares of LF + HF in %. VLF begins at 0 Hz; the total is VLF + LF + HF. NaN
        for a band in which the spectrum has no point.
        """
        step = float(self.frequencies[1] - self.frequencies[0])
        found = {}
        for name, band in BANDS.items():
            part = self.density[self.within(band)]
            found[f"{name}_ms2"] = float(part.sum()) * step if len(part) else float("nan")
        vlf, lf, hf = (found[f"{name}_ms2"] for name in BANDS)
        with np.errstate(divide="ignore", invalid="ignore"):
            found["lf_nu"] = float(100 * np.divide(lf, lf + hf))
            found["hf_nu"] = float(100 * np.divide(hf, lf + hf))
            found["lf_hf"] = float(np.divide(lf, hf))
        found["total_ms2"] = vlf + lf + hf
        return found


def beat_times(nn: Floats) -> Floats:
    """The times of successive intervals in s, from 0, shape `(n,)`."""
    ends = np.cumsum(nn) / 1000
    return np.asarray(ends - ends[0])


def cubic(x: Floats, y: Floats, at: Floats) -> Floats:
    """Interpolate with the not-a-knot cubic spline through at least 4 points, `x` rising; shape of `at`."""
    h = np.diff(x)
    slope = np.diff(y) / h
    n = len(x)
    lower, diagonal, upper, right = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    diagonal[1:-1], lower[1:-1], upper[1:-1] = 2 * (h[:-1] + h[1:]), h[1:], h[:-1]
    right[1:-1] = 3 * (h[1:] * slope[:-1] + h[:-1] * slope[1:])
    first, last = h[0] + h[1], h[-1] + h[-2]
    diagonal[0], upper[0] = h[1], first
    right[0] = ((h[0] + 2 * first) * h[1] * slope[0] + h[0] ** 2 * slope[1]) / first
    diagonal[-1], lower[-1] = h[-2], last
    right[-1] = (h[-1] ** 2 * slope[-2] + (2 * last + h[-1]) * h[-2] * slope[-1]) / last
    s = _tridiagonal(lower.tolist(), diagonal.tolist(), upper.tolist(), right.tolist())
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    t = at - x[piece]
    width = h[piece]
    bend = (s[piece] + s[piece + 1] - 2 * slope[piece]) / width
    square = (slope[piece] - s[piece]) / width - bend
    return np.asarray(y[piece] + t * (s[piece] + t * (square + t * bend / width)))


def _tridiagonal(lower: list[float], diagonal: list[float], upper: list[float], right: list[float]) -> Floats:
    """Solve by elimination; every pivot of a spline's system is positive, so none has to be chosen."""
    n = len(diagonal)
    for i in range(1, n):
        factor = lower[i] / diagonal[i - 1]
        diagonal[i] -= factor * upper[i - 1]
        right[i] -= factor * right[i - 1]
    solution = np.empty(n)
    value = solution[-1] = right[-1] / diagonal[-1]
    for i in range(n - 2, -1, -1):
        value = solution[i] = (right[i] - upper[i] * value) / diagonal[i]
    return solution


def welch(nn: Floats, times: Floats | None = None) -> Spectrum:
    """Return the spectrum of NN intervals (ms) at `times` (s, rising; by default one after the other) [2].

    Cubic resampling at 4 Hz, mean removed, Hamming window, 300 samples a segment, half overlapping.
    """
    at = beat_times(nn) if times is None else times
    even = cubic(at, nn, np.arange(at[0], at[-1], 1 / RATE_HZ))
    even = even - even.mean()
    size = min(PER_SEGMENT, len(even))
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(size) / size)
    power = np.zeros(POINTS // 2 + 1)
    pieces = sliding_window_view(even, size)[:: size - size // 2]
    for low in range(0, len(pieces), 256):  # a day of them at once would be 50 MB
        part = pieces[low : low + 256]
        part = (part - part.mean(axis=1, keepdims=True)) * window
        power += (np.abs(np.fft.rfft(part, POINTS, axis=1)) ** 2).sum(axis=0)
    density = power / len(pieces) / (RATE_HZ * float((window**2).sum()))
    density[1:-1] *= 2
    return Spectrum(
        frequencies=np.asarray(np.fft.rfftfreq(POINTS, 1 / RATE_HZ), dtype=np.float64), density=density
    )


def lomb_scargle(nn: Floats, times: Floats | None = None) -> Spectrum:
    """Return the spectrum of NN intervals (ms) at `times` (s) without resampling [3].

    Frequencies are the multiples of 1/T up to 0.4 Hz; normalised so that the integral over all frequencies is
    the variance. Longer than ten minutes: the mean over parts of five, whose slowest is 1/300 Hz.
    """
    at = beat_times(nn) if times is None else times
    whole = float(at[-1] - at[0])
    if whole <= LONG_S:
        length = whole + float(np.diff(at).mean())
        frequencies = np.arange(1, int(HF[1] * length) + 1) / length
        return Spectrum(frequencies=frequencies, density=_periodogram(nn, at, frequencies))
    frequencies = np.arange(1, int(HF[1] * PART_S) + 1) / PART_S
    cuts = np.searchsorted(at, at[0] + np.arange(0, whole + 1e-9, PART_S))
    parts = [
        _periodogram(nn[a:b], at[a:b], frequencies)
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
        if b - a > 1 and at[b - 1] - at[a] > PART_S / 2
    ]
    density = np.mean(parts, axis=0) if parts else np.full(len(frequencies), np.nan)
    return Spectrum(frequencies=frequencies, density=density)


def _periodogram(values: Floats, at: Floats, frequencies: Floats) -> Floats:
    """The one-sided density in ms²/Hz at each frequency, shape `(f,)`."""
    y = values - values.mean()
    density = np.empty(len(frequencies))
    spacing = float(at[-1] - at[0]) / (len(at) - 1)
    for index, frequency in enumerate(frequencies.tolist()):  # no matrix of beats by frequencies in memory
        angle = 2 * np.pi * frequency * at
        shift = np.arctan2(np.sin(2 * angle).sum(), np.cos(2 * angle).sum()) / 2
        c, s = np.cos(angle - shift), np.sin(angle - shift)
        across = float((s * s).sum())
        sine = float(y @ s) ** 2 / across if across > 1e-12 * len(y) else 0.0
        density[index] = spacing * (float(y @ c) ** 2 / float((c * c).sum()) + sine)
    return density
