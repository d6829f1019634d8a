"""`healthslm import` of a FHIR Bundle of our own: what is in it, what comes back, and what cannot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from healthslm.archive import Outcome, merge, sha256_of
from healthslm.cli import terminal
from healthslm.cli.imported import same, tell
from healthslm.cli.session import Session
from healthslm.clock import utc_now
from healthslm.importers import bundle
from healthslm.importers.bundle import Brought
from healthslm.text import many

_SHOWN = 10


def import_bundle(current: Session, file: Path, *, same_person: bool, check: bool, json: bool) -> None:
    """Read a Bundle into the store, or only say what is in it."""
    brought = bundle.read(file)
    if not json:
        _show(brought, current)
    outcome = None
    if not check:
        with file.open("rb") as opened:
            digest = sha256_of(opened)
        with current.store() as store:
            same(store, brought.name, brought.birth_date, file, said=same_person)
            outcome = merge(store, brought, utc_now(), file=str(file.resolve()), sha256=digest)
    if json:
        terminal.print_json(_row(brought, outcome))
    elif outcome is not None:
        tell(outcome)
    if check:
        terminal.say("It can be read. Nothing was stored.")


def _show(brought: Brought, current: Session) -> None:
    made = f", made {terminal.day_and_clock(brought.made_at, current.zone)}" if brought.made_at else ""
    terminal.say(f"A FHIR Bundle of {brought.name or 'somebody without a name'}{made}.")
    samples = sum(len(series.readings) for series in brought.series)
    terminal.say(
        f"In it: {many(len(brought.readings), 'single measurement')},"
        f" {many(samples, 'sample')} of series, {many(len(brought.notes), 'note')},"
        f" {many(len(brought.devices), 'device')}."
    )
    for what, count in brought.left.items():
        terminal.say(f"What does not come back: {count:,} {what}.")
    if brought.findings:
        terminal.say("Findings are not read in: the rules judge the readings anew. It had:")
        for start, title in brought.findings[:_SHOWN]:
            when = "" if start is None else f"{terminal.day_and_clock(start, current.zone)}  "
            terminal.say(f"  {when}{title}")
        if len(brought.findings) > _SHOWN:
            terminal.say(f"  and {len(brought.findings) - _SHOWN} more")
    if brought.thresholds:
        terminal.say("Thresholds stand in it in words only. To have them again: healthslm rules set")
        for line in brought.thresholds:
            terminal.say(f"  {line}")


def _row(brought: Brought, outcome: Outcome | None) -> dict[str, Any]:
    """What was in a Bundle and what became of it, as data."""
    row: dict[str, Any] = {
        "format": "bundle",
        "of": {"name": brought.name, "birth_date": brought.birth_date},
        "made_at": brought.made_at.isoformat() if brought.made_at else None,
        "in_it": {
            "readings": len(brought.readings),
            "samples": sum(len(series.readings) for series in brought.series),
            "notes": len(brought.notes),
            "devices": len(brought.devices),
        },
        "not_back": dict(brought.left),
        "findings": [
            {"start": start.isoformat() if start else None, "title": title}
            for start, title in brought.findings
        ],
        "thresholds": brought.thresholds,
    }
    if outcome is not None:
        row["became"] = {name: asdict(tally) for name, tally in outcome.tallies.items()}
    return row
