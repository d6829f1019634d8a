"""Learns the language model's adapter: `python -m healthslm.training --gguf FILE --out FOLDER`.

One command on two CPU cores or on one GPU. A checkpoint is written every few minutes; the same command goes
on from it. Beside the adapter lies `adapter.json`: from which data, seed and settings it was made, and how
the loss fell.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from healthslm.evaluation.days import Day
from healthslm.evaluation.measured import measured_days
from healthslm.slm.runtime import render
from healthslm.slm.source import GGUF_SHA256, check_hash
from healthslm.slm.tokenizer import write_tokenizer
from healthslm.slm.weights import open_gguf
from healthslm.training.examples import Example, one_pass
from healthslm.training.network import RANK, SCALE, Network
from healthslm.voices import Asked, Noted, learned_from

END = "<|im_end|>"
CHECKPOINT_S = 300.0
_IGNORED = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How it is learned.

    `tokens` is how many one step takes in, in `parts` batches (memory); `round_every` after how many steps
    the rounding errors are taken anew.
    """

    passes: int = 5
    seed: int = 1
    rate: float = 1e-3
    warm_up: int = 40
    tokens: int = 1024
    parts: int = 1
    round_every: int = 100
    decay: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """An example as token ids; those from `answer` on are learned."""

    ids: list[int]
    answer: int


def encoded(example: Example, tokenizer: Tokenizer) -> Encoded:
    """Return an example as the runtime would give it to the model, with its answer and the end of turn."""
    prompt = tokenizer.encode(render(example.prompt)).ids
    answer = tokenizer.encode(example.answer + END).ids
    return Encoded(ids=[*prompt, *answer], answer=len(prompt))


def batches(rows: list[Encoded], tokens: int, rng: np.random.Generator) -> Iterator[list[Encoded]]:
    """Put rows of like length together, about so many tokens a batch; the batches come in a drawn order."""
    order = sorted(rows, key=lambda row: (len(row.ids), rng.random()))
    made: list[list[Encoded]] = []
    for row in order:
        if made and (len(made[-1]) + 1) * len(row.ids) <= tokens:
            made[-1].append(row)
        else:
            made.append([row])
    for n in rng.permutation(len(made)):
        yield made[n]


def tensors(rows: list[Encoded], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return ids and targets, `(batch, longest)`; what is not learned is -100."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    targets = torch.full((len(rows), longest), _IGNORED, dtype=torch.long)
    for n, row in enumerate(rows):
        ids[n, : len(row.ids)] = torch.tensor(row.ids)
        # The token at a place is foretold at the place before it.
        targets[n, row.answer - 1 : len(row.ids) - 1] = torch.tensor(row.ids[row.answer :])
    return ids.to(device), targets.to(device)


def loss_of(network: Network, rows: list[Encoded], device: torch.device) -> tuple[Tensor, float]:
    """Return the weighted sum of the answers' cross-entropies, and the weights' sum.

    A token weighs one over the root of its answer's length: else the one word of a level would count for
    nothing beside a sentence.
    """
    ids, targets = tensors(rows, device)
    wanted = targets != _IGNORED
    weights = wanted / wanted.sum(1, keepdim=True).sqrt()
    losses = functional.cross_entropy(network(ids, wanted), targets[wanted], reduction="none")
    return (losses * weights[wanted]).sum(), float(weights.sum())


class Learner:
    """The network, its optimiser, and how far it has come."""

    def __init__(self, network: Network, plan: Plan, steps: int, folder: Path) -> None:
        self.network, self.plan, self.steps, self.folder = network, plan, steps, folder
        self.learned = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.learned, lr=plan.rate, weight_decay=plan.decay, betas=(0.9, 0.98)
        )
        self.step = 0
        self.losses: list[float] = []

    def rate(self) -> float:
        """The learning rate of this step: up in a line, down along a cosine."""
        warm = min(1.0, (self.step + 1) / self.plan.warm_up)
        down = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / max(self.steps, 1))))
        return self.plan.rate * warm * max(down, 0.02)

    def learn(self, parts: list[list[Encoded]], device: torch.device) -> float:
        """Take one step over some batches; return their mean loss."""
        if self.step % self.plan.round_every == 0:
            self.network.round()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        total = whole = 0.0
        for rows in parts:
            loss, weight = loss_of(self.network, rows, device)
            # The batches of a step are alike in size, so each is divided by its own weight.
            (loss / weight / len(parts)).backward()
            total, whole = total + float(loss.detach()), whole + weight
        torch.nn.utils.clip_grad_norm_(self.learned, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.losses.append(total / whole)
        return total / whole

    def save(self) -> None:
        """Write a checkpoint; the old one stays until the new one is whole."""
        path = self.folder / "checkpoint.pt"
        made = {
            "step": self.step,
            "losses": self.losses,
            "adapter": self.network.adapter(),
            "optimizer": self.optimizer.state_dict(),
            "plan": asdict(self.plan),
        }
        torch.save(made, path.with_suffix(".new"))
        path.with_suffix(".new").rename(path)

    def resume(self) -> None:
        """Go on from a checkpoint, where there is one of the same plan."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        if kept["plan"] != asdict(self.plan):
            print("There is a checkpoint of another plan: beginning anew.", file=sys.stderr)
            return
        put_in(self.network, kept["adapter"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.losses = kept["step"], kept["losses"]


@torch.no_grad()
def put_in(network: Network, adapter: dict[str, Tensor]) -> None:
    """Put an adapter's matrices into a network."""
    for name, linear in network.linears():
        linear.down.copy_(adapter[f"{name}.down"])
        linear.up.copy_(adapter[f"{name}.up"] / SCALE)


def run(gguf: Path, out: Path, plan: Plan, *, series: Sequence[Path] = (), minutes: float = math.inf) -> None:
    """Learn, or go on learning; write the adapter and its record into `out`.

    `series` are CSV files of vital signs whose days are told beside the drawn ones.
    """
    check_hash(gguf, GGUF_SHA256, f"The file {gguf}")
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(plan.seed)
    source = open_gguf(gguf)
    write_tokenizer(source.metadata, out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    network = Network(source).to(device).train()
    asked, noted = learned_from()
    measured = [day for path in series for day in measured_days(path)]
    steps = list(_steps(plan, asked, noted, measured, tokenizer))
    learner = Learner(network, plan, len(steps), out)
    learner.resume()
    began = saved = time.monotonic()
    tokens, first = 0, learner.step
    while learner.step < len(steps) and (time.monotonic() - began) < minutes * 60:
        parts = steps[learner.step]
        loss = learner.learn(parts, device)
        tokens += sum(len(row.ids) for rows in parts for row in rows)
        now = time.monotonic()
        if learner.step % 20 == 0:
            speed = tokens / (now - began)
            left = (len(steps) - learner.step) * (now - began) / (learner.step - first)
            mean = float(np.mean(learner.losses[-60:]))
            print(
                f"step {learner.step}/{len(steps)}: loss {loss:.3f} (mean {mean:.3f}), {speed:.0f} tokens/s,"
                f" about {left / 60:.0f} minutes left",
                file=sys.stderr,
                flush=True,
            )
        if now - saved > CHECKPOINT_S:
            learner.save()
            saved = now
    learner.save()
    learned = {"questions": len(asked), "notes": len(noted), "measured_days": len(measured)}
    _write(out, learner, plan, learned, len(steps))


def _steps(
    plan: Plan, asked: Sequence[Asked], noted: Sequence[Noted], measured: Sequence[Day], tokenizer: Tokenizer
) -> Iterator[list[list[Encoded]]]:
    """Every step of every pass: some batches each."""
    for number in range(plan.passes):
        made = one_pass(asked, noted, measured, seed=plan.seed, number=number)
        rows = [encoded(example, tokenizer) for example in made]
        rng = np.random.default_rng([plan.seed, number, 1])
        parts: list[list[Encoded]] = []
        for batch in batches(rows, plan.tokens // plan.parts, rng):
            parts.append(batch)
            if len(parts) == plan.parts:
                yield parts
                parts = []
        if parts:
            yield parts


def _write(out: Path, learner: Learner, plan: Plan, learned: Mapping[str, int], steps: int) -> None:
    """Write the adapter in half precision, and its record."""
    adapter = {
        name: value.to(torch.float16).contiguous() for name, value in learner.network.adapter().items()
    }
    file = out / "adapter.safetensors"
    save_file(adapter, file)
    thinned = [
        round(float(np.mean(learner.losses[n : n + 10])), 4) for n in range(0, len(learner.losses), 10)
    ]
    record = {
        "base_sha256": GGUF_SHA256,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "rank": RANK,
        "scale": SCALE,
        "plan": asdict(plan),
        **learned,
        "steps": learner.step,
        "of_steps": steps,
        "loss_every_10_steps": thinned,
        "torch": torch.__version__,
    }
    (out / "adapter.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and learn."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m healthslm.training", description=__doc__)
    parser.add_argument(
        "--gguf", type=Path, required=True, help="The base weights, as `model build` fetches them."
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="The adapter's folder, and that of checkpoints."
    )
    told = "CSV files of vital signs: their days are told too."
    parser.add_argument("--series", type=Path, nargs="*", default=[], help=told)
    parser.add_argument("--passes", type=int, default=usual.passes)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--rate", type=float, default=usual.rate)
    parser.add_argument("--minutes", type=float, default=math.inf, help="Stop after so long; go on later.")
    chosen = parser.parse_args(arguments)
    plan = Plan(passes=chosen.passes, seed=chosen.seed, rate=chosen.rate)
    run(chosen.gguf, chosen.out, plan, series=chosen.series, minutes=chosen.minutes)
