"""Days out of a file of somebody's readings: what analysis and the rules say of each, as of a drawn one.

Real days have what no generator thinks of: mornings only, one reading of a kind, weeks without any.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

from healthslm.analysis import describe
from healthslm.analysis.oxygen import oxygen_features
from healthslm.evaluation.days import Day
from healthslm.importers.vitals import VitalsFile, VitalsTable
from healthslm.readings import moment
from healthslm.rules import RULES, scan_all
from healthslm.rules.whole import days_of

_DAY = timedelta(days=1)


def measured_days(path: Path) -> Iterator[Day]:
    """Yield every day of every person of a CSV file of vital signs that has a reading.

    Raises `UsageError` naming a file that cannot be read.
    """
    table = VitalsTable(path)
    for person in table.of("").people or ("",):
        yield from _of(table.of(person))


def _of(read: VitalsFile) -> Iterator[Day]:
    windows = {kind: window for kind, window in read.windows.items() if len(window)}
    if not windows:
        return
    findings = scan_all(RULES, read.judged, zone=read.zone, days=days_of(read.judged, read.zone))
    first = min(moment(window.times[0]) for window in windows.values()).astimezone(read.zone).date()
    last = max(moment(window.times[-1]) for window in windows.values()).astimezone(read.zone).date()
    for number in range((last - first).days + 1):
        start = datetime.combine(first + number * _DAY, time.min, read.zone)
        end = datetime.combine(first + (number + 1) * _DAY, time.min, read.zone)
        parts = {kind: window.between(start, end) for kind, window in windows.items()}
        there = {kind: part for kind, part in parts.items() if len(part)}
        features = [one for part in there.values() for one in describe(part)]
        features += oxygen_features(there)
        found = tuple(finding for finding in findings if start <= finding.start < end)
        if features or found:
            yield Day(findings=found, features=tuple(features))
