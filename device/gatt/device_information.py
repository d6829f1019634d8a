"""Device Information service (180A): who made the device, and which one it is.

Source: Device Information Service 1.1. The System ID, PnP ID and regulatory data are not covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from device.errors import DecodeError
from device.gatt.measurement import GattService

MANUFACTURER_NAME = "2A29"
MODEL_NUMBER = "2A24"
SERIAL_NUMBER = "2A25"
FIRMWARE_REVISION = "2A26"
HARDWARE_REVISION = "2A27"
SOFTWARE_REVISION = "2A28"


def printable(text: str) -> str:
    """Keep what can be shown: a device must not send control sequences to somebody's terminal."""
    return "".join(c for c in text if c.isprintable()).strip()


@dataclass(frozen=True, slots=True)
class DeviceInformationString:
    """One of the service's strings, UTF-8. Padding (everything from the first NUL) is cut off."""

    UUIDS: ClassVar[tuple[str, ...]] = (
        MANUFACTURER_NAME,
        MODEL_NUMBER,
        SERIAL_NUMBER,
        FIRMWARE_REVISION,
        HARDWARE_REVISION,
        SOFTWARE_REVISION,
    )

    text: str

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when it is not UTF-8."""
        try:
            text = bytes(value).split(b"\0", 1)[0].decode("utf-8")
        except UnicodeDecodeError as e:
            raise DecodeError("180A string", value, f"not UTF-8 at byte {e.start}") from None
        return cls(printable(text))

    def __bytes__(self) -> bytes:
        return self.text.encode("utf-8")


SERVICE = GattService(
    number="180A",
    name="Device Information",
    characteristics=dict.fromkeys(DeviceInformationString.UUIDS, DeviceInformationString),
    measures=False,
)
