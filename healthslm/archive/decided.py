"""What the person of an archive decided: its settings, read before anything is taken in."""

from __future__ import annotations

from typing import Any

from healthslm.archive.carried import checked
from healthslm.archive.reading import OURS, Archive
from healthslm.archive.records import SettingRow
from healthslm.errors import ImportFailedError


def settings_in(archive: Archive) -> dict[str, Any]:
    """Return the settings that an archive has, each checked, by name.

    Raises `ImportFailedError` for what no archive of ours has.
    """
    found: dict[str, Any] = {}
    for row in archive.rows("settings.jsonl", SettingRow):
        if row.name in found:
            raise ImportFailedError(f"{archive.name} has the setting {row.name!r} twice.", OURS)
        found[row.name] = checked(row.name, row.value)
    person, of = found.get("person", {}), archive.manifest.of
    if (person.get("name", ""), person.get("birth_date", "")) != (of.name, of.birth_date):
        raise ImportFailedError(f"{archive.name} names one person, and in its settings another.", OURS)
    return found
