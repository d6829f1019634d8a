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
            process = await asyncio.create_subprocess_exec(
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
                said = await _feed(process, payload.encode() + b"\n")
        except TimeoutError as error:
            raise HookError(f"hook {self.name}: {self.argv[0]} took more than {limit:g} s.") from error
        finally:
            # Its whole group, whatever it has started: a hook leaves nothing running behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode:
            raise HookError(
                f"hook {self.name}: {self.argv[0]} ended with {process.returncode}. {said}".strip()
            )


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> str:
    """Hand over the payload and wait for the end; returns the first 500 bytes of its complaint, as text."""
    said = bytearray()
    listening = asyncio.create_task(_listen(process, said))
    try:
        if process.stdin is not None:
            # A command need not read its input; its exit status decides.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(data)
                await process.stdin.drain()
                process.stdin.close()
        # Not `wait()`: that also waits for whatever it has left running with the same standard error.
        while process.returncode is None:  # noqa: ASYNC110  there is no event for this alone
            await asyncio.sleep(0.01)
        # Its last words.
        await asyncio.wait({listening}, timeout=0.2)
    finally:
        listening.cancel()
    return said.decode(errors="replace")


async def _listen(process: asyncio.subprocess.Process, said: bytearray) -> None:
    while process.stderr is not None and (chunk := await process.stderr.read(4096)):
        said += chunk[: 500 - len(said)]


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
