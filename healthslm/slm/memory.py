"""Whether there is memory for the model's process; a small board has to be asked before, not killed after."""

from __future__ import annotations

from healthslm.errors import ModelError

NEEDED = 210_000_000
"""Bytes that the process holds for itself: weights, keys and values, Python (measured: 198 MB)."""
TOO_LITTLE = "There is too little memory for the language model"
HINT = "End other programs, or add swap; without the model the text is the template's."


def require(free: int | None) -> None:
    """Raise `ModelError` where less is free than the model's process needs; `None`, not known, will do."""
    if free is not None and free < NEEDED:
        raise ModelError(
            f"{TOO_LITTLE}: {free / 1e6:.0f} MB are free, and it needs {NEEDED / 1e6:.0f} MB.", HINT
        )


def ran_out(error: BaseException) -> bool:
    """Say whether an error tells of memory that could not be had."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "bad_alloc" in said or "allocate" in said
