"""A hook that is a service which Apprise knows: ntfy, Matrix, Telegram, Pushover, Gotify, and so on."""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from healthslm.alerts.hooks.base import LOOPBACK, TIME_LIMIT, Clock, Worded
from healthslm.clock import utc_now

_ON_THIS_MACHINE = {"dbus", "qt", "glib", "kde", "gnome", "syslog", "macosx", "windows"}


class AppriseHook(Worded):
    """An address as Apprise writes it, such as `ntfys://ntfy.example.org/my-topic`."""

    extra: ClassVar[str] = "hooks"
    kind: Literal["apprise"] = "apprise"
    url: str = Field(min_length=3, max_length=2000)

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        try:
            service = _service(url)
        except ImportError:
            return url  # said when it is called
        if service is None:
            raise ValueError("is no address that Apprise knows; see https://github.com/caronc/apprise/wiki")
        scheme = url.partition(":")[0].lower()
        encrypted = service.secure_protocol or ()
        encrypted = {encrypted} if isinstance(encrypted, str) else set(encrypted)
        if scheme not in encrypted | _ON_THIS_MACHINE and service.host not in LOOPBACK:
            raise ValueError(
                "must be the encrypted form of it: an alert does not cross a network in the clear"
            )
        return url

    @property
    def target(self) -> str:
        """The service, with what is secret in its address hidden."""
        try:
            service = _service(self.url)
        except ImportError:
            service = None
        return service.url(privacy=True).partition("?")[0] if service else self.url.partition(":")[0]

    def ready(self) -> None:
        """Load Apprise, which takes half a second."""
        try:
            import apprise  # noqa: F401, PLC0415  an extra, and slow to load
        except ImportError as error:
            raise self.missing("apprise") from error

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """Have Apprise send it. Not all services know a repetition when they see one."""
        self.ready()
        import apprise  # noqa: PLC0415  see `ready`

        title, text = self.words(payload)
        sender = apprise.Apprise()
        sender.add(self.url)
        kind = {"emergency": "failure", "urgent": "warning", "watch": "warning"}.get(
            json.loads(payload)["severity"], "info"
        )
        with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as said:
            try:
                async with asyncio.timeout(limit):
                    sent = await sender.async_notify(title=title, body=text, notify_type=kind)
            except TimeoutError as error:
                raise self.failed(f"{self.target} took more than {limit:g} s.") from error
            if not sent:
                why = "".join(c for c in " ".join(said.getvalue().split()) if c.isprintable())[:200]
                raise self.failed(f"{self.target} did not take it. {why}".strip())


def _service(url: str) -> Any:
    """Return Apprise's own object for an address; `None` where it knows none. Raises `ImportError`."""
    import apprise  # noqa: PLC0415  an extra, and slow to load

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)
