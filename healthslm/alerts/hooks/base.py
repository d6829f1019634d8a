"""What every hook has: a name, how much it is told, where it goes; and how a payload becomes words."""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import re
import ssl
import string
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from healthslm.alerts.payload import TOLD, Form, Tell
from healthslm.errors import HookError
from healthslm.readings import Kind, Severity

TIME_LIMIT = 10.0
"""Seconds a hook may take."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = r"^(?:::1|[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?)$"
"""A server's name or address."""
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
"""One part of a host's name; a name in another script is one too (IDNA)."""
Clock = Callable[[], datetime]
_DAY_S = 86_400


class Base(BaseModel, ABC):
    """A hook. `kind` says which.

    It is told of alerts of `least` and above that nobody has acknowledged `after_min` minutes after they
    could be told, so that a carer is called when the wearer does not answer. With `over` it also hears that
    one is acknowledged or over. Every `heartbeat_min` minutes it hears that healthslm is at work; 0 is never.
    `vitals` are kinds whose latest reading it gets, once in `vitals_s` seconds at the most; `rules`, where
    there are any, the only ones whose alerts it is told: rules, or what is `Watched`, of whichever device.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    extra: ClassVar[str] = ""
    """What has to be installed for it: `healthslm[EXTRA]`."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")
    tell: Tell = Tell.SEVERITY
    form: Form = Form.HEALTHSLM
    after_min: int = Field(default=0, ge=0, le=24 * 60)
    least: Severity = Severity.WATCH
    over: bool = False
    heartbeat_min: int = Field(default=0, ge=0, le=24 * 60)
    vitals: tuple[Kind, ...] = ()
    vitals_s: int = Field(default=60, ge=1, le=3600)
    rules: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_them_hears_it(self) -> Base:
        if self.form is Form.FHIR and self.tell is not Tell.FULL:
            raise ValueError("a FHIR DetectedIssue is told in full: use --tell full with it")
        return self

    @property
    @abstractmethod
    def target(self) -> str:
        """Where it goes, as `hooks list` shows it: without anything that is secret."""

    def ready(self) -> None:
        """Load what a call needs, so that no alert waits for it. Raises `HookError` where it is not there."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that have to be found in the network, where we know them."""
        return ()

    def checked(self) -> None:
        """See, when it is set up, that it can be used at all. Raises `HookError`.

        What was set up once is read again without this, so that a stricter version stops no alert.
        """
        self.ready()
        for host in self.hosts:
            if not can_be_host(host):
                raise self.failed(f"no server can be called {self.readable(host)!r}.")

    def wants(self, rule: str, severity: Severity) -> bool:
        """Say whether this hook is told of such an alert at all."""
        named = rule in self.rules or rule.partition(":")[0] in self.rules
        return severity >= self.least and (not self.rules or named)

    @abstractmethod
    async def call(self, payload: str, *, key: str, clock: Clock, limit: float = TIME_LIMIT) -> None:
        """Hand a payload over within `limit` seconds; `key` is the same for every repetition of a delivery.

        Raises `HookError` naming the hook, where it goes, and what went wrong.
        """

    def failed(self, why: str) -> HookError:
        """Return the error that names this hook."""
        return HookError(f"hook {self.name}: {why}")

    @staticmethod
    def readable(said: object, *, most: int = 200, end: bool = False) -> str:
        """Return somebody else's words as one line that no terminal takes for orders: their start, or end."""
        words = " ".join(str(said).split())
        words = words[-most:] if end else words[:most]
        return "".join(c if c.isprintable() else "?" for c in words)

    def missing(self, package: str) -> HookError:
        """Return the error for a package that is not installed."""
        how = (
            f"Install it with: pip install 'healthslm[{self.extra}]'" if self.extra else "Linux alone has it."
        )
        return HookError(f"hook {self.name}: the package {package} is not there.", how)


_NO_WORDS = frozenset({"finding", "also", "more", "schema"})
"""Fields of a payload that are nothing to read."""


class Worded(Base):
    """A hook that a person reads: the payload as a title and a text.

    `template` is the text, with the payload's fields in braces: `{severity}: {message}`.
    """

    template: str = Field(default="{message}", min_length=1, max_length=500)

    @model_validator(mode="after")
    def _is_for_a_person(self) -> Worded:
        if self.form is not Form.HEALTHSLM or self.heartbeat_min or self.vitals:
            raise ValueError("FHIR, heartbeats and vitals are for programs: a webhook, a command, MQTT")
        return self

    @model_validator(mode="after")
    def _fields_are_told(self) -> Worded:
        words = TOLD[self.tell] - _NO_WORDS
        for field in _fields(self.template):
            if field not in words:
                told = ", ".join(sorted(words))
                raise ValueError(
                    f"the template's {{{field}}} is not told; with `{self.tell}` there is: {told}"
                )
        return self

    def words(self, payload: str) -> tuple[str, str]:
        """Return title and text of a payload."""
        told = json.loads(payload)
        try:
            text = string.Formatter().vformat(self.template, (), told)
        except KeyError:  # what another version put into the outbox: it is told all the same
            text = told["message"]
        return f"healthslm: {told.get('title') or told['severity']}", text


def _fields(template: str) -> Iterator[str]:
    """The names in a template's braces. Raises `ValueError` for anything more than a name in them."""
    try:
        found = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"the template cannot be read: {error}") from error
    for _, field, form, conversion in found:
        if field is None:
            continue
        if not field.isidentifier() or form or conversion:
            raise ValueError(f"{{{field}}} in the template is more than a field's name")
        yield field


def trusted(whose: str = "") -> ssl.SSLContext:
    """Return what checks a certificate and its name: by this machine's authorities, and certifi's.

    A small machine may have none of its own, and somebody's own authority is only on their machine. To read
    them takes 50 ms, so that is done once a day; `whose` has one of its own, that it may change.
    """
    where = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _trusted(whose, where, int(time.time() // _DAY_S))


@functools.lru_cache(maxsize=8)
def _trusted(_whose: str, _where: tuple[str | None, ...], _day: int) -> ssl.SSLContext:
    import certifi  # noqa: PLC0415  httpx brings it; only what goes out by TLS needs it

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def can_be_host(name: str) -> bool:
    """Say whether a server can have this name or address at all; nobody is asked for it."""
    if ":" not in name:
        return all(_LABEL.fullmatch(label) for label in name.removesuffix(".").split("."))
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return False
    return True


def without_secrets(url: str) -> str:
    """Return scheme, host and port of an address: user, password, path and query may each be a secret."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/{'…' if parts.path.strip('/') else ''}"
