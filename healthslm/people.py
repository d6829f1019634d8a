"""The people of a household: one store each, in a folder of its own, under a label.

```
HOME/                    the household; the store of the `first` person lies here, as a single one did
HOME/settings.toml       for everybody
HOME/people.json         who is meant when nobody is named
HOME/people/LABEL/       the store of each further person
```

The labels can be read by anybody who can look into the folder, so they say as little as was chosen: `b` will
do. Names are kept inside the stores. Each store has a key of its own, and no code opens two at once but that
of `healthslm run`, which gives each what comes from the devices on its own list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from healthslm.errors import UsageError
from healthslm.store import exists, files

FIRST = "first"
"""The label of the one whose store lies in the household's folder itself."""
_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CURRENT = "people.json"
_MAX_BYTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the household: the label, and the folder of the store."""

    label: str
    folder: Path


def folder_of(household: Path, label: str) -> Path:
    """Return where the store of somebody is, or would be. Raises `UsageError` for what is no label."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{label!r} is no label for a person.",
            "Take up to 32 small letters, digits, - and _; it need not be a name.",
        )
    return household if label == FIRST else household / "people" / label


def members(household: Path) -> list[Member]:
    """Return everybody who has a store here: the first, then the others in the order of their labels."""
    found = [Member(label=FIRST, folder=household)] if exists(household) else []
    try:
        folders = sorted((household / "people").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return found
    except OSError as error:
        raise UsageError(
            f"{household / 'people'} cannot be read: {error.strerror}.", "See that it belongs to you."
        ) from error
    others = (Member(label=f.name, folder=f) for f in folders if _LABEL.fullmatch(f.name))
    return found + [member for member in others if member.label != FIRST and exists(member.folder)]


def current(household: Path) -> str:
    """Return the label of who is meant when nobody is named: the first, unless it was switched."""
    path = household / _CURRENT
    if not path.exists():
        return FIRST
    try:
        said = json.loads(files.read_bounded(path, _MAX_BYTES))
        label = said["current"] if isinstance(said, dict) else None
    except (ValueError, KeyError, RecursionError):
        label = None
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise UsageError(f"{path} does not say who is meant.", "Delete it; then it is the first.")
    return label


def switch(household: Path, label: str) -> Member:
    """Mean this person from now on when nobody is named. Raises `UsageError` for somebody unknown."""
    folder_of(household, label)
    there = members(household)
    for member in there:
        if member.label == label:
            files.write_private(household / _CURRENT, (json.dumps({"current": label}) + "\n").encode())
            return member
    raise UsageError(
        f"There is no store of {label} in {household}.",
        f"There are: {', '.join(m.label for m in there) or 'none yet'}. Next: healthslm people add {label}",
    )
