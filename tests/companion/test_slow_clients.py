"""Who connects and is slow, silent, many, or not from home; and a certificate that changes meanwhile."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime

import httpx
import pytest

from healthslm.companion.connections import Connection, at_home
from healthslm.companion.server import names_of
from tests.companion.conftest import Home
from tests.companion.test_served import served, trusting


class Hurried(Connection):
    """One that waits for nobody."""

    request_s, look_s = 0.2, 0.05


class Few(Connection):
    """One of few that an address may have."""

    most_of_one = 3


def blindly() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


async def ended(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 5)
    return b""


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nhost: a\r\n",
        b"POST /api/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{",
        b"POST /api/v1/pair HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
    ],
)
async def test_who_sends_half_a_request_is_hung_up_on(home: Home, sent: bytes) -> None:
    async with served(home, connection=Hurried) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=blindly())
        writer.write(sent)
        assert await ended(reader) == b""
        writer.close()


async def test_who_drips_is_hung_up_on_as_well(home: Home) -> None:
    async with served(home, connection=Hurried) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=blindly())
        reading = asyncio.create_task(ended(reader))
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET / HTTP/1.1\r\n")
            for n in range(100):
                writer.write(b"x-%d: 1\r\n" % n)
                await writer.drain()
                await asyncio.sleep(0.02)
                if reading.done():
                    break
        assert reading.done()
        writer.close()


async def test_one_device_does_not_use_up_what_all_share(home: Home) -> None:
    async with served(home, connection=Few) as (port, _):
        opened = [await asyncio.open_connection("127.0.0.1", port, ssl=blindly()) for _ in range(4)]
        assert await ended(opened[3][0]) == b""
        opened[0][1].write(b"GET /api/v1/me HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert (await ended(opened[0][0])).startswith(b"HTTP/1.1 401")
        for _, writer in opened:
            writer.close()


@pytest.mark.parametrize(
    ("peer", "home_"),
    [
        ("192.168.1.7", True),
        ("::ffff:192.168.1.7", True),
        ("fe80::1%eth0", True),
        ("fd00::7", True),
        ("100.100.1.1", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_only_who_is_at_home_is_served(peer: str, home_: bool) -> None:
    """Also where a router lets everybody in, as many do with IPv6."""
    assert at_home(peer) is home_


async def test_a_new_certificate_is_shown_without_a_new_start(home: Home) -> None:
    home.clock.now = datetime.now(UTC)
    called = ["first"]
    async with served(home, fresh_s=0.02, names=lambda: names_of(called[0])) as (port, tls):
        called[0] = "second"
        async with asyncio.timeout(5):
            while True:
                async with httpx.AsyncClient(verify=trusting(tls.authority)) as http:
                    await http.get(f"https://127.0.0.1:{port}/api/v1/me")
                shown = ssl.PEM_cert_to_DER_cert(
                    await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
                )
                if shown != tls.server.der:
                    break
        assert b"second.local" in shown
