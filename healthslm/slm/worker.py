"""The model's own process: `python -m healthslm.slm.worker FOLDER`, JSON lines in, JSON lines out.

It is niced, has no key, and ends when its input does. Before it loads the model the kernel leaves it no
socket, no program to start and no file but the model's and Python's own (`healthslm.fence`). The first line
it writes says that it is ready; then every line it is given is answered by one line.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from healthslm import fence
from healthslm.errors import ModelError
from healthslm.fence import Fenced
from healthslm.slm.lines import Lines
from healthslm.slm.mask import NumberMask
from healthslm.slm.protocol import Answered, Line, Measure, Weigh, Write, request, told
from healthslm.slm.runtime import WINDOW, Engine

_NICE = 10


def peak_bytes() -> int | None:
    """Return the most memory this process has held, in bytes; `None` where the system does not say.

    From /proc, because `getrusage` counts what the parent held at the moment of the fork.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured: so many tokens of a text are read, then so many one by one."""

    text: str
    read: int
    written: int


MEASURED = Measured("The quick brown fox jumps over the lazy dog. " * 40, 256, 64)


def _measure(engine: Engine) -> Answered:
    """Read 256 tokens and write 64: plain speed; and what the mask would take for each of them."""
    ids, known = engine.encode(MEASURED.text), MEASURED.read
    engine.logits(ids[1:17])  # warm up, and know nothing of what is to be read
    start = time.monotonic()
    engine.logits(ids[:known])
    read = time.monotonic()
    lengths = range(known + 1, known + 1 + MEASURED.written)  # each one token more: what decoding does
    for length in lengths:
        scores = engine.logits(ids[:length])
    done = time.monotonic()
    mask, text = NumberMask(("72", "38.9")), "Your heart rate averaged 72 bpm and "
    for _ in lengths:
        engine.masked(scores, text, mask)
    masked = time.monotonic()
    for _ in lengths:
        engine.masked(scores, text, None)
    return Answered(
        prompt_tokens=MEASURED.read,
        tokens=MEASURED.written,
        prefill_s=read - start,
        decode_s=done - read,
        mask_s=max(0.0, masked - done - (time.monotonic() - masked)),
        peak_bytes=peak_bytes(),
    )


def _fill(engine: Engine) -> Answered:
    """Read as many tokens as fit, the last one by one."""
    ids = engine.encode("The heart rate was 72 bpm at 08:30, and oxygen 97 %; all calm. " * 80)[: WINDOW - 1]
    engine.logits(ids[:-8])
    for length in range(len(ids) - 7, len(ids) + 1):
        engine.logits(ids[:length])
    return Answered(prompt_tokens=len(ids), peak_bytes=peak_bytes())


def answer(engine: Engine, line: str) -> Answered:
    """Answer one line."""
    try:
        asked = request(line)
        match asked:
            case Measure():
                return _fill(engine) if asked.fill else _measure(engine)
            case Weigh():
                return Answered(weights=engine.weigh(asked.messages, asked.options))
            case Line():
                draft = engine.line(asked.messages, Lines(asked.numbers).next)
            case Write():
                draft = engine.write(
                    asked.messages,
                    numbers=asked.numbers,
                    max_tokens=asked.max_tokens,
                    temperature=asked.temperature,
                    seed=asked.seed,
                    guessing=asked.guessing,
                )
    except ValueError as error:
        return Answered(error=f"the request cannot be read ({error})")
    except ModelError as error:
        return Answered(error=str(error))
    return Answered(
        text=draft.text,
        prompt_tokens=draft.prompt_tokens,
        reused_tokens=draft.reused_tokens,
        tokens=draft.tokens,
        prefill_s=draft.prefill_s,
        decode_s=draft.decode_s,
        passes=draft.passes,
        peak_bytes=peak_bytes(),
        sure=draft.sure,
    )


def serve(engine: Engine, lines: Iterable[str], out: IO[str], *, name: str = "a model") -> None:
    """Say that the model is ready, then answer every line until there are no more."""
    _say(out, Answered(ready=name, peak_bytes=peak_bytes()))
    for line in lines:
        _say(out, answer(engine, line))
        engine.rest()


def _say(out: IO[str], reply: Answered) -> None:
    out.write(told(reply) + "\n")
    out.flush()


def main(
    arguments: list[str] | None = None, *, fenced: Callable[[Sequence[Path]], Fenced] = fence.writer
) -> int:
    """Load the model and serve. Anything that prints, prints to standard error: only answers go out.

    `fenced` puts the fence up around what it may read.
    """
    parser = argparse.ArgumentParser(prog="python -m healthslm.slm.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="a model", help="What it calls itself when it is ready.")
    parser.add_argument("--strict", action="store_true", help="Write nothing where the kernel has no fence.")
    options = parser.parse_args(arguments)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the runtime's native code prints must not look like an answer
    put_up = fenced([options.folder])
    if options.strict and not put_up.whole:
        _say(out, Answered(error=f"The language model is kept from nothing. {put_up.missing[0]}"))
        return 1
    try:
        engine = Engine(options.folder, threads=options.threads)
    except ModelError as error:
        _say(out, Answered(error=str(error)))
        return 1
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(engine, sys.stdin, out, name=options.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
