"""The page as it is served: over TLS of the box's own authority, which is good for homes alone."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm.companion import authority as ca
from healthslm.companion import server, serving
from healthslm.companion.clients import Client, Role, add, digest
from healthslm.errors import HealthslmError, StoreError
from tests.companion.conftest import NOW, Home


async def test_stopping_in_the_middle_of_an_answer_is_no_error(
    by: ca.Identity, caplog: pytest.LogCaptureFixture
) -> None:
    """Who stops the page while the box works on a long answer gets no traceback for it."""
    asked, stop = asyncio.Event(), asyncio.Event()

    async def long(_request: Request) -> Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = Starlette(routes=[Route("/", long)])
    opened = server.listening_on("127.0.0.1", 0)
    port = opened.getsockname()[1]
    tls = ca.context(by, ca.server(by, ["localhost"], [ip_address("127.0.0.1")], NOW))
    async with asyncio.timeout(30):
        running = asyncio.create_task(serving.serve_on(app, [opened], tls, stop, closing_s=1))
        # OpenSSL looks at the real clock; whom it trusts is for others to test.
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl._create_unverified_context())  # noqa: S323
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        stop.set()
        await running
        writer.close()
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.fixture
def by() -> ca.Identity:
    return ca.authority(NOW, "ab12")


@asynccontextmanager
async def served(home: Home, **how: Any) -> AsyncIterator[tuple[int, server.Certificates]]:
    """Serve a box on loopback; the port, and what it is served with. `how` is given to `serve`."""
    here = ca.addresses_of(["127.0.0.1", "::1"])
    names = how["names"]() if "names" in how else None
    tls = server.certificates(home.store, here, home.clock.now, os.urandom, names)
    opened = server.listening_on("127.0.0.1", 0)
    stop = asyncio.Event()
    serving = asyncio.create_task(server.serve(home.app, [opened], tls, stop, **how))
    try:
        yield opened.getsockname()[1], tls
    finally:
        stop.set()
        await serving


def trusting(identity: ca.Identity) -> ssl.SSLContext:
    """What a phone that knows the authority checks: all that OpenSSL does, and the time of the tests' day."""
    made = ssl.create_default_context(cadata=identity.pem.decode())
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    return made


async def test_a_phone_that_knows_the_authority_is_served_and_no_other(home: Home) -> None:
    home.clock.now = home.clock.now.now(home.clock.now.tzinfo)  # OpenSSL looks at the real clock
    async with served(home) as (port, tls):
        async with httpx.AsyncClient(verify=trusting(tls.authority)) as http:
            for host in ("127.0.0.1", "localhost"):
                found = await http.get(f"https://{host}:{port}/api/v1/me")
                assert found.status_code == 401
                assert "server" not in found.headers
        other = trusting(ca.authority(home.clock.now, "cd34"))
        async with httpx.AsyncClient(verify=other) as http:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.get(f"https://127.0.0.1:{port}/")


async def test_old_tls_is_refused(home: Home) -> None:
    home.clock.now = home.clock.now.now(home.clock.now.tzinfo)
    async with served(home) as (port, tls):
        old = trusting(tls.authority)
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=old)


async def test_stopping_hangs_up_on_who_listens(home: Home) -> None:
    """A phone that listens for live values keeps nobody from stopping."""
    home.clock.now = home.clock.now.now(home.clock.now.tzinfo)
    async with asyncio.timeout(30):
        async with served(home) as (port, tls):
            add(home.store, Client(id="c" * 16, name="t", role=Role.CARER, token=digest("token"), added=NOW))
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(tls.authority))
            writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n")
            await writer.drain()
            assert b"200" in await reader.readline()
            await reader.readuntil(b"event: now")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < serving.CLOSING_S
        writer.close()


def test_the_authority_is_good_for_private_addresses_alone(by: ca.Identity) -> None:
    constraints = by.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = constraints.value.permitted_subtrees or []
    assert {one.value for one in permitted if isinstance(one, x509.DNSName)} == {
        "local", "localhost", "home.arpa", "lan", "internal"
    }  # fmt: skip
    nets = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    assert all(net.is_private or str(net) in ("100.64.0.0/10",) for net in nets)
    assert by.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_a_servers_certificate_names_only_what_is_at_home(by: ca.Identity) -> None:
    made = ca.server(
        by, ["box.local", "example.org"], [ip_address("192.168.1.7"), ip_address("8.8.8.8")], NOW
    )
    names = made.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["box.local"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.7"]
    lasts = made.certificate.not_valid_after_utc - made.certificate.not_valid_before_utc
    assert lasts <= timedelta(days=398)


def test_certificates_are_made_once_and_renewed_in_time(home: Home) -> None:
    here = ca.addresses_of(["192.168.1.7"])
    first = server.certificates(home.store, here, NOW, os.urandom)
    again = server.certificates(home.store, here, NOW + timedelta(days=300), os.urandom)
    assert again.server.pem == first.server.pem
    moved = server.certificates(home.store, ca.addresses_of(["192.168.1.8"]), NOW, os.urandom)
    assert moved.authority.pem == first.authority.pem  # which phones know
    assert moved.server.pem != first.server.pem
    later = server.certificates(
        home.store, ca.addresses_of(["192.168.1.8"]), NOW + timedelta(days=360), os.urandom
    )
    assert later.server.pem != moved.server.pem
    home.store.put(server.KEPT, {"authority": {"key": "no", "certificate": "no"}})
    with pytest.raises(StoreError, match="cannot be read"):
        server.certificates(home.store, here, NOW, os.urandom)


def test_no_key_is_ever_a_file(home: Home, tmp_path: Path) -> None:
    tls = server.certificates(home.store, ca.addresses_of(["127.0.0.1"]), NOW, os.urandom)
    ca.context(tls.authority, tls.server)
    secret = tls.server.key_pem.splitlines()[1]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_port_that_is_taken_is_said() -> None:
    first = server.listening_on("127.0.0.1", 0)
    with first, pytest.raises(HealthslmError, match=r"cannot be served on 127\.0\.0\.1 port"):
        server.listening_on("127.0.0.1", first.getsockname()[1])


def test_the_fingerprint_is_what_phones_show(by: ca.Identity) -> None:
    raw = by.certificate.fingerprint(hashes.SHA256())
    assert by.fingerprint == ":".join(f"{byte:02X}" for byte in raw)
