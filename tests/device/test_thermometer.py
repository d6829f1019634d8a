"""What a thermometer says besides its result."""

import pytest

from device import DecodeError, decode
from device.gatt import (
    MEASUREMENTS,
    DateTime,
    IntermediateTemperature,
    MeasurementInterval,
    TemperatureMeasurement,
)
from device.gatt.health_thermometer import TemperatureSite, TemperatureUnit


def test_an_intermediate_temperature_is_not_a_result() -> None:
    found = decode("2A1E", bytes.fromhex("07 fd2600fe ea070302110509 06"))
    assert found == IntermediateTemperature(
        99.81, TemperatureUnit.FAHRENHEIT, DateTime(2026, 3, 2, 17, 5, 9), TemperatureSite.MOUTH
    )
    assert not isinstance(found, TemperatureMeasurement)
    assert "2A1E" not in MEASUREMENTS
    assert "2A1C" in MEASUREMENTS


def test_both_are_written_alike() -> None:
    assert bytes(IntermediateTemperature(36.4)) == bytes(TemperatureMeasurement(36.4))
    assert IntermediateTemperature(36.4) != TemperatureMeasurement(36.4)


def test_interval() -> None:
    assert decode("2A21", b"\x3c\x00") == MeasurementInterval(60)
    with pytest.raises(DecodeError, match="2A21"):
        decode("2A21", b"\x3c")
