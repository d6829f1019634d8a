"""What may be called when an alert is raised: a command, or a webhook."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import signal
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from healthslm.alerts.alert import Tell
from healthslm.clock import utc_now
from healthslm.errors import HookError

TIME_LIMIT = 10.0
"""Seconds a hook may take."""
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""What a command sees of our environment: enough to run, nothing that might be a secret."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")
    tell: Tell = Tell.SEVERITY


class CommandHook(_Base):
    """A program that gets the payload on its standard input. No shell looks at `argv`."""

    kind: Literal["command"] = "command"
    argv: tuple[str, ...] = Field(min_length=1)

    @property
    def target(self) -> str:
        """Where it goes, as `hooks list` shows it."""
        return self.argv[0]

    def ready(self) -> None:
        """Have nothing to load."""

    async def call(self, payload: str, *, limit: float = TIME_LIMIT) -> None:
        """Run the command; it must end with 0 within `limit` seconds.

        Raises `HookError` naming the command and what it said.
        """
        env = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
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
            raise HookError(f"hook {self.name}: {self.argv[0]} cannot be started: {error}.") from error
        try:
            async with asyncio.timeout(limit):
                await talk.hand_over(transport, payload.encode() + b"\n")
        except TimeoutError as error:
            raise HookError(f"hook {self.name}: {self.argv[0]} took more than {limit:g} s.") from error
        finally:
            await _end(transport, talk)
        if returncode := transport.get_returncode():
            raise HookError(
                f"hook {self.name}: {self.argv[0]} ended with {returncode}. {talk.complaint}".strip()
            )


class _Talk(asyncio.SubprocessProtocol):
    """What is said to a command and heard from it. `complaint` is the start of its standard error."""

    def __init__(self) -> None:
        self._said = bytearray()
        self._silent = asyncio.Event()
        self._exited = asyncio.Event()
        self.over = asyncio.Event()
        """Set once the process has ended and every pipe to it is closed."""

    @property
    def complaint(self) -> str:
        return self._said.decode(errors="replace")

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
        self._said += data[: 500 - len(self._said)]

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


class WebhookHook(_Base):
    """An address that gets the payload as an HTTP POST, signed with a shared secret.

    `X-Healthslm-Signature` is `v1=` and the hex HMAC-SHA256 of `<X-Healthslm-Timestamp>.<body>`;
    `Idempotency-Key` is the same for every repetition of one delivery.
    """

    kind: Literal["webhook"] = "webhook"
    url: str
    secret: str = Field(min_length=16)

    @field_validator("url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("is no http(s) address")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be https: an alert does not cross a network unencrypted")
        return url

    @property
    def target(self) -> str:
        """Where it goes, as `hooks list` shows it: without user, password and query."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def ready(self) -> None:
        """Load what a call needs: a quarter of a second that only a webhook costs, and no alert waits for."""
        import httpx  # noqa: F401, PLC0415  said above

    async def call(self, payload: str, *, key: str = "", clock: Callable[[], datetime] = utc_now) -> None:
        """POST the payload; anything but a 2xx answer within ten seconds raises `HookError`."""
        import httpx  # noqa: PLC0415  see `ready`

        now = clock()
        body = payload.encode()
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Healthslm-Timestamp": timestamp,
            "X-Healthslm-Signature": sign(self.secret, timestamp, body),
        }
        try:
            # No proxy and no .netrc from the environment, no redirects: the payload goes where it was sent.
            async with (
                asyncio.timeout(TIME_LIMIT),
                httpx.AsyncClient(timeout=TIME_LIMIT, trust_env=False) as client,
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                code = answer.status_code  # what it says besides is not read
        except TimeoutError as error:
            raise HookError(f"hook {self.name}: {self.target} took more than {TIME_LIMIT:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = str(error) or type(error).__name__
            raise HookError(f"hook {self.name}: {self.target} cannot be reached: {what}.") from error
        if not 200 <= code < 300:
            raise HookError(f"hook {self.name}: {self.target} answered {code}.")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature that a receiver should find in `X-Healthslm-Signature`."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


Hook = CommandHook | WebhookHook
_HOOKS: TypeAdapter[list[Hook]] = TypeAdapter(list[Annotated[Hook, Field(discriminator="kind")]])


def parse_hooks(rows: object) -> list[Hook]:
    """Read hooks from what the store or the command line gives; raises `HookError` naming hook and field."""
    try:
        return _HOOKS.validate_python(rows)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"] if not isinstance(p, int)) or "hook"
        raise HookError(f"{where}: {first['msg']}.", "See `healthslm hooks --help`.") from error
