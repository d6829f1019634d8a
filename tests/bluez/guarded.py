"""A strap that tells its heart rate to a paired machine only, and pairs in one of Bluetooth's ways."""

from __future__ import annotations

from bumble.att import Attribute
from bumble.device import Connection, Device
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR, Descriptor, Service
from bumble.pairing import PairingConfig, PairingDelegate

from device.virtual import ChestStrap

READ, WRITE = Attribute.Permissions.READABLE, Attribute.Permissions.WRITEABLE
ENCRYPTED = Attribute.Permissions.WRITE_REQUIRES_ENCRYPTION


class Display(PairingDelegate):
    """The device's side: what it shows, and whether its wearer agrees."""

    def __init__(
        self, io: PairingDelegate.IoCapability, passkey: int = 0, *, willing: bool = True, agrees: bool = True
    ) -> None:
        super().__init__(io)
        self.passkey = passkey
        self.willing = willing
        self.agrees = agrees
        self.shown: list[int] = []

    async def accept(self) -> bool:
        return self.willing

    async def generate_passkey(self) -> int:
        return self.passkey

    async def display_number(self, number: int, digits: int) -> None:
        self.shown.append(number)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        self.shown.append(number)
        return self.agrees


class GuardedStrap(ChestStrap):
    """Subscribing to it needs an encrypted link."""

    def __init__(self, address: str, display: Display | None = None) -> None:
        super().__init__(address)
        self.display = display or Display(PairingDelegate.NO_OUTPUT_NO_INPUT)

    def _services(self) -> list[Service]:
        services = super()._services()
        configuration = Descriptor(
            GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
            READ | WRITE | ENCRYPTED,
            self._on.gatt_server.make_descriptor_value(self._value),
        )
        self._value.descriptors = (*self._value.descriptors, configuration)
        return services

    async def attach(self, device: Device) -> None:
        self._device = device
        device.pairing_config_factory = self._pairing
        await super().attach(device)

    def _pairing(self, _: Connection) -> PairingConfig:
        return PairingConfig(sc=True, mitm=True, bonding=True, delegate=self.display)

    async def forget(self) -> None:
        """Lose every key, as after a change of batteries."""
        assert self._on.keystore is not None
        await self._on.keystore.delete_all()
