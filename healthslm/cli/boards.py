"""`healthslm bench board`: this machine as one JSON document, and several of them as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from healthslm.bench import board, board_table
from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.errors import UsageError


def measure(
    model: Path, out: Path | None, *, runs: int, emulated: bool, progress: Callable[[str], None]
) -> None:
    """Measure this machine; print the document, or write it to the new file `out`. Raises `UsageError`."""
    if out is not None and out.exists():
        raise UsageError(f"{out} is already there.", "Name a new file for this board.")
    found = board.measure(model, now=utc_now(), runs=runs, emulated=emulated, progress=progress)
    if found.machine.emulated:
        terminal.say("This processor is emulated: its speeds say nothing of a real one.", "yellow")
    if found.busy:
        terminal.say(f"Other programs are at work (load {found.load:.1f}): speeds are too low.", "yellow")
    for what, why in found.missing.items():
        terminal.say(f"Not measured: {what}. {why}", "yellow")
    if out is None:
        terminal.print_json(found.model_dump(mode="json"))
        return
    try:
        out.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.", "Name another file.") from error
    terminal.say(f"{out} is written. Beside others: healthslm bench board --table {out.parent}")


def show(paths: Sequence[Path]) -> None:
    """Print boards as a table in Markdown."""
    terminal.out.print(board_table.table(board_table.boards_in(paths)), markup=False, soft_wrap=True)
