"""Runs the model in a process of its own, and keeps it to time limits.

The process gets a model folder and facts, nothing else: not the parent's environment, files or sockets. It is
started when words are first wanted, ends when none were wanted for some minutes, and is started again after
that, or after it died or hung.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pydantic import TypeAdapter, ValidationError

from healthslm.board import available
from healthslm.errors import ModelError
from healthslm.slm import memory, model
from healthslm.slm.letters import printable
from healthslm.slm.protocol import Answered, Line, Measure, Messages, Request, Weigh, Write, told

_ANSWER = TypeAdapter(Answered)
_LONGEST_LINE = 1 << 20
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
_SPARING = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072", "OPENBLAS_NUM_THREADS": "1"}
"""What is freed goes back to the system at once (glibc's mallopt): 8 MB less, as fast. numpy starts
no threads, which it does not need here: a fence would not reach those that are there before it."""
_SILENT = {"ORT_DISABLE_TELEMETRY": "1"}
"""onnxruntime's libraries otherwise keep a database of what they would tell their maker, in ~/.cache."""
_SAMPLING = 0.7
"""Temperature of a second attempt; the first takes the likeliest token each time."""


class ModelProcess:
    """The model's process, as a context manager and as a `Model`.

    It ends by itself after `idle_s` without use, in which it would only hold memory.

    Raises `ModelError` at once when `folder` holds no built model, and later when the process cannot start
    within `start_s`, does not answer within `answer_s`, or dies. The next use starts a new one.
    `strict`: it does not start where the kernel cannot fence it. `command` is for tests: what to run instead;
    `free` says how many bytes of memory there are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 2,
        start_s: float = 60.0,
        answer_s: float = 30.0,
        idle_s: float = 300.0,
        strict: bool = False,
        command: Sequence[str] | None = None,
        free: Callable[[], int | None] = available,
    ) -> None:
        manifest = model.trusted(folder)
        self.model_id = manifest.model_id
        self.tuned = manifest.adapter_sha256 is not None
        self.start_s, self.answer_s, self.idle_s = start_s, answer_s, idle_s
        self._free = free
        worker = (
            sys.executable,
            "-m",
            "healthslm.slm.worker",
            str(folder.resolve()),
            "--threads",
            str(threads),
            "--name",
            self.model_id,
            *(("--strict",) if strict else ()),
        )
        self._command = tuple(command) if command is not None else worker
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._buffer = b""
        self._lock = threading.Lock()
        self._used = 0.0
        self._watch: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, messages: Messages, *, numbers: Sequence[str] | None, attempt: int = 0) -> str:
        """Write the assistant's next turn. The first attempt is the likeliest one, later ones are drawn."""
        return self.draft(messages, numbers=numbers, attempt=attempt).text

    def draft(
        self,
        messages: Messages,
        *,
        numbers: Sequence[str] | None,
        attempt: int = 0,
        max_tokens: int = 64,
        guessing: bool = True,
    ) -> Answered:
        """Write the assistant's next turn, and return also what it took."""
        return self._ask(
            lambda: Write(
                messages=messages,
                numbers=None if numbers is None else sorted(set(numbers)),
                temperature=_SAMPLING if attempt else 0.0,
                seed=attempt,
                max_tokens=max_tokens,
                guessing=guessing,
            )
        )

    def line(self, messages: Messages, *, numbers: Sequence[str]) -> Answered:
        """Write the line of a call (`healthslm.slm.plan`); `numbers` are those that the question names."""
        return self._ask(lambda: Line(messages=messages, numbers=numbers))

    def weigh(self, messages: Messages, options: Sequence[str]) -> tuple[float, ...]:
        """Return the logarithm of each answer's share; no two answers may begin alike."""
        return self._ask(lambda: Weigh(messages=messages, options=options)).weights

    def measure(self) -> Answered:
        """Read 256 tokens and write 64, and return what it took."""
        return self._ask(Measure)

    def fill(self) -> Answered:
        """Read as many tokens as fit, and return the memory that it took."""
        return self._ask(lambda: Measure(fill=True))

    def start(self) -> None:
        """Start the process now (else the first use does) and wait until it is ready."""
        with self._lock:
            self._started()
            self._rest()

    @property
    def running(self) -> bool:
        """Whether there is a process now."""
        process = self._process
        return process is not None and process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process. It ends by itself when its input is closed; a hung one is killed."""
        with self._lock:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            self._stop(wait_s=2.0)

    def _rest(self) -> None:
        """Note that the process was used just now, and have it looked after when it may have been idle."""
        self._used = time.monotonic()
        if self._watch is None:
            self._look_again(self.idle_s)

    def _look_again(self, after_s: float) -> None:
        self._watch = threading.Timer(after_s, self._end_if_idle)
        self._watch.daemon = True
        self._watch.start()

    def _end_if_idle(self) -> None:
        """End a process that was not used for long enough. Waits for one that is being used."""
        with self._lock:
            if self._watch is not threading.current_thread():
                return  # closed meanwhile
            self._watch = None
            left = self._used + self.idle_s - time.monotonic()
            if left > 0:
                self._look_again(left)
            else:
                self._stop(wait_s=2.0)

    def _ask(self, make: Callable[[], Request]) -> Answered:
        try:
            line = told(make()).encode() + b"\n"
        except ValueError as error:
            raise ModelError(f"The language model cannot be asked that: {error}.") from error
        with self._lock:
            process = self._started()
            assert process.stdin is not None  # noqa: S101  it was opened with a pipe
            try:
                process.stdin.write(line)
                process.stdin.flush()
            except OSError:
                raise self._failed(self._end_of_it()) from None
            reply = self._reply(self.answer_s)
            self._rest()
        if reply.error:
            raise ModelError(f"The language model could not write: {printable(reply.error)}")
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the running process, starting it when there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop(wait_s=0)
        memory.require(self._free())
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        package = Path(model.__file__).parents[2]
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own module, no shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**environment, **_SPARING, **_SILENT, "PYTHONPATH": str(package), "PYTHONUTF8": "1"},
                cwd=package.anchor,
                start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
            )
        except OSError as error:
            self._stop(wait_s=0)
            raise ModelError(f"The language model's process could not be started: {error}.") from error
        reply = self._reply(self.start_s)
        if reply.error or not reply.ready:
            self._stop(wait_s=0)
            raise ModelError(
                printable(reply.error) or "The language model's process did not say that it is ready."
            )
        return self._process

    def _reply(self, limit_s: float) -> Answered:
        """Read one line, within a time limit. A process that breaks the rules is ended."""
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        until = time.monotonic() + limit_s
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise self._failed(f"did not answer within {limit_s:g} seconds")
            chunk = os.read(descriptor, 1 << 16)
            self._buffer += chunk
            if not chunk:
                raise self._failed(self._end_of_it())
            if len(self._buffer) > _LONGEST_LINE:
                raise self._failed("answered with something that is no answer")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            return _ANSWER.validate_json(line)
        except ValidationError:
            raise self._failed("answered with something that is no answer") from None

    def _failed(self, what: str) -> ModelError:
        """End the process and return the error that says why, with the last line it complained with."""
        errors = self._errors
        self._end()
        said = ""
        if errors is not None:
            errors.seek(0)
            lines = errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
            said = f": {printable(lines[-1])}" if lines else ""
        self._stop(wait_s=0)
        return ModelError(
            f"The language model's process {what}{said}.",
            "It is started again at the next use; if this comes back, run `healthslm model build`.",
        )

    def _end_of_it(self) -> str:
        """How the process ended; one that the system killed had most likely taken too much memory."""
        assert self._process is not None  # noqa: S101
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(1.0) == -signal.SIGKILL:
                return "was ended by the system, most likely because memory ran out"
        return "ended"

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _stop(self, *, wait_s: float) -> None:
        """Close the process's input, wait, kill what is left, and forget it."""
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            try:
                if process.stdin is not None:
                    process.stdin.close()
                process.wait(wait_s)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None
