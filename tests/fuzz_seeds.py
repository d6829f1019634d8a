"""A valid payload of every characteristic, for tests/fuzz.py to begin with."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from device.gatt import observations as ghs
from device.gatt import physical_activity as activity
from device.gatt.generic_health_sensor import LiveHealthObservations, StoredHealthObservations
from device.gatt.heart_rate import HeartRateCommand, HeartRateControlPoint
from device.gatt.measurement import Measurement
from device.gatt.observations import Observation
from device.vendors import contec, pc60, polar, viatom

VECTORS = Path(__file__).parent / "data" / "gatt_vectors.json"


def seeds(names: Iterable[str]) -> dict[str, list[bytes]]:
    """Valid payloads by characteristic: those of the published vectors, and what they do not have."""
    known: dict[str, list[bytes]] = {name: [] for name in names}
    for vector in json.loads(VECTORS.read_text(encoding="utf-8")):
        if vector["valid"] and vector["characteristic"] in known:
            known[vector["characteristic"]].append(bytes.fromhex(vector["hex"]))
    for name, measurement in (*_activities(), *_observations(), *_vendors()):
        known[name].append(bytes(measurement))
    known["2A39"].append(bytes(HeartRateControlPoint(HeartRateCommand.RESET_ENERGY_EXPENDED)))
    known["2A9C"].append(bytes.fromhex("0000 e100"))  # 22.5 % of fat, in kilograms, nothing else
    known["2BF3"].append(bytes.fromhex("01 02 b84b0200 1a480200 01 0710 01"))
    known["2B45"].append(bytes.fromhex("01 0100 e8030000 3c00 d0070000 3c00"))
    known["2B44"].append(bytes.fromhex("01 0100 e8030000 3c00 0200 d0070000 3c00"))
    return known


def _activities() -> Iterator[tuple[str, Measurement]]:
    of: dict[str, Any] = {
        "session_id": 1, "sub_session_id": 2, "relative_timestamp": 3, "sequence_number": 4,
    }  # fmt: skip
    yield "2B3C", activity.GeneralActivityInstantaneousData(**of, metabolic_equivalent=21)
    yield "2B3D", activity.GeneralActivitySummaryData(**of, distance=1200)
    yield "2B3E", activity.CardioRespiratoryActivityInstantaneousData(**of, heart_rate=70)
    yield "2B3F", activity.CardioRespiratoryActivitySummaryData(**of, average_heart_rate=70)
    yield "2B40", activity.StepCounterActivitySummaryData(**of, normal_walking_steps=900)
    yield "2B41", activity.SleepActivityInstantaneousData(**of, sleeping_heart_rate=50)
    yield "2B42", activity.SleepActivitySummaryData(**of, total_sleep_time=400)


def _observations() -> Iterator[tuple[str, Measurement]]:
    number, state = ghs.NumericValue(0x0AA0, 61.0), ghs.DiscreteValue(5)
    part = ghs.Component(0x4182, number)
    clock = ghs.ElapsedTime(ghs.TimeFlags(0), 9)
    for observation in (
        Observation(value=number, observation_type=0x4182),
        Observation(value=ghs.StringValue("well"), observation_type=1, time_stamp=clock),
        Observation(value=state, observation_type=1, measurement_duration=1.5),
        Observation(
            value=ghs.SampleArrayValue(0x0AA0, 1.0, 0.0, 0.1, 1, 1, bytes(9)),
            observation_type=1,
            patient=1,
            derived_from=(3, 4),
        ),
        Observation(value=ghs.CompoundValue((part, part)), observation_type=1),
        Observation(value=ghs.BundleValue((Observation(value=state, observation_type=1),))),
    ):
        yield "2B8B", LiveHealthObservations(observation)
        yield "2BDD", StoredHealthObservations(7, observation)


def _vendors() -> Iterator[tuple[str, Measurement]]:
    yield contec.NOTIFY, contec.ContecMeasurement(98, 70)
    yield pc60.NOTIFY, pc60.Pc60Measurement(98, 70, 4.2)
    yield pc60.NOTIFY, pc60.Pc60Battery(3)
    yield viatom.NOTIFY, viatom.ViatomMeasurement(97, 61, 12, 80, 0, 1, 3.1, 1)
    yield polar.DATA, polar.EcgFrame(1, samples=(-12, 900, 3))
    yield polar.DATA, polar.AccFrame(1, samples=(polar.Acceleration(1, -2, 1000),))
    yield polar.DATA, polar.PpiFrame(1, samples=(polar.PulseInterval(60, 1000, 10),))
