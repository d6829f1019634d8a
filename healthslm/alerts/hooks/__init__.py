"""Who is called when an alert is raised, and how: one way a file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from healthslm.alerts.hooks.apprise import AppriseHook
from healthslm.alerts.hooks.base import TIME_LIMIT, Base, Worded
from healthslm.alerts.hooks.command import CommandHook
from healthslm.alerts.hooks.desktop import DesktopHook
from healthslm.alerts.hooks.mail import MailHook
from healthslm.alerts.hooks.mqtt import MqttHook
from healthslm.alerts.hooks.webhook import WebhookHook, sign
from healthslm.errors import HookError

__all__ = [
    "TIME_LIMIT",
    "AppriseHook",
    "Base",
    "CommandHook",
    "DesktopHook",
    "Hook",
    "MailHook",
    "MqttHook",
    "WebhookHook",
    "Worded",
    "parse_hooks",
    "sign",
]

Hook = CommandHook | WebhookHook | MailHook | AppriseHook | DesktopHook | MqttHook
_HOOKS: TypeAdapter[list[Hook]] = TypeAdapter(list[Annotated[Hook, Field(discriminator="kind")]])


def parse_hooks(rows: object) -> list[Hook]:
    """Read hooks from what the store or the command line gives; raises `HookError` naming hook and field."""
    try:
        return _HOOKS.validate_python(rows)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"] if not isinstance(p, int)) or "hook"
        what = first["msg"].removeprefix("Value error, ")
        raise HookError(f"{where}: {what}.", "See `healthslm hooks add --help`.") from None
