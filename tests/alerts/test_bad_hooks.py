"""Hooks that do not work, beside one that does: each is named in `hooks list`, and none blocks another."""

import asyncio
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import certifi
import pytest

from healthslm.alerts import Courier, Engine, parse_hooks
from healthslm.alerts.hooks.base import trusted
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.watch import Watch
from healthslm.clock import utc_now
from healthslm.errors import HookError
from healthslm.readings import Finding, Severity
from healthslm.store import CHEAPEST, create
from tests.alerts.test_hooks import SECRET, Receiver, receiver
from tests.certificates import certificate


@contextmanager
def behind_tls(folder: Path, until: timedelta) -> Iterator[Receiver]:
    """A receiver whose certificate is good until so long from now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder, until=until))
    server = Receiver()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def webhook(name: str, port: int, scheme: str = "https") -> dict[str, object]:
    return {"kind": "webhook", "name": name, "url": f"{scheme}://127.0.0.1:{port}/", "secret": SECRET}


def python(name: str, code: str) -> dict[str, object]:
    return {"kind": "command", "name": name, "argv": [sys.executable, "-c", code]}


async def test_each_is_named_and_none_blocks_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    (tmp_path / "passphrase").write_text("passphrase\n")
    with (
        store,
        behind_tls(tmp_path, timedelta(days=-1)) as expired,
        receiver(*[500] * 99) as refusing,
        receiver() as good,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
        rows = [
            webhook("nobody", 1),
            webhook("expired", expired.server_port),
            python("hangs", "import time; time.sleep(60)"),
            python("shouts", "import sys; sys.stderr.write('x' * 10**6); sys.exit(1)"),
            webhook("refuses", refusing.server_port, "http"),
            webhook("good", good.server_port, "http"),
        ]
        hooks = parse_hooks(rows)
        store.put("hooks", [hook.model_dump(mode="json") for hook in hooks])
        now = utc_now()
        finding = Finding(
            rule="low_spo2", version="1", severity=Severity.EMERGENCY, title="Low oxygen", action="",
            source="", start=now, end=now,
        )  # fmt: skip
        Engine(store, hooks, clock=utc_now).update(Watch("low_spo2", timedelta(0)), finding, now)
        async with (
            CourierProcess(limit=2) as process,
            Courier(store, hooks, clock=utc_now, carry=process.call),
            asyncio.timeout(30),
        ):
            while not all(row.error for name in BAD for row in store.outbox(name)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert len(good.requests) == 1
        assert store.outbox("good") == []
        assert expired.requests == []
    listed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "home"), "--passphrase-file",
         str(tmp_path / "passphrase"), "hooks", "list", "--json"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    said = {hook["name"]: hook["error"] for hook in json.loads(listed.stdout)}
    for name, words in BAD.items():
        assert f"hook {name}: " in said[name]
        assert words in said[name], said[name]
        assert len(said[name]) < 1000
    assert said["good"] == ""


BAD = {
    "nobody": "cannot be reached",
    "expired": "certificate has expired",
    "hangs": "took more than 2 s",
    "shouts": "ended with 1. xxx",
    "refuses": "answered 500",
}


async def test_a_certificate_of_an_authority_of_ones_own_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what vouches for it makes the difference to the one that is refused."""
    with behind_tls(tmp_path, timedelta(days=1)) as server:
        (hook,) = parse_hooks([webhook("web", server.server_port)])
        with pytest.raises(HookError, match="certificate"):
            await hook.call("{}", key="k", clock=utc_now)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
        await hook.call("{}", key="k", clock=utc_now)
    assert len(server.requests) == 1


def test_this_machines_authorities_count_and_certifis_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small machine may have none of its own, and somebody's own authority is in no package."""
    own, _ = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    context = trusted()
    known = context.get_ca_certs(binary_form=True)
    for file in (own, Path(certifi.where())):
        alone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        alone.load_verify_locations(file)
        assert set(alone.get_ca_certs(binary_form=True)) <= set(known), file
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_template_with_a_field_that_is_not_told_is_refused_by_name() -> None:
    row = {"kind": "desktop", "name": "desk", "template": "{title}"}
    with pytest.raises(HookError, match="title"):
        parse_hooks([row])
    (hook,) = parse_hooks([row | {"tell": "title"}])
    assert hook.words('{"severity": "urgent", "message": "Look."}')[1] == "Look."  # type: ignore[union-attr]
