"""A notification on a real session bus, taken by a service that says what it was told."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from healthslm.alerts.hooks import parse_hooks
from healthslm.errors import HookError

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="there is no dbus-daemon")
PAYLOAD = json.dumps({"severity": "urgent", "message": "<b>Look</b> & see."})
(HOOK,) = parse_hooks([{"kind": "desktop", "name": "desk"}])


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    started = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    address = started.stdout.readline().strip()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    yield address
    started.terminate()
    started.wait()
    started.stdout.close()


async def test_an_urgent_one_stays_and_none_of_it_is_markup(bus: str) -> None:
    told: list[list[Any]] = []

    def take(message: Message) -> Message | None:
        if message.message_type is MessageType.METHOD_CALL and message.member == "Notify":
            told.append(message.body)
            return Message.new_method_return(message, "u", [7])
        return None

    desktop = await MessageBus(bus_address=bus).connect()
    desktop.add_message_handler(take)
    await desktop.request_name("org.freedesktop.Notifications")
    await HOOK.call(PAYLOAD, key="k")
    desktop.disconnect()
    ((app, _, _, title, text, _, hints, stays),) = told
    assert (app, title, text, stays) == (
        "healthslm",
        "healthslm: urgent",
        "&lt;b&gt;Look&lt;/b&gt; &amp; see.",
        0,
    )
    assert hints["urgency"].value == 2


async def test_a_bus_without_a_desktop_is_said(bus: str) -> None:
    with pytest.raises(HookError, match="did not show it"):
        await HOOK.call(PAYLOAD, key="k")


async def test_no_bus_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert os.environ["DBUS_SESSION_BUS_ADDRESS"]
    with pytest.raises(HookError, match="there is no desktop"):
        await HOOK.call(PAYLOAD, key="k")
