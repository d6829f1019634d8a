"""llama.cpp on the same weights, to be measured beside: through llama-cpp-python, the extra `llama`."""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

from healthslm.slm.runtime import WINDOW, Message, render

MISSING = (
    "llama.cpp is left out: it needs `pip install 'healthslm[llama]'` (compiled on the spot) "
    "and the GGUF file, --gguf FILE."
)


def is_there() -> bool:
    """Say whether llama-cpp-python is installed."""
    return importlib.util.find_spec("llama_cpp") is not None


class Llama:
    """The model in llama.cpp, on as many threads, with a context of the same length.

    It takes the likeliest token each time, and keeps the beginning that a prompt shares with the last one, as
    it does by itself; `forget` takes that away.
    """

    def __init__(self, gguf: Path, *, threads: int) -> None:
        from llama_cpp import Llama as Model  # noqa: PLC0415  only where it is installed

        self._model = Model(
            str(gguf), n_ctx=WINDOW, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def forget(self) -> None:
        """Begin anew: no keys and values are kept."""
        self._model.reset()

    def write(self, messages: Sequence[Message], tokens: int) -> tuple[float, float]:
        """Write so many tokens, whatever they are; return the seconds to the first and to the last."""
        began = time.perf_counter()
        ids = self._model.tokenize(render(messages).encode(), add_bos=False, special=True)
        written = self._model.generate(ids, temp=0.0)
        next(written)
        first = time.perf_counter() - began
        for _ in itertools.islice(written, tokens - 1):
            pass
        return first, time.perf_counter() - began

    def decode(self, text: str, read: int, tokens: int) -> float:
        """Read the first tokens of a text, then others one by one; return the seconds of those."""
        ids = self._model.tokenize(text.encode(), add_bos=False, special=True)
        self._model.reset()
        self._model.eval(ids[:read])
        began = time.perf_counter()
        for token in ids[read : read + tokens]:
            self._model.eval([token])
        return time.perf_counter() - began
