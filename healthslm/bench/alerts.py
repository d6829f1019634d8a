"""Alerts: how soon they are told, what is lost when a process dies, what they cost, how true they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from healthslm.bench import alerts_cost, alerts_events, alerts_healthy, alerts_kills, alerts_latency
from healthslm.bench.rows import Row

NO_DATA = "false alarms and events are measured on recordings: name their folder with --data."


def run(
    model: Path,
    data: Path | None = None,
    *,
    repeat: int = 3,
    alerts: int = 10_000,
    kills: int = 200,
    progress: Callable[[str], None] = lambda _what: None,
) -> list[Row]:
    """Measure everything and return the table's rows.

    `model` is a built model's folder: without one it is measured without. `data` is a folder of recordings
    (docs/alerts.md says which): without one how true alerts are is left out. The process that raises so many
    `alerts` is killed `kills` times. Raises `UsageError` when nobody is in the folder.
    """
    groups = [] if data is None else alerts_healthy.groups(data)
    rows = alerts_latency.run(model, repeat, progress=progress)
    rows += alerts_kills.rows(alerts_kills.kill(alerts, kills, progress=progress))
    progress("what deciding costs")
    rows += alerts_cost.run(repeat)
    if data is not None:
        rows += alerts_healthy.run(groups, progress)
        rows += alerts_events.run(data, groups, progress)
    return rows
