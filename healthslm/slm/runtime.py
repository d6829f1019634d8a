"""The language model in this process: a prompt in, one sentence out, token by token.

Needs a built model (healthslm.slm.model). Nothing in here knows what the text is about; which tokens may come
next is asked of a mask before each one.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime_genai as og
from numpy.typing import NDArray

from healthslm.errors import ModelError
from healthslm.slm import memory, model
from healthslm.slm.mask import NumberMask, read_vocabulary

Message = tuple[str, str]
"""A role (`system`, `user`, `assistant`) and its text."""
Follow = Callable[[Sequence[str]], set[str]]
"""The words that may come after some words; an empty one among them where the line may end."""
WINDOW = 1024
"""Tokens of prompt and answer together; the keys and values of each take 46 kB of memory."""
_START, _END = "<|im_start|>", "<|im_end|>"
_TOKEN = re.compile(r"<\|?(?=[a-z_|])", re.IGNORECASE)
_END_ID = 2
_TOP_P = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the model wrote, and what it took: tokens in and out, how many were still known, seconds."""

    text: str
    prompt_tokens: int
    reused_tokens: int
    tokens: int
    prefill_s: float
    decode_s: float
    sure: float = 0.0
    """Logarithm of the share of what the model would have written that this is; 0 where it was not asked."""


def render(messages: Sequence[Message]) -> str:
    """Write messages as SmolLM2's chat format, open for the assistant's next turn.

    Texts cannot leave their place: what looks like a control token in them is broken up, `<file_sep>` and
    its like too. The tokenizer takes only exact ones for such: it changes no letter before.
    """
    turns = [f"{_START}{role}\n{_TOKEN.sub('< ', text)}{_END}\n" for role, text in messages]
    return "".join(turns) + f"{_START}assistant\n"


class Engine:
    """The model, its tokenizer, and the keys and values of the last prompt.

    A prompt that begins as the last one did is only computed from where it differs.
    """

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        manifest = model.load(folder)
        og.disable_telemetry_events()
        try:
            config = og.Config(str(folder))
            session = {"intra_op_num_threads": threads}
            config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
            self._model = og.Model(config)
            self._tokenizer = og.Tokenizer(self._model)
            options = og.GeneratorParams(self._model)
            options.set_search_options(max_length=WINDOW)
            self._generator = og.Generator(self._model, options)
            self.vocabulary = read_vocabulary(folder, end=_END_ID)
        except (RuntimeError, OSError, ValueError, KeyError, MemoryError) as error:
            if memory.ran_out(error):
                raise ModelError(f"{memory.TOO_LITTLE}.", memory.HINT) from error
            raise ModelError(
                f"The language model in {folder} cannot be loaded: {error}.", "Run `healthslm model build`."
            ) from error
        self.model_id = manifest.model_id
        self._known: list[int] = []

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; control tokens in it count as such."""
        return [int(i) for i in self._tokenizer.encode(text)]

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the scores of the token after `ids`: shape (vocabulary,)."""
        self._read(ids)
        return self._scores()

    def _read(self, ids: Sequence[int]) -> int:
        """Bring keys and values to `ids`; return how many were known already."""
        known = 0
        for a, b in zip(self._known, ids[:-1], strict=False):
            if a != b:
                break
            known += 1
        if known < len(self._known):
            self._generator.rewind_to(known)
        self._known = list(ids[:known])
        self._append(ids[known:])
        return known

    def _append(self, ids: Sequence[int]) -> None:
        self._generator.append_tokens(np.array(ids, dtype=np.int32))
        self._known += ids

    def _scores(self) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = np.asarray(self._generator.get_logits(), dtype=np.float32)
        return scores.reshape(-1)

    def write(
        self,
        messages: Sequence[Message],
        *,
        numbers: Sequence[str] | None,
        max_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Draft:
        """Write the assistant's next turn: one sentence, at most `max_tokens` long.

        `numbers` are the only ones it can contain; `None` lifts the mask (to see what it is good for).
        `temperature` 0 takes the likeliest token. Raises `ModelError` when the prompt is too long.
        """
        ids = self.encode(render(messages))
        if len(ids) + max_tokens > WINDOW:
            raise ModelError(
                f"The prompt has {len(ids)} tokens; {WINDOW - max_tokens} fit.", "Say less at once."
            )
        started = time.monotonic()
        reused = self._read(ids)
        scores = self._scores()
        first = time.monotonic()
        mask = NumberMask(self.vocabulary, numbers) if numbers is not None else None
        random = np.random.default_rng(seed)
        text, count = "", 0
        for count in itertools.count(1):
            if mask is not None:
                scores = np.where(mask.allowed(text), scores, -np.inf)
            token = _choose(scores, temperature, random)
            text += self.vocabulary.texts[token]
            if token == _END_ID or count == max_tokens or _done(text, mask):
                break
            self._append([token])
            scores = self._scores()
        return Draft(
            text=text.strip(),
            prompt_tokens=len(ids),
            reused_tokens=reused,
            tokens=count,
            prefill_s=first - started,
            decode_s=time.monotonic() - first,
        )

    def line(self, messages: Sequence[Message], follow: Follow, *, max_tokens: int = 48) -> Draft:
        """Write one line of words of which each is among those that may `follow` the ones before it.

        Of the likeliest tokens the first that keeps to it is taken; where one word alone can come, or is left
        to be finished, its tokens are read at once. Raises `ModelError` when the prompt is too long.
        """
        ids = self.encode(render(messages))
        if len(ids) + max_tokens > WINDOW:
            raise ModelError(
                f"The prompt has {len(ids)} tokens; {WINDOW - max_tokens} fit.", "Ask in fewer words."
            )
        started = time.monotonic()
        reused = self._read(ids)
        first = time.monotonic()
        text, count, sure = "", 0, 0.0
        while count < max_tokens:
            forced = _forced(text, follow)
            if forced == "":
                break  # the line can only end
            if forced is not None:
                tokens = self.encode(forced)
                text += forced
            else:
                scores = self._scores()
                token = self._viable(scores, text, follow)
                sure += _log_share(scores, token)
                if token == _END_ID:
                    break
                tokens = [token]
                text += self.vocabulary.texts[token]
            self._append(tokens)
            count += len(tokens)
        return Draft(
            text=text.strip(),
            prompt_tokens=len(ids),
            reused_tokens=reused,
            tokens=count,
            prefill_s=first - started,
            decode_s=time.monotonic() - first,
            sure=sure,
        )

    def _viable(self, scores: NDArray[np.float32], text: str, follow: Follow) -> int:
        """The likeliest token that keeps the line one of those that there are."""
        for token in np.argsort(scores)[::-1]:
            piece = self.vocabulary.texts[token]
            if token == _END_ID:
                if not text.endswith(" ") and "" in follow(text.split()):
                    return int(token)
            elif piece and _keeps(text + piece, follow):
                return int(token)
        raise ModelError("The language model's vocabulary cannot write the line that was asked for.")

    def weigh(self, messages: Sequence[Message], options: Sequence[str]) -> tuple[float, ...]:
        """Return the logarithm of each answer's share, by its first token: no two may begin alike."""
        ids = self.encode(render(messages))
        if len(ids) + 1 > WINDOW:
            raise ModelError(f"The prompt has {len(ids)} tokens; {WINDOW - 1} fit.", "Say it in fewer words.")
        self._read(ids)
        scores = self._scores()
        return tuple(_log_share(scores, self.encode(option)[0]) for option in options)


def _keeps(text: str, follow: Follow) -> bool:
    """Say whether a line that begins like this can be finished."""
    if text[:1] == " " or "  " in text or "\n" in text:
        return False
    *whole, last = text.split(" ")
    for n, word in enumerate(whole):
        if word not in follow(whole[:n]):
            return False
    return any(word.startswith(last) for word in follow(whole) if word)


def _forced(text: str, follow: Follow) -> str | None:
    """The only way on: the rest of a word, or a word; empty where the line ends, `None` for several."""
    *whole, last = text.split(" ")
    words = [word for word in follow(whole) if word.startswith(last)]
    if len(words) != 1 or not last:
        return None
    if words[0] != last:
        return words[0][len(last) :]
    after = follow([*whole, last])
    if len(after) != 1:
        return None
    (only,) = after
    return f" {only}" if only else ""


def _log_share(scores: NDArray[np.float32], token: int) -> float:
    top = float(scores.max())
    return float(scores[token] - top - np.log(np.exp(scores - top).sum()))


def _done(text: str, mask: NumberMask | None) -> bool:
    """Say whether the sentence is complete. Without a mask a line break ends it."""
    return "\n" in text.lstrip("\n") if mask is None else mask.finished(text)


def _choose(scores: NDArray[np.float32], temperature: float, random: np.random.Generator) -> int:
    """Take the likeliest token, or draw from the likeliest that make up 90 %."""
    if temperature <= 0:
        return int(np.argmax(scores))
    top = np.argsort(scores)[::-1][:64]
    weights = np.exp((scores[top] - scores[top[0]]) / temperature)
    weights /= weights.sum()
    keep = int(np.searchsorted(np.cumsum(weights), _TOP_P)) + 1
    return int(random.choice(top[:keep], p=weights[:keep] / weights[:keep].sum()))
