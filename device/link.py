"""The link to the wearables: one supervisor a device finds it, connects, subscribes, and starts over.

What the wearables send comes out of `watch()` as one stream of events. The stream says everything: what was
heard, when a link was lost and why, and how much had to be dropped because nobody took it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError, BleakGATTProtocolError

from device.adapter import Air, Radio, Timings, limited, utc_now
from device.errors import AdapterError, DecodeError, DeviceError, LinkError
from device.events import Event, EventQueue, Identity, LinkEvent, LinkState, Notification
from device.gatt import MEASUREMENTS, STREAMS, BatteryLevel, DeviceInformationString, short_uuid
from device.gatt import device_information as info
from device.gatt.device_information import printable

_IDENTITY = {
    info.MANUFACTURER_NAME: "manufacturer",
    info.MODEL_NUMBER: "model",
    info.SERIAL_NUMBER: "serial",
    info.FIRMWARE_REVISION: "firmware",
}
Table = Sequence[BleakGATTCharacteristic]
"""The characteristics of a device, as discovered on connecting."""
_NEEDS_PAIRING = {0x05, 0x08, 0x0C, 0x0F}  # ATT: authentication, authorization, key size, encryption


@asynccontextmanager
async def watch(
    addresses: Sequence[str],
    *,
    clock: Callable[[], datetime] = utc_now,
    radio: Radio | None = None,
    timings: Timings | None = None,
    pair: Collection[str] = (),
) -> AsyncIterator[AsyncIterator[Event]]:
    """Listen to the devices at `addresses` for as long as the `async with` block lasts.

    Yields an iterator of `Notification`, `LinkEvent` and `Identity`, in the order in which they happened.
    `clock` stamps them. A device that is not there is waited for; one that is lost is picked up again.
    `pair` names those that are paired with before connecting. Leaving the block ends every task and
    connection. One `watch` an adapter: it owns the scanner.

    Raises `AdapterError` at the start when there is no usable Bluetooth; later, the devices' events say it.
    """
    timings = timings or Timings()
    queue = EventQueue(timings.queue, clock)
    air = Air(radio or Radio(), timings)
    await air.check()
    wanted = dict.fromkeys(address.upper() for address in addresses)
    paired = {address.upper() for address in pair}
    supervisors = [
        asyncio.create_task(Supervisor(a, air, queue, clock, a in paired).run(), name=f"link {a}")
        for a in wanted
    ]
    for task in supervisors:
        task.add_done_callback(queue.ended)
    try:
        yield queue
    finally:
        for task in supervisors:
            task.cancel()
        await asyncio.gather(*supervisors, return_exceptions=True)
        await air.close()
        queue.close()
    queue.check()


class Supervisor:
    """Keeps one device's link up, and tells of it in the queue. Runs until it is cancelled."""

    def __init__(
        self, address: str, air: Air, queue: EventQueue, clock: Callable[[], datetime], pair: bool
    ) -> None:
        self._address = address
        self._air = air
        self._timings = air.timings
        self._queue = queue
        self._clock = clock
        self._pair = pair
        self._failures = 0
        self._heard_ns = 0

    def _tell(self, state: LinkState, why: str = "") -> None:
        self._queue.put(LinkEvent(at=self._clock(), device=self._address, state=state, why=why))

    async def run(self) -> None:
        """Find, connect, listen; on any failure wait a little longer than the time before, and start over."""
        while True:
            try:
                self._tell(LinkState.SEARCHING)
                await self._session(await self._air.find(self._address))
            except AdapterError as e:
                self._tell(LinkState.NO_ADAPTER, str(e))
            except DeviceError as e:
                self._tell(LinkState.LOST, str(e))
            self._failures += 1
            await asyncio.sleep(self._timings.delay(self._failures))

    async def _session(self, device: BLEDevice) -> None:
        """Be connected once. Always ends in a `LinkError` that says why it ended."""
        gone = asyncio.Event()
        limits = self._timings
        # A new client each time: after a loss the old one's table of handles may be out of date.
        client = BleakClient(
            device,
            lambda _: gone.set(),
            timeout=limits.connect,
            pair=self._pair,
            backend=self._air.radio.client,
        )
        try:
            async with self._air.connecting():
                self._tell(LinkState.CONNECTING)
                await limited("connecting", client.connect(), limits.connect)
            table = _table(client)
            self._queue.put(await self._identify(client, table, device))
            deaf = await self._subscribe(client, table)
            self._heard_ns = time.monotonic_ns()
            self._failures = 0
            self._tell(LinkState.CONNECTED, deaf)
            await self._listen(client, table, gone)
        finally:
            await self._air.part(client)

    async def _identify(self, client: BleakClient, table: Table, device: BLEDevice) -> Identity:
        """Read who the device is; what it does not tell, or does not tell in time, stays empty."""
        said: dict[str, str] = {}
        battery: int | None = None
        for characteristic in table:
            name = short_uuid(characteristic.uuid)
            if "read" not in characteristic.properties or name not in (*_IDENTITY, BatteryLevel.UUID):
                continue
            try:
                value = bytes(
                    await limited(
                        f"reading {name}", client.read_gatt_char(characteristic), self._timings.gatt
                    )
                )
                if name == BatteryLevel.UUID:
                    battery = BatteryLevel.from_bytes(value).percent if battery is None else battery
                else:
                    said[_IDENTITY[name]] = DeviceInformationString.from_bytes(value).text
            except (LinkError, DecodeError):
                if not client.is_connected:
                    raise
        return Identity(
            at=self._clock(),
            device=self._address,
            name=printable(device.name or ""),
            manufacturer=said.get("manufacturer", ""),
            model=said.get("model", ""),
            serial=said.get("serial", ""),
            firmware=said.get("firmware", ""),
            battery=battery,
        )

    async def _subscribe(self, client: BleakClient, table: Table) -> str:
        """Subscribe to every measurement, and to the battery where it is offered; return what was refused."""
        refused: list[str] = []
        measures = False
        for characteristic in table:
            name = short_uuid(characteristic.uuid)
            offered = {"notify", "indicate"} & set(characteristic.properties)
            if not offered or (name not in MEASUREMENTS and name != BatteryLevel.UUID):
                continue
            try:
                # BlueZ: StartNotify, not AcquireNotify, which loses values while the program is busy.
                await limited(
                    f"subscribing to {name}",
                    client.start_notify(characteristic, partial(self._hear, name)),
                    self._timings.gatt,
                )
                measures = measures or name in MEASUREMENTS
            except LinkError as e:
                if not client.is_connected:
                    raise
                refused.append(_refusal(name, e))
        if not measures:
            raise LinkError(
                "; ".join(refused) or "it has none of the measurements that are understood here.",
                "" if refused else "See which services it has with a Bluetooth scanner app.",
            )
        return "; ".join(refused)

    def _hear(self, name: str, _: BleakGATTCharacteristic, value: bytearray) -> None:
        # Called by bleak for each value: stamp it and get out of the way.
        self._heard_ns = now = time.monotonic_ns()
        self._queue.put_notification(
            Notification(
                received_at=self._clock(),
                device=self._address,
                characteristic=name,
                value=bytes(value),
                monotonic_ns=now,
            )
        )

    async def _listen(self, client: BleakClient, table: Table, gone: asyncio.Event) -> None:
        """Wait until the link ends, and make sure meanwhile that silence is not a dead link."""
        limits = self._timings
        streams = any(short_uuid(c.uuid) in STREAMS for c in table)
        while True:
            quiet = (time.monotonic_ns() - self._heard_ns) / 1e9
            wait = limits.silence - quiet if quiet < limits.silence else limits.silence
            try:
                async with asyncio.timeout(wait):
                    await gone.wait()
            except TimeoutError:
                quiet = (time.monotonic_ns() - self._heard_ns) / 1e9
                if streams and quiet >= limits.stalled:
                    raise LinkError(f"nothing came for {quiet:.0f} s; connecting anew.") from None
                if quiet >= limits.silence:
                    await self._probe(client, table)
                continue
            raise LinkError("the link ended.")

    async def _probe(self, client: BleakClient, table: Table) -> None:
        """Ask the device for anything it lets be read. Raises `LinkError` when no answer comes."""
        for characteristic in table:
            if "read" in characteristic.properties:
                try:
                    await limited(
                        "asking whether it is there",
                        client.read_gatt_char(characteristic),
                        self._timings.gatt,
                    )
                except LinkError as e:
                    if not isinstance(e.__cause__, BleakGATTProtocolError):  # a refusal is an answer, too
                        raise
                return


def _table(client: BleakClient) -> Table:
    """List what a device that was just connected to offers."""
    try:
        return tuple(client.services.characteristics.values())
    except BleakError as e:  # gone again already
        raise LinkError("the link ended.") from e


def _refusal(name: str, error: LinkError) -> str:
    """Say why a characteristic cannot be heard; name the way out where pairing is one."""
    cause = error.__cause__
    if isinstance(cause, BleakGATTProtocolError) and int(cause.code) in _NEEDS_PAIRING:
        return f"{name} is only sent to a paired machine: pair with the device first"
    return error.message.rstrip(".")
