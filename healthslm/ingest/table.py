"""Which function makes readings of which measurement: to teach a device, write one and name it here.

Measurements that are not here say nothing of a person: features, names, control points, values on their way
to a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from device.gatt import (
    BatteryLevel,
    BloodPressureMeasurement,
    DateTime,
    HeartRateMeasurement,
    PlxContinuousMeasurement,
    PlxSpotCheckMeasurement,
    TemperatureMeasurement,
)
from device.gatt.body_composition import BodyCompositionMeasurement
from device.gatt.continuous_glucose import CgmMeasurement, CgmSessionStartTime, CgmStatus
from device.gatt.current_time import CurrentTime
from device.gatt.cycling import CscMeasurement
from device.gatt.generic_health_sensor import LiveHealthObservations, StoredHealthObservations
from device.gatt.glucose import GlucoseMeasurement, GlucoseMeasurementContext
from device.gatt.physical_activity import (
    CardioRespiratoryActivityInstantaneousData,
    SleepActivitySummaryData,
    StepCounterActivitySummaryData,
)
from device.gatt.running import RscMeasurement
from device.gatt.weight_scale import WeightMeasurement
from device.vendors.contec import ContecMeasurement
from device.vendors.pc60 import Pc60Battery, Pc60Measurement
from device.vendors.polar_control import PmdResponse
from device.vendors.polar_frames import AccFrame, EcgFrame, PpiFrame
from device.vendors.viatom import ViatomMeasurement
from device.vendors.xiaomi import XiaomiBodyComposition, XiaomiWeight
from healthslm.ingest import body, glucose, heart, motion, observations, oximeter, polar
from healthslm.ingest.heard import Heard

Maker = Callable[[Any, Heard], None]


def _clock(measurement: CurrentTime | DateTime, heard: Heard) -> None:
    """Keep what the device's clock shows: read on connecting, after being set, or told when it changed."""
    shown = measurement.datetime
    if shown is not None:
        heard.state.clock.was_read(shown, heard.received_at)


MAKERS: Mapping[type, Maker] = {
    HeartRateMeasurement: heart.strap,
    PlxContinuousMeasurement: oximeter.continuous,
    PlxSpotCheckMeasurement: oximeter.spot_check,
    TemperatureMeasurement: body.thermometer,
    BloodPressureMeasurement: body.cuff,
    BatteryLevel: body.battery,
    WeightMeasurement: body.scale,
    BodyCompositionMeasurement: body.composition,
    GlucoseMeasurement: glucose.meter,
    GlucoseMeasurementContext: glucose.context,
    CgmMeasurement: glucose.sensor,
    CgmSessionStartTime: glucose.session_start,
    CgmStatus: glucose.session_status,
    RscMeasurement: motion.running,
    CscMeasurement: motion.cycling,
    CardioRespiratoryActivityInstantaneousData: motion.heart_and_breath,
    StepCounterActivitySummaryData: motion.steps,
    SleepActivitySummaryData: motion.sleep,
    LiveHealthObservations: observations.live,
    StoredHealthObservations: observations.stored,
    CurrentTime: _clock,
    DateTime: _clock,
    EcgFrame: polar.frame,
    AccFrame: polar.frame,
    PpiFrame: polar.frame,
    PmdResponse: polar.control,
    Pc60Measurement: oximeter.pc60,
    Pc60Battery: oximeter.pc60,
    ViatomMeasurement: oximeter.viatom,
    ContecMeasurement: oximeter.contec,
    XiaomiWeight: body.xiaomi,
    XiaomiBodyComposition: body.xiaomi,
}
