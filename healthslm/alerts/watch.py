"""As much of a rule as an alert needs, for what no rule can see: that something is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Watch:
    """What has an alert: its name is the dedupe key, and it need not have held for `join` to be over."""

    name: str
    join: timedelta
