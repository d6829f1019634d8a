"""The phone as a radio: its bytes reach the same queue as this machine's own, by the box's clock."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device import Identity, Notification
from device.events import EventQueue
from healthslm import wearables
from healthslm.companion.clients import Role, packed
from healthslm.ingest import Ingest
from healthslm.readings import Kind
from healthslm.relay import SOCKET, heard_by_phones
from tests.companion.conftest import NOW, Clock, Home
from tests.companion.phone import paired

BEAT = bytes.fromhex("00 48")  # a heart rate of 72
DEVICE = "fPq0v1CzR3mJ=="


def heard(
    home: Home, *values: tuple[str, bytes], ago_s: float = 1, off: timedelta = timedelta(0)
) -> dict[str, object]:
    """What a page sends whose phone's clock is `off` by so much."""
    sent = home.clock.now + off
    return {
        "sent": sent.isoformat(),
        "device": DEVICE,
        "name": "Polar\u202e H10",
        "heard": [
            {
                "at": (sent - timedelta(seconds=ago_s)).isoformat(),
                "characteristic": uuid,
                "value": packed(value),
            }
            for uuid, value in values
        ],
    }


@pytest.mark.parametrize("off", [timedelta(0), timedelta(days=-400), timedelta(hours=9)])
async def test_what_a_phone_heard_is_decoded_and_timed_by_the_box(home: Home, off: timedelta) -> None:
    """Whatever its clock shows."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    queue = EventQueue(100, home.clock.wall)
    async with heard_by_phones(home.box.home, queue):
        answer = await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT), off=off))
        assert answer.json()["taken"] == 1
        known, value = queue.take(10)
    assert isinstance(known, Identity)
    assert known.name == "Polar H10"
    assert isinstance(value, Notification)
    assert value.received_at == NOW - timedelta(seconds=1)
    (reading,) = Ingest(ZoneInfo("UTC")).take(value).readings
    assert (reading.kind, reading.value, reading.device) == (Kind.HEART_RATE, 72, answer.json()["device"])
    assert home.store.device(reading.device).name == "Polar H10"
    assert not (home.box.home / SOCKET).exists()


async def test_the_same_wearable_of_the_same_phone_has_one_name(home: Home) -> None:
    first, second = [await paired(home.app, home.store, Role.WEARER, NOW) for _ in range(2)]
    async with heard_by_phones(home.box.home, EventQueue(100, home.clock.wall)):
        named = [
            (await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT)))).json()["device"]
            for phone in (first, first, second)
        ]
    assert named[0] == named[1] != named[2]


async def test_what_cannot_be_meant_is_refused_and_the_rest_is_taken(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    queue = EventQueue(100, home.clock.wall)
    values = (("2A37", BEAT), ("2A37", b""), ("2A37", b"\xff"), ("2AFF", b"\x00" * 30))
    async with heard_by_phones(home.box.home, queue):
        answer = (await phone.post("/api/v1/radio", **heard(home, *values))).json()
        assert answer["taken"] == 1
        assert len(answer["refused"]) == 3
        old = (await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT), ago_s=90_000))).json()
        coming = (await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT), ago_s=-60))).json()
        assert (old["taken"], coming["taken"]) == (0, 0)
        assert "too long ago, or to come" in old["refused"][0]
    assert len([e for e in queue.take(100) if isinstance(e, Notification)]) == 1


async def test_what_a_phone_hears_is_listed_and_sought_by_no_radio(home: Home) -> None:
    """It has no address; a phone that makes up thousands of wearables fills no list with them."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    before = [one.address for one in home.store.devices()]
    assert [one.address for one in wearables.by_radio(home.store)] == before
    async with heard_by_phones(home.box.home, EventQueue(1000, home.clock.wall)):
        for n in range(wearables.MOST + 5):
            body = {**heard(home, ("2A37", BEAT)), "device": f"made up {n}"}
            assert (await phone.post("/api/v1/radio", **body)).status_code == 200
    assert len(home.store.devices()) == len(before) + wearables.MOST
    assert [one.address for one in wearables.by_radio(home.store)] == before


async def test_while_nobody_listens_the_phone_is_told_and_keeps_it(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    answer = await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT)))
    assert answer.status_code == 503
    assert "`healthslm run` is not at work" in answer.json()["title"]
    async with heard_by_phones(home.box.home, EventQueue(10, home.clock.wall)):
        pass
    (home.box.home / SOCKET).touch()  # what a killed one leaves is in nobody's way
    async with heard_by_phones(home.box.home, EventQueue(10, home.clock.wall)):
        assert (await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT)))).status_code == 200


async def test_only_the_wearer_hears_for_the_wearer(home: Home) -> None:
    for role in (Role.CARER, Role.CLINICIAN):
        phone = await paired(home.app, home.store, role, NOW)
        assert (await phone.post("/api/v1/radio", **heard(home, ("2A37", BEAT)))).status_code == 403


async def test_a_deep_folder_has_its_socket_too_and_nobody_else_reaches_it(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)
    deep.mkdir(parents=True)
    async with heard_by_phones(deep, EventQueue(10, Clock().wall)):
        assert (deep / SOCKET).stat().st_mode & 0o077 == 0


async def test_what_is_sent_again_is_the_same_reading(home: Home) -> None:
    """Its answer was lost, and the way takes longer now."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    queue = EventQueue(100, home.clock.wall)
    kept = heard(home, ("2A37", BEAT), off=timedelta(days=-400))
    async with heard_by_phones(home.box.home, queue):
        await phone.post("/api/v1/radio", **kept)
        home.clock.pass_(seconds=3.3)
        sent = home.clock.now - timedelta(days=400, seconds=0.3)
        await phone.post("/api/v1/radio", **{**kept, "sent": sent.isoformat()})
        home.clock.now += timedelta(hours=1)  # the box's clock was set
        await phone.post("/api/v1/radio", **{**kept, "sent": sent.isoformat()})
    first, again, later = [one for one in queue.take(10) if isinstance(one, Notification)]
    assert first.received_at == again.received_at == NOW - timedelta(seconds=1)
    assert later.received_at == again.received_at + timedelta(hours=1, seconds=0.3)
