"""One reading alone that is beyond what would be urgent: to be measured again at once, and no more yet.

A spot check is told from a stream, and from a sensor that slips, by what is around it: at most two usable
readings, nothing that says or shows a sensor on nobody, and nothing that follows for a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis.quality import lost, worn
from healthslm.readings import Window, instant

UNCONFIRMED = "one reading alone: not confirmed"
"""What a finding that stands on such a reading says it could not see."""
LATER = timedelta(minutes=2)
"""So long after a reading nothing else has come: a stream sends within seconds, or once a minute."""
AROUND = timedelta(minutes=5)
"""Before it, and how long it is spoken of: longer than a finger is in a sensor to be measured once."""
FEW = 2
"""Somebody who measures again within the minute has two readings, and still nothing that agrees over time."""


def lone(
    window: Window, now: datetime, *, around: timedelta = AROUND, later: timedelta = LATER
) -> Window | None:
    """Return the one or two readings of a spot check that ended `later` to `around` ago; `None` without one.

    `window` is that of one kind, and reaches back from `now` by `around` and `later` at the least.
    """
    if not len(window):
        return None
    since = instant(now) - window.times[-1]
    if not np.timedelta64(later) <= since <= np.timedelta64(max(around, later)):
        return None
    near = window.where(window.times >= window.times[-1] - np.timedelta64(around))
    good = worn(near)
    if not len(good) or len(near) > FEW or bool(lost(near).any()):
        return None
    return good
