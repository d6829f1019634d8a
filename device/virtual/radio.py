"""A radio without a radio: bleak's own scanner and client over Bumble's Bluetooth stack.

Nothing of bleak is replaced but the backend: advertising, connecting, service discovery, ATT and its errors
are real, the air between the controllers is a function call. There is no distance, noise or loss in it, so a
wearable that walks out of reach is one whose link is dropped and that stops advertising.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bleak.exc import BleakBluetoothNotAvailableReason
from bumble import core, hci
from bumble.device import Device, DeviceConfiguration
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink

from device.adapter import Radio
from device.agent import Ask
from device.errors import AdapterError
from device.virtual.backend import Central, Unbonded, VirtualClient, VirtualScanner, whole
from device.virtual.plumbing import PacketStream, VirtualController, host_on, plug
from device.virtual.wearable import Wearable

_CENTRAL_ADDRESS = "F0:F0:F0:F0:F0:F0"
_PARTING_S = 2.0
_POWER_OFF = hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR


class VirtualRadio:
    """The air, this machine's adapter in it, and the wearables that were added; an async context manager.

    `radio` is what `watch` and `scan` take. `ask` answers while a wearable pairs that wants digits, and
    `unbonded` says what becomes of reading something protected without a bond. `keeps_tables` makes the
    machine trust the GATT table that it discovered first, for as long as it is bonded, as BlueZ does.
    """

    def __init__(
        self,
        *,
        ask: Ask | None = None,
        unbonded: Unbonded = Unbonded.REFUSED,
        keeps_tables: bool = False,
        address: str = _CENTRAL_ADDRESS,
    ) -> None:
        self._ask, self._unbonded, self._keeps_tables = ask, unbonded, keeps_tables
        self._address = address
        self._socket: Path | None = None
        self._stream: PacketStream | None = None
        self._link: LocalLink | None = None
        self._wearables: dict[Wearable, VirtualController] = {}
        self._central: Central | None = None

    @classmethod
    def over(
        cls,
        socket: Path | str,
        *,
        address: str = _CENTRAL_ADDRESS,
        ask: Ask | None = None,
        unbonded: Unbonded = Unbonded.REFUSED,
        keeps_tables: bool = False,
    ) -> Self:
        """Be the adapter of a radio that another process serves: `python -m device.virtual SCENARIO`.

        Two at once on one socket need an `address` each.
        """
        radio = cls(ask=ask, unbonded=unbonded, keeps_tables=keeps_tables, address=address)
        radio._socket = Path(socket)
        return radio

    async def __aenter__(self) -> Self:
        quiet()
        config = DeviceConfiguration(name="virtual adapter", address=hci.Address(self._address))
        device = await self._reached(config) if self._socket is not None else self._own(config)
        await device.power_on()
        device.keystore = MemoryKeyStore()  # Bumble's own choice would be a file, once there is an address
        self._central = Central(
            device, ask=self._ask, unbonded=self._unbonded, keeps_tables=self._keeps_tables
        )
        return self

    def _own(self, config: DeviceConfiguration) -> Device:
        self._link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble left its __init__ unannotated
        return plug(self._link, config)[1]

    async def _reached(self, config: DeviceConfiguration) -> Device:
        loop = asyncio.get_running_loop()
        try:
            _, stream = await loop.create_unix_connection(
                lambda: PacketStream(self._vanished), str(self._socket)
            )
        except OSError as e:
            raise AdapterError(
                f"There is no virtual radio at {self._socket}: {e.strerror or e}.",
                "Start it with: python -m device.virtual SCENARIO --socket PATH.",
            ) from e
        self._stream = stream
        return host_on(config, stream, stream)

    def _vanished(self) -> None:
        """Hear that the process at the other end of the socket is gone: an adapter that was pulled out."""
        central = self._central
        if central is not None:
            central.off = BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            central.turned_off.set()
            for scanner in list(central.scanners):
                scanner.deafen()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wearable in list(self._wearables):
            await self.remove(wearable)
        device = self._on.device
        if self._stream is not None:
            self._stream.close()
            await self._stream.terminated
        else:
            await device.power_off()
        self._central = None

    @property
    def _on(self) -> Central:
        if self._central is None:
            raise RuntimeError("the virtual radio is only there inside its `async with` block")
        return self._central

    @property
    def radio(self) -> Radio:
        """The backend classes for bleak, bound to this radio."""
        scanner = type("VirtualScanner", (VirtualScanner,), {"central": self._on})
        client = type("VirtualClient", (VirtualClient,), {"central": self._on, "scanner": scanner})
        return Radio(scanner=scanner, client=client)

    @property
    def delivered(self) -> int:
        """How many notifications and indications were handed to bleak's callbacks so far."""
        return self._on.delivered

    async def add(self, wearable: Wearable) -> None:
        """Switch a wearable on: it advertises, and can be connected to."""
        if self._link is None:
            raise AdapterError(
                "The wearables of this radio are in another process.",
                "Name them in its scenario." if self._socket else "Enter its `async with` block first.",
            )
        controller, device = plug(self._link, wearable.configuration)
        await wearable.attach(device)
        self._wearables[wearable] = controller

    async def remove(self, wearable: Wearable) -> None:
        """Switch a wearable off."""
        controller = self._wearables.pop(wearable)
        await wearable.detach()
        if self._link is not None:
            self._link.remove_controller(controller)

    async def adapter_off(self, *, removed: bool = False) -> None:
        """Power this machine's adapter off, or pull it out: every link is lost, scanners go deaf.

        Until `adapter_on`, scanning and connecting raise `BleakBluetoothNotAvailableError`, as on BlueZ.
        """
        central = self._on
        reason = BleakBluetoothNotAvailableReason
        central.off = reason.NO_BLUETOOTH if removed else reason.POWERED_OFF
        central.turned_off.set()
        scanned = bool(central.scanners)
        for scanner in list(central.scanners):
            scanner.deafen()
        if scanned:
            await whole(central.device.stop_scanning())
        for link in list(central.device.connections.values()):
            parting = asyncio.ensure_future(link.disconnect(_POWER_OFF))
            try:
                await asyncio.wait({parting}, timeout=_PARTING_S)
            finally:  # one that is lost by itself at this moment may never be told to be
                parting.cancel()
            with suppress(core.BaseBumbleError, asyncio.CancelledError):  # lost by itself meanwhile
                await parting

    async def adapter_on(self) -> None:
        """Power the adapter on again. What scanned before has to be started anew."""
        self._on.off = None
        self._on.turned_off.clear()


def quiet() -> None:
    """Stop Bumble's warnings of everything that a wearable out of reach leaves unanswered: here, the play."""
    log = logging.getLogger("bumble")
    if log.level == logging.NOTSET:
        log.setLevel(logging.ERROR)
