"""What a heart-rate sensor can be told."""

import pytest

from device import DecodeError, decode
from device.gatt import HeartRateControlPoint
from device.gatt.heart_rate import HeartRateCommand


def test_control_point() -> None:
    assert decode("2A39", b"\x01") == HeartRateControlPoint(HeartRateCommand.RESET_ENERGY_EXPENDED)
    for wrong in (b"", b"\x00", b"\x02", b"\x01\x00"):
        with pytest.raises(DecodeError, match="2A39"):
            decode("2A39", wrong)
