"""A hook that is a notification on this machine's own desktop (freedesktop.org Desktop Notifications 1.3)."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

from healthslm.alerts.hooks.base import TIME_LIMIT, Clock, Worded
from healthslm.clock import utc_now

_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_LOW, _NORMAL, _CRITICAL = 0, 1, 2
_URGENCY = {"info": _LOW, "watch": _NORMAL}
_UNTIL_CLICKED, _AS_USUAL = 0, -1


class DesktopHook(Worded):
    """A notification; an urgent one stays until somebody clicks it away."""

    kind: Literal["desktop"] = "desktop"

    @property
    def target(self) -> str:
        """Where it goes."""
        return "this desktop"

    def ready(self) -> None:
        """Load D-Bus."""
        try:
            import dbus_fast.aio  # noqa: F401, PLC0415  Linux alone has it
        except ImportError as error:
            raise self.missing("dbus-fast") from error

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """Show it on the session's bus."""
        self.ready()
        from dbus_fast import BusType, DBusError, Message, Variant  # noqa: PLC0415  see `ready`
        from dbus_fast.aio import MessageBus  # noqa: PLC0415  see `ready`

        title, text = self.words(payload)
        urgency = _URGENCY.get(json.loads(payload)["severity"], _CRITICAL)
        stays = _UNTIL_CLICKED if urgency == _CRITICAL else _AS_USUAL
        hints = {"urgency": Variant("y", urgency), "category": Variant("s", "device")}
        shown = Message(
            destination=_NAME,
            path=_PATH,
            interface=_NAME,
            member="Notify",
            signature="susssasa{sv}i",
            body=["healthslm", 0, "", title, _harmless(text), [], hints, stays],
        )
        bus = None
        try:
            async with asyncio.timeout(limit):
                bus = MessageBus(bus_type=BusType.SESSION)
                await bus.connect()
                reply = await bus.call(shown)
        except TimeoutError as error:
            raise self.failed(f"this desktop took more than {limit:g} s.") from error
        except (OSError, DBusError, ValueError, EOFError) as error:
            raise self.failed(f"there is no desktop to show it on: {error}.") from error
        finally:
            if bus is not None:
                bus.disconnect()
        if reply is None or reply.error_name:
            why = reply.error_name if reply else "no answer"
            raise self.failed(f"this desktop did not show it: {why}.")


def _harmless(text: str) -> str:
    """The text is markup to many desktops: nothing of it is meant so."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
