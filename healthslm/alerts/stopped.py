"""What hooks are told when healthslm itself has stopped without having been told to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from healthslm.alerts.alert import Alert
from healthslm.alerts.detected_issue import given
from healthslm.alerts.hooks import Hook
from healthslm.alerts.payload import Occasion
from healthslm.alerts.watch import Watched
from healthslm.readings import Finding, Severity


def stopped(hooks: Sequence[Hook], now: datetime) -> Iterator[tuple[Hook, str]]:
    """Yield the hooks that are called at once for something urgent, each with its payload; made at `now`."""
    finding = Finding(
        rule=Watched.ENGINE_STOPPED.value,
        version="1",
        severity=Severity.URGENT,
        title="healthslm has stopped",
        action="Nothing is watched, and no alert can come. See that its machine runs, and start it again.",
        source="healthslm: the courier, which outlived it",
        start=now,
        end=now,
        ongoing=True,
    )
    alert = Alert.passing(finding, now, id=uuid.uuid4().hex)
    for hook in hooks:
        if not hook.after_min and hook.wants(finding.rule, finding.severity):
            yield hook, given(alert, hook.form, hook.tell, Occasion.STOPPED)
