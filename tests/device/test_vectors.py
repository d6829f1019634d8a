"""The published payloads of each characteristic decode to what their sources say."""

import json
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from device import DecodeError, decode
from device.gatt import CHARACTERISTICS, DateTime

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "gatt_vectors.json").read_text(encoding="utf-8")
)
OURS = [v for v in VECTORS if v["characteristic"] in CHARACTERISTICS]

# The vectors' names for what the specification, and so the dataclasses, name otherwise.
FIELDS = {
    "contact": "sensor_contact",
    "energy_kj": "energy_expended",
    "rr_1024": "rr_intervals",
    "type": "temperature_type",
    "mean": "mean_arterial_pressure",
    "pulse": "pulse_rate",
    "user": "user_id",
    "status": "measurement_status",
    "cuff": "cuff_pressure",
}

_CLOCK = ("year", "month", "day", "hour", "minute", "second")
_RECORD = {"sequence": "sequence_number", "offset_min": "time_offset", "status": "status"}
OF_ONE = {
    "2A18": {
        **_RECORD,
        "timestamp": "base_time",
        "conc": "concentration",
        "type": "sample_type",
        "location": "sample_location",
        "status": "sensor_status",
    },
    "2A34": _RECORD,
    "2AA7": _RECORD,
    "2AA9": _RECORD,
    "2A2B": {name: f"date_time.{name}" for name in _CLOCK},
    "2A21": {"interval_s": "measurement_interval"},
    "2A53": {
        "speed_m_s": "instantaneous_speed",
        "cadence": "instantaneous_cadence",
        "stride_length_m": "instantaneous_stride_length",
        "total_distance_m": "total_distance",
    },
    "2A5B": {
        "wheel_revolutions": "cumulative_wheel_revolutions",
        "wheel_event_time": "last_wheel_event_time",
        "crank_revolutions": "cumulative_crank_revolutions",
        "crank_event_time": "last_crank_event_time",
    },
}
"""Those that only one characteristic has, or that mean another field there."""


def compare(vector: dict, value: Any, expected: Any) -> None:
    """Each expected field is there; a value of several records is expected record by record."""
    if isinstance(expected, list):
        assert len(value.records) == len(expected)
        for record, fields in zip(value.records, expected, strict=True):
            compare(vector, record, fields)
        return
    names = FIELDS | OF_ONE.get(vector["characteristic"], {})
    for name, right in expected.items():
        found = plain(attrgetter(names.get(name, name))(value))
        if vector["tolerance"] and isinstance(right, float):
            assert found == pytest.approx(right, abs=vector["tolerance"]), name
        else:
            assert found == right, name


def plain(value: Any) -> Any:
    if isinstance(value, DateTime):
        return {name: getattr(value, name) for name in _CLOCK}
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("vector", [v for v in OURS if v["valid"]], ids=lambda v: v["id"])
def test_valid(vector: dict) -> None:
    measurement = decode(vector["characteristic"], bytes.fromhex(vector["hex"]))
    compare(vector, measurement, vector["expected"])


@pytest.mark.parametrize("vector", [v for v in OURS if not v["valid"]], ids=lambda v: v["id"])
def test_invalid(vector: dict) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(vector["characteristic"], bytes.fromhex(vector["hex"]))
    assert caught.value.characteristic == vector["characteristic"]
    assert caught.value.hex == vector["hex"]
    assert caught.value.why


def test_there_are_vectors() -> None:
    assert len(OURS) >= 20
    assert {"2A37", "2A1C", "2A35", "2A36", "2A19", "2A29", "2A18", "2AA7", "2A52"} <= {
        v["characteristic"] for v in OURS
    }


def test_worked_by_hand_from_the_specification() -> None:
    """The oximeter, for which no public suite has payloads: fields written out by the service's table."""
    spot = decode("2A5E", bytes.fromhex("1f 6200 4800 ea070302110509 2001 201000 1ef0".replace(" ", "")))
    assert (spot.spo2, spot.pulse_rate, spot.pulse_amplitude_index) == (98.0, 72.0, 3.0)
    assert spot.timestamp == DateTime(2026, 3, 2, 17, 5, 9)
    assert spot.measurement_status == 0x0120
    assert spot.sensor_status == 0x001020
    assert spot.clock_not_set
    stream = decode("2A5F", bytes.fromhex("03 5f00 4b00 5e00 4c00 6000 4a00".replace(" ", "")))
    assert (stream.spo2, stream.pulse_rate) == (95.0, 75.0)
    assert (stream.fast.spo2, stream.fast.pulse_rate) == (94.0, 76.0)
    assert (stream.slow.spo2, stream.slow.pulse_rate) == (96.0, 74.0)
    features = decode("2A60", bytes.fromhex("0300 e001 ff0f00".replace(" ", "")))
    assert features.measurement_status_support == 0x01E0
    assert features.sensor_status_support == 0x000FFF
