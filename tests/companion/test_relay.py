"""The socket between the page and `healthslm run`: what comes through it wrong, or too much of it."""

import asyncio
import json
import logging
from collections.abc import Sequence

import pytest

from device import Notification
from device.events import EventQueue
from healthslm.errors import HealthslmError
from healthslm.relay import SOCKET, heard_by_phones, send
from tests.companion.conftest import NOW, Home


def values(count: int) -> Sequence[Notification]:
    return [Notification(NOW, "phone-1", "2A37", b"\x00\x48", 0) for _ in range(count)]


async def said(home: Home, *lines: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(home.box.home / SOCKET))
    writer.write(b"".join(line + b"\n" for line in lines))
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


GOOD = {"at": NOW.isoformat(), "device": "phone-1", "characteristic": "2A37", "value": "0048"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"[" * 60_000,
        b"x" * 70_000,
        b"\xff",
        json.dumps({**GOOD, "at": "0001-01-01T00:00:00+14:00"}).encode(),
        json.dumps({**GOOD, "at": "0001-01-02T00:00:00+00:00"}).encode(),
        json.dumps({**GOOD, "at": "9999-12-31T23:59:59+00:00"}).encode(),
        json.dumps({**GOOD, "at": 5}).encode(),
        json.dumps({**GOOD, "device": "\ud800"}).encode(),
        json.dumps({**GOOD, "characteristic": "\ud800"}).encode(),
        json.dumps({"device": "phone-1", "at": NOW.isoformat(), "name": "\udfff"}).encode(),
        json.dumps({**GOOD, "value": "zz"}).encode(),
        json.dumps({**GOOD, "value": None}).encode(),
        json.dumps({**GOOD, "state": "flying", "why": ""}).encode(),
    ],
)
async def test_what_is_no_event_is_not_taken_nor_is_what_came_with_it(
    home: Home, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    queue = EventQueue(100, home.clock.wall)
    async with heard_by_phones(home.box.home, queue):
        with caplog.at_level(logging.WARNING):
            assert await said(home, json.dumps(GOOD).encode(), line) == b""
        assert await said(home, json.dumps(GOOD).encode()) == b"taken\n"
    assert len(queue.take(10)) == 1
    assert [one.name for one in caplog.records] == ["healthslm.relay"]


async def test_what_finds_no_room_is_not_said_to_be_taken(home: Home) -> None:
    """Else the phone would throw it away, and it would be nowhere."""
    queue = EventQueue(3, home.clock.wall)
    async with heard_by_phones(home.box.home, queue):
        await send(home.box.home, values(2))
        with pytest.raises(HealthslmError, match="not taken"):
            await send(home.box.home, values(2))
        assert len(queue.take(10)) == 2
        await send(home.box.home, values(2))
    assert len(queue.take(10)) == 2


async def test_a_flood_is_cut_off(home: Home) -> None:
    queue = EventQueue(10_000, home.clock.wall)
    async with heard_by_phones(home.box.home, queue):
        with pytest.raises(HealthslmError, match="not taken"):
            await send(home.box.home, values(1001))
    assert queue.take(1) == []


async def test_what_lies_in_the_place_of_the_socket_is_not_followed(home: Home) -> None:
    kept = home.box.home / "kept"
    kept.write_text("mine")
    (home.box.home / SOCKET).symlink_to(kept)
    async with heard_by_phones(home.box.home, EventQueue(10, home.clock.wall)):
        assert (home.box.home / SOCKET).is_socket()
        await send(home.box.home, values(1))
    assert kept.read_text() == "mine"
