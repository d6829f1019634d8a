"""A hook that is a program: it gets the payload on its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Literal

from pydantic import Field

from healthslm.alerts.hooks.base import TIME_LIMIT, Base, Clock
from healthslm.clock import utc_now

ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""What a command sees of our environment: enough to run, nothing that might be a secret."""


class CommandHook(Base):
    """A program that gets the payload on its standard input. No shell looks at `argv`."""

    kind: Literal["command"] = "command"
    argv: tuple[str, ...] = Field(min_length=1)

    @property
    def target(self) -> str:
        """Where it goes, as `hooks list` shows it."""
        return self.argv[0]

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """Run the command; it must end with 0 in time. It sees the key as `HEALTHSLM_DELIVERY`."""
        env = {"HEALTHSLM_DELIVERY": key} if key else {}
        env |= {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        try:
            transport, talk = await asyncio.get_running_loop().subprocess_exec(
                _Talk,
                *self.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=env,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise self.failed(f"{self.argv[0]} cannot be started: {error}.") from error
        try:
            async with asyncio.timeout(limit):
                await talk.hand_over(transport, payload.encode() + b"\n")
        except TimeoutError as error:
            raise self.failed(f"{self.argv[0]} took more than {limit:g} s.") from error
        finally:
            await _end(transport, talk)
        if returncode := transport.get_returncode():
            raise self.failed(f"{self.argv[0]} ended with {returncode}. {talk.complaint}".strip())


class _Talk(asyncio.SubprocessProtocol):
    """What is said to a command and heard from it. `complaint` is the end of its standard error."""

    def __init__(self) -> None:
        self._said = bytearray()
        self._silent = asyncio.Event()
        self._exited = asyncio.Event()
        self.over = asyncio.Event()
        """Set once the process has ended and every pipe to it is closed."""

    @property
    def complaint(self) -> str:
        return Base.readable(self._said.decode(errors="replace"), end=True)

    async def hand_over(self, transport: asyncio.SubprocessTransport, data: bytes) -> None:
        """Write the payload, and wait for the command's end and its last words."""
        pipe = transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport):
            pipe.write(data)  # a command need not read it: its exit status decides
            pipe.write_eof()
        await self._exited.wait()
        # Only a moment: what it has left running may hold the same standard error open for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self._silent.wait()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._said = (self._said + data)[-500:]  # the end of it: what went wrong stands in the last line

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 2:
            self._silent.set()

    def process_exited(self) -> None:
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def _end(transport: asyncio.SubprocessTransport, talk: _Talk) -> None:
    """End the command with its whole group, whatever it has started: a hook leaves nothing running behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(transport.get_pid(), signal.SIGKILL)
    pipe = transport.get_pipe_transport(0)
    if isinstance(pipe, asyncio.WriteTransport) and pipe.get_write_buffer_size():
        pipe.abort()  # what was not read by now never will be
    transport.close()
    await talk.over.wait()
