"""How things look in a terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from healthslm.export import words
from healthslm.readings import Claim, Device, Feature, Finding, Severity, Summary
from healthslm.rules.alone import UNCONFIRMED
from healthslm.store import ids
from healthslm.text import many


class _Aside(Console):
    """Standard error: when nobody reads it any more, the command's work goes on unheard."""

    def on_broken_pipe(self) -> None:
        """Say nothing more; Rich would end the process."""
        self.quiet = True


# No emoji: `:cd:` in a fingerprint, a path or a token is no picture of a disc.
out = Console(highlight=False, soft_wrap=False, emoji=False)
err = _Aside(stderr=True, highlight=False, emoji=False)

SEVERITY_STYLE = {
    Severity.INFO: "dim",
    Severity.WATCH: "yellow",
    Severity.URGENT: "bold red",
    Severity.EMERGENCY: "bold white on red",
}
DISCLAIMER = "Not a medical device. A finding is a prompt to act, not a diagnosis."


def printable(text: str) -> str:
    """Return foreign text without what would steer the terminal; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def cell(text: str, style: str = "") -> Text:
    """Make a table's cell of foreign text: no markup in it is obeyed."""
    return Text(printable(text), style)


def say(text: str, style: str = "") -> None:
    """Print on standard error, as it stands: foreign text is in it, and no markup in it is obeyed."""
    err.print(cell(text, style), soft_wrap=True)


def size(count: int) -> str:
    """Write how large something is, so that a small one is not 0.0 MB."""
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"


def table_of(*columns: str, whole: int = 0) -> Table:
    """Make a table whose first column, `whole` wide, is never cut; the others fold in a narrow terminal."""
    table = Table()
    for index, name in enumerate(columns):
        if index == 0 and whole:
            table.add_column(name, no_wrap=True, min_width=whole)
        else:
            table.add_column(name, overflow="fold")
    return table


def print_json(value: object) -> None:
    """Print one JSON document on standard output, escaped where that cannot carry every letter."""
    sys.stdout.write(_json(value, indent=2) + "\n")


def _json(value: object, *, indent: int | None = None) -> str:
    """Write JSON in which nothing steers a terminal: JSON itself escapes only the first 32 characters."""
    carries_all = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, ensure_ascii=not carries_all, indent=indent)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def print_line(value: object) -> None:
    """Print one JSON document as one line, at once: whoever reads answers to lines waits for it."""
    sys.stdout.write(_json(value) + "\n")
    sys.stdout.flush()


def clock(time: datetime, zone: ZoneInfo) -> str:
    """Write a time as the person's wall clock shows it."""
    return f"{time.astimezone(zone):%H:%M}"


def day_and_clock(time: datetime, zone: ZoneInfo) -> str:
    """Write a date and time as the person's wall clock shows them."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M}"


@contextmanager
def progress(*, in_bytes: bool = True) -> Iterator[Callable[[str, int, int], None]]:
    """Show one bar a step, fed by `update(step, done, total)`, in bytes or in things that are counted."""
    amount = DownloadColumn() if in_bytes else MofNCompleteColumn()
    with Progress(
        TextColumn("{task.description:32}"), BarColumn(), amount, TimeRemainingColumn(), console=err
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield update


def evidence_line(feature: Feature, zone: ZoneInfo, devices: dict[int, Device]) -> str:
    """Say where a number comes from: which computation, over which readings, of which device."""
    start, end = feature.start.astimezone(zone), feature.end.astimezone(zone)
    if feature.at:
        when = f"at {clock(feature.at, zone)}"
    elif end - start >= timedelta(days=1):
        last = (end - timedelta(microseconds=1)).date()
        when = "all day" if last == start.date() else f"{start:%d %b} to {last:%d %b}"
    else:
        when = f"{clock(start, zone)}–{clock(end, zone)}"
    named = "…".join(f"#{ids.name(i)}" for i in feature.readings)
    over = (
        f": {many(feature.count, 'reading') if len(feature.readings) > 1 else 'reading'} {named}"
        if named
        else ""
    )
    device = devices.get(feature.readings[0]) if feature.readings else None
    whose = f", {device.name or device.address}" if device else ""
    return f"{words.title(feature)} {words.value(feature)} {when}{over}{whose}"


def summary_panel(summary: Summary, title: str, zone: ZoneInfo, devices: dict[int, Device]) -> Panel:
    """Show a summary with a number at each number, and below where each comes from."""
    text = Text()
    notes: list[Feature] = []
    for number, sentence in enumerate(summary.sentences):
        if number:
            text.append("\n" if sentence.claims else " ")
        _append_sentence(text, printable(sentence.text), sentence.claims, notes)
    lines = Table.grid(padding=(0, 1))
    for index, feature in enumerate(notes, start=1):
        lines.add_row(Text(f"{index:>2}", "cyan"), Text(evidence_line(feature, zone, devices), "dim"))
    written = sum(s.origin == "model" for s in summary.sentences)
    parts: list[Text | Table | str] = [text]
    if notes:
        parts += ["", lines]
    if notes and summary.model_id:
        by = f"{written} of {len(summary.sentences)} sentences are the model's own, the rest the template's."
        parts += ["", Text(by, "italic dim")]
    return Panel(Group(*parts), title=cell(title), title_align="left", padding=(1, 2))


def _append_sentence(text: Text, sentence: str, claims: tuple[Claim, ...], notes: list[Feature]) -> None:
    at = 0
    for claim in sorted(claims, key=lambda c: c.start):
        if claim.feature not in notes:
            notes.append(claim.feature)
        text.append(sentence[at : claim.start])
        text.append(sentence[claim.start : claim.end], "bold")
        text.append(f"[{notes.index(claim.feature) + 1}]", "cyan")
        at = claim.end
    text.append(sentence[at:])


def _when(finding: Finding, zone: ZoneInfo) -> str:
    """Say from when to when, each with its date."""
    start, end = finding.start.astimezone(zone), finding.end.astimezone(zone)
    since = f"{start:%A} {day_and_clock(start, zone)}"
    if UNCONFIRMED in finding.missing:
        return f"{since}, {UNCONFIRMED}"
    if finding.ongoing:
        return f"{since}, still so at the last reading"
    if end - start < timedelta(minutes=1):
        return f"was on {since}"
    until = clock(end, zone) if end.date() == start.date() else f"{end:%A} {day_and_clock(end, zone)}"
    return f"was on {since} until {until}"


def findings_list(findings: Sequence[Finding], zone: ZoneInfo) -> Table:
    """List findings: what, since when, on which numbers, and what to do next."""
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(width=9)
    table.add_column(overflow="fold")
    for finding in findings:
        since = f", {_when(finding, zone)}\n"
        numbers = ", ".join(f"{words.title(f)} {words.value(f)}" for f in finding.evidence)
        about = Text.assemble(
            (printable(finding.title), "bold"),
            since,
            (f"{numbers}\n", "dim"),
            f"{finding.action}\n",
            (finding.id, "dim"),
        )
        table.add_row(Text(finding.severity.word, SEVERITY_STYLE[finding.severity]), about)
        table.add_row("", "")
    return table


def fields_of(measurement: object) -> dict[str, object]:
    """Write a decoded measurement as JSON data: a value that is no number by its name, flags by theirs."""
    return {f.name: _plain(getattr(measurement, f.name)) for f in dataclasses.fields(measurement)}  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return fields_of(value)
    if isinstance(value, enum.Flag):
        return [member.name.lower() for member in value if member.name]
    if isinstance(value, enum.IntEnum):
        return value.name.lower()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.hex()
    return value
