"""What Apprise speaks, against a server on this machine that answers as ntfy and Gotify do."""

import json
from typing import Any

import pytest

from healthslm.alerts.hooks import AppriseHook, parse_hooks
from healthslm.errors import HookError
from tests.alerts.test_hooks import receiver

# The library's own, on Python 3.11.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")
PAYLOAD = json.dumps(
    {"severity": "emergency", "message": "Look at once.", "title": "Low oxygen", "action": "x"}
)


def apprise(url: str, **more: Any) -> AppriseHook:
    (hook,) = parse_hooks([{"kind": "apprise", "name": "phone", "url": url, **more}])
    assert isinstance(hook, AppriseHook)
    return hook


async def test_ntfy_gets_title_and_text() -> None:
    with receiver(200) as server:
        await apprise(f"ntfy://127.0.0.1:{server.server_port}/my-topic", tell="title").call(PAYLOAD, key="k")
    ((_, body),) = server.requests
    sent = json.loads(body)
    assert (sent["topic"], sent["title"], sent["message"]) == (
        "my-topic",
        "healthslm: Low oxygen",
        "Look at once.",
    )


async def test_a_service_that_says_no_is_named_and_its_secrets_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with receiver(403, 403, 403) as server:
        hook = apprise(f"ntfy://127.0.0.1:{server.server_port}/secret-topic")
        with pytest.raises(HookError) as failed:
            await hook.call(PAYLOAD, key="k")
    assert str(failed.value).startswith("hook phone: ntfy://127.0.0.1 did not take it")
    assert "secret-topic" not in f"{failed.value} {hook!r} {hook.target} {caplog.text}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyz/12315544/", "tgram://…"),
        ("ntfys://ntfy.example.org/secret-topic", "ntfys://ntfy.example.org"),
    ],
)
def test_what_is_shown_hides_the_secrets(url: str, shown: str) -> None:
    assert apprise(url).target == shown


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("pigeon://coop", "no address that Apprise knows"),
        ("ntfy://ntfy.example.org/topic", "encrypted form"),
        ("gotify://gotify.example.org/token", "encrypted form"),
        ("ntfys://ntfy.example.org/topic?verify=no", "certificate"),
        ("mailtos://u:hush@example.org", "hook of its own"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, what: str) -> None:
    with pytest.raises(HookError, match=what):
        apprise(url).checked()
