"""What the settings of an archive come to, in sentences: nobody takes over unseen how they are warned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from healthslm import rulebook
from healthslm.alerts.policy import Policy
from healthslm.alerts.policy_meaning import meaning
from healthslm.archive import Archive
from healthslm.archive.carried import CARRIED
from healthslm.archive.records import ForgottenRow
from healthslm.cli import terminal
from healthslm.cli.keeping import kept
from healthslm.export import words
from healthslm.readings import KINDS
from healthslm.rules.pressure_categories import guideline_named
from healthslm.store import retention
from healthslm.store.rows import moment
from healthslm.text import clean


def sentences(settings: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> Iterator[str]:
    """Yield what would be otherwise than usual with these settings of an archive."""
    for rule in rulebook.having(CARRIED["thresholds"].validate_python(settings.get("thresholds", []))):
        for one in rule.thresholds:
            if one.personal:
                yield clean(f"{rule.title}: {words.signed(one, zone)}", 400)
    if "pressure guideline" in settings:
        guideline = guideline_named(settings["pressure guideline"])
        yield f"Blood pressure is put into the categories of {guideline.title}."
    usual = set(meaning(Policy()))
    policy = Policy.model_validate(settings.get("alert policy", {}))
    yield from (clean(one, 400) for one in meaning(policy) if one not in usual)
    snoozed = settings.get("alerts snoozed")
    if snoozed and (until := datetime.fromisoformat(snoozed["until"])) > now:
        clock = terminal.day_and_clock(until, zone)
        yield f"Nobody is told of anything but spared emergencies until {clock}."
    for name, days in retention.Policy.model_validate(settings.get(retention.SETTING, {})).days.items():
        yield f"From then on {kept(name, days)}{'' if days is None else ', and deleted after'}."


def gone(archive: Archive, zone: ZoneInfo) -> Iterator[str]:
    """Yield what was deleted for its age there: what is older comes in here no more, from devices neither."""
    for row in archive.rows("forgotten.jsonl", ForgottenRow):
        day = f"{moment(row.before_us).astimezone(zone):%Y-%m-%d}"
        yield f"{KINDS[row.kind].title} from before {day} was deleted there, and is taken in here no more."
