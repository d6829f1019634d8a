"""A hook that is a web address: it gets the payload as a signed POST."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from healthslm.alerts.hooks.base import LOOPBACK, TIME_LIMIT, Base, Clock, trusted, without_secrets
from healthslm.clock import utc_now


class WebhookHook(Base):
    """An address that gets the payload as an HTTP POST, signed with a shared secret.

    `X-Healthslm-Signature` is `v1=` and the hex HMAC-SHA256 of `<X-Healthslm-Timestamp>.<body>`;
    `Idempotency-Key` is the same for every repetition of one delivery.
    """

    kind: Literal["webhook"] = "webhook"
    url: str = Field(repr=False)
    secret: str = Field(min_length=16, repr=False)

    @field_validator("url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("is no http(s) address with a host, like https://example.org/alert")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("must be https: an alert does not cross a network unencrypted")
        return url

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it is POSTed to."""
        return (urlsplit(self.url).hostname or "",)

    @property
    def target(self) -> str:
        """Where it goes, without what may be secret in it."""
        return without_secrets(self.url)

    def ready(self) -> None:
        """Load what a call needs: a quarter of a second that only a webhook costs, and no alert waits for."""
        import httpx  # noqa: F401, PLC0415  said above

        trusted()

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """POST the payload; anything but a 2xx answer in time raises `HookError`."""
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
                asyncio.timeout(limit),
                httpx.AsyncClient(timeout=limit, trust_env=False, verify=trusted()) as client,
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                code = answer.status_code  # what it says besides is not read
        except TimeoutError as error:
            raise self.failed(f"{self.target} took more than {limit:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = str(error) or type(error).__name__
            raise self.failed(f"{self.target} cannot be reached: {what}.") from error
        if not 200 <= code < 300:
            raise self.failed(f"{self.target} answered {code}.")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature that a receiver should find in `X-Healthslm-Signature`."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"
