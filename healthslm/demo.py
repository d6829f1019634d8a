"""A day with four virtual wearables, from the radio to the clinician's page. `make demo` runs it.

Everything but the wearables is the real thing: bleak, the encrypted store, the rules, the hooks, the model.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import shlex
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from device import Identity, LinkEvent, LinkState, Notification, scan, watch
from device.virtual import Day, SimulatedClock, VirtualRadio, Worn, play, rhythm_from_csv
from healthslm import as_json
from healthslm.alerts import Hook, parse_hooks
from healthslm.alerts.hooks import sign
from healthslm.alerts.process import CourierProcess
from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.collector import Tally, Update
from healthslm.errors import HealthslmError, UsageError
from healthslm.export import write
from healthslm.pipeline import ask, collect, origins, review
from healthslm.readings import KINDS, Kind, Quality, Reading, Review
from healthslm.slm import Audience, Model
from healthslm.store import Store, create

PASSPHRASE = "only for the demo"  # noqa: S105  the demo's store holds a day that nobody lived
SECRET = "the demo's webhook secret"  # noqa: S105  likewise
QUESTION = "What was my highest temperature yesterday?"
_MARK = ".healthslm-demo"
_SHOWN = (Kind.HEART_RATE, Kind.SPO2, Kind.TEMPERATURE, Kind.SYSTOLIC, Kind.DIASTOLIC)


@dataclass(slots=True)
class Screen:
    """What the live table shows; filled by the events as they come."""

    zone: ZoneInfo
    names: dict[str, str]
    now: datetime
    links: dict[str, str] = field(default_factory=dict)
    latest: dict[Kind, Reading] = field(default_factory=dict)
    lines: list[Text] = field(default_factory=list)
    notifications: int = 0
    readings: int = 0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    raised_ns: dict[str, int] = field(default_factory=dict)
    over: bool = False
    """The day is over: everything that happened is shown, not only the latest."""

    def take(self, update: Update) -> None:
        """Note what came of one event."""
        event = update.event
        self.readings += len(update.stored)  # the battery level comes with an identity
        for reading in update.stored:
            self.latest[reading.kind] = reading
        since = event.monotonic_ns if isinstance(event, Notification) else time.monotonic_ns()
        for alert in update.alerts:  # also of no event: what a rule says after a while
            self.raised_ns[alert.id] = since
            self._say(alert.last_seen, alert.finding.title, terminal.SEVERITY_STYLE[alert.severity])
        if isinstance(event, Notification):
            self.notifications += 1
        elif isinstance(event, LinkEvent):
            before = self.links.get(event.device)
            self.links[event.device] = event.state
            if event.state is LinkState.LOST:
                self._say(event.at, f"{self.names[event.device]}: link lost", "magenta")
            elif event.state is LinkState.CONNECTED and before is not None and self.notifications:
                self._say(event.at, f"{self.names[event.device]} is back", "magenta")
        elif isinstance(event, Identity):
            self.names[event.device] = event.name or event.device

    def delivered(self, alert_id: str, hook: str) -> None:
        """Note that a hook took an alert, and how long after the notification that was."""
        milliseconds = (time.monotonic_ns() - self.raised_ns[alert_id]) / 1e6
        self.latencies.setdefault(hook, []).append(milliseconds)
        self.lines.append(Text(f"       → {hook} after {milliseconds:.0f} ms", "dim"))

    def _say(self, at: datetime, what: str, style: str) -> None:
        self.lines.append(Text.assemble((f"{terminal.clock(at, self.zone)}  ", "dim"), (what, style)))

    def __rich__(self) -> Panel:
        left = Table.grid(padding=(0, 2))
        for _ in range(3):
            left.add_column(no_wrap=True)
        for kind in _SHOWN:
            reading = self.latest.get(kind)
            info = KINDS[kind]
            value = "–" if reading is None else f"{reading.value:.{info.decimals}f} {info.unit}"
            poor = reading is not None and reading.quality & Quality.NO_CONTACT
            age = "" if reading is None else terminal.clock(reading.time, self.zone)
            left.add_row(info.title, Text("no contact" if poor else value, "yellow" if poor else "bold"), age)
        left.add_row("")
        for address, name in self.names.items():
            left.add_row(name, self.links.get(address, "–"), "")
        grid = Table.grid(padding=(0, 4), expand=True)
        grid.add_column(ratio=5)
        grid.add_column(ratio=4)
        grid.add_row(left, Group(*(self.lines if self.over else self.lines[-14:])))
        head = f"{self.now.astimezone(self.zone):%A %H:%M} · {self.readings:,} readings stored"
        return Panel(grid, title=head, title_align="left", height=None if self.over else 18)


class _Receiver(HTTPServer):
    """A small webhook receiver on loopback: checks the signature and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, object]] = []
        self.bad = 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        wanted = sign(SECRET, self.headers.get("X-Healthslm-Timestamp", ""), body)
        good = hmac.compare_digest(self.headers.get("X-Healthslm-Signature", "").encode(), wanted.encode())
        if isinstance(self.server, _Receiver):
            if good:
                self.server.got.append(json.loads(body))
            else:
                self.server.bad += 1
        self.send_response(204 if good else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the demo prints what arrived."""


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    server = _Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def prepare(folder: Path) -> Path:
    """Empty the output folder of the last demo; refuse one that is not ours."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(f"{folder} holds something that is not a demo's output.", "Name another with --out.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    (folder / _MARK).touch()
    (folder / "alerts.jsonl").touch(mode=0o600)  # before the hook appends to it
    return folder


def _typed() -> str:
    """Return the command as the person can type it again: relative when it lies below this folder."""
    command = Path(sys.argv[0])
    if command.name != "healthslm":
        return "healthslm"
    return str(command.relative_to(Path.cwd())) if command.is_relative_to(Path.cwd()) else str(command)


def run(
    rhythm: Path,
    out: Path,
    *,
    seconds: float,
    zone: ZoneInfo,
    today: datetime,
    writer: Model | None,
    console: Console,
    json_out: bool = False,
) -> Review:
    """Play the day and show everything; returns the day's review.

    `seconds` is the least time that the day takes, `today` its midnight; it lies in the past, so that
    everything made of it is made after it. Raises `HealthslmError` when a signature is bad or the
    store is readable without its key.
    """
    began = time.monotonic()
    beats = rhythm_from_csv(rhythm)
    prepare(out)
    day = Day(midnight=today, rhythm=beats)
    store, _words = create(out / "store", PASSPHRASE)
    with store, _receiver() as receiver:
        store.put("person", {"name": "Demo person", "birth_date": ""})
        hooks = _hooks(out, receiver)
        console.print(Rule("1 · A day with four wearables", align="left"))
        screen, tally = asyncio.run(_live(day, store, hooks, zone, seconds, console))
        _show_day(screen, tally, receiver, console)
        console.print(Rule("2 · The store is encrypted", align="left"))
        _show_store(store, console)
        result = _show_review(store, day, zone, writer, out, console, json_out)
    key = os.open(out / "passphrase.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(key, "w", encoding="utf-8") as file:
        file.write(PASSPHRASE + "\n")
    words = [_typed(), "--home", f"{out}/store", "--passphrase-file", f"{out}/passphrase.txt", "summary"]
    console.print(f"\n  Look further:  {shlex.join(words)}", markup=False, soft_wrap=True)
    console.print(f"  The whole way took {time.monotonic() - began:.0f} s.")
    console.print(f"\n[dim]{terminal.DISCLAIMER}[/]")
    return result


def _hooks(out: Path, receiver: _Receiver) -> list[Hook]:
    """A command that appends each alert to a file, and a webhook to the demo's own receiver."""
    address = f"http://127.0.0.1:{receiver.server_port}/alert"
    return parse_hooks(
        [
            {
                "kind": "command",
                "name": "command",
                "argv": ["tee", "-a", f"{out}/alerts.jsonl"],
                "tell": "full",
            },
            {"kind": "webhook", "name": "webhook", "url": address, "secret": SECRET, "tell": "title"},
        ]
    )


async def _live(
    day: Day, store: Store, hooks: list[Hook], zone: ZoneInfo, seconds: float, console: Console
) -> tuple[Screen, Tally]:
    """Find the wearables over the virtual radio, listen to them for the day, and show it."""
    clock = SimulatedClock(day.midnight)
    async with VirtualRadio() as air:
        worn = await Worn.put_on(air)
        found = await scan(0.3, radio=air.radio)
        for one in found:
            console.print(f"  found {one.name:20} {one.address}  {', '.join(one.services)}")
        screen = Screen(zone=zone, names={f.address: f.name for f in found}, now=day.midnight)
        stop = asyncio.Event()
        with Live(screen, console=console, refresh_per_second=8, transient=False):
            async with (
                CourierProcess() as courier,
                watch(worn.addresses, clock=clock, radio=air.radio) as events,
            ):
                await courier.warm(hooks)
                collecting = asyncio.create_task(
                    collect(events, store, zone=zone, hooks=hooks, carry=courier.call, clock=clock,
                            observe=screen.take, delivered=screen.delivered, stop=stop)
                )  # fmt: skip
                try:
                    await play(
                        day, worn, clock, received=lambda: screen.notifications, seconds=seconds,
                        progress=lambda now: setattr(screen, "now", now),
                    )  # fmt: skip
                finally:
                    stop.set()
                    tally = await collecting
                    screen.over = True
    if not console.is_terminal:
        console.line()  # elsewhere the live table does not end its last line
    return screen, tally


def _show_day(screen: Screen, tally: Tally, receiver: _Receiver, console: Console) -> None:
    console.print(
        f"  {tally.notifications:,} notifications over bleak: {tally.stored:,} readings stored, "
        f"{tally.duplicates} duplicates, {tally.refused} refused, {tally.dropped} lost unread."
    )
    for hook, milliseconds in screen.latencies.items():
        ordered = sorted(milliseconds)
        console.print(
            f"  {hook}: {len(ordered)} alerts; from notification to hook "
            f"{ordered[len(ordered) // 2]:.0f} ms in the middle, {ordered[-1]:.0f} ms at most."
        )
    told = len(screen.latencies.get("webhook", ()))
    if receiver.bad or len(receiver.got) != told:
        raise HealthslmError(
            f"The webhook took {told} alerts, its receiver {len(receiver.got)} good signatures "
            f"and {receiver.bad} bad ones.",
            "This must not happen; please report it.",
        )
    console.print(f"  The webhook's receiver checked {told} signatures, all good.\n")


def _show_store(store: Store, console: Console) -> None:
    store.commit()
    file = store.folder / "store.db"
    head = file.read_bytes()[:48]
    console.print(f"  The first bytes of {file}:", markup=False, soft_wrap=True)
    for at in range(0, len(head), 16):
        console.print(f"    {head[at : at + 16].hex(' ')}", style="dim", markup=False)
    try:
        with sqlite3.connect(file) as plain:
            plain.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        console.print(f"  plain sqlite3 says: {error}\n", markup=False)
        return
    raise HealthslmError(f"Plain sqlite3 opened {file}.", "This must not happen; please report it.")


def _show_review(
    store: Store, day: Day, zone: ZoneInfo, writer: Model | None, out: Path, console: Console, json_out: bool
) -> Review:
    start, end = day.midnight, day.midnight + timedelta(days=1)
    console.print(Rule("3 · The day in words", align="left"))
    began = time.monotonic()
    with console.status("The model reads the day's facts and writes…"):
        result = review(
            store, start, end, zone=zone, made_at=utc_now(), writer=writer,
            audiences=(Audience.WEARER, Audience.CLINICIAN),
        )  # fmt: skip
    took = time.monotonic() - began
    assert result.summary is not None  # noqa: S101  the audience was asked for
    console.print(terminal.findings_list(result.findings, zone))
    console.print(
        terminal.summary_panel(result.summary, "For the wearer", zone, origins(store, result.summary))
    )
    console.print(f"  Two texts (wearer and clinician) in {took:.1f} s.\n", style="dim")
    console.print(Rule("4 · A question", align="left"))
    answered = ask(store, QUESTION, now=utc_now(), zone=zone, writer=writer)
    console.print(terminal.summary_panel(answered.answer, QUESTION, zone, origins(store, answered.answer)))
    if json_out:
        terminal.print_json(as_json.summary(result.summary))
    console.print(Rule("5 · For the clinician, and where things are", align="left"))
    paths = write(result, out, ("pdf", "fhir"))
    for path in (*paths, out / "alerts.jsonl", out / "store"):
        console.print(f"  {path}", markup=False, soft_wrap=True)
    return result
