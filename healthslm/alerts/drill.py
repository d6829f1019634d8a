"""An alert of which everybody knows that nothing is the matter, to see whether they would hear."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from healthslm.alerts.alert import Alert
from healthslm.readings import Finding, Severity

NAME = "test"
"""The rule that it is an alert of; no real one is called so."""


def drill(level: Severity, now: datetime) -> Alert:
    """Return an alert to try hooks with, on the occasion `test`; it is kept nowhere."""
    finding = Finding(
        rule=NAME,
        version="1",
        severity=level,
        title="Test",
        action="Nothing to do: somebody is trying whether alerts arrive.",
        source="healthslm: somebody asked for it",
        start=now - timedelta(minutes=1),
        end=now,
    )
    return Alert.passing(finding, now, id=f"test-{secrets.token_hex(4)}")
