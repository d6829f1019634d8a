"""How a wearable bonds: not at all, without asking, or with six digits."""

from __future__ import annotations

from enum import StrEnum

from bumble.device import Connection
from bumble.pairing import PairingConfig, PairingDelegate

from device.agent import Ask


class Bonding(StrEnum):
    """What a wearable wants before it tells anything about its wearer."""

    NONE = "none"
    JUST_WORKS = "just works"
    """An encrypted link; nobody is asked anything."""
    PASSKEY = "passkey"
    """The wearable shows six digits, which are typed at the other side."""
    NUMERIC = "numeric"
    """Both sides show six digits, and a person says that they are the same."""


class WearableSide(PairingDelegate):
    """The wearable's half of a pairing. With digits it refuses a side that has no way to enter them."""

    _CAPABILITIES = {  # noqa: RUF012  as its base class has them
        Bonding.PASSKEY: PairingDelegate.DISPLAY_OUTPUT_ONLY,
        Bonding.NUMERIC: PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
    }

    def __init__(self, bonding: Bonding, passkey: int) -> None:
        super().__init__(self._CAPABILITIES.get(bonding, PairingDelegate.NO_OUTPUT_NO_INPUT))
        self._bonding = bonding
        self._passkey = passkey

    async def confirm(self, auto: bool = False) -> bool:
        """Agree to pair without digits only where none are wanted."""
        return self._bonding not in (Bonding.PASSKEY, Bonding.NUMERIC)

    async def generate_passkey(self) -> int:
        """Give the digits that are on the wearable's display."""
        return self._passkey


class MachineSide(PairingDelegate):
    """The half of this machine: asks whoever answers for it, as BlueZ asks its agent; else has no input."""

    def __init__(self, ask: Ask | None, device: str) -> None:
        super().__init__(
            PairingDelegate.NO_OUTPUT_NO_INPUT
            if ask is None
            else PairingDelegate.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT
        )
        self._ask = ask
        self._device = device

    async def get_number(self) -> int | None:
        """Ask for the digits that the wearable shows."""
        return None if self._ask is None else await self._ask.passkey(self._device)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        """Ask whether the wearable shows the same."""
        return self._ask is None or await self._ask.confirm(self._device, number)

    async def display_number(self, number: int, digits: int) -> None:
        """Show what is to be typed on the wearable."""
        if self._ask is not None:
            self._ask.show(self._device, number)


def address_of(connection: Connection) -> str:
    """Name the other side of a connection as bleak does."""
    return connection.peer_address.to_string(with_type_qualifier=False).upper()


def config(delegate: PairingDelegate) -> PairingConfig:
    """Bond with whatever protection the two sides' displays and keyboards allow."""
    return PairingConfig(sc=True, mitm=True, bonding=True, delegate=delegate)
