"""A whole day, every process traced: radio, store, rules, an alert, words, the phone's page, exports.

What a person would have nobody else know is planted in it, and looked for afterwards where it must not be.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from device import Event, Identity, LinkEvent, LinkState, Notification
from device.capture import capture
from device.gatt import HeartRateMeasurement, WeightMeasurement
from healthslm import settings
from healthslm.companion.server import certificates
from healthslm.errors import ModelError
from healthslm.readings import Device
from healthslm.slm import model
from healthslm.store import CHEAPEST, create, open_store
from tests.privacy import traced

PASSPHRASE = "throw-away passphrase of the day"
NAME, BORN, NOTE, DEVICE = (
    "Wilhelmina Quillfeather",
    "1931-02-27",
    "marmalade giddiness",
    "Grandpa's old cuff",
)
ODD_KG = 171.25
PLANTED = {
    "the name": NAME.encode(),
    "the birth date": BORN.encode(),
    "words of a note": NOTE.encode(),
    "a device's name": DEVICE.encode(),
    "a value, as text": b"171.25",
    "a value, as the store counts": struct.pack("<d", ODD_KG),
    "the passphrase": PASSPHRASE.encode(),
}
SCALE, STRAP, CUFF = "C0:FF:EE:00:00:11", "C0:FF:EE:00:00:12", "C0:FF:EE:00:00:13"
_LONGEST_S = 90.0


@dataclass
class Told:
    """What came to the hook: each request's headers and body."""

    port: int
    requests: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class Day:
    """What is left of the day: folders, traces by the role of what was started, what the hook was told."""

    home: Path
    around: Path
    traces: dict[str, list[Path]]
    hook: Told
    page: int
    said: dict[str, str]
    model: bool


@contextmanager
def hook() -> Iterator[Told]:
    """A webhook on this machine that takes everything."""
    told = Told(0)

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((str(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Takes)
    told.port = server.server_port
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield told
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class Sandbox:
    """Folders that everything is to write into, and commands that are traced."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder / "outside"  # what the person has, and asks for: files to read in, exports
        self.around = folder / "around"  # everything else that is written
        self.traces_in = folder / "traces"
        self.home = self.around / "data" / "healthslm"
        base = {"HOME": "", "TMPDIR": "tmp", "XDG_RUNTIME_DIR": "run"}
        places = base | {f"XDG_{name.upper()}_HOME": name for name in ("data", "cache", "state", "config")}
        for path in (self.outside, self.traces_in, *(self.around / name for name in places.values())):
            path.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        own = {name: str(self.around / place) for name, place in places.items()}
        self.environment = kept | own | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "TZ": "UTC"}
        self.traces: dict[str, list[Path]] = {}
        self.said: dict[str, str] = {}
        (self.outside / "passphrase").write_text(PASSPHRASE + "\n")

    def command(self, role: str, *arguments: str) -> list[str]:
        """Return a traced command of healthslm."""
        trace = self.traces_in / f"{role}-{len(self.traces.get(role, []))}"
        self.traces.setdefault(role, []).append(trace)
        opening = ["--passphrase-file", str(self.outside / "passphrase")]
        return traced.under_strace(trace, [sys.executable, "-m", "healthslm", *opening, *arguments])

    def run(self, role: str, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            self.command(role, *arguments),
            env=self.environment,
            cwd=self.around,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stderr)
        self.said[role] = done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def started(self, role: str, *arguments: str) -> Iterator[None]:
        """A command at work; at the end it is asked to stop, and must."""
        log = self.traces_in / f"{role}.said"
        with log.open("wb") as out:
            strace = subprocess.Popen(
                self.command(role, *arguments), env=self.environment, cwd=self.around, stdout=out, stderr=out
            )
            trace = self.traces[role][-1]
            until(lambda: trace.exists() and trace.read_text().partition(" ")[0].isdigit())
            first = int(trace.read_text().partition(" ")[0])
            try:
                yield
                os.kill(first, signal.SIGTERM)
                assert strace.wait(_LONGEST_S) == 0, log.read_text()
            finally:
                if strace.poll() is None:  # else what it traces would go on without it
                    os.kill(first, signal.SIGKILL)
                    strace.wait(_LONGEST_S)
        self.said[role] = log.read_text()


def until(holds: Callable[[], object]) -> None:
    """Wait for something to hold."""
    end = time.monotonic() + _LONGEST_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def live(folder: Path) -> Day:
    """Live the day in a folder."""
    box = Sandbox(folder)
    has_model = _set_up(box)
    with ExitStack() as stack:
        told = stack.enter_context(hook())
        with socket.create_server(("127.0.0.1", 0)) as free:
            page = free.getsockname()[1]
        box.run("command", "hooks", "add", "carer", f"http://127.0.0.1:{told.port}/alert")
        token = box.run("command", "companion", "token", "my dashboard").strip()
        box.run("replay", "run", "--replay", str(_recorded(box.outside / "day.jsonl")))
        box.run("command", "note", f"I feel {NOTE} since lunch")
        radio = box.outside / "radio"
        stack.enter_context(_wearables(box.outside / "cuff.toml", radio))
        with box.started("run", "run", "--virtual", str(radio)):
            until((box.home / "phone.sock").exists)
            with box.started("companion", "companion", "serve", "--host", "127.0.0.1", "--port", str(page)):
                _look(box, page, token)
                until(told.requests.__len__)
        box.run("command", "summary")
        box.run("export", "export", "clinician", "--out", str(box.outside / "page"), "--plain")
        box.run("export", "export", "archive", "--out", str(box.outside / "all"), "--plain")
        box.run("command", "backup", str(box.around / "stick.backup"))
    return Day(
        home=box.home,
        around=box.around,
        traces=box.traces,
        hook=told,
        page=page,
        said=box.said,
        model=has_model,
    )


def _set_up(box: Sandbox) -> bool:
    """Make the store as `healthslm init` does, which asks; say whether there is a model for its words."""
    folder = settings.load().model
    try:
        model.load(folder)
    except ModelError:
        folder = box.around / "no-model"
    made, _ = create(box.home, PASSPHRASE, profile=CHEAPEST)
    with made as store:
        store.put("person", {"name": NAME, "birth_date": BORN})
        store.put_device(Device(address=SCALE, name="scale"))
        store.put_device(Device(address=STRAP, name="strap"))
        store.put_device(Device(address=CUFF, name=DEVICE))
        store.commit()
    (box.home / "settings.toml").write_text(f'model = "{folder}"\ntimezone = "UTC"\n')
    return folder.name != "no-model"


def _recorded(path: Path) -> Path:
    """A day as the radio heard it, up to an hour ago: a pulse every five minutes, and a weight."""
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    first = last - timedelta(hours=23)
    events: list[Event] = [LinkEvent(first, one, LinkState.CONNECTED) for one in (STRAP, SCALE)]
    events.append(Identity(first, SCALE, name="scale"))
    for n in range(277):
        at = first + timedelta(minutes=5 * n)
        pulse = HeartRateMeasurement(heart_rate=58 + n % 40)
        events.append(Notification(at, STRAP, "2A37", bytes(pulse), n * 300 * 10**9))
    weight = WeightMeasurement(weight=ODD_KG)
    events.append(Notification(last, SCALE, "2A9D", bytes(weight), 277 * 300 * 10**9))

    async def write() -> None:
        async def stream() -> AsyncIterator[Event]:
            for event in events:
                yield event

        async with capture(path, stream()) as passed:
            async for _ in passed:
                pass

    asyncio.run(write())
    return path


@contextmanager
def _wearables(scenario: Path, radio: Path) -> Iterator[None]:
    """A cuff on a virtual radio, that measures a pressure which somebody should hear of."""
    scenario.write_text(
        f'[[wearable]]\nkind = "cuff"\naddress = "{CUFF}"\nevery = 2\n'
        "hold = { systolic = 193, diastolic = 104 }\n"
    )
    command = [sys.executable, "-m", "device.virtual", str(scenario), "--socket", str(radio)]
    with subprocess.Popen(command) as serving:
        try:
            until(radio.exists)
            yield
        finally:
            serving.terminate()


def _look(box: Sandbox, port: int, token: str) -> None:
    """What a phone does: looks, asks, writes a note, hands over what it heard, and takes the page away."""
    with open_store(box.home, PASSPHRASE) as store:
        until(lambda: store.get("companion authority", {}))
        trust = certificates(store, (), datetime.now(UTC), os.urandom).authority.pem.decode()
    with httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        verify=ssl.create_default_context(cadata=trust),
        headers={"Authorization": f"Bearer {token}"},
        timeout=_LONGEST_S,
    ) as phone:
        until(lambda: _reached(phone))
        assert phone.get("/api/v1/now").json()["listening"]["at_work"] is True
        asked = phone.post("/api/v1/questions", json={"text": "What was my highest heart rate yesterday?"})
        assert asked.status_code == 200, asked.text
        noted = phone.post("/api/v1/notes", json={"text": f"still {NOTE}", "age_s": 0})
        assert noted.status_code == 200, noted.text
        now = datetime.now(UTC)
        period = {"from": (now - timedelta(days=1)).isoformat(), "to": now.isoformat()}
        page = phone.get("/api/v1/export.pdf", params=period)
        assert page.content.startswith(b"%PDF"), page.text
        assert phone.post("/api/v1/radio", json=_heard()).status_code == 200


def _heard() -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    value = base64.urlsafe_b64encode(bytes(HeartRateMeasurement(heart_rate=77))).decode().rstrip("=")
    heard = [{"at": now, "characteristic": "2A37", "value": value}]
    return {"sent": now, "device": STRAP, "name": "strap", "heard": heard}


def _reached(phone: httpx.Client) -> bool:
    try:
        return phone.get("/api/v1/me").status_code == 200
    except httpx.ConnectError:
        return False


def payloads(told: Told) -> Sequence[dict[str, Any]]:
    """What the hook was told, read."""
    return [json.loads(body) for _, body in told.requests]
