"""The near side of the radio: which bleak backend, how long to wait; one scanner, one connecting at a time.

Adapters answer "busy" to two connection attempts at once, and many to scanning while connecting. So all
supervisors share one `Air`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from device.errors import AdapterError, LinkError
from device.gatt import SERVICES, short_uuid
from device.gatt.device_information import printable
from device.vendors import family_of

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Radio:
    """Which bleak backend to go through; the platform's own where `None`."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long things may take, in seconds.

    After a loss the next try comes after `first_retry`, doubled with each failure in a row up to
    `longest_retry`, times 0.5 to 1 by `jitter` (a function giving 0 to 1), so that devices lost together do
    not come back together. After `silence` without a value a device is asked whether it is there; `patience`
    times what `gatt.SILENCE` says of what it sends, it is connected anew. A scan that hears nothing at all is
    begun anew after `rescan`: an adapter that was switched off and on again goes on scanning only when it is
    told to. `record` is how long the next stored record may take, `queue` how many notifications wait to be
    taken.
    """

    connect: float = 20
    gatt: float = 10
    disconnect: float = 5
    first_retry: float = 0.5
    longest_retry: float = 20
    jitter: Callable[[], float] = random.random
    silence: float = 30
    patience: float = 1
    rescan: float = 10
    record: float = 10
    queue: int = 4096

    def delay(self, failures: int) -> float:
        """How long to wait after so many failures in a row (1 and up)."""
        longest = min(self.longest_retry, self.first_retry * 2.0 ** min(failures - 1, 30))
        return longest * (0.5 + 0.5 * self.jitter())


@dataclass(frozen=True, slots=True)
class Found:
    """A device that advertises.

    `services` are the Bluetooth SIG's names and that of its maker's family; `rssi` is in dBm (near: -40).
    """

    address: str
    name: str
    services: tuple[str, ...]
    rssi: int


class Advertiser(NamedTuple):
    """A device that was sought and advertises: what to connect to, and the services that it announces."""

    device: BLEDevice
    services: frozenset[str]


def heed() -> None:
    """Be cancelled, if this task was told to be and did not notice.

    `asyncio.wait_for`, which the backends use, loses a cancellation that arrives together with its result;
    that is mended only in Python 3.12. A supervisor that goes on regardless would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def limited(what: str, call: Awaitable[_T], seconds: float) -> _T:
    """Await a call into bleak for at most `seconds`; whatever goes wrong there is a `LinkError`."""
    result = await _bounded(what, call, seconds)
    heed()
    return result


async def _bounded(what: str, call: Awaitable[_T], seconds: float) -> _T:
    """Do the same, also while being cancelled, for what must be cleaned up.

    Every platform's backend has its own exceptions (D-Bus, WinRT, Objective-C) besides bleak's.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as e:
        raise LinkError(f"{what} took longer than {seconds:g} s.") from e
    except Exception as e:
        raise LinkError(f"{what} failed: {_said(e)}.") from e


def _said(error: Exception) -> str:
    """What an exception says, in one line without its final stop."""
    text = str(error.args[-1]) if isinstance(error, BleakError) and error.args else str(error)
    return " ".join((text or type(error).__name__).split()).rstrip(".")


_REASONS = BleakBluetoothNotAvailableReason
_UNAVAILABLE = {
    _REASONS.NO_BLUETOOTH: (
        "This machine has no Bluetooth adapter.",
        "Plug in a Bluetooth LE adapter, and try again.",
    ),
    _REASONS.NO_BLE_CENTRAL_ROLE: (
        "This machine's Bluetooth adapter cannot connect to Bluetooth LE devices.",
        "Use an adapter for Bluetooth 4.0 or later.",
    ),
    _REASONS.POWERED_OFF: (
        "Bluetooth is switched off.",
        "Switch it on in the system's settings (on Linux: `bluetoothctl power on`), and try again.",
    ),
    _REASONS.DENIED_BY_USER: (
        "This program is not allowed to use Bluetooth.",
        "Allow it in the system's privacy settings, and try again.",
    ),
    _REASONS.DENIED_BY_SYSTEM: (
        "The system does not let this user reach Bluetooth.",
        "On Linux, add the user to the group `bluetooth`, log in again, and try again.",
    ),
}
_NO_SERVICE = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
)
_DENIED = "org.freedesktop.DBus.Error.AccessDenied"  # as D-Bus's policy says it


def adapter_error(error: Exception) -> AdapterError:
    """Say in one sentence why the adapter cannot be used, and in another what to do."""
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in _UNAVAILABLE:
        return AdapterError(*_UNAVAILABLE[error.reason])
    if isinstance(error, BleakDBusError) and error.dbus_error in _NO_SERVICE:
        return AdapterError(
            "The Bluetooth service (BlueZ) is not running.",
            "Start it with `sudo systemctl start bluetooth`, or install the package `bluez` first.",
        )
    denied = isinstance(error, BleakDBusError) and error.dbus_error == _DENIED
    if denied or isinstance(error, PermissionError):
        return AdapterError(*_UNAVAILABLE[_REASONS.DENIED_BY_SYSTEM])
    if isinstance(error, (FileNotFoundError, ConnectionError)):
        return AdapterError(
            "Bluetooth cannot be reached: this machine runs no D-Bus.",
            "Plug in an adapter, install `dbus` and `bluez`, and try again.",
        )
    return AdapterError(
        f"Bluetooth does not work on this machine: {_said(error)}.",
        "Make sure that a Bluetooth adapter is plugged in and switched on, and try again.",
    )


class Air:
    """One adapter, shared: the scanner runs while somebody is sought and nobody is connecting."""

    def __init__(self, radio: Radio, timings: Timings) -> None:
        self.radio = radio
        self.timings = timings
        self._sought: dict[str, asyncio.Future[Advertiser]] = {}
        self._connect = asyncio.Lock()
        self._turn = asyncio.Lock()  # starting and stopping the scanner takes a while: one at a time
        self._scanner: BleakScanner | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._heard_at = 0.0

    async def check(self) -> None:
        """Start and stop the scanner once. Raises `AdapterError` when it cannot be started."""
        await self._start()
        await self._stop()
        heed()

    async def find(self, address: str) -> Advertiser:
        """Wait until the device advertises. Raises `AdapterError` when scanning does not work."""
        sought: asyncio.Future[Advertiser] = asyncio.get_running_loop().create_future()
        self._sought[address] = sought
        try:
            await self._adjust()
            return await sought
        finally:
            self._sought.pop(address, None)

    @asynccontextmanager
    async def connecting(self) -> AsyncIterator[None]:
        """Have the adapter to oneself: no scanning, no other connection being made."""
        try:
            async with self._connect:
                await self._adjust(pause=True)
                yield
        finally:
            await self._adjust()

    async def part(self, client: BleakClient) -> None:
        """Disconnect, whatever state the client is in; failing to is only worth a line in the log."""
        try:
            await _bounded("disconnecting", client.disconnect(), self.timings.disconnect)
        except LinkError as e:
            _LOG.debug("%s: %s", client.address, e)

    async def look(self, seconds: float) -> list[Found]:
        """List who is near, as `scan` does; nobody is sought or connected to meanwhile.

        Raises `AdapterError`.
        """
        try:
            async with self._connect, self._turn:
                await self._stop()
                return await scan(seconds, radio=self.radio)
        finally:
            await self._adjust()

    async def close(self) -> None:
        """Stop the scanner."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None
        async with self._turn:
            await self._stop()

    def _heard(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        sought = self._sought.get(device.address.upper())
        if sought is not None and not sought.done():
            services = frozenset(short_uuid(uuid) for uuid in advertisement.service_uuids)
            sought.set_result(Advertiser(device, services))

    async def _adjust(self, *, pause: bool = False) -> None:
        """Start or stop the scanner according to who is sought now."""
        async with self._turn:
            wanted = not pause and not self._connect.locked()
            wanted = wanted and any(not sought.done() for sought in self._sought.values())
            if wanted and self._scanner is None:
                await self._start()
            elif not wanted:
                await self._stop()
        heed()

    async def _start(self) -> None:
        try:
            scanner = BleakScanner(self._heard, backend=self.radio.scanner)
            async with asyncio.timeout(self.timings.gatt):
                await scanner.start()
        except Exception as e:  # each platform has its own; all of them mean that there is no scanning
            raise adapter_error(e) from e
        self._scanner = scanner
        self._heard_at = asyncio.get_running_loop().time()
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name="rescan")

    async def _renew(self) -> None:
        """Begin the scan anew whenever it heard nothing for a while; who seeks is told when it cannot be."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(0.01, self._heard_at + self.timings.rescan - loop.time()))
            async with self._turn:
                if self._scanner is None:
                    self._heard_at = loop.time()
                elif loop.time() - self._heard_at >= self.timings.rescan:
                    await self._stop()
                    try:
                        await self._start()
                    except AdapterError as error:
                        self._heard_at = loop.time()
                        for sought in self._sought.values():
                            if not sought.done():
                                sought.set_exception(error)
            heed()

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            try:
                await _bounded("stopping the scanner", scanner.stop(), self.timings.disconnect)
            except LinkError as e:
                _LOG.debug("%s", e)


async def scan(seconds: float, *, radio: Radio | None = None, everything: bool = False) -> list[Found]:
    """Listen for advertisements, and list the devices with a service that is understood, strongest first.

    With `everything`, also those without one (their `services` are empty). Raises `AdapterError`.
    """
    try:
        async with BleakScanner(backend=radio.scanner if radio else None) as scanner:
            await asyncio.sleep(seconds)
        heard = scanner.discovered_devices_and_advertisement_data
    except Exception as e:  # each platform has its own; all of them mean that there is no scanning
        raise adapter_error(e) from e
    found = []
    for device, advertisement in heard.values():
        numbers = {short_uuid(uuid) for uuid in advertisement.service_uuids}
        name = printable(advertisement.local_name or device.name or "")
        services = tuple(called for number, called in SERVICES.items() if number in numbers)
        family = family_of(name, numbers)
        if family is not None:
            services = (*services, family.name)
        if services or everything:
            found.append(Found(device.address.upper(), name, services, advertisement.rssi))
    return sorted(found, key=lambda f: (-f.rssi, f.address))
