"""Motion: feet, cranks, and what a physical activity monitor counts.

A counter is taken by its difference to the last time it was seen, so the first one only begins. Bicycle
wheels give no speed without their size. Of an activity monitor only plain counts are taken: the resolution
of its energy, distance and sleep is not public.
"""

from __future__ import annotations

from datetime import timedelta

from device.gatt.cycling import CscMeasurement, movement
from device.gatt.physical_activity import (
    CardioRespiratoryActivityInstantaneousData,
    SleepActivitySummaryData,
    StepCounterActivitySummaryData,
)
from device.gatt.running import RscMeasurement
from healthslm.ingest.heard import Heard
from healthslm.readings import Kind, Quality

STILL_FOR = timedelta(seconds=10)
"""A foot that moves covers ground: with a speed, and the way standing still for so long, the pod is stuck."""
_MOVING = 0.5  # m/s; slower is shuffling, which a pod's way may round to nothing
_FORGET = timedelta(seconds=60)  # a crank's clock runs over every 64 s
_STANDING = timedelta(seconds=3)  # no turn for so long is less than 20 a minute: nobody pedals so slowly


def running(measurement: RscMeasurement, heard: Heard) -> None:
    """Take speed, cadence, and the way since last time."""
    heard.live()
    state, quality, way = heard.state, Quality.GOOD, measurement.total_distance
    if way is not None:
        grown = heard.grown("way", way)
        if grown:
            heard.add(Kind.DISTANCE, round(grown, 1))
        if grown or state.moved is None or measurement.instantaneous_speed < _MOVING:
            state.moved = heard.received_at
        elif heard.received_at - state.moved >= STILL_FOR:
            quality = Quality.FROZEN
    heard.add(Kind.SPEED, round(measurement.instantaneous_speed, 3), quality)
    heard.add(Kind.CADENCE, float(measurement.instantaneous_cadence), quality)


def cycling(measurement: CscMeasurement, heard: Heard) -> None:
    """Take the cadence of the cranks: from turn to turn, and 0 when there was none for a while."""
    heard.live()
    state, now = heard.state, heard.received_at
    before, state.cycling = state.cycling, (measurement, now)
    turns = measurement.cumulative_crank_revolutions
    if turns is None:
        return
    if before is None or now - before[1] > _FORGET:
        state.turned = now
        return
    earlier: CscMeasurement = before[0]
    cadence = movement(earlier, measurement).crank_cadence
    if cadence is not None:
        state.turned = now
        heard.add(Kind.CADENCE, round(cadence, 1))
    elif turns != earlier.cumulative_crank_revolutions:
        state.turned = now  # set back, or counted by a clock that stands still
        heard.refuse("cadence: the cranks' turns went on and their clock did not, or they were set back")
    elif state.turned is not None and now - state.turned >= _STANDING:
        heard.add(Kind.CADENCE, 0.0)


def heart_and_breath(measurement: CardioRespiratoryActivityInstantaneousData, heard: Heard) -> None:
    """Take heart and breathing rate as they are now."""
    quality = Quality.GOOD if measurement.device_worn else Quality.NOT_WORN
    for kind, value in (
        (Kind.HEART_RATE, measurement.heart_rate),
        (Kind.RESPIRATORY_RATE, measurement.respiration_rate),
    ):
        if value is not None:
            heard.add(kind, float(value), quality)


def steps(measurement: StepCounterActivitySummaryData, heard: Heard) -> None:
    """Take the steps of a session, walked and faster, since they were last told; stairs are among them."""
    counted = [n for n in (measurement.normal_walking_steps, measurement.intensity_steps) if n is not None]
    if not counted:
        return
    session = (float(measurement.session_id), heard.received_at)
    begun = heard.state.counters.get("session")
    heard.state.counters["session"] = session
    grown = heard.grown("steps", sum(counted))
    if begun is not None and begun[0] != session[0]:
        grown = float(sum(counted))  # a new session counts from 0
    if grown:
        heard.add(Kind.STEPS, grown)


def sleep(_measurement: SleepActivitySummaryData, heard: Heard) -> None:
    """Refuse it, and say why."""
    heard.refuse("sleep: the unit in which activity monitors count it is not public")
