"""Learns the weights of `analysis/fibrillation.py` from made-up rhythms and annotated recordings.

    python -m healthslm.training.fibrillation --data DATA --out fibrillation.npz
    python -m healthslm.training.fibrillation --data DATA --cross-validate

`DATA` holds `afdb`, `cpsc2021` and `mitdb`, as `healthslm eval af --data` takes them. With
`--cross-validate` patients are put into groups, and each group is judged by weights that never saw it:
those are the figures to quote for recordings that were trained on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch.nn import functional

from healthslm.analysis.fibrillation import DILATIONS, TAPS, Weights, log_odds
from healthslm.evaluation.fibrillation import Record, records, sensitivity, specificity
from healthslm.readings import Floats, Ints
from healthslm.training.rhythms import LONGEST, SHORTEST, blemish, stretch

CHANNELS = 16
LENGTH = 1024
BATCH = 16
STEPS = 5000
REAL = 0.5
"""Share of what is learned from that was recorded; the rest is made up."""
GROUPS = 5


@dataclass(frozen=True, slots=True)
class _Task:
    """What one group of patients is judged by: everybody else."""

    learn: tuple[Record, ...]
    judge: tuple[Record, ...]


def train(learn: tuple[Record, ...], *, seed: int, steps: int = STEPS) -> Weights:
    """Return weights learned from records and made-up rhythms; the same for the same seed and machine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights = {
        name: torch.nn.Parameter(value)
        for name, value in {
            "first": _begin(CHANNELS, 5, TAPS),
            "first_bias": torch.zeros(CHANNELS),
            "middle": torch.stack([_begin(CHANNELS, CHANNELS, TAPS) for _ in DILATIONS]),
            "middle_bias": torch.zeros(len(DILATIONS), CHANNELS),
            "last": _begin(1, CHANNELS, 1),
            "last_bias": torch.zeros(1),
        }.items()
    }
    optimizer = torch.optim.AdamW(weights.values(), lr=6e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    mean = 0.7
    for step in range(steps):
        rr, af = _batch(rng, learn)
        loss = functional.binary_cross_entropy_with_logits(forward(weights, rr, drop=0.1), af)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        schedule.step()
        mean += 0.02 * (loss.item() - mean)
        if step % 500 == 499:
            print(f"step {step + 1}: cross-entropy {mean:.4f}", file=sys.stderr, flush=True)
    return {name: value.detach().numpy() for name, value in weights.items()}


def _begin(out: int, into: int, taps: int) -> torch.Tensor:
    return torch.randn(out, into, taps) / (into * taps) ** 0.5


def forward(weights: Mapping[str, torch.Tensor], rr: torch.Tensor, *, drop: float) -> torch.Tensor:
    """Return the log-odds of `analysis/fibrillation.py`, in a form that can be learned.

    `rr` in seconds and the result have the shape `(batch, n)`; `drop` is the share of channels left out.
    """
    log = torch.log(rr / 0.8)
    padded = functional.pad(log.unsqueeze(1), (1, 1), mode="replicate").squeeze(1)
    middle = padded.unfold(1, 3, 1).median(dim=2).values
    change, smooth = (functional.pad(x[:, 1:] - x[:, :-1], (1, 0)) for x in (log, middle))
    inputs = (log, 4 * change, 6 * smooth, torch.tanh(12 * change.abs()), torch.tanh(20 * smooth.abs()))
    side = TAPS // 2
    x = functional.relu(
        functional.conv1d(torch.stack(inputs, 1), weights["first"], weights["first_bias"], padding=side)
    )
    for i, dilation in enumerate(DILATIONS):
        dropped = functional.dropout1d(x, drop)
        kernel, bias = weights["middle"][i], weights["middle_bias"][i]
        wide = functional.conv1d(dropped, kernel, bias, padding=side * dilation, dilation=dilation)
        x = x + functional.relu(wide)
    return functional.conv1d(x, weights["last"], weights["last_bias"])[:, 0]


def _batch(rng: Generator, learn: tuple[Record, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    rows: list[Floats] = []
    marks: list[Ints] = []
    spare = 64  # lost beats shorten a row
    for _ in range(BATCH):
        real = bool(learn) and rng.random() < REAL
        rr, af = blemish(rng, *(_recorded if real else _made)(rng, learn, LENGTH + spare))
        rows.append(rr[:LENGTH])
        marks.append(af[:LENGTH])
    return torch.tensor(np.array(rows), dtype=torch.float32), torch.tensor(
        np.array(marks), dtype=torch.float32
    )


def _made(rng: Generator, _learn: tuple[Record, ...], length: int) -> tuple[Floats, Ints]:
    return stretch(rng, length)


def _recorded(rng: Generator, learn: tuple[Record, ...], length: int) -> tuple[Floats, Ints]:
    """Return recorded intervals, a little faster or slower at times, at times of several people in a row."""
    rr, af, have = [], [], 0
    several = rng.random() < 0.3
    while have < length:
        record = learn[rng.integers(len(learn))]
        want = length - have
        if several:
            want = min(want, int(max(rng.lognormal(np.log(150), 1), 20)))
        changes = np.flatnonzero(np.diff(record.af))
        last = max(len(record.af) - want, 0)
        if len(changes) and rng.random() < 0.5:  # where a rhythm changes there is most to learn
            start = int(np.clip(rng.choice(changes) - rng.integers(0, want), 0, last))
        else:
            start = int(rng.integers(0, last + 1))
        faster = np.exp(rng.normal(0, 0.12)) if rng.random() < 0.6 else 1.0
        rr.append(record.rr_ms[start : start + want] / 1000 * faster)
        af.append(record.af[start : start + want])
        have += len(rr[-1])
    clipped: Floats = np.clip(np.nan_to_num(np.concatenate(rr), nan=0.8), SHORTEST, LONGEST)
    return clipped, np.concatenate(af)


def _tasks(all_: tuple[Record, ...]) -> list[_Task]:
    """Put patients into groups: first those with AF, the longest recordings first, then the others."""
    patients: dict[str, list[Record]] = {}
    for record in all_:
        patients.setdefault(record.patient, []).append(record)
    order = sorted(patients, key=lambda p: (-sum(int(r.af.sum()) for r in patients[p]), p))
    tasks = []
    for group in range(GROUPS):
        out = set(order[group::GROUPS])
        tasks.append(
            _Task(
                learn=tuple(r for r in all_ if r.patient not in out),
                judge=tuple(r for r in all_ if r.patient in out),
            )
        )
    return tasks


def main() -> None:
    """Learn, or say how well it would have been learned without each group of patients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cross-validate", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    all_ = records(chosen.data)
    if chosen.cross_validate:
        for task in _tasks(all_):
            weights = train(task.learn, seed=chosen.seed, steps=chosen.steps)
            for record in task.judge:
                odds = log_odds(record.rr_ms, weights)
                figures = []
                for limit in (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5):
                    found = odds > limit
                    pair = sensitivity(found, record.af), specificity(found, record.af)
                    figures.append("/".join("-" if f is None else f"{f:.2f}" for f in pair))
                print(record.database, record.name, len(record.af), *figures, flush=True)
    if chosen.out is not None:
        learned = dict(train(all_, seed=chosen.seed, steps=chosen.steps))
        np.savez(chosen.out, allow_pickle=False, **learned)


if __name__ == "__main__":
    main()
