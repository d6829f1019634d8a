"""Questions with the call that each should become, and notes with their level: read from a file, or our own.

A file has a JSON object a line: `question`, `now` (ISO, with its offset), `tool`, `arguments`; or `text`,
`lowest`, `highest`. Without a file they are those of the voices that nothing was learned from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.errors import UsageError
from healthslm.slm import plan
from healthslm.slm.jobs import LEVELS
from healthslm.voices import Asked, Noted, held_out

ZONE = ZoneInfo("UTC")
_ASKED_AT = time(15, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question asked at `now`, and the call it should become; periods as `start` and `end`."""

    text: str
    now: datetime
    tool: str
    arguments: Mapping[str, Any]


def questions(path: Path | None) -> list[Question]:
    """Read questions. Raises `UsageError` naming the file and the line that cannot be read."""
    if path is None:
        return [_own(one) for one in held_out()[0]]
    return [
        Question(
            text=str(row["question"]),
            now=datetime.fromisoformat(row["now"]),
            tool=str(row["tool"]),
            arguments=row.get("arguments") or {},
        )
        for row in _rows(path, ("question", "now", "tool"))
    ]


def notes(path: Path | None) -> list[Noted]:
    """Read notes. Raises `UsageError` naming the file and the line that cannot be read."""
    if path is None:
        return held_out()[1]
    return [
        Noted(voice="", text=str(row["text"]), lowest=row["lowest"], highest=row["highest"])
        for row in _rows(path, ("text", "lowest", "highest"))
    ]


def _own(asked: Asked) -> Question:
    now = datetime.combine(asked.today, _ASKED_AT, UTC)
    call = plan.read(asked.line, now, ZONE)
    return Question(text=asked.text, now=now, tool=call.tool, arguments=call.arguments)


def numbered(path: Path) -> list[tuple[int, str]]:
    """Read the lines of a file that hold something, with their numbers. Raises `UsageError` naming it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {why}.", "Give a file of JSON lines.") from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    found = []
    for number, line in numbered(path):
        try:
            row = json.loads(line)
            missing = [name for name in needed if name not in row]
            wrong = [row[n] for n in ("lowest", "highest") if n in needed and row.get(n) not in LEVELS]
            if "now" in needed and not missing:
                datetime.fromisoformat(row["now"])
        except (ValueError, TypeError) as error:
            raise UsageError(f"{path}, line {number}: {error}.", "Mend or delete the line.") from error
        if missing or wrong:
            what = f"no {', no '.join(missing)}" if missing else f"{wrong[0]!r} is no level"
            raise UsageError(f"{path}, line {number}: {what}.", f"It needs {', '.join(needed)}.")
        found.append(row)
    if not found:
        raise UsageError(f"{path} holds nothing to measure on.", f"Each line needs {', '.join(needed)}.")
    return found


def same(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Say whether two calls' arguments are the same: periods to the minute, bounds within half a unit."""
    names = {name for call in (wanted, got) for name, value in call.items() if value is not None}
    names -= {"why"}
    return all(_alike(wanted.get(name), got.get(name)) for name in names)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(
            abs((datetime.fromisoformat(one[end]) - datetime.fromisoformat(other[end])).total_seconds()) <= 60
            for end in ("start", "end")
        )
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= max(0.5, 0.005 * abs(one))
    return bool(one == other)


def share(found: Sequence[bool]) -> float | None:
    """Return how many are true, in percent; `None` of nothing."""
    return 100 * sum(found) / len(found) if found else None


def classical() -> ModuleType:
    """Return the classical program's module. Raises `UsageError` where scikit-learn is not installed."""
    try:
        return import_module("healthslm.evaluation.classical")
    except ImportError as error:
        raise UsageError(
            f"The classical program needs the package {error.name}.",
            "Install it with: pip install 'healthslm[train]'; or leave it out: --no-classical",
        ) from error
