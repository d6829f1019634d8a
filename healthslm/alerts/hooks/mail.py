"""A hook that is an e-mail, handed to the person's own mail server (SMTP, RFC 5321)."""

from __future__ import annotations

import asyncio
import re
import smtplib
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator, model_validator

from healthslm.alerts.hooks.base import HOST, LOOPBACK, TIME_LIMIT, Clock, Worded, trusted
from healthslm.clock import utc_now

_ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9.-]+")

_SAID_OF_US = "healthslm.invalid"
"""The name that the server is told: not this machine's own."""


class Security(StrEnum):
    """How the way to the mail server is encrypted; `none` only to this machine itself."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailHook(Worded):
    """An e-mail to one or more addresses. The server's certificate is checked."""

    kind: Literal["mail"] = "mail"
    host: str = Field(pattern=HOST)
    port: int = Field(default=587, ge=1, le=65535)
    security: Security = Security.STARTTLS
    user: str = ""
    password: str = Field(default="", repr=False)
    sender: str
    to: tuple[str, ...] = Field(min_length=1, max_length=20)

    @field_validator("sender", "to")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(address) or set(address) & set('<>,;:"()\\/'):
                raise ValueError("there is something that is no e-mail address, like anna@example.org")
        return value

    @model_validator(mode="after")
    def _encrypted(self) -> MailHook:
        if self.security is Security.NONE and self.host not in LOOPBACK:
            raise ValueError("must be encrypted: an alert does not cross a network in the clear")
        if not (self.user + self.password).isascii():
            raise ValueError("user and password must be plain ASCII: SMTP takes no others")
        if ".." in self.host:
            raise ValueError("the server's name cannot be")
        return self

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its server, and where each address is at home."""
        return (self.host, *(address.rpartition("@")[2] for address in (self.sender, *self.to)))

    @property
    def target(self) -> str:
        """To whom it goes, and by which server."""
        return f"{', '.join(self.to)} by {self.host}:{self.port}"

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """Hand the message to the server. A repetition has the same Message-ID, so mail programs show one."""
        title, text = self.words(payload)
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"] = " ".join(title.split())
        message["Date"] = format_datetime(clock())
        message["Message-ID"] = f"<{key or 'test'}@healthslm.invalid>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
        message.set_content(f"{text}\n\nhealthslm is not a medical device.")
        try:
            async with asyncio.timeout(limit):
                # A thread cannot be ended; its connection gives up by itself, when the server says no more.
                await asyncio.to_thread(self._send, message, limit)
        except TimeoutError as error:
            raise self.failed(f"{self.host}:{self.port} took more than {limit:g} s.") from error
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else ""
            raise self.failed(
                f"{self.host}:{self.port} answered {error.smtp_code} {self.readable(said)}"
            ) from error
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise self.failed(f"{self.host}:{self.port} did not take it: {self.readable(error)}.") from error

    def _send(self, message: EmailMessage, limit: float) -> None:
        checked = trusted("mail")
        server: smtplib.SMTP
        if self.security is Security.TLS:
            server = smtplib.SMTP_SSL(self.host, self.port, _SAID_OF_US, timeout=limit, context=checked)
        else:
            server = smtplib.SMTP(self.host, self.port, _SAID_OF_US, timeout=limit)
        with server:
            if self.security is Security.STARTTLS:
                server.starttls(context=checked)
            if self.user:
                server.login(self.user, self.password)
            refused = server.send_message(message)
        if refused:  # the others have it; a repetition has the same Message-ID
            raise smtplib.SMTPException(f"it refused {', '.join(refused)}")
