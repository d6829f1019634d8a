"""A Polar chest strap: the standard's heart rate, and streams that are negotiated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bumble.core import AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from device.errors import DecodeError
from device.gatt import Measurement
from device.vendors import polar
from device.vendors.polar import Acceleration, AccFrame, EcgFrame, PmdType, PpiFrame, PulseInterval
from device.vendors.polar_control import (
    PmdFeatures,
    PmdOpcode,
    PmdResponse,
    PmdSetting,
    PmdStatus,
    encode_settings,
    parse_settings,
)
from device.virtual.signals import Signals
from device.virtual.wearable import Wearable
from device.virtual.wearables.heart import ChestStrap

_OFFERS: Mapping[PmdType, Mapping[PmdSetting, tuple[int, ...]]] = {
    PmdType.ECG: {PmdSetting.SAMPLE_RATE: (130,), PmdSetting.RESOLUTION: (14,)},
    PmdType.ACC: {
        PmdSetting.SAMPLE_RATE: (25, 50, 100, 200),
        PmdSetting.RESOLUTION: (16,),
        PmdSetting.RANGE: (2, 4, 8),
    },
    PmdType.PPI: {},
}
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ECG_SAMPLES, _ACC_SAMPLES = 73, 36  # in a frame of the H10
_ECG_HZ = 130


class PolarStrap(ChestStrap):
    """A strap like the H10. `running` has what was started, with the settings that were agreed on."""

    model = "Polar H10 00000001"
    manufacturer = "Polar Electro Oy"

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.running: dict[PmdType, dict[PmdSetting, int]] = {}
        self._sample = 0

    def _services(self) -> list[Service]:
        control = self._takes(polar.CONTROL, self._asked, indicates=True)
        control.properties |= Characteristic.Properties.READ
        control.permissions |= Characteristic.Permissions.READABLE
        features = bytes(PmdFeatures(sum(1 << kind for kind in _OFFERS), bytes(14)))
        control.value = CharacteristicValue(read=lambda _: features, write=self._asked)
        return [*super()._services(), Service(polar.SERVICE, [control, self._sends(polar.DATA)])]

    def _asked(self, link: Connection, value: bytes) -> None:
        """Answer a request to the control point, by an indication."""
        opcode, number = (*value[:2], 0, 0)[:2]
        answer = PmdResponse(opcode, number, *self._answer(opcode, number, value[2:]))
        self._start(self._transmit(link, polar.CONTROL, bytes(answer), True))

    def _answer(self, opcode: int, number: int, parameters: bytes) -> tuple[PmdStatus, bool, bytes]:
        def refused(status: PmdStatus) -> tuple[PmdStatus, bool, bytes]:
            return status, False, b""

        if opcode not in frozenset(PmdOpcode):
            return refused(PmdStatus.INVALID_OP_CODE)
        if number not in _OFFERS:
            return refused(PmdStatus.NOT_SUPPORTED)
        kind, offers = PmdType(number), _OFFERS[PmdType(number)]
        if opcode == PmdOpcode.GET_MEASUREMENT_SETTINGS:
            return PmdStatus.SUCCESS, False, encode_settings(offers)
        if opcode == PmdOpcode.STOP_MEASUREMENT:
            self.running.pop(kind, None)
            return PmdStatus.SUCCESS, False, b""
        if kind in self.running:
            return refused(PmdStatus.ALREADY_IN_STATE)
        try:
            asked = parse_settings(parameters)
        except DecodeError:
            return refused(PmdStatus.INVALID_LENGTH)
        if set(asked) != set(offers):
            return refused(PmdStatus.INVALID_PARAMETER)
        for setting, wanted in asked.items():
            if len(wanted) != 1 or wanted[0] not in offers[setting]:
                rate = setting is PmdSetting.SAMPLE_RATE
                return refused(PmdStatus.INVALID_SAMPLE_RATE if rate else PmdStatus.INVALID_PARAMETER)
        self.running[kind] = {setting: wanted[0] for setting, wanted in asked.items()}
        return PmdStatus.SUCCESS, False, b""

    def _on_connection(self, link: Connection) -> None:
        self.running.clear()  # the H10 stops its streams when the link ends
        super()._on_connection(link)

    def ecg(self, at: datetime, rate: float = 60, samples: int = _ECG_SAMPLES) -> EcgFrame:
        """Make a frame of ECG that ends at a moment: a spike of 1 mV for each beat, on a flat line."""
        period = max(1, round(60 * _ECG_HZ / rate)) if rate else _ECG_HZ
        values = []
        for _ in range(samples):
            phase = self._sample % period
            values.append(round(1000 * math.exp(-(((phase - period // 2) / 2) ** 2))))
            self._sample += 1
        return EcgFrame(self._stamp(at), tuple(values))

    def acceleration(self, at: datetime) -> AccFrame:
        """Make a frame of somebody who stands still."""
        return AccFrame(self._stamp(at), (Acceleration(0, 0, 1000),) * _ACC_SAMPLES)

    def _stamp(self, at: datetime) -> int:
        return (at - _EPOCH) // timedelta(microseconds=1) * 1000

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make a heart rate, and a frame of each stream that runs."""
        rate = signals.value("heart_rate", at)
        frames: list[Measurement] = [*super().observe(signals, at)]
        if PmdType.ECG in self.running:
            frames.append(self.ecg(at, rate))
        if PmdType.ACC in self.running:
            frames.append(self.acceleration(at))
        if PmdType.PPI in self.running and rate:
            interval = PulseInterval(round(rate), round(60_000 / rate), 10)
            frames.append(PpiFrame(0, (interval,)))
        return frames

    def advertised(self) -> list[tuple[int, bytes]]:
        """Advertise the heart-rate service and, like all of Polar's, the company."""
        company = (int(AdvertisingData.MANUFACTURER_SPECIFIC_DATA), bytes((0x6B, 0x00, 0x00)))
        return [*Wearable.advertised(self)[:2], company]
