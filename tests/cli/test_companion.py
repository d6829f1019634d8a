"""`healthslm companion`: a phone is let in after somebody compared the digits, and taken back again."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from healthslm.companion import locked, pairing
from healthslm.companion.clients import Role, clients_in
from healthslm.companion.server import certificates, renew
from healthslm.store import CHEAPEST, create, open_store
from healthslm.store.audit import Event
from tests.cli.saying import Said, said_by
from tests.companion.phone import Phone

PASSPHRASE = "correct horse"
Run = Callable[..., Said]


@pytest.fixture
def opening(tmp_path: Path) -> list[str]:
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    store, _ = create(tmp_path / "home", PASSPHRASE, profile=CHEAPEST)
    store.close()
    return ["--home", str(tmp_path / "home"), "--passphrase-file", str(tmp_path / "passphrase")]


@pytest.fixture
def run(opening: list[str]) -> Run:
    return lambda *arguments: said_by([*opening, "companion", *arguments])


@contextmanager
def started(opening: list[str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command at work, whose answers are typed by the test."""
    command = [sys.executable, "-m", "healthslm", *opening, "companion", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what a command says until a line has a pattern; that line."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            return found[0]
    raise AssertionError("".join(said))


@pytest.mark.parametrize(("answer", "let_in"), [("y", True), ("n", False)])
def test_a_phone_is_let_in_by_who_compares_the_digits(
    opening: list[str], tmp_path: Path, answer: str, let_in: bool
) -> None:
    with started(opening, "pair", "--role", "carer") as process:
        secret = until(process, r"https://\S+/pair#[\w-]+").partition("#")[2]
        phone = Phone(app=None)
        with open_store(tmp_path / "home", PASSPHRASE) as store:
            offer = pairing.claim(store, secret, phone.key, "Anna's phone", datetime.now(UTC), os.urandom)
        assert offer is not None
        assert offer.claim is not None
        digits = f"{offer.claim.code[:3]} {offer.claim.code[3:]}"
        until(process, f"Anna's phone shows six digits: are they {digits}")
        assert process.stdin is not None
        process.stdin.write(answer + "\n")
        process.stdin.flush()
        assert process.wait(20) == (0 if let_in else 1)
    with open_store(tmp_path / "home", PASSPHRASE) as store:
        assert [(one.name, one.role) for one in clients_in(store)] == [("Anna's phone", Role.CARER)] * let_in
        assert (store.trail()[-1].event == Event.CLIENT_ADDED) is let_in


def test_the_page_is_served_until_it_is_stopped(opening: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with started(opening, "serve", "--host", "127.0.0.1", "--port", str(port)) as process:
        until(process, "Next: healthslm companion pair")
        with open_store(tmp_path / "home", PASSPHRASE) as store:
            trust = certificates(store, (), datetime.now(UTC), os.urandom).authority.pem.decode()
        with httpx.Client(verify=ssl.create_default_context(cadata=trust)) as http:
            for _ in range(50):
                try:
                    found = http.get(f"https://127.0.0.1:{port}/api/openapi.json")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
        assert found.json()["info"]["title"] == "healthslm companion"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def asked(http: httpx.Client, url: str, method: str = "GET") -> httpx.Response:
    """Ask until somebody answers."""
    for _ in range(100):
        with suppress(httpx.TransportError):
            return http.request(method, url)
        time.sleep(0.1)
    raise AssertionError(f"nobody answered at {url}")


def test_a_locked_box_says_so_until_it_is_unlocked_on_the_box(opening: list[str], tmp_path: Path) -> None:
    """Nobody sits at its terminal; it is served by the same authority, which phones know."""
    home, port = tmp_path / "home", free_port()
    with open_store(home, PASSPHRASE) as store:
        addresses = [ip_address("127.0.0.1")]
        by = certificates(store, addresses, datetime.now(UTC), os.urandom).authority
    assert (home / locked.KEPT).stat().st_mode & 0o777 == 0o600
    base = f"https://127.0.0.1:{port}"
    arguments = ["serve", "--host", "127.0.0.1", "--port", str(port), "--wait"]
    with (
        started(["--home", str(home)], *arguments) as process,
        httpx.Client(verify=ssl.create_default_context(cadata=by.pem.decode())) as http,
    ):
        until(process, "healthslm unlock")
        for method, path in (("GET", "/api/v1/now"), ("POST", "/api/v1/notes"), ("GET", "/api/v1/live")):
            found = asked(http, f"{base}{path}", method)
            assert found.status_code == 423
            assert "healthslm unlock" in found.json()["detail"]
        page = http.get(f"{base}/")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert http.get(f"{base}/trust/fingerprint.json").json() == {"sha256": by.fingerprint}

        (tmp_path / "wrong").write_text("wrong horse\n")
        wrong = said_by(["--home", str(home), "--passphrase-file", str(tmp_path / "wrong"), "unlock"])
        assert wrong.code == 3
        assert http.get(f"{base}/api/v1/now").status_code == 423
        told = said_by([*opening, "unlock"])
        assert "companion: unlocked" in told.stderr
        until(process, "Next: healthslm companion pair")
        assert asked(http, f"{base}/api/v1/now").status_code == 401
        assert "Nothing waits" in said_by([*opening, "unlock"]).stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_before_it_was_ever_served_a_locked_box_refuses_instead_of_keeping_phones_waiting(
    opening: list[str], tmp_path: Path
) -> None:
    port = free_port()
    arguments = ["serve", "--host", "127.0.0.1", "--port", str(port), "--wait"]
    with started(["--home", str(tmp_path / "home")], *arguments) as process:
        until(process, "healthslm unlock")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        assert "companion: unlocked" in said_by([*opening, "unlock"]).stderr
        until(process, "Next: healthslm companion pair")


def test_what_a_locked_box_shows_lasts_a_month_and_is_made_anew(opening: list[str], tmp_path: Path) -> None:
    home, now = tmp_path / "home", datetime(2026, 11, 2, tzinfo=UTC)
    with open_store(home, PASSPHRASE) as store:
        certificates(store, (), now, os.urandom)
        first = (home / locked.KEPT).read_bytes()
        shown = locked.shown(home)
        assert shown is not None
        assert shown.server.certificate.not_valid_after_utc - now < timedelta(days=31)
        certificates(store, (), now + timedelta(hours=1), os.urandom)
        assert (home / locked.KEPT).read_bytes() == first
        certificates(store, (), now + timedelta(days=3), os.urandom)
        assert (home / locked.KEPT).read_bytes() != first
        for broken in (b"", b"-----BEGIN CERTIFICATE-----\n", first[:300], b"\xff" * 100):
            (home / locked.KEPT).write_bytes(broken)
            assert locked.shown(home) is None
        certificates(store, (), now, os.urandom)
        assert locked.shown(home) is not None
        renew(store)
        assert not (home / locked.KEPT).exists()


def test_a_programs_token_is_shown_once_and_taken_back(run: Run, tmp_path: Path) -> None:
    made = run("token", "my dashboard", "--role", "carer", "--until", "30d")
    token = made.stdout.strip()
    assert len(token) > 40
    (listed,) = json.loads(run("devices", "--json").stdout)
    assert (listed["name"], listed["role"]) == ("my dashboard", "carer")
    assert token not in json.dumps(listed)
    assert "my dashboard" in run("devices").stdout
    with open_store(tmp_path / "home", PASSPHRASE) as store:
        (client,) = clients_in(store)
        assert client.has_token(token)
        assert token not in json.dumps(store.get("companion clients"))
    assert "may not look any more" in run("revoke", listed["id"][:4]).stderr
    assert json.loads(run("devices", "--json").stdout) == []
    assert "No phone yet" in run("devices").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("revoke",), 2, "Name one by its id, or say --all"),
        (("revoke", "ffff"), 2, "No phone or program"),
        (("token", "\u202e"), 2, "no letter that can be shown"),
        (("token", "x", "--role", "clinician"), 2, "Say until when"),
        (("token", "x", "--until", "2020-01-01"), 2, "is over already"),
        (("pair", "--role", "clinician"), 2, "ends on a day"),
        (("pair", "--role", "nurse"), 2, ""),
        (("serve", "--host", "203.0.113.1"), 1, "cannot be served on"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    told = run(*arguments)
    assert told.code == code
    assert said in told.stderr


def test_certificates_are_made_anew_when_asked(run: Run) -> None:
    first, second = run("renew"), run("renew")
    assert first.stdout.count(":") == 31
    assert first.stdout != second.stdout
