"""What can go wrong on the Bluetooth side, in words a person can act on.

    DeviceError
    ├── DecodeError     these bytes are not what their characteristic's specification allows
    ├── LinkError       one device could not be connected, read or subscribed to
    │   └── RefusedError    it said no to one thing that was asked of it
    ├── AdapterError    this machine's Bluetooth cannot be used at all
    └── RecordError     a recorded rhythm could not be read

Each carries what happened and what to do next.
"""


class DeviceError(Exception):
    """Something on the Bluetooth side that a person can do something about.

    `message` says what happened and names the thing; `hint` says the next step.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class DecodeError(DeviceError):
    """A value does not follow the specification of its characteristic.

    `characteristic` names it, `hex` holds the bytes as they came, `why` says what is wrong with them.
    """

    def __init__(self, characteristic: str, value: bytes, why: str) -> None:
        self.characteristic = characteristic
        self.hex = bytes(value).hex()
        self.why = why
        shown = self.hex if len(self.hex) <= 64 else f"{self.hex[:64]}…, {len(value)} bytes"
        super().__init__(f"{characteristic} [{shown}]: {why}.")


class LinkError(DeviceError):
    """One device could not be connected, read or subscribed to; others may well be."""


class RefusedError(LinkError):
    """A device said no to one thing that was asked of it; what else it sends goes on."""


class AdapterError(DeviceError):
    """Bluetooth cannot be used on this machine: no adapter, no service behind it, switched off, forbidden."""


class RecordError(DeviceError):
    """A recorded rhythm is missing, or is not what was expected."""
