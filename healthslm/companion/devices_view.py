"""The wearables from the phone: how they are, what is near, one more on the list, or one less.

Pairing in Bluetooth's sense is left to the box's terminal: whoever does that sees the wearable's passkey.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from device import PAIR_FIRST, Found
from device.agent import bonds
from healthslm import wearables
from healthslm.companion.access import SEES_ALERTS, WEARER, Doors, only
from healthslm.companion.answers import Json, answer, body, problem, takes
from healthslm.companion.now import listening
from healthslm.links import Standing, standing
from healthslm.store import Store
from healthslm.text import clean

PATIENCE_S = 90.0
"""So long it may take: somebody may be connecting, which is waited for, and an adapter may hang."""
_MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Looking:
    """One look at a time: there is one adapter. One that takes longer than `patience_s` is given up."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    patience_s: float = PATIENCE_S


class Adding(BaseModel):
    """A wearable for the list: its address as the scan tells it, and what the person calls it."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(min_length=1, max_length=64)
    name: str = Field(default="", max_length=200)


@only(SEES_ALERTS)
async def devices(request: Request) -> Response:
    """List the wearables."""
    return await _listed(request)


@only(WEARER)
async def look_for_devices(request: Request) -> Response:
    """Look which wearables are near; takes some seconds. Answers with the nearest first."""
    doors: Doors = request.app.state.doors
    looking: Looking = request.app.state.looking
    if looking.turn.locked():
        return problem(409, "Somebody is looking already.", "Wait a few seconds.")
    async with looking.turn:
        try:
            async with asyncio.timeout(looking.patience_s):
                found = await doors.box.look(doors.box.home)
        except TimeoutError:
            return problem(503, "Bluetooth does not answer.", "On the box, switch it off and on again.")
    known = await doors.box.do(lambda store: {device.address.upper() for device in store.devices()})
    return answer({"found": [_found(one, known) for one in found[:_MOST_FOUND]]})


def _found(one: Found, known: set[str]) -> Json:
    return {
        "address": one.address,
        "name": clean(one.name, wearables.NAME_LIMIT),
        "measures": list(one.services),
        "rssi": one.rssi,
        "listed": one.address.upper() in known,
        "bonds": bonds(one),
    }


@takes(Adding)
@only(WEARER)
async def add_device(request: Request) -> Response:
    """Put a wearable on the list, or name it anew: `healthslm run` listens to it at once."""
    doors: Doors = request.app.state.doors
    given = await body(request, Adding)
    at = doors.box.clock()
    await doors.box.do(lambda store: wearables.add(store, given.address, given.name, at))
    return await _listed(request)


@only(WEARER)
async def forget_device(request: Request) -> Response:
    """Take a wearable off the list; its readings stay."""
    doors: Doors = request.app.state.doors
    address, at = request.path_params["address"], doors.box.clock()
    await doors.box.do(lambda store: wearables.forget(store, address, at))
    return await _listed(request)


async def _listed(request: Request) -> Response:
    doors: Doors = request.app.state.doors
    box = doors.box

    def work(store: Store) -> Json:
        state = listening(box, box.clock())
        return {"listening": state, "devices": devices_of(store, at_work=bool(state["at_work"]))}

    return answer(await box.do(work))


def devices_of(store: Store, *, at_work: bool) -> list[Json]:
    """Return the wearables: battery, when last heard, and how the link stands while somebody listens."""
    links = standing(store)
    own = {device.address for device in wearables.by_radio(store)}
    found = []
    for device in store.devices():
        heard, battery = wearables.last_heard(store, device.address)
        link = links.get(device.address)
        found.append(
            {
                "address": device.address,
                "name": device.name or device.address,
                "model": f"{device.manufacturer} {device.model}".strip(),
                "battery": battery,
                "last_heard": heard.isoformat() if heard else None,
                "link": _link_of(link if at_work else None, by_radio=device.address in own),
                "since": link.since.isoformat() if link and at_work else None,
                "why": link.why if link and at_work else "",
                "pair_first": bool(link and at_work and PAIR_FIRST in link.why),
            }
        )
    return found


def _link_of(link: Standing | None, *, by_radio: bool) -> str:
    if not by_radio:
        return "by a phone"
    return link.state if link else "not listening"


ROUTES = [
    Route("/api/v1/devices", devices),
    Route("/api/v1/devices", add_device, methods=["POST"]),
    Route("/api/v1/devices/scan", look_for_devices, methods=["POST"]),
    Route("/api/v1/devices/{address}", forget_device, methods=["DELETE"]),
]
