"""Oximeters with protocols of their own: they answer when polled, and cut their frames into pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bumble.device import Connection
from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.vendors import contec, pc60, viatom
from device.vendors.contec import ContecMeasurement
from device.vendors.pc60 import Pc60Battery, Pc60Frame, Pc60Measurement
from device.vendors.viatom import BatteryState, ViatomMeasurement
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable

_UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"  # Nordic's
_UART_WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"


class _Cutting(Wearable):
    """Sends each frame in pieces of `piece` bytes, as a link of the smallest MTU does."""

    piece: int = 20

    async def measure(self, measurement: Measurement) -> bool:
        """Send a measurement in pieces."""
        value, heard = bytes(measurement), False
        for at in range(0, len(value), self.piece):
            heard = await self.send(value[at : at + self.piece])
        return heard


class ViatomOximeter(_Cutting):
    """An O2Ring: tells its latest values each time that it is asked, in two pieces. Counts in `asked`."""

    service = viatom.SERVICE
    measurement = viatom.NOTIFY
    model = "O2Ring 0001"
    asked = 0
    current: ViatomMeasurement | None = None

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._takes(viatom.WRITE, self._commanded, command=True)]

    def _commanded(self, _: Connection, value: bytes) -> None:
        if value == viatom.REAL_TIME:
            self.asked += 1
            if self.current is not None:
                self._start(self._tell(self.current))

    async def _tell(self, values: ViatomMeasurement) -> None:
        await asyncio.sleep(0)  # the response to the write goes first
        if self.linked:
            await super().measure(values)

    async def measure(self, measurement: Measurement) -> bool:
        """Have new values. They are told to who asks next."""
        if isinstance(measurement, ViatomMeasurement):
            self.current = measurement
        return False

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make the values that are told to who asks next."""
        spo2, rate = round(signals.value("spo2", at)), round(signals.value("heart_rate", at))
        return (ViatomMeasurement(spo2, rate, 0, self.battery, BatteryState.IN_USE, 0, 5.0, 1),)


class Pc60Oximeter(_Cutting):
    """A PC-60FW: sends unasked, once a second, over Nordic's UART service."""

    service = _UART
    measurement = pc60.NOTIFY
    model = "PC-60FW_SN0001"
    piece = 8

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._takes(_UART_WRITE, lambda *_: None, command=True)]

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make values, and once a minute the battery's level."""
        spo2, rate = round(signals.value("spo2", at)), round(signals.value("heart_rate", at))
        frames: list[Pc60Frame] = [Pc60Measurement(spo2, rate, 5.0)]
        if at.second == 0:
            frames.append(Pc60Battery(min(3, self.battery * 4 // 100)))
        return frames


class ContecOximeter(_Cutting):
    """A CMS50D-BT: sends once a second after it was asked to, `patience` times at most unless asked again."""

    service = contec.SERVICE
    measurement = contec.NOTIFY
    model = "SpO208"
    patience = 5
    _left = 0

    def _measures(self) -> list[Characteristic[bytes]]:
        return [*super()._measures(), self._takes(contec.WRITE, self._commanded, command=True)]

    def _commanded(self, _: Connection, value: bytes) -> None:
        if value == contec.START or (value == contec.PING and self._left):
            self._left = self.patience

    def _on_connection(self, link: Connection) -> None:
        self._left = 0
        super()._on_connection(link)

    async def measure(self, measurement: Measurement) -> bool:
        """Send values while somebody wants them."""
        if not self._left:
            return False
        self._left -= 1
        return await super().measure(measurement)

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make values."""
        return (
            ContecMeasurement(round(signals.value("spo2", at)), round(signals.value("heart_rate", at)), 5.0),
        )
