"""Several devices that measure the same: each is judged for itself, and the worst of it counts.

Readings of two streams in one window would speak for one another: a second oximeter on a healthy finger, or a
watch that lies on the table and goes on sending 70, would hide what the other one shows.
"""

from __future__ import annotations

import numpy as np

from healthslm.analysis.activity import SHOWS_MOVEMENT
from healthslm.readings import Kind, Window
from healthslm.rules.base import Rule, Windows

EXPLAINS = frozenset({*SHOWS_MOVEMENT, Kind.PULSE_RATE})
"""Kinds that explain others: by themselves they say nothing of whether those are well."""


def devices_in(rule: Rule, windows: Windows) -> list[int | None]:
    """Return the devices that a rule is to be asked of one by one; `None` alone for all as one."""
    found: set[int] = set()
    for kind in rule.kinds:
        window = windows.get(kind)
        if window is not None and window.devices is not None and kind not in EXPLAINS:
            found.update(np.unique(window.devices).tolist())
    return [*sorted(found)] if len(found) > 1 else [None]


def of_device(rule: Rule, windows: Windows, device: int | None) -> Windows:
    """Return a rule's windows with what one device sent, and of a kind that it does not send, everything."""
    if device is None:
        return windows
    return {kind: _of(windows[kind], device) for kind in rule.kinds if kind in windows}


def _of(window: Window, device: int) -> Window:
    if window.devices is None:
        return window
    mine = window.devices == device
    return window.where(mine) if mine.any() else window
