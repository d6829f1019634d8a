"""Alerts: from a finding that holds now to somebody who knows about it.

`Engine` keeps the state of every alert, `Courier` brings payloads to hooks; both write down what they do in
the store before they do it, so that a crash between raising and delivering loses nothing.
"""

from healthslm.alerts.alert import Alert, AlertState
from healthslm.alerts.courier import Courier
from healthslm.alerts.engine import Engine
from healthslm.alerts.hooks import CommandHook, Hook, WebhookHook, parse_hooks
from healthslm.alerts.payload import Tell, payload

__all__ = [
    "Alert",
    "AlertState",
    "CommandHook",
    "Courier",
    "Engine",
    "Hook",
    "Tell",
    "WebhookHook",
    "parse_hooks",
    "payload",
]
