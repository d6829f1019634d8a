"""The language model in this process: a prompt in, one sentence out, token by token.

Needs a built model (healthslm.slm.model). Nothing in here knows what the text is about; which tokens may come
next is asked of a mask before each one.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import onnxruntime_genai as og
from numpy.typing import NDArray

from healthslm.errors import ModelError
from healthslm.slm import memory
from healthslm.slm.ahead import Ahead
from healthslm.slm.choice import choose, likeliest, log_share
from healthslm.slm.layout import DATA_FILE, SCORED
from healthslm.slm.mask import NumberMask
from healthslm.slm.pages import let_go
from healthslm.slm.tokens import Tokens

Message = tuple[str, str]
"""A role (`system`, `user`, `assistant`) and its text."""
Follow = Callable[[Sequence[str]], set[str]]
"""The words that may come after some words; an empty one among them where the line may end."""
WINDOW = 1024
"""Tokens of prompt and answer together; the keys and values of each take 23 kB of memory."""
AT_ONCE = 48
"""Tokens of a prompt that are read in one pass: more are hardly faster, and take more memory."""
_START, _END = "<|im_start|>", "<|im_end|>"
_TOKEN = re.compile(r"<\|?(?=[a-z_|])", re.IGNORECASE)
_END_ID = 2
_KEPT_TEXTS, _KEPT_TOKENS = 8, 160
"""How many texts are kept to guess from, and how much of each with the end of its prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the model wrote, and what it took: tokens in and out, how many were still known, seconds.

    `passes` is how often the model was run for the tokens after the first.
    """

    text: str
    prompt_tokens: int
    reused_tokens: int
    tokens: int
    prefill_s: float
    decode_s: float
    passes: int = 0
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
    """The model, its tokens, and the keys and values of the last prompt.

    A prompt that begins as the last one did is only computed from where it differs.
    """

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        og.disable_telemetry_events()
        try:
            config = og.Config(str(folder))
            session = {"intra_op_num_threads": threads}
            config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
            self._model = og.Model(config)
            self._data = folder / DATA_FILE
            self.rest()  # before the keys and values need room
            options = og.GeneratorParams(self._model)
            options.set_search_options(max_length=WINDOW)
            self._generator = og.Generator(self._model, options)
            self.tokens = Tokens(folder)
        except (RuntimeError, OSError, ValueError, KeyError, MemoryError) as error:
            if memory.ran_out(error):
                raise ModelError(f"{memory.TOO_LITTLE}.", memory.HINT) from error
            raise ModelError(
                f"The language model in {folder} cannot be loaded: {error}.", "Run `healthslm model build`."
            ) from error
        self._known: list[int] = []
        self._texts: deque[list[int]] = deque(maxlen=_KEPT_TEXTS)

    def rest(self) -> None:
        """Give back the mapped file's pages: rows of the last prompt's tokens, and what was packed anew."""
        let_go(self._data)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; control tokens in it count as such."""
        return self.tokens.encode(text)

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the scores of the token after `ids`: shape (vocabulary,)."""
        self._read(ids)
        last: NDArray[np.float32] = self._scores()[-1]
        return last

    def _read(self, ids: Sequence[int]) -> int:
        """Bring keys and values to `ids`; return how many were known already."""
        known = 0
        for a, b in zip(self._known, ids[:-1], strict=False):
            if a != b:
                break
            known += 1
        self._forget(len(self._known) - known)
        for start in range(known, len(ids), AT_ONCE):
            self._append(ids[start : start + AT_ONCE])
        return known

    def _append(self, ids: Sequence[int]) -> None:
        self._generator.append_tokens(np.array(ids, dtype=np.int32))
        self._known += ids

    def _forget(self, count: int) -> None:
        """Take back the last tokens that were read."""
        if count:
            del self._known[-count:]
            self._generator.rewind_to(len(self._known))

    def _scores(self) -> NDArray[np.float32]:
        """The scores after each of the tokens that were appended last, or after the last of many."""
        scores: NDArray[np.float32] = np.asarray(self._generator.get_output("scores"))
        return scores.reshape(-1, scores.shape[-1])

    def _prompt(self, messages: Sequence[Message], room: int, hint: str) -> list[int]:
        ids = self.encode(render(messages))
        if len(ids) + room > WINDOW:
            raise ModelError(f"The prompt has {len(ids)} tokens; {WINDOW - room} fit.", hint)
        return ids

    def write(
        self,
        messages: Sequence[Message],
        *,
        numbers: Sequence[str] | None,
        max_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
        guessing: bool = True,
    ) -> Draft:
        """Write the assistant's next turn: one sentence, at most `max_tokens` long.

        `numbers` are the only ones it can contain; `None` lifts the mask (to see what it is good for).
        `temperature` 0 takes the likeliest token. Without `guessing` each token takes a pass of its own (to
        see what guessing is good for). Raises `ModelError` when the prompt is too long.
        """
        ids = self._prompt(messages, max_tokens, "Say less at once.")
        started = time.monotonic()
        reused = self._read(ids)
        first = time.monotonic()
        mask = NumberMask(numbers) if numbers is not None else None
        ahead = None
        if guessing:
            before = [token for text in self._texts for token in text]
            ahead = Ahead(self.tokens, before + ids, messages[-1][1], mask)
        random = Random(seed) if temperature > 0 else None  # noqa: S311  no secret is drawn
        written: list[int] = []
        text, passes = "", 0
        rows, guessed = self._scores()[-1:], list[int]()
        while True:
            token = self.masked(rows[0], text, mask, temperature=temperature, random=random)
            written.append(token)
            text += self.tokens.text(token)
            if token == _END_ID or len(written) == max_tokens or _done(text, mask):
                break
            if ahead is not None:
                ahead.add(token)
            if guessed and guessed[0] == token:  # it was read along with the one before it
                rows, guessed = rows[1:], guessed[1:]
                continue
            self._forget(len(guessed))
            room = min(SCORED, max_tokens - len(written)) - 1
            guessed = ahead.guess(text, room) if ahead is not None else []
            self._append([token, *guessed])
            rows, passes = self._scores(), passes + 1
        self._texts.append([*ids, *written][-_KEPT_TOKENS:])
        return Draft(
            text=text.strip(),
            prompt_tokens=len(ids),
            reused_tokens=reused,
            tokens=len(written),
            prefill_s=first - started,
            decode_s=time.monotonic() - first,
            passes=passes,
        )

    def masked(
        self,
        scores: NDArray[np.float32],
        text: str,
        mask: NumberMask | None,
        *,
        temperature: float = 0.0,
        random: Random | None = None,
    ) -> int:
        """Choose the token after a text among those that the mask lets come."""
        if mask is None:
            return choose(scores, lambda _token: True, temperature=temperature, random=random)
        following, text_of = mask.next(text), self.tokens.text
        return choose(
            scores,
            lambda token: following.words if token == _END_ID else following.allows(text_of(token)),
            temperature=temperature,
            random=random,
        )

    def line(self, messages: Sequence[Message], follow: Follow, *, max_tokens: int = 48) -> Draft:
        """Write one line of words of which each is among those that may `follow` the ones before it.

        Of the likeliest tokens the first that keeps to it is taken; where one word alone can come, or is left
        to be finished, its tokens are read with the next. Raises `ModelError` when the prompt is too long.
        """
        ids = self._prompt(messages, max_tokens, "Ask in fewer words.")
        started = time.monotonic()
        reused = self._read(ids)
        first = time.monotonic()
        text, count, passes, sure = "", 0, 0, 0.0
        unread: list[int] = []
        while count < max_tokens:
            forced = _forced(text, follow)
            if forced == "":
                break  # the line can only end
            if forced is not None:
                tokens = self.encode(forced)
                text += forced
            else:
                if unread:
                    self._append(unread)
                    passes += 1
                scores = self._scores()[-1]
                token = self._viable(scores, text, follow)
                sure += log_share(scores, token)
                if token == _END_ID:
                    break
                unread, tokens = [], [token]
                text += self.tokens.text(token)
            unread += tokens
            count += len(tokens)
        return Draft(
            text=text.strip(),
            prompt_tokens=len(ids),
            reused_tokens=reused,
            tokens=count,
            prefill_s=first - started,
            decode_s=time.monotonic() - first,
            passes=passes,
            sure=sure,
        )

    def _viable(self, scores: NDArray[np.float32], text: str, follow: Follow) -> int:
        """The likeliest token that keeps the line one of those that there are."""
        for token in likeliest(scores):
            piece = self.tokens.text(token)
            if token == _END_ID:
                if not text.endswith(" ") and "" in follow(text.split()):
                    return token
            elif piece and _keeps(text + piece, follow):
                return token
        raise ModelError("The language model's vocabulary cannot write the line that was asked for.")

    def weigh(self, messages: Sequence[Message], options: Sequence[str]) -> tuple[float, ...]:
        """Return the logarithm of each answer's share, by its first token: no two may begin alike."""
        scores = self.logits(self._prompt(messages, 1, "Say it in fewer words."))
        return tuple(log_share(scores, self.encode(option)[0]) for option in options)


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


def _done(text: str, mask: NumberMask | None) -> bool:
    """Say whether the sentence is complete. Without a mask a line break ends it."""
    return "\n" in text.lstrip("\n") if mask is None else mask.finished(text)
