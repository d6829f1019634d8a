"""The alerts of an archive: each checked, and made one of the store that it comes into."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from pydantic import ValidationError

from healthslm.alerts import Alert, AlertState
from healthslm.alerts.alert import Held
from healthslm.alerts.desk import OPEN, alerts_in, untold
from healthslm.alerts.policy import SNOOZE
from healthslm.archive.reading import OURS, Archive
from healthslm.archive.records import AlertRow
from healthslm.archive.writing import UNREADABLE
from healthslm.errors import ImportFailedError
from healthslm.store import Store

_SNOOZE = timedelta(minutes=SNOOZE[1])
_GOES_ON = "another alert of the same rule was open where this one was read in"


class Alerts:
    """The alerts of an archive, as they are to be in a store.

    One rule has one open alert: where one is open in the store, that goes on, and one of the archive is over,
    whoever has seen it. That a hook which is not here was told of an open alert is dropped: one of the same
    name that is added later is another one, and is told.
    """

    def __init__(self, store: Store, archive: Archive) -> None:
        self._archive = archive
        self._hooks = {str(hook.get("name")) for hook in store.get("hooks", [])}
        self._open = {alert.rule: alert.id for alert in alerts_in(store, states=OPEN)}

    def evidence(self) -> Iterator[int]:
        """Yield the ids of the readings that findings stand on."""
        for row in self._archive.rows("alerts.jsonl", AlertRow):
            for feature in self._read(row).finding.evidence if UNREADABLE not in row.alert else ():
                yield from feature.readings

    def documents(self, id_here: Callable[[int], int]) -> Iterator[tuple[AlertRow, str, str]]:
        """Yield row, state and document of each alert, its evidence under the ids that readings have here."""
        for row in self._archive.rows("alerts.jsonl", AlertRow):
            if UNREADABLE in row.alert:
                yield row, row.state, self._unreadable(row)
                continue
            alert = self._read(row)
            evidence = tuple(
                replace(feature, readings=tuple(map(id_here, feature.readings)))
                for feature in alert.finding.evidence
            )
            alert = replace(alert, finding=replace(alert.finding, evidence=evidence))
            if alert.state is not AlertState.RESOLVED:
                away = {*alert.told, *alert.delivered_to} - self._hooks
                alert = replace(alert, **untold(alert, away)) if away else alert
                if self._open.setdefault(alert.rule, alert.id) != alert.id:
                    alert = replace(
                        alert,
                        state=AlertState.RESOLVED,
                        resolved_at=alert.last_seen,
                        held=Held.NOT,
                        ended=_GOES_ON,
                    )
            yield row, alert.state.value, alert.to_json()

    def _unreadable(self, row: AlertRow) -> str:
        """The text of an alert that could not be read there, and cannot here: else it is to be checked."""
        document = row.alert[UNREADABLE]
        if not isinstance(document, str) or len(row.alert) > 1 or Alert.if_readable(document) is not None:
            raise ImportFailedError(f"{self._archive.name} has an alert that contradicts itself.", OURS)
        return document

    def _read(self, row: AlertRow) -> Alert:
        try:
            alert = Alert.from_json(json.dumps(row.alert, allow_nan=False))
        except (ValidationError, ValueError) as error:
            raise ImportFailedError(
                f"{self._archive.name} has an alert that cannot be read.", OURS
            ) from error
        if (alert.id, alert.state.value) != (row.id, row.state):
            raise ImportFailedError(f"{self._archive.name} has an alert that contradicts itself.", OURS)
        if any(not -1 <= id_ < 1 << 63 for f in alert.finding.evidence for id_ in f.readings):
            raise ImportFailedError(f"{self._archive.name} has an alert whose evidence is none.", OURS)
        at, until = alert.snoozed_at, alert.snoozed_until
        if until is not None and (at is None or until - at > _SNOOZE):
            raise ImportFailedError(
                f"{self._archive.name} has an alert snoozed for longer than can be.", OURS
            )
        return alert


def alike(here: str, there: str) -> bool:
    """Say whether two documents of an alert say the same, by whatever ids their readings go."""
    ours, theirs = Alert.if_readable(here), Alert.if_readable(there)
    if ours is None or theirs is None:
        return here == there
    return _without_ids(ours) == _without_ids(theirs)


def _without_ids(alert: Alert) -> Alert:
    evidence = tuple(replace(feature, readings=()) for feature in alert.finding.evidence)
    return replace(alert, finding=replace(alert.finding, evidence=evidence))
