"""The phone as a radio: what its browser heard from a wearable is handed on as it is, bytes and all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from device import DecodeError, Identity, Notification, decode
from healthslm import wearables
from healthslm.companion.access import WEARER, Doors, only
from healthslm.companion.answers import answer, body, takes
from healthslm.companion.clients import MOST, unpacked
from healthslm.errors import UsageError
from healthslm.readings import Device
from healthslm.relay import send
from healthslm.store import Store
from healthslm.text import clean

_EARLIEST = timedelta(days=1)
"""What a phone heard longer ago while the box was out of reach is not sent on."""
_SLACK = timedelta(seconds=5)
_PHONE = "phone-"


class Heard(BaseModel):
    """One notification: when by the phone's clock, of which characteristic, and its bytes in base64url."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    characteristic: str = Field(pattern=r"^[0-9A-F]{4}$")
    value: str = Field(max_length=700)


class Hearing(BaseModel):
    """What a phone heard of one wearable. `sent` is the phone's clock when it sends: so a wrong one is known.

    `device` is the browser's own name for the wearable, which is no address.
    """

    model_config = ConfigDict(extra="forbid")

    sent: AwareDatetime
    device: str = Field(min_length=1, max_length=200)
    name: str = Field(default="", max_length=200)
    heard: list[Heard] = Field(min_length=1, max_length=500)


class Clocks:
    """By how much each phone's clock is behind the box's; kept, so that what is sent again has the same time.

    The way takes longer now and then; without this a reading whose answer was lost would be kept twice.
    """

    def __init__(self) -> None:
        self._behind: dict[str, timedelta] = {}

    def behind(self, client: str, now: datetime, sent: datetime) -> timedelta:
        """Return what to add to a phone's times; `sent` is what its clock shows at about `now`."""
        found = self._behind.pop(client, None)
        if found is None or abs(now - sent - found) > _SLACK:  # it was set, or ours was
            found = now - sent
        self._behind[client] = found
        while len(self._behind) > MOST:
            del self._behind[next(iter(self._behind))]
        return found


@takes(Hearing)
@only(WEARER)
async def radio(request: Request) -> Response:
    """Take what the phone heard from a wearable; answers how many values were taken, and why others not."""
    doors: Doors = request.app.state.doors
    given = await body(request, Hearing)
    now = doors.box.clock()
    address = known_as(request.state.client.id, given.device)
    clocks: Clocks = request.app.state.clocks
    behind = clocks.behind(request.state.client.id, now, given.sent)
    events, refused = _events(given, address, now, behind)

    def known(store: Store) -> None:
        before = store.device(address)
        name = clean(given.name, wearables.NAME_LIMIT)
        heard = sum(one.address.startswith(_PHONE) for one in store.devices())
        if not before.name and name and heard < wearables.MOST:
            store.put_device(Device(address=address, name=name))
            store.commit()

    if events:
        await doors.box.do(known)
        await send(
            doors.box.home, [Identity(now, address, name=clean(given.name, wearables.NAME_LIMIT)), *events]
        )
    return answer({"device": address, "taken": len(events), "refused": refused})


def known_as(client: str, device: str) -> str:
    """Return what a wearable that a phone hears is known by: the same for the same phone and wearable.

    Browsers tell no address, and another name for it to each page.
    """
    return f"{_PHONE}{hashlib.sha256(f'{client} {device}'.encode()).hexdigest()[:12]}"


def _events(
    given: Hearing, address: str, now: datetime, behind: timedelta
) -> tuple[Sequence[Notification], list[str]]:
    """Make events of what was heard, by the box's clock; with what was refused and why."""
    events: list[Notification] = []
    refused: list[str] = []
    for one in given.heard:
        ago = given.sent - one.at  # by the phone's own clock, whatever that shows
        try:
            value = unpacked(one.value)
            decode(one.characteristic, value)
        except (ValueError, DecodeError) as error:
            refused.append(f"{one.characteristic}: {clean(str(error), 100)}")
            continue
        if not -_SLACK <= ago <= _EARLIEST:
            refused.append(f"{one.characteristic}: heard too long ago, or to come")
            continue
        events.append(
            Notification(
                received_at=min((one.at + behind).astimezone(UTC), now),
                device=address,
                characteristic=one.characteristic,
                value=value,
                monotonic_ns=0,
            )
        )
    if not events and not refused:
        raise UsageError("Nothing was heard.")
    return events, list(dict.fromkeys(refused))[:10]


ROUTES = [Route("/api/v1/radio", radio, methods=["POST"])]
