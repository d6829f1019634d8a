"""What a value means, whatever sent it: the standard's characteristics and the vendors' own."""

from __future__ import annotations

from collections.abc import Callable

from device import gatt, vendors
from device.errors import DecodeError
from device.gatt import Measurement, short_uuid

_DECODERS: dict[str, Callable[[bytes], Measurement]] = {
    name: kind.from_bytes for name, kind in (*gatt.CHARACTERISTICS.items(), *vendors.CHARACTERISTICS.items())
}


def decode(characteristic: str, value: bytes) -> Measurement:
    """Say what the value of a characteristic means.

    Raises `DecodeError`, and nothing else, for bytes that the specification does not allow and for a
    characteristic that is neither in `gatt.CHARACTERISTICS` nor in `vendors.CHARACTERISTICS`.
    """
    decoder = _DECODERS.get(characteristic) or _DECODERS.get(short_uuid(characteristic))
    if decoder is None:
        raise DecodeError(characteristic, value, "this characteristic is not one of those understood here")
    return decoder(value)
