"""What the language model does on this machine: speeds, time to the first token, memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from healthslm.slm import Audience, ModelProcess
from healthslm.slm.jobs import sentence_about


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What the model does on this machine.

    `first_token_s` is for a sentence of a running summary; `peak_bytes` is `None` where the
    system does not say.
    """

    model_id: str
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    first_token_s: float
    start_s: float
    peak_bytes: int | None


PATIENCE_S = 300.0
"""A slow or busy machine takes long for an answer, which is a result too."""


def measure(folder: Path, *, threads: int = 2) -> ModelFigures:
    """Start the model and measure it: speeds, time to the first token, memory. Takes a few seconds."""
    with ModelProcess(folder, threads=threads, start_s=PATIENCE_S, answer_s=PATIENCE_S) as process:
        started = time.monotonic()
        process.start()
        start_s = time.monotonic() - started
        speed = process.measure()
        first = sentence_about("heart rate: average 72 bpm", Audience.WEARER)
        process.draft(first, numbers=("72",))
        second = sentence_about("latest temperature: 37.2 °C at 08:30", Audience.WEARER)
        again = process.draft(second, numbers=("37.2", "08:30"))
    return ModelFigures(
        model_id=process.model_id,
        prefill_tokens_per_s=speed.prompt_tokens / speed.prefill_s,
        decode_tokens_per_s=speed.tokens / speed.decode_s,
        first_token_s=again.prefill_s,
        start_s=start_s,
        peak_bytes=again.peak_bytes,
    )
