"""Wearables from the phone: what is near, one more on the list, one less."""

import asyncio
from dataclasses import replace
from pathlib import Path

from device import AdapterError, Found
from healthslm.companion.clients import Role
from healthslm.companion.devices_view import Looking
from healthslm.nearby import asked_who_is_near, who_is_near
from healthslm.readings import Device
from healthslm.store.audit import Event
from healthslm.wearables import MOST
from tests.companion.conftest import CUFF, NOW, OXIMETER, Home
from tests.companion.phone import paired

STRAP = "C0:FF:EE:00:00:09"


async def test_what_is_near_is_told_with_what_is_to_be_known_of_it(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    found = (await phone.post("/api/v1/devices/scan")).json()["found"]
    assert [one["listed"] for one in found] == [True, False, False]
    assert [one["bonds"] for one in found] == [False, False, True]
    assert found[1] == {
        "address": STRAP,
        "name": "Polar H10",
        "measures": ["Heart Rate"],
        "rssi": -60,
        "listed": False,
        "bonds": False,
    }


async def test_one_is_added_named_anew_and_taken_off(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    told = (await phone.post("/api/v1/devices", address=STRAP.lower(), name="Polar\u202e H10")).json()
    assert (STRAP, "Polar H10") in {(one["address"], one["name"]) for one in told["devices"]}
    last = home.store.trail()[-1]
    assert (last.event, last.detail["added"]) == (Event.DEVICE_CHANGED, STRAP)
    told = (await phone.post("/api/v1/devices", address=STRAP, name="my strap")).json()
    assert [one["name"] for one in told["devices"] if one["address"] == STRAP] == ["my strap"]
    told = (await phone.delete(f"/api/v1/devices/{STRAP}")).json()
    assert {one["address"] for one in told["devices"]} == {OXIMETER, CUFF}
    assert (await phone.delete(f"/api/v1/devices/{STRAP}")).status_code == 404


async def test_what_a_phone_hears_is_told_apart(home: Home) -> None:
    home.store.put_device(Device(address="phone-0123456789ab", name="ring"))
    home.store.commit()
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    links = {one["name"]: one["link"] for one in (await phone.get("/api/v1/devices")).json()["devices"]}
    assert links == {"ring": "by a phone", "oximeter": "not listening", "cuff": "not listening"}


async def test_what_is_no_wearable_is_refused(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    for address in ("", "strap", "C0:FF:EE:00:00", "C0:FF:EE:00:00:09\n--help", "x" * 64):
        found = await phone.post("/api/v1/devices", address=address)
        assert found.status_code == 422, address
    assert (await phone.post("/api/v1/devices", address=STRAP, name="\u202e")).status_code == 422
    assert len(home.store.devices()) == 2


async def test_a_box_that_cannot_look_says_why(home: Home) -> None:
    async def broken(_seconds: float) -> list[Found]:
        raise AdapterError("Bluetooth is switched off.", "Switch it on.")

    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    doors = home.app.state.doors
    home.app.state.doors = replace(doors, box=replace(doors.box, look=who_is_near))
    found = await phone.post("/api/v1/devices/scan")
    assert found.status_code == 503
    assert "`healthslm run` is not at work" in found.json()["title"]
    async with asked_who_is_near(home.box.home, broken):
        found = await phone.post("/api/v1/devices/scan")
    assert found.status_code == 503
    assert found.json() == {"title": "Bluetooth is switched off.", "detail": "Switch it on.", "status": 503}


async def test_one_looks_at_a_time(home: Home) -> None:
    looking, done = asyncio.Event(), asyncio.Event()

    async def slow(_home: Path) -> list[Found]:
        looking.set()
        await done.wait()
        return []

    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.app.state.doors = replace(home.app.state.doors, box=replace(home.app.state.doors.box, look=slow))
    first = asyncio.create_task(phone.post("/api/v1/devices/scan"))
    await looking.wait()
    assert (await phone.post("/api/v1/devices/scan")).status_code == 409
    done.set()
    assert (await first).json() == {"found": []}


async def test_an_adapter_that_hangs_keeps_nobody_from_looking_again(home: Home) -> None:
    async def hanging(_home: Path) -> list[Found]:
        await asyncio.Event().wait()
        return []

    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.app.state.doors = replace(home.app.state.doors, box=replace(home.box, look=hanging))
    home.app.state.looking = Looking(patience_s=0.05)
    for _ in range(2):
        found = await phone.post("/api/v1/devices/scan")
        assert found.status_code == 503
        assert "does not answer" in found.json()["title"]


async def test_a_list_has_an_end(home: Home) -> None:
    """Each has a link of its own in `healthslm run`, and is looked up each time the list is shown."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    for n in range(MOST - 2):
        found = await phone.post("/api/v1/devices", address=f"C0:FF:EE:00:01:{n:02X}")
        assert found.status_code == 200
    found = await phone.post("/api/v1/devices", address=STRAP)
    assert found.status_code == 422
    assert "on the list already" in found.json()["title"]
    # What is on it can be named anew, and one taken off makes room.
    assert (await phone.post("/api/v1/devices", address=OXIMETER.lower(), name="other")).status_code == 200
    await phone.delete(f"/api/v1/devices/{CUFF}")
    assert (await phone.post("/api/v1/devices", address=STRAP)).status_code == 200
