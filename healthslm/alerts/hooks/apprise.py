"""A hook that is a service which Apprise knows: ntfy, Matrix, Telegram, Pushover, Gotify, and so on."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from healthslm.alerts.hooks.base import LOOPBACK, TIME_LIMIT, Clock, Worded
from healthslm.clock import utc_now

_ON_THIS_MACHINE = {"dbus", "qt", "glib", "kde", "gnome", "syslog", "macosx", "windows"}
_BY_TOPIC = {"ntfy", "ntfys"}
"""Apprise takes these without a topic, counts one recipient, and then sends nothing."""


class AppriseHook(Worded):
    """An address as Apprise writes it, such as `ntfys://ntfy.example.org/my-topic`."""

    extra: ClassVar[str] = "hooks"
    kind: Literal["apprise"] = "apprise"
    url: str = Field(min_length=3, max_length=2000, repr=False)

    def checked(self) -> None:
        """See that it can be used at all, when it is set up: later versions of Apprise may know it no more.

        Raises `HookError`.
        """
        self.ready()
        scheme = self.url.partition(":")[0].lower()
        service = _service(self.url)
        if service is None:
            raise self.failed(
                "it is no address that Apprise knows, or not the whole of one; see https://github.com/caronc/apprise/wiki"
            )
        if scheme.startswith("mailto"):
            raise self.failed("a mail has a hook of its own: mailto:ADDRESS with --server.")
        if len(service) == 0 or (scheme in _BY_TOPIC and not service.topics):
            raise self.failed(
                "it goes to nobody: the host, topic or recipient is missing. "
                "Write it like ntfys://ntfy.example.org/a-topic; see https://github.com/caronc/apprise/wiki"
            )
        if service.verify_certificate is False:
            raise self.failed("the certificate must be checked: leave out verify=no.")
        encrypted = service.secure_protocol or ()
        encrypted = {encrypted} if isinstance(encrypted, str) else set(encrypted)
        if scheme not in encrypted | _ON_THIS_MACHINE and service.host not in LOOPBACK:
            raise self.failed(
                "it must be the encrypted form of it: an alert does not cross a network in the clear."
            )

    @property
    def target(self) -> str:
        """The service and its host: the rest of such an address is mostly a secret."""
        parts = urlsplit(self.url)
        host = parts.hostname if "." in (parts.hostname or "") or parts.hostname in LOOPBACK else "…"
        return f"{parts.scheme}://{host}"

    def ready(self) -> None:
        """Load Apprise, which takes half a second."""
        try:
            import apprise  # noqa: F401, PLC0415  an extra, and slow to load
        except ImportError as error:
            raise self.missing("apprise") from error
        logging.getLogger("apprise").disabled = True  # it writes whole addresses, with what is secret in them

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
        try:
            async with asyncio.timeout(limit):
                sent = await sender.async_notify(title=title, body=text, notify_type=kind)
        except TimeoutError as error:
            raise self.failed(f"{self.target} took more than {limit:g} s.") from error
        if not sent:  # what Apprise has to say of it goes to its log, with the address: it is not repeated
            raise self.failed(f"{self.target} did not take it.")


def _service(url: str) -> Any:
    """Return Apprise's own object for an address; `None` where it knows none."""
    import apprise  # noqa: PLC0415  an extra, and slow to load

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)
