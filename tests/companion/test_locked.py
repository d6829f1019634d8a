"""What a locked box says so with lies beside the store: whatever is found there stops nothing."""

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from healthslm.companion import authority as ca
from healthslm.companion import locked
from healthslm.companion.server import Certificates, certificates
from healthslm.store import Store
from tests.companion.conftest import Home
from tests.companion.test_slow_clients import blindly

HERE = [ip_address("127.0.0.1")]


def looked_after(store: Store) -> Certificates:
    return certificates(store, HERE, datetime.now(UTC), os.urandom)


def nameless(by: ca.Identity) -> ca.Identity:
    """One of the authority that is for no name at all."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(by.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=29))
    return ca.Identity(key=key, certificate=builder.sign(by.key, hashes.SHA256()))


def of_no_name(by: ca.Identity, _kept: locked.Shown) -> bytes:
    made = nameless(by)
    return made.key_pem + made.pem + by.pem


def of_another_key(by: ca.Identity, kept: locked.Shown) -> bytes:
    return nameless(by).key_pem + kept.server.pem + by.pem


def endless(by: ca.Identity, kept: locked.Shown) -> bytes:
    return kept.server.key_pem + kept.server.pem + by.pem + b"\n" * 1_000_000


@pytest.mark.parametrize("found", [of_no_name, of_another_key, endless])
def test_what_cannot_be_served_with_is_made_anew(
    home: Home, found: Callable[[ca.Identity, locked.Shown], bytes]
) -> None:
    tls = looked_after(home.store)
    kept = locked.shown(home.box.home)
    assert kept is not None
    (home.box.home / locked.KEPT).write_bytes(found(tls.authority, kept))
    looked_after(home.store)
    made = locked.shown(home.box.home)
    assert made is not None
    assert ca.serves(made.server, tls.authority, [], HERE, datetime.now(UTC), locked.RENEWED)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [pipe, endless_link, Path.mkdir])
def test_what_is_no_file_is_nobody_waited_for(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / locked.KEPT)
    assert locked.shown(tmp_path) is None


def test_a_key_of_another_certificate_says_nothing_and_breaks_nothing(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    tls = looked_after(home.store)
    kept = locked.shown(home.box.home)
    assert kept is not None
    (home.box.home / locked.KEPT).write_bytes(of_another_key(tls.authority, kept))
    with (
        socket.create_server(("127.0.0.1", 0)) as opened,
        locked.said_locked(home.box.home, [opened]) as said,
    ):
        assert not said
    assert "Traceback" not in capfd.readouterr().err


def test_a_disk_that_takes_nothing_keeps_nobody_from_the_page(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    first = looked_after(home.store)
    (home.box.home / locked.KEPT).unlink()
    (home.box.home / f"{locked.KEPT}.part").mkdir()  # as a full disk: it cannot be written
    assert looked_after(home.store).server.pem == first.server.pem
    assert "could not say so" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/..%2f..%2flocked.pem",
        "/api/v1/../../../locked.pem",
        "/api/v1/export.pdf",
        "/%2e%2e/locked.pem",
        "//locked.pem",
        "/locked.pem",
        "/locale/..%2f..%2flocked.pem",
    ],
)
def test_nothing_but_the_page_is_had_of_a_locked_box(home: Home, path: str) -> None:
    looked_after(home.store)
    with (
        socket.create_server(("127.0.0.1", 0)) as opened,
        locked.said_locked(home.box.home, [opened]) as said,
        httpx.Client(verify=blindly()) as http,
    ):
        assert said
        raw = httpx.URL(f"https://127.0.0.1:{opened.getsockname()[1]}").copy_with(raw_path=path.encode())
        found = http.get(raw)
        assert found.status_code in (404, 423)
        assert "PRIVATE KEY" not in found.text
