"""Boards side by side, as a table in Markdown. Speeds of an emulated or busy one are in brackets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from healthslm.bench.board import Board, read
from healthslm.errors import UsageError

HEAD = (
    *("machine", "memory", "system", "tokens/s", "first token", "readings/s"),
    *("core", "model", "joules", "measured"),
)


def boards_in(paths: Iterable[Path]) -> list[Board]:
    """Read the boards in files, and in the files *.json of folders. Raises `UsageError`."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not found:
        raise UsageError(
            "There is no board to show.", "Name files or folders that `bench board --out` wrote."
        )
    return [read(path) for path in found]


def table(boards: Sequence[Board]) -> str:
    """Return the table: machines that are there first, emulated ones last, the least memory first."""
    ordered = sorted(boards, key=lambda one: (one.machine.emulated, one.machine.memory_mb, _name(one)))
    rows = [HEAD, ("---",) * 3 + ("---:",) * 6 + ("---",), *(tuple(_cells(one)) for one in ordered)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _name(one: Board) -> str:
    it = one.machine
    kind = "virtual machine" if it.virtual else "machine"
    named = it.name or f"{it.architecture} {kind}"
    cores = f"{it.cores} core{'' if it.cores == 1 else 's'}"
    cpu = f", {it.cpu}" if it.cpu and it.cpu not in named else ""
    return f"{named}, {cores}{cpu}{', **emulated**' if it.emulated else ''}"


def _cells(one: Board) -> Iterator[str]:
    f, it = one.figures, one.machine
    yield _name(one).replace("|", "/")
    yield f"{it.memory_mb / 1000:,.1f} GB" if it.memory_mb else "not known"
    yield f"{it.system}, Python {it.python}".replace("|", "/")
    yield _marked(one, f.decode_tokens_per_s, "{:,.0f}")
    yield _marked(one, f.first_token_s and f.first_token_s * 1000, "{:,.0f} ms")
    yield _marked(one, f.ingest_readings_per_s, "{:,.0f}")
    yield _shown(f.core_mb, "{:,.0f} MB")
    yield _shown(f.model_peak_mb, "{:,.0f} MB")
    yield _shown(f.model_joules, "{:,.1f} J")
    busy = f", busy (load {one.load:.1f})" if one.busy else ""
    yield f"{one.measured}, {one.versions.get('healthslm', '')}{busy}"


def _marked(one: Board, value: float | None, form: str) -> str:
    """Write a speed: in brackets where it is that of an emulated processor, or of a busy machine."""
    shown = _shown(value, form)
    return f"({shown})" if (one.machine.emulated or one.busy) and value is not None else shown


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
