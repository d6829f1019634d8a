"""The language model: there, and every byte as it was built."""

from __future__ import annotations

from collections.abc import Callable

from healthslm.doctor.check import Check, attention, ok
from healthslm.errors import ModelError


def model(verified: Callable[[], str], free: int | None, needed: int) -> Check:
    """Say whether it can be used. `verified` compares every byte, returns its id, or raises `ModelError`."""
    try:
        name = verified()
    except ModelError as error:
        return attention("model", f"{error.message} Until then the text is the template's", error.hint)
    if free is not None and free < needed:
        return attention(
            "model",
            f"{name} is whole, and cannot start now: {free / 1e6:.0f} MB of memory are free,"
            f" and it needs {needed / 1e6:.0f} MB",
            "End other programs, or add compressed swap (zram). Until then the text is the template's.",
        )
    return ok("model", f"{name} is ready; every byte is as it was built")
