"""Where alerts arrive: a web address on this machine and a named pipe, and the moment at which each came.

`python -m healthslm.bench.alerts_receiver PIPE` is that in a process of its own, so that receiving takes none
of our own turns; `receiving` starts it. It prints its address and then a line of JSON a payload.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from healthslm.errors import HealthslmError

SECRET = "only for a bench, " * 2  # what signs a webhook here


@dataclass(frozen=True, slots=True)
class Arrived:
    """One payload: `ns` on the machine's monotonic clock when all of it was there, and whose it is.

    `key` is the delivery's, empty where it came by the pipe; `also` are the alerts that were told with it.
    """

    ns: int
    hook: str
    alert: str
    key: str = ""
    also: tuple[str, ...] = ()


Took = Callable[[Arrived], None]


@contextmanager
def listening(took: Took, *, takes: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """Take what is posted to an address, which is yielded. `took` is called in another thread.

    While `takes` says no, whoever posts is told that the service is not available.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # who sent it was killed meanwhile
            if not takes():
                self._answer(503)
                return
            ns = time.monotonic_ns()
            said = json.loads(body)
            also = tuple(one["id"] for one in said.get("also", ()))
            took(Arrived(ns, "webhook", said["id"], self.headers.get("Idempotency-Key", ""), also))
            self._answer(204)

        def _answer(self, status: int) -> None:
            with suppress(OSError):  # the same, a moment later
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: what came is told by `took`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _piped(path: Path, took: Took) -> None:
    """Take the lines that come by a named pipe, for ever."""
    with os.fdopen(os.open(path, os.O_RDWR), "rb") as lines:  # also for writing: so it never ends
        for line in lines:
            took(Arrived(time.monotonic_ns(), "command", json.loads(line)["id"]))


def serve(path: Path) -> None:
    """Receive by both ways, and print what came, until standard input ends."""
    lock = threading.Lock()

    def told(line: str) -> None:
        with lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    threading.Thread(
        target=_piped, args=(path, lambda one: told(json.dumps(asdict(one)))), daemon=True
    ).start()
    with listening(lambda one: told(json.dumps(asdict(one)))) as url:
        told(url)
        sys.stdin.read()


@dataclass(slots=True)
class Receiver:
    """A receiver in another process. `came` is what arrived, by hook and alert: when first, in ns."""

    url: str
    pipe: Path
    came: dict[tuple[str, str], int] = field(default_factory=dict)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Start a receiver. Raises `HealthslmError` when it does not begin."""
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        pipe = Path(folder) / "alerts"
        os.mkfifo(pipe)
        command = [sys.executable, "-m", __name__, str(pipe)]
        with subprocess.Popen(  # noqa: S603  ourselves
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            said, hear = process.stdout, process.stdin
            url = said.readline().strip() if said is not None else ""
            if said is None or hear is None or not url:
                raise HealthslmError("The receiver's process did not begin.", "See what it said.")
            receiver = Receiver(url, pipe)

            def read() -> None:
                for line in said:
                    one = Arrived(**json.loads(line))
                    receiver.came.setdefault((one.hook, one.alert), one.ns)

            thread = threading.Thread(target=read, daemon=True)
            thread.start()
            try:
                yield receiver
            finally:
                hear.close()
                thread.join()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
