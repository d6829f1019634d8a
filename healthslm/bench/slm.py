"""The language model's speed and memory, beside llama.cpp on the same weights and what the memory allows.

Both take turns in one run. llama.cpp is measured where llama-cpp-python and the GGUF file are there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from healthslm.bench import latency, store_data
from healthslm.bench.bandwidth import gigabytes_per_s
from healthslm.bench.llama import Llama
from healthslm.bench.rows import Row, row
from healthslm.evaluation.days import draw_day
from healthslm.pipeline import ask
from healthslm.readings import Kind, Reading
from healthslm.slm import Audience, ModelProcess, model, narrate
from healthslm.slm.jobs import sentence_about
from healthslm.slm.protocol import Answered, Messages
from healthslm.slm.worker import MEASURED
from healthslm.store import CHEAPEST, Store, create

THREADS = 2
_ZONE = ZoneInfo("UTC")
_SEED, _DAYS = 99, 1
_FACT = "heart rate: average {} bpm, lowest {} bpm, highest {} bpm; "
_FACTS = 17
"""So many of these facts are 300 tokens."""
_QUESTIONS = ("What was my average heart rate today?", "What was my highest heart rate today?")
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_ALERTS = 40
_PATIENCE_S = 300.0
"""A busy machine is slow, which is a result too."""


@dataclass(slots=True)
class _Told:
    """A writer that keeps what it was asked and what that took."""

    process: ModelProcess
    guessing: bool = True
    asked: list[tuple[Messages, Answered]] = field(default_factory=list)

    @property
    def model_id(self) -> str:
        return self.process.model_id

    @property
    def tuned(self) -> bool:
        return True  # an untuned one is timed as well

    def __call__(self, messages: Messages, *, numbers: Sequence[str] | None, attempt: int = 0) -> str:
        draft = self.process.draft(messages, numbers=numbers, attempt=attempt, guessing=self.guessing)
        self.asked.append((messages, draft))
        return draft.text


@dataclass(slots=True)
class _Runs:
    """The runs of every figure, by name."""

    of: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.of.setdefault(name, []).append(value)

    def ratio(self, name: str, other: str) -> list[float]:
        return [a / b for a, b in zip(self.of[name], self.of[other], strict=True)]


def run(
    folder: Path,
    gguf: Path | None,
    *,
    repeat: int,
    progress: Callable[[str], None] = lambda _what: None,
) -> list[Row]:
    """Measure a built model and return the table's rows; with a GGUF file llama.cpp's beside."""
    runs = _Runs()
    read = _bytes_a_token(folder)
    llama = None if gguf is None else Llama(gguf, threads=THREADS)
    for number in range(repeat):
        progress(f"start, decoding, narrating, round {number + 1} of {repeat}")
        runs.add("bandwidth", gigabytes_per_s(THREADS))
        with ModelProcess(folder, threads=THREADS, answer_s=_PATIENCE_S) as process:
            began = time.perf_counter()
            process.start()
            runs.add("start", time.perf_counter() - began)
            _decoded(process, llama, runs)
            _first(process, llama, runs, number)
            _narrated(process, llama, runs)
            held = process.fill().peak_bytes
            if held is not None:
                runs.add("memory", held / 1e6)
        runs.add("share", 100 * runs.of["decode"][-1] * read / runs.of["bandwidth"][-1] / 1e9)
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as temporary:
        store, _ = create(Path(temporary) / "home", _PASSPHRASE, profile=CHEAPEST)
        with store:
            _keep(store)
            progress("questions")
            _answered(folder, store, runs, repeat)
    progress("alerts")
    _alerted(folder, runs)
    return _rows(runs, read, llama is not None)


def _bytes_a_token(folder: Path) -> float:
    """Every weight once, and keys and values of what was read before, in half precision."""
    shape_of_cache = 30 * 2 * 3 * 64 * 2  # layers, keys and values, heads, width, bytes
    before = MEASURED.read + MEASURED.written / 2
    return model.load(folder).files["model.onnx.data"].size + shape_of_cache * before


def _decoded(process: ModelProcess, llama: Llama | None, runs: _Runs) -> None:
    measured = process.measure()
    runs.add("decode", measured.tokens / measured.decode_s)
    runs.add("prefill", measured.prompt_tokens / measured.prefill_s)
    runs.add("mask", measured.mask_s / measured.tokens * 1e6)
    if llama is not None:
        seconds = llama.decode(MEASURED.text, MEASURED.read, MEASURED.written)
        runs.add("decode llama", MEASURED.written / seconds)


def _first(process: ModelProcess, llama: Llama | None, runs: _Runs, number: int) -> None:
    """The first token of 300 tokens of facts, of which nothing is known; the fixed beginning is short.

    Asked again, as for a second attempt at the sentence, all of the prompt is known.
    """
    asked = _facts(number)
    process.draft((("user", "Begin anew."),), numbers=(), max_tokens=1)
    for name in ("first", "first, again"):
        began = time.perf_counter()
        process.draft(asked, numbers=(), max_tokens=1)
        runs.add(name, time.perf_counter() - began)
    if llama is not None:
        llama.forget()
        runs.add("first llama", llama.write(asked, 1)[0])


def _facts(number: int) -> Messages:
    values = [[str(50 + (7 * number + 3 * n + k) % 90) for k in range(3)] for n in range(_FACTS)]
    text = "".join(_FACT.format(*three) for three in values)
    return sentence_about(text, Audience.WEARER)


def _narrated(process: ModelProcess, llama: Llama | None, runs: _Runs) -> None:
    """The same drawn days in both; llama.cpp writes as many tokens to the same prompts, of any kind."""
    told = _Told(process)
    for name, teller in (("narrative", told), ("narrative, no guessing", _Told(process, guessing=False))):
        began = time.perf_counter()
        for number in range(_DAYS):
            day = draw_day(_SEED, number)
            narrate(day.findings, day.features, audience=Audience.WEARER, zone=_ZONE, writer=teller)
        runs.add(name, time.perf_counter() - began)
        process.draft((("user", "Begin anew."),), numbers=(), max_tokens=1)
    tokens = sum(draft.tokens for _, draft in told.asked)
    passes = sum(draft.passes + 1 for _, draft in told.asked)
    runs.add("tokens", tokens)
    runs.add("tokens a pass", tokens / passes)
    if llama is not None:
        llama.forget()
        began = time.perf_counter()
        for messages, draft in told.asked:
            llama.write(messages, draft.tokens)
        runs.add("narrative llama", time.perf_counter() - began)


def _keep(store: Store) -> None:
    """A day's heart rate, a value a minute."""
    store.append(
        Reading(
            time=store_data.FIRST + timedelta(minutes=minute),
            kind=Kind.HEART_RATE,
            value=60.0 + minute * 7 % 50,
            device=store_data.STRAP,
        )
        for minute in range(24 * 60 - 1)
    )
    store.commit()


def _answered(folder: Path, store: Store, runs: _Runs, repeat: int) -> None:
    now = store_data.FIRST + timedelta(hours=23, minutes=59)
    for _ in range(repeat):
        with ModelProcess(folder, threads=THREADS, answer_s=_PATIENCE_S) as process:
            for name, question in zip(("question, cold", "question"), _QUESTIONS, strict=True):
                began = time.perf_counter()
                ask(store, question, now=now, zone=_ZONE, writer=process)
                runs.add(name, time.perf_counter() - began)


def _alerted(folder: Path, runs: _Runs) -> None:
    latency.decisions(3)
    for milliseconds in latency.decisions(_ALERTS):
        runs.add("alert", milliseconds)
    with ModelProcess(folder, threads=THREADS, answer_s=_PATIENCE_S) as process:
        process.start()
        with latency.writing(process, (("user", "Tell a long story about the sea."),)) as written:
            latency.decisions(3)
            for milliseconds in latency.decisions(_ALERTS):
                runs.add("alert, writing", milliseconds)
        if not written():
            raise AssertionError("the model wrote nothing meanwhile")


def _rows(runs: _Runs, read: float, beside: bool) -> list[Row]:
    of = runs.of
    later = [b - a for a, b in zip(sorted(of["alert"]), sorted(of["alert, writing"]), strict=True)]
    rows = [row("decode, unconstrained", "tokens/s", of["decode"])]
    if beside:
        rows += [
            row("decode, llama.cpp", "tokens/s", of["decode llama"]),
            row("decode, of llama.cpp's", "×", runs.ratio("decode", "decode llama"), 2, least=1.6),
        ]
    rows += [
        row("memory bandwidth, read", "GB/s", of["bandwidth"], 1),
        row("bytes read a token", "MB", [read / 1e6], 1),
        row("decode, of what the bandwidth allows", "%", of["share"], least=60),
        row("what the mask adds", "µs a token", of["mask"], 1),
        row("prefill", "tokens/s", of["prefill"]),
        row(f"narrative of a day, {of['tokens'][0]:.0f} tokens", "s", of["narrative"], 2),
        row("the same without guessing ahead", "s", of["narrative, no guessing"], 2),
        row("tokens a pass", "", of["tokens a pass"], 2),
    ]
    if beside:
        rows += [
            row("the same, llama.cpp", "s", of["narrative llama"], 2),
            row(
                "narrative, of llama.cpp's",
                "× as fast",
                runs.ratio("narrative llama", "narrative"),
                2,
                least=2,
            ),
        ]
    rows += [
        row("first token of 300 tokens of facts", "ms", [1000 * s for s in of["first"]]),
        row("the same facts asked about again", "ms", [1000 * s for s in of["first, again"]]),
    ]
    if beside:
        rows += [
            row("the first token, llama.cpp", "ms", [1000 * s for s in of["first llama"]]),
            row("first token, of llama.cpp's", "×", runs.ratio("first", "first llama"), 2, most=0.3),
        ]
    rows += [
        row("a question answered", "s", of["question"], 2, most=1.0),
        row("a question answered, the model's process not started", "s", of["question, cold"], 2),
        *([row("memory of the model's process, 1,024 tokens", "MB", of["memory"], most=200)]
          if "memory" in of else []),
        row("start of the model's process", "s", of["start"], 2, most=1.5),
        row("alert decided after a reading", "ms", of["alert"], 2),
        row("alert decided while the model writes", "ms", of["alert, writing"], 2),
        row("alert later while the model writes", "ms", later, 2, most=5),
    ]  # fmt: skip
    return rows
