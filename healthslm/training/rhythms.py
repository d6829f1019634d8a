"""Made-up heart rhythms to learn from: RR intervals in seconds, sinus rhythm with its disturbances and AF.

They are drawn from wide ranges, not fitted to anybody: what they have in common is the order in which
intervals follow each other. The mechanisms are textbook ones: respiratory arrhythmia, premature beats with
and without a compensatory pause, bigeminy, atrial runs, Wenckebach periods, flutter with changing block; AF
as intervals without order behind a node that needs time to recover (after Cohen, Berger, Dushane, IEEE Trans
Biomed Eng 1983;30:769-781).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from healthslm.readings import Floats, Ints

SHORTEST, LONGEST = 0.2, 3.0
"""RR intervals of a living heart in seconds; what lies outside is put on the border."""


def stretch(rng: Generator, length: int) -> tuple[Floats, Ints]:
    """Return `length` intervals and for each 1 where it is AF, else 0; rhythms change in between."""
    rr, af, have = [], [], 0
    fibrillating = rng.random() < 0.45
    usual = rng.choice([30, 100, 300, 1500])
    while have < length:
        part = int(np.clip(rng.lognormal(np.log(usual), 1), 8, length))
        rr.append(fibrillation(rng, part) if fibrillating else other(rng, part))
        af.append(np.full(part, int(fibrillating)))
        have += part
        fibrillating = fibrillating != (rng.random() < 0.8)
    return np.clip(np.concatenate(rr)[:length], SHORTEST, LONGEST), np.concatenate(af)[:length]


def fibrillation(rng: Generator, length: int) -> Floats:
    """Return AF: intervals that hardly know of the one before."""
    which = rng.random()
    mean = rng.uniform(0.36, 1.15)
    if which < 0.4:
        shortest = rng.uniform(0.3, 0.75)
        shape = ((1 - shortest) / rng.uniform(0.09, 0.33)) ** 2
        excess = rng.gamma(shape, 1 / shape, length) - 1
        rr = mean * (1 + (1 - shortest) * _remember(excess, rng.uniform(-0.2, 0.3)))
    elif which < 0.75:
        rr = _node(rng, length)
        rr *= mean / rr.mean()
    else:
        rr = mean * np.exp(rng.normal(0, rng.uniform(0.09, 0.28), length))
    rr = rr * np.exp(_drift(rng, length, rng.choice([0.01, 0.03, 0.07])))
    if rng.random() < 0.25:  # ventricular beats among them
        early = rng.random(length) < rng.choice([0.01, 0.05, 0.1])
        rr = np.where(early, rr * rng.uniform(0.5, 0.8), rr)
    return np.asarray(rr)


def other(rng: Generator, length: int) -> Floats:
    """Return a rhythm that is not AF, however irregular it may look."""
    which = rng.random()
    if which < 0.06:
        return _wenckebach(rng, length)
    if which < 0.12:
        return _flutter(rng, length)
    if which < 0.27:
        return _atrial_ectopy(rng, length)
    rr = sinus(rng, length)
    return _ectopy(rng, rr) if rng.random() < 0.75 else rr


def sinus(rng: Generator, length: int) -> Floats:
    """Return sinus rhythm: a rate that drifts, breathing, and a little noise."""
    base = rng.uniform(0.45, 1.25)
    rr = base * np.exp(_drift(rng, length, rng.choice([0.01, 0.03, 0.06, 0.1])))
    depth = base * rng.choice([0, 0.01, 0.03, 0.06, 0.1, 0.15]) * rng.random()
    breath = 2 * np.pi / rng.uniform(2.3, 8)
    phase = np.cumsum(breath * np.exp(rng.normal(0, 0.15, length)))
    rr = rr + depth * np.sin(phase) * np.exp(_drift(rng, length, 0.4))
    noise = rng.normal(0, base * rng.choice([0.002, 0.005, 0.01, 0.02]), length)
    return np.asarray(rr + noise)


def _drift(rng: Generator, length: int, spread: float) -> Floats:
    """Return noise whose power falls with frequency, of the given standard deviation."""
    count = max(length, 8)
    frequencies = np.fft.rfftfreq(count, 1.0)
    size = np.zeros(len(frequencies))
    size[1:] = 1 / np.sqrt(frequencies[1:])
    noise = np.fft.irfft(size * np.exp(2j * np.pi * rng.random(len(size))), count)
    scaled: Floats = spread * noise / (noise.std() + 1e-9)
    return scaled[:length]


def _remember(noise: Floats, share: float) -> Floats:
    """Give noise a memory of one step without making it larger."""
    out = noise.copy()
    fresh = float(np.sqrt(1 - share**2))
    for i in range(1, len(out)):
        out[i] = share * out[i - 1] + fresh * noise[i]
    return out


def _node(rng: Generator, length: int) -> Floats:
    """Return intervals of a node hit by impulses at random times, which needs a while after each beat."""
    rate, rest = rng.uniform(4, 9), rng.uniform(0.18, 0.45)
    longer, often = rng.uniform(0.05, 0.35), rng.uniform(0.2, 1)
    rr = rest + rng.exponential(1 / rate, length) + 0.15 * longer * rng.normal(0, 1, length)
    rr = rr + longer * rng.random(length) * (rng.random(length) < often)
    # An impulse that is lost in the node makes the beat wait for one more.
    lost = rng.geometric(0.85, length) - 1
    return np.asarray(rr + 0.7 * rng.gamma(np.maximum(lost, 1e-9), 1 / rate))


def _ectopy(rng: Generator, rr: Floats) -> Floats:
    """Put premature beats into a rhythm: single ones, in patterns (bigeminy and on), or in runs."""
    rr = rr.copy()
    chance = rng.choice([0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35])
    mode = str(rng.choice(["single", "single", "2", "3", "4", "runs", "mixed", "mixed"]))
    coupling, wobble = rng.uniform(0.45, 0.85), rng.choice([0.01, 0.03, 0.08])
    pause = rng.choice([1.0, 1.0, 0.5, 0.0])  # fully compensatory, partly, none
    i, pattern, step = 1, 0, 2
    while i < len(rr) - 2:
        if pattern == 0 and rng.random() >= chance:
            i += 1
            continue
        pattern = max(pattern - 1, 0)
        if pattern == 0 and (mode in "234" or (mode == "mixed" and rng.random() < 0.3)):
            pattern = int(rng.integers(2, 60))
            step = int(mode) if mode in "234" else int(rng.integers(2, 5))
        usual = rr[i]
        early = usual * np.clip(coupling + rng.normal(0, wobble), 0.35, 0.92)
        rr[i] = early
        if mode == "runs" or (mode == "mixed" and rng.random() < 0.15):
            beats = min(int(rng.integers(2, 15)), len(rr) - i - 2)
            noise = rng.normal(0, rng.choice([0.02, 0.05, 0.1]), max(beats - 1, 0))
            rr[i + 1 : i + beats] = rng.uniform(0.27, 0.5) * np.exp(noise)
            rr[i + beats] = usual * rng.uniform(0.95, 1.4)
            i, pattern = i + beats + 1, 0
            continue
        if pause and rng.random() < 0.05:  # interpolated between two sinus beats
            rr[i + 1] = max(usual - early + 0.03, 0.3)
        elif pause:
            rr[i + 1] = usual + pause * (usual - early) + rng.normal(0, 0.02 * usual)
        else:
            rr[i + 1] = usual * rng.uniform(0.95, 1.15)
        i += step if pattern else 2
    return rr


def _atrial_ectopy(rng: Generator, length: int) -> Floats:
    """Return sinus rhythm with many early atrial beats at nearly one distance, some blocked, some in runs."""
    rr = sinus(rng, length)
    chance, sticky = rng.uniform(0.1, 0.5), rng.uniform(0, 0.7)
    early, wobble = np.median(rr) * rng.uniform(0.5, 0.82), rng.choice([0.01, 0.02, 0.04, 0.08])
    runs, blocked = rng.choice([0, 0.02, 0.1, 0.2]), rng.choice([0, 0, 0.05, 0.15])
    after, spread = rng.uniform(0.85, 1.2), rng.choice([0.02, 0.05, 0.1])
    out: list[float] = []
    fires, i = False, 0
    while len(out) < length:
        fires = rng.random() < (chance + (1 - chance) * sticky if fires else chance)
        usual = rr[i % length]
        i += 1
        if not fires:
            out.append(usual)
        elif rng.random() < blocked:
            out.append(usual * rng.uniform(1.3, 1.7))
        else:
            out.append(early * np.exp(rng.normal(0, wobble)))
            if rng.random() < runs:
                noise = rng.normal(0, rng.choice([0.03, 0.08, 0.15]), int(rng.integers(1, 10)))
                out.extend(early * rng.uniform(0.65, 1) * np.exp(noise))
            out.append(usual * after * np.exp(rng.normal(0, spread)))
    return np.array(out[:length])


def _wenckebach(rng: Generator, length: int) -> Floats:
    """Return conduction that tires until a beat falls out, again and again."""
    sinus_interval = rng.uniform(0.5, 0.95)
    out: list[float] = []
    while len(out) < length:
        beats = int(rng.integers(3, 7))
        shrink = np.cumprod(np.r_[1, np.full(beats - 2, rng.uniform(0.3, 0.8))])[: beats - 2]
        delay = rng.uniform(0.03, 0.12) * shrink
        out.extend([*(sinus_interval + delay), 2 * sinus_interval - delay.sum()])
    return np.array(out[:length]) * np.exp(rng.normal(0, 0.01, length))


def _flutter(rng: Generator, length: int) -> Floats:
    """Return flutter: multiples of one cycle, the block fixed or changing."""
    cycle = rng.uniform(0.19, 0.29)
    block = rng.choice([2, 3, 4], length, p=rng.dirichlet([4, 0.5, 2]))
    if rng.random() >= 0.6:
        block = np.full(length, rng.choice([2, 3, 4]))
    return np.asarray(cycle * block + rng.normal(0, 0.008, length))


def blemish(rng: Generator, rr: Floats, af: Ints) -> tuple[Floats, Ints]:
    """Return intervals as a sensor gives them: beats lost, beats that were none, jitter, a coarse clock."""
    if rng.random() < 0.4:
        heard = rng.random(len(rr)) >= rng.choice([0.002, 0.01, 0.03])
        rr, af = np.diff(np.r_[0, np.cumsum(rr)[heard]]), af[heard]
    if rng.random() < 0.25:
        split = np.flatnonzero(rng.random(len(rr)) < rng.choice([0.002, 0.01]))
        first = rr[split] * rng.uniform(0.25, 0.75, len(split))
        rr = rr.copy()
        rr[split] -= first
        rr, af = np.insert(rr, split, first), np.insert(af, split, af[split])
    if rng.random() < 0.5:
        rr = rr + np.diff(rng.normal(0, rng.choice([0.002, 0.005, 0.01]), len(rr) + 1))
    if rng.random() < 0.3:
        tick = rng.choice([1 / 1024, 1 / 128, 1 / 250, 1 / 100])
        rr = np.round(rr / tick) * tick
    return np.clip(rr, SHORTEST, LONGEST), af
