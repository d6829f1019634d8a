"""One connection to one device: ask it, subscribe to it, hear it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakCharacteristicNotFoundError, BleakError, BleakGATTProtocolError

from device.adapter import Timings, limited
from device.errors import DecodeError, LinkError
from device.events import EventQueue, Identity, Notification
from device.gatt import MEASUREMENTS, STATE, BatteryLevel, DeviceInformationString, short_uuid
from device.gatt import device_information as info
from device.gatt.device_information import printable
from device.gatt.generic_health_sensor import GhsCommand, GhsControlPoint
from device.gatt.segments import SEGMENTED, Joiner
from device.vendors import Conversation

_IDENTITY = {
    info.MANUFACTURER_NAME: "manufacturer",
    info.MODEL_NUMBER: "model",
    info.SERIAL_NUMBER: "serial",
    info.FIRMWARE_REVISION: "firmware",
}
# ATT errors, Core Specification vol 3 part F 3.4.1.1
_NEEDS_PAIRING = {0x05, 0x08, 0x0C, 0x0F}  # authentication, authorization, key size, encryption
_OUT_OF_DATE = {0x01, 0x0A, 0x12}
"""Invalid handle, attribute not found, database out of sync: what a device answers whose table is no longer
the one that was discovered."""
_UNANSWERED = 2
"""Questions without an answer after which a device is asked no further."""


class Session:
    """What can be done with a device while it is connected. `queue` gets everything that is heard.

    Every call has a time limit and fails with `LinkError`, after which the connection may still be up.
    """

    def __init__(
        self,
        client: BleakClient,
        *,
        address: str,
        queue: EventQueue,
        clock: Callable[[], datetime],
        limits: Timings,
        gone: asyncio.Event,
        conversation: Conversation | None = None,
    ) -> None:
        self.client = client
        self.address = address
        self.clock = clock
        self.limits = limits
        self.gone = gone
        """Set once the link is down."""
        self.heard_ns = time.monotonic_ns()
        self.lost = 0
        """Values that the queue had no room for."""
        self.tap: Callable[[str, bytes], None] | None = None
        """Also told of each value that is sent, while set."""
        self.heard_of: set[str] = set()
        """The characteristics that are subscribed to."""
        self._queue = queue
        self._conversation = conversation
        self._joiner = Joiner()
        self._answers: dict[int, asyncio.Queue[bytes]] = {}
        self.table = _table(client)

    def find(self, name: str) -> BleakGATTCharacteristic | None:
        """Return the first characteristic of a name."""
        return next((c for c in self.table if short_uuid(c.uuid) == name), None)

    async def _ask(self, characteristic: BleakGATTCharacteristic) -> bytes:
        name = short_uuid(characteristic.uuid)
        call = self.client.read_gatt_char(characteristic)
        return bytes(await limited(f"reading {name}", call, self.limits.gatt))

    async def read(self, name: str) -> bytes:
        """Read a characteristic by its name."""
        return await self._ask(self._must_find(name))

    async def write(self, name: str, value: bytes) -> None:
        """Write a characteristic by its name, with a response where it gives one."""
        await self.put(self._must_find(name), value)

    async def put(self, characteristic: BleakGATTCharacteristic, value: bytes) -> None:
        """Write a characteristic, with a response where it gives one."""
        name = short_uuid(characteristic.uuid)
        call = self.client.write_gatt_char(
            characteristic, value, response="write" in characteristic.properties
        )
        await limited(f"writing {name}", call, self.limits.gatt)

    def _must_find(self, name: str) -> BleakGATTCharacteristic:
        found = self.find(name)
        if found is None:
            raise LinkError(f"it has no characteristic {name}.")
        return found

    async def identify(self, called: str) -> tuple[Identity, bool]:
        """Read who the device is; what it does not tell stays empty. Also says whether it answers at all.

        A device that leaves two questions without an answer is asked no further: behind BlueZ its values
        may be protected, and each question would take its whole time limit.
        """
        said: dict[str, str] = {}
        battery: int | None = None
        silent: list[str] = []
        for characteristic in self.table:
            name = short_uuid(characteristic.uuid)
            if "read" not in characteristic.properties or name not in (*_IDENTITY, BatteryLevel.UUID):
                continue
            try:
                value = await self._ask(characteristic)
                if name == BatteryLevel.UUID:
                    battery = BatteryLevel.from_bytes(value).percent if battery is None else battery
                else:
                    said[_IDENTITY[name]] = DeviceInformationString.from_bytes(value).text
            except DecodeError:
                continue
            except LinkError as error:
                self.still_there(error)
                if isinstance(error.__cause__, TimeoutError):
                    silent.append(error.message)
                    if len(silent) == _UNANSWERED:
                        break
        identity = Identity(
            at=self.clock(), device=self.address, name=printable(called), battery=battery, **said
        )
        return identity, len(silent) < _UNANSWERED

    async def read_state(self) -> None:
        """Read what the measurements cannot be understood without, and hand it on as it is."""
        for characteristic in self.table:
            if "read" in characteristic.properties and short_uuid(characteristic.uuid) in STATE:
                await self.pass_on(characteristic)

    async def pass_on(self, characteristic: BleakGATTCharacteristic) -> None:
        """Read a characteristic, and hand its value on; a refusal to be read changes nothing."""
        try:
            value = await self._ask(characteristic)
        except LinkError as error:
            self.still_there(error)
            return
        self._put(short_uuid(characteristic.uuid), value, read=True)

    def still_there(self, error: LinkError) -> None:
        """Go on after an error that was only about one characteristic. Raises it when the link is down."""
        if not self.client.is_connected:
            raise error

    async def subscribe(self, *, strict: bool) -> str:
        """Subscribe to every measurement, and to the battery where offered; return what was refused.

        `strict`: an answer that may come from an outdated table of characteristics is raised.
        """
        own = self._conversation.listens if self._conversation else frozenset()
        refused: list[str] = []
        for characteristic in self.table:
            name = short_uuid(characteristic.uuid)
            if name not in MEASUREMENTS and name not in own and name != BatteryLevel.UUID:
                continue
            if not _sends(characteristic):
                continue
            hear = self._framed if name in own else self._join if name in SEGMENTED else self._hear
            try:
                await self._start(characteristic, partial(hear, name))
                self.heard_of.add(name)
            except LinkError as error:
                self.still_there(error)
                if strict and out_of_date(error):
                    raise
                refused.append(_refusal(name, error))
        if not self.heard_of - {BatteryLevel.UUID}:
            raise _UselessError(refused)
        refused += await self._start_live()
        return _told(refused)

    async def _start_live(self) -> list[str]:
        """Tell a generic health sensor to send what it observes; returns why it does not."""
        control = self.find(GhsControlPoint.UUID)
        if control is None:
            return []
        try:
            await self.answers(control)
            await self.put(control, bytes(GhsControlPoint(GhsCommand.START_SENDING_LIVE_OBSERVATIONS)))
        except LinkError as error:
            self.still_there(error)
            return [f"it does not start to send: {error.message.rstrip('.')}"]
        return []

    async def answers(self, control: BleakGATTCharacteristic) -> asyncio.Queue[bytes]:
        """Subscribe to a control point; returns the queue of what it answers from now on."""
        queue = self._answers.get(control.handle)
        if queue is None:
            queue = asyncio.Queue(maxsize=64)
            await self._start(control, partial(_answer, queue))
            self._answers[control.handle] = queue
        while not queue.empty():  # what was said before the question is no answer to it
            queue.get_nowait()
        return queue

    async def wait(self, answers: asyncio.Queue[bytes], seconds: float) -> bytes | None:
        """Wait for an answer; `None` when none came in time. Raises `LinkError` when the link ends."""
        getting, ending = asyncio.ensure_future(answers.get()), asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({getting, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            if ending.done():
                raise LinkError("the link ended.")
            return None
        finally:
            getting.cancel()
            ending.cancel()

    async def _start(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[BleakGATTCharacteristic, bytearray], None],
    ) -> None:
        # BlueZ: StartNotify, not AcquireNotify, which loses values while the program is busy.
        call = self.client.start_notify(characteristic, callback)
        await limited(f"subscribing to {short_uuid(characteristic.uuid)}", call, self.limits.gatt)

    def _hear(self, name: str, _: BleakGATTCharacteristic, value: bytearray) -> None:
        # Called by bleak for each value: stamp it and get out of the way.
        self._put(name, bytes(value))

    def _join(self, name: str, _: BleakGATTCharacteristic, value: bytearray) -> None:
        self.heard_ns = time.monotonic_ns()  # a part is a sign of life, too
        whole = self._joiner.take(name, bytes(value))
        if whole is not None:
            self._put(name, whole)

    def _framed(self, name: str, _: BleakGATTCharacteristic, value: bytearray) -> None:
        assert self._conversation is not None  # noqa: S101  only subscribed to where there is one
        self.heard_ns = time.monotonic_ns()
        for known_as, frame in self._conversation.frames(name, bytes(value)):
            self._put(known_as, frame)

    def _put(self, name: str, value: bytes, *, read: bool = False) -> None:
        self.heard_ns = now = time.monotonic_ns()
        if not self._queue.put_notification(Notification(self.clock(), self.address, name, value, now, read)):
            self.lost += 1
        if self.tap is not None and not read:
            self.tap(name, value)

    async def converse(self) -> None:
        """Talk to the device as its family wants it; for ever, once that is done."""
        if self._conversation is not None:
            await self._conversation.talk(self)
        await asyncio.Event().wait()

    async def probe(self) -> None:
        """Ask the device for anything it lets be read. Raises `LinkError` when no answer comes."""
        for characteristic in self.table:
            if "read" in characteristic.properties:
                try:
                    await self._ask(characteristic)
                except LinkError as error:
                    if not isinstance(error.__cause__, BleakGATTProtocolError):  # a refusal is an answer, too
                        why = f"it does not answer: {error.message}"
                        raise LinkError(why) from error.__cause__
                return


class _UselessError(LinkError):
    """The device measures nothing that is understood, or lets nothing of it be heard."""

    def __init__(self, refused: Sequence[str]) -> None:
        why = _told(refused)
        super().__init__(
            why or "it has none of the measurements that are understood here.",
            "" if why else "See which services it has with a Bluetooth scanner app.",
        )


def out_of_date(error: LinkError) -> bool:
    """Say whether an error may come from a table of characteristics that is no longer the device's.

    One that is not permitted says little, since some devices refuse; all of them not permitted says it.
    """
    cause = error.__cause__
    if isinstance(cause, BleakGATTProtocolError):
        return int(cause.code) in _OUT_OF_DATE
    return isinstance(error, _UselessError) or isinstance(cause, BleakCharacteristicNotFoundError)


def services_of(client: BleakClient) -> Collection[str]:
    """Return the names of the services of a device that was just connected to."""
    try:
        return [short_uuid(service.uuid) for service in client.services]
    except BleakError as e:  # gone again already
        raise LinkError("the link ended.") from e


def _table(client: BleakClient) -> Sequence[BleakGATTCharacteristic]:
    """List what a device that was just connected to offers."""
    try:
        return tuple(client.services.characteristics.values())
    except BleakError as e:  # gone again already
        raise LinkError("the link ended.") from e


def _sends(characteristic: BleakGATTCharacteristic) -> bool:
    return bool({"notify", "indicate"} & set(characteristic.properties))


def _answer(queue: asyncio.Queue[bytes], _: BleakGATTCharacteristic, value: bytearray) -> None:
    with suppress(asyncio.QueueFull):  # nobody waits for so many answers: the device talks to itself
        queue.put_nowait(bytes(value))


def _refusal(name: str, error: LinkError) -> str:
    """Say why a characteristic cannot be heard; name the way out where pairing is one."""
    cause = error.__cause__
    if isinstance(cause, BleakGATTProtocolError) and int(cause.code) in _NEEDS_PAIRING:
        return f"{name}{_ONLY_PAIRED}"
    return error.message.rstrip(".")


_ONLY_PAIRED = " is only sent to a paired machine"
PAIR_FIRST = "pair with the device first"
"""How a link's reason ends where pairing is the way out."""


def _told(refused: Sequence[str]) -> str:
    """Put refusals into one sentence; all that wait for pairing together, with the way out."""
    unpaired = [one.removesuffix(_ONLY_PAIRED) for one in refused if one.endswith(_ONLY_PAIRED)]
    others = [one for one in refused if not one.endswith(_ONLY_PAIRED)]
    if unpaired:
        which = ", ".join(unpaired) + (" are" if len(unpaired) > 1 else " is")
        others.append(f"{which} only sent to a paired machine: {PAIR_FIRST}")
    return "; ".join(others)
