"""What holds for every decoder: any bytes are a measurement or a DecodeError; no round trip loses."""

import random
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    CHARACTERISTICS,
    BatteryLevel,
    BloodPressureFeature,
    BloodPressureMeasurement,
    BodySensorLocation,
    DateTime,
    DeviceInformationString,
    HeartRateMeasurement,
    IntermediateCuffPressure,
    Measurement,
    PlxContinuousMeasurement,
    PlxFeatures,
    PlxSpotCheckMeasurement,
    Special,
    TemperatureMeasurement,
    TemperatureType,
    short_uuid,
)
from device.gatt import blood_pressure as bp
from device.gatt import pulse_oximeter as plx
from device.gatt.fields import float32, sfloat
from device.gatt.health_thermometer import TemperatureSite, TemperatureUnit
from device.gatt.heart_rate import BodyLocation
from tests.device import body_strategies, strategies

uint8, uint16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
uint24 = st.integers(0, 0xFFFFFF)
sfloats = uint16.map(sfloat)
float32s = st.integers(0, 0xFFFFFFFF).map(float32)
stamps = st.builds(
    DateTime,
    st.just(0) | st.integers(1582, 9999),
    st.integers(0, 12),
    st.integers(0, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
pairs = st.none() | st.builds(plx.SpO2PR, sfloats, sfloats)
plx_status = st.none() | uint16.map(plx.MeasurementStatus)
sensor_status = st.none() | uint24.map(plx.SensorStatus)
sites = st.integers(0, 255).map(lambda n: TemperatureSite(n) if 1 <= n <= 9 else n)
circumstances = {
    "unit": st.sampled_from(bp.PressureUnit),
    "timestamp": st.none() | stamps,
    "pulse_rate": st.none() | sfloats,
    "user_id": st.none() | uint8,
    "measurement_status": st.none() | uint16.map(bp.MeasurementStatus),
}
MEASUREMENTS: dict[str, st.SearchStrategy[Measurement]] = {
    "2A37": st.builds(
        HeartRateMeasurement,
        uint16,
        st.none() | st.booleans(),
        st.none() | uint16,
        st.lists(uint16, max_size=12).map(tuple),
    ),
    "2A38": st.sampled_from(BodyLocation).map(BodySensorLocation),
    "2A5E": st.builds(
        PlxSpotCheckMeasurement,
        sfloats,
        sfloats,
        st.none() | stamps,
        plx_status,
        sensor_status,
        st.none() | sfloats,
        st.booleans(),
    ),
    "2A5F": st.builds(
        PlxContinuousMeasurement,
        sfloats,
        sfloats,
        pairs,
        pairs,
        plx_status,
        sensor_status,
        st.none() | sfloats,
    ),
    "2A60": st.tuples(uint16, plx_status, sensor_status).map(
        lambda f: PlxFeatures(
            plx.Features((f[0] & ~3) | (f[1] is not None) | (f[2] is not None) << 1), f[1], f[2]
        )
    ),
    "2A1C": st.builds(
        TemperatureMeasurement,
        float32s,
        st.sampled_from(TemperatureUnit),
        st.none() | stamps,
        st.none() | sites,
    ),
    "2A1D": sites.map(TemperatureType),
    "2A35": st.builds(
        BloodPressureMeasurement,
        systolic=sfloats,
        diastolic=sfloats,
        mean_arterial_pressure=sfloats,
        **circumstances,
    ),
    "2A36": st.builds(IntermediateCuffPressure, cuff_pressure=sfloats, **circumstances),
    "2A49": uint16.map(bp.Features).map(BloodPressureFeature),
    "2A19": st.integers(0, 100).map(BatteryLevel),
    "2A29": st.text()
    .map(lambda t: "".join(c for c in t if c.isprintable()).strip())
    .map(DeviceInformationString),
}
MEASUREMENTS |= strategies.GLUCOSE | body_strategies.BODY


def test_every_characteristic_is_tried() -> None:
    assert {CHARACTERISTICS[name] for name in MEASUREMENTS} == set(CHARACTERISTICS.values())


@pytest.mark.parametrize("characteristic", sorted(MEASUREMENTS))
def test_round_trip(characteristic: str) -> None:
    @given(MEASUREMENTS[characteristic])
    def there_and_back(measurement: Measurement) -> None:
        assert decode(characteristic, bytes(measurement)) == measurement

    there_and_back()


@given(st.sampled_from(sorted(CHARACTERISTICS)), st.binary(max_size=32))
def test_any_bytes_are_a_measurement_or_a_decode_error(characteristic: str, value: bytes) -> None:
    try:
        measurement = decode(characteristic, value)
    except DecodeError:
        return
    assert decode(characteristic, bytes(measurement)) == measurement


def test_a_hundred_thousand_payloads() -> None:
    rng = random.Random(20260302)
    names = sorted(CHARACTERISTICS)
    decoded = 0
    for _ in range(100_000):
        value = rng.randbytes(rng.randrange(24))
        try:
            decode(rng.choice(names), value)
            decoded += 1
        except DecodeError:
            pass
    assert 2_000 < decoded < 90_000, "both outcomes must really be tried"


def test_every_cut_of_a_full_value_is_refused() -> None:
    stamp = DateTime(2026, 3, 2, 17, 5, 9)
    full = [
        HeartRateMeasurement(300, True, 50, (800,)),
        PlxSpotCheckMeasurement(98.0, 72.0, stamp, plx.MeasurementStatus(32), plx.SensorStatus(1), 3.0),
        TemperatureMeasurement(38.4, timestamp=stamp, temperature_type=TemperatureSite.EAR),
        BloodPressureMeasurement(
            systolic=120.0,
            diastolic=80.0,
            mean_arterial_pressure=93.0,
            timestamp=stamp,
            pulse_rate=60.0,
            user_id=1,
            measurement_status=bp.MeasurementStatus(0),
        ),
    ]
    for measurement in full:
        value = bytes(measurement)
        for cut in [value[:n] for n in range(len(value))] + [value + b"\0"]:
            with pytest.raises(DecodeError):
                decode(measurement.UUID, cut)


def test_bytearrays_and_whole_uuids_are_understood() -> None:
    assert decode("00002a19-0000-1000-8000-00805F9B34FB", bytearray(b"\x32")) == BatteryLevel(50)
    assert decode("2a19", b"\x32") == BatteryLevel(50)


@pytest.mark.parametrize("name", ["", "2A00", "nonsense", "6e400001-b5a3-f393-e0a9-e50e24dcca9e"])
def test_an_unknown_characteristic_is_named(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(name, b"\x01\x02")
    assert caught.value.characteristic == name
    assert "0102" in str(caught.value)


def test_a_long_value_does_not_flood_the_message() -> None:
    with pytest.raises(DecodeError) as caught:
        decode("2A19", bytes(500))
    assert len(str(caught.value)) < 200
    assert len(caught.value.hex) == 1000


def test_short_names() -> None:
    assert short_uuid("00002a37-0000-1000-8000-00805f9b34fb") == "2A37"
    assert short_uuid("6E400001-B5A3-F393-E0A9-E50E24DCCA9E") == "6e400001-b5a3-f393-e0a9-e50e24dcca9e"


def test_a_missing_value_is_not_a_number() -> None:
    oximeter = decode("2A5F", bytes.fromhex("00ff07ff07"))
    assert isinstance(oximeter, PlxContinuousMeasurement)
    assert oximeter.spo2 is Special.NAN
    with pytest.raises(TypeError):
        oximeter.spo2 + 1  # type: ignore[operator]


def test_a_site_that_is_not_assigned_does_not_cost_the_temperature() -> None:
    measurement = decode("2A1C", bytes.fromhex("04780100ff2a"))
    assert isinstance(measurement, TemperatureMeasurement)
    assert (measurement.temperature, measurement.temperature_type) == (37.6, 42)


def test_control_sequences_do_not_get_through() -> None:
    assert decode("2A24", b"Strap\x1b[31m\r\n 2\0\0junk") == DeviceInformationString("Strap[31m 2")


def test_measurements_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        BatteryLevel(50).percent = 60  # type: ignore[misc]


def test_rr_in_seconds() -> None:
    assert HeartRateMeasurement(60, rr_intervals=(1024, 512)).rr_seconds == (1.0, 0.5)
