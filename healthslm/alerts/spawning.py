"""Starting the courier's process: by the core itself, or by a starter that is not behind the core's fence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import healthslm
from healthslm.alerts.hooks.command import ENVIRONMENT

P = TypeVar("P", bound=asyncio.SubprocessProtocol)
_PASSED_ON = (*ENVIRONMENT, "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONDONTWRITEBYTECODE")
"""A proxy's address is not among them: it may hold a password."""
_ANSWER_S = 10.0


class Start(Protocol):
    """Starts the process, as `loop.subprocess_exec` does its own. Raises `OSError`."""

    def __call__(self, make: Callable[[], P], /) -> Awaitable[tuple[asyncio.SubprocessTransport, P]]:
        """Start one."""
        ...


def worker(hidden: Sequence[Path] = (), still: Sequence[Path] = (), *, strict: bool = False) -> list[str]:
    """Return the command of the courier's process: kept out of what is hidden, but for the files `still`."""
    # Without -P the folder where healthslm was started could bring modules of its own into the process.
    command = [sys.executable, "-P", "-m", "healthslm.alerts.worker"]
    command += [f"--keep-out={path.absolute()}" for path in hidden]
    command += [f"--but={path.absolute()}" for path in still]
    return [*command, "--strict"] if strict else command


def environment() -> dict[str, str]:
    """Return what the process sees of our environment: nothing that might be a secret."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    package = str(Path(healthslm.__file__).parents[1])
    if package not in sysconfig.get_paths().values():  # a checkout of the source
        passed["PYTHONPATH"] = package
    return passed


def directly(command: Sequence[str]) -> Start:
    """Start the process as a child of this one."""

    async def start(make: Callable[[], P], /) -> tuple[asyncio.SubprocessTransport, P]:
        return await asyncio.get_running_loop().subprocess_exec(
            make,
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None,  # ours: what it complains of stands in the log
            env=environment(),
            start_new_session=True,  # Ctrl-C in the terminal is the core's to handle
        )

    return start


class Starter:
    """The process that starts the courier's; use as `with`, before the core's fence and its key.

    `start` is a `Start`. What it has started outlives it.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        self._command = tuple(command)
        self._env = dict(environment() if env is None else env)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._one_at_a_time = asyncio.Lock()

    def __enter__(self) -> Self:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            script = str(Path(__file__).with_name("starter.py"))
            # -S: it needs no packages; -I: nor anybody's settings for Python.
            command = (sys.executable, "-I", "-S", script, str(its.fileno()), *self._command)
            self._process = subprocess.Popen(  # noqa: S603  our own script, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._env,
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        ours.setblocking(False)
        self._socket = ours
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.wait()

    @property
    def pid(self) -> int | None:
        """The starter's own process."""
        return None if self._process is None else self._process.pid

    async def start(self, make: Callable[[], P], /) -> tuple[asyncio.SubprocessTransport, P]:
        """Have the process started. Raises `OSError`, also where the starter itself has ended."""
        given, ours_in = os.pipe()
        ours_out, taken = os.pipe()
        try:
            number = await self._ask(given, taken)
        except BaseException:
            os.close(ours_in)
            os.close(ours_out)
            raise
        finally:
            os.close(given)
            os.close(taken)
        protocol = make()
        transport = _Started(protocol, number, self._bury)
        await transport.connect(ours_in, ours_out)
        return transport, protocol

    async def _ask(self, given: int, taken: int) -> int:
        async with self._one_at_a_time:
            if self._socket is None:
                raise _gone()
            loop = asyncio.get_running_loop()
            try:
                socket.send_fds(self._socket, [b"start"], [given, taken])
                async with asyncio.timeout(_ANSWER_S):
                    said = await loop.sock_recv(self._socket, 64)
            except (TimeoutError, ConnectionError) as error:
                self._socket.close()  # a late answer would be taken for that to the next question
                self._socket = None
                raise _gone() from error
        word, _, number = said.partition(b" ")
        if word == b"started":
            return int(number)
        if word == b"failed":
            raise OSError(int(number), os.strerror(int(number)))
        raise _gone()

    def _bury(self, number: int) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # without a starter the system has buried it
                self._socket.send(b"buried %d" % number)


def _gone() -> ConnectionError:
    return ConnectionError(
        "what starts it has ended. Start `healthslm run` again; until then no hook is called"
    )


class _Started(asyncio.SubprocessTransport):
    """A process that another one started for us: its pipes, and when it ended."""

    def __init__(
        self, protocol: asyncio.SubprocessProtocol, number: int, bury: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._protocol = protocol
        self._number = number
        self._bury = bury
        self._loop = asyncio.get_running_loop()
        self._ends: int | None = os.pidfd_open(number)
        self._pipes: dict[int, Any] = {}

    async def connect(self, given: int, taken: int) -> None:
        """Take its input and output, and tell the protocol what comes."""
        self._pipes[0], _ = await self._loop.connect_write_pipe(
            lambda: _Pipe(self, 0), os.fdopen(given, "wb", buffering=0)
        )
        self._pipes[1], _ = await self._loop.connect_read_pipe(
            lambda: _Pipe(self, 1), os.fdopen(taken, "rb", buffering=0)
        )
        self._protocol.connection_made(self)
        if self._ends is not None:
            self._loop.add_reader(self._ends, self._ended)

    def get_pid(self) -> int:
        """Return its number, which is nobody else's until the protocol was told that it ended."""
        return self._number

    def get_returncode(self) -> int | None:
        """Return `None`: how it ended is for its parent to know."""
        return None

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        """Return the pipe to its input (0) or from its output (1)."""
        return self._pipes.get(fd)

    def send_signal(self, signal: int) -> None:
        """Signal it, unless it has ended."""
        if self._ends is not None:
            os.kill(self._number, signal)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def is_closing(self) -> bool:
        """Say whether it has ended."""
        return self._ends is None

    def close(self) -> None:
        """Close the pipes to it."""
        for pipe in list(self._pipes.values()):
            pipe.close()

    def data(self, data: bytes) -> None:
        """Pass on what it said."""
        self._protocol.pipe_data_received(1, data)

    def lost(self, fd: int, error: Exception | None) -> None:
        """Note that a pipe is closed."""
        self._pipes.pop(fd, None)
        self._protocol.pipe_connection_lost(fd, error)
        self._finish()

    def _ended(self) -> None:
        if self._ends is None:
            return
        self._loop.remove_reader(self._ends)
        os.close(self._ends)
        self._ends = None
        self._protocol.process_exited()
        self._bury(self._number)
        self._finish()

    def _finish(self) -> None:
        if self._ends is None and not self._pipes:
            self._protocol.connection_lost(None)


class _Pipe(asyncio.Protocol):
    """One pipe of a process."""

    def __init__(self, of: _Started, fd: int) -> None:
        self._of = of
        self._fd = fd

    def data_received(self, data: bytes) -> None:
        self._of.data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._of.lost(self._fd, exc)
