"""What the jobs need of a language model: something that writes, something that reads.

The model's process (process.py) is both; in tests a few lines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from healthslm.slm.protocol import Answered, Messages


class Writer(Protocol):
    """Something that writes one sentence: the model's process, or a scripted double."""

    @property
    def model_id(self) -> str:
        """Name of the weights."""
        ...

    @property
    def tuned(self) -> bool:
        """Whether it was tuned to write; one that was not is not asked."""
        ...

    def __call__(self, messages: Messages, *, numbers: Sequence[str] | None, attempt: int = 0) -> str:
        """Write the assistant's next turn; `numbers` are the only ones it can contain."""
        ...


class Reader(Protocol):
    """Something that reads what a person wrote: the model's process, or a scripted double."""

    @property
    def tuned(self) -> bool:
        """Whether it was tuned to read; one that was not is not asked."""
        ...

    def line(self, messages: Messages, *, numbers: Sequence[str]) -> Answered:
        """Write the line of a call; `numbers` are those that the question names."""
        ...

    def weigh(self, messages: Messages, options: Sequence[str]) -> tuple[float, ...]:
        """Return the logarithm of each answer's share; no two answers may begin alike."""
        ...


class Model(Writer, Reader, Protocol):
    """Both: what reads a question and words its answer."""
