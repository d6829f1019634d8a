"""The kinds of readings: name, unit, code, and what a living person's sensor can show of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a reading is a reading of. The table `KINDS` has its unit, code and plausible range."""

    __hash__ = str.__hash__  # Enum's own is written in Python, and every reading is looked up by its kind

    HEART_RATE = "heart_rate"
    RR_INTERVAL = "rr_interval"
    SPO2 = "spo2"
    PULSE_RATE = "pulse_rate"
    TEMPERATURE = "temperature"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    MEAN_ARTERIAL = "mean_arterial"
    GLUCOSE = "glucose"
    """Of blood, by a meter and a strip."""
    SENSOR_GLUCOSE = "sensor_glucose"
    """Of the fluid under the skin, by a continuous sensor: a stream, minutes behind the blood."""
    WEIGHT = "weight"
    BODY_FAT = "body_fat"
    RESPIRATORY_RATE = "respiratory_rate"
    PERFUSION_INDEX = "perfusion_index"
    PULSE_INTERVAL = "pulse_interval"
    """From beat to beat as light sees it: less exact than RR intervals, and no substitute for them."""
    STEPS = "steps"
    """Each reading is how many more than at the one before, as of energy and distance."""
    ENERGY = "energy"
    DISTANCE = "distance"
    SPEED = "speed"
    CADENCE = "cadence"
    SLEEP_DURATION = "sleep_duration"
    ECG = "ecg"
    ACCELERATION = "acceleration"
    """Its magnitude, gravity included: which way an axis points depends on how the strap sits."""
    MOVEMENT = "movement"
    """How much acceleration varied over ten seconds: what rest and exertion are told apart by."""
    BATTERY = "battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInfo:
    """One row of the table of kinds.

    `ucum` is the unit as data, `unit` as a person reads it. `low`..`high` is what a living person's sensor
    can show; outside it a value is kept and marked, never used. `holds` is how long one reading of a
    continuous stream speaks for; `None` marks spot measurements, which have no coverage. Where a kind `adds`
    up, a reading is an amount, and the sum of them is what counts. A `waveform` is samples of a curve, or one
    seen from further off: no number of it alone says anything, so none is ever told.
    """

    title: str
    ucum: str
    unit: str
    loinc: str | None
    low: float
    high: float
    decimals: int
    holds: timedelta | None = None
    adds: bool = False
    waveform: bool = False


_TEN_S = timedelta(seconds=10)
KINDS: Mapping[Kind, KindInfo] = {
    Kind.HEART_RATE: KindInfo(
        title="heart rate",
        ucum="/min",
        unit="bpm",
        loinc="8867-4",
        low=20,
        high=300,
        decimals=0,
        holds=_TEN_S,
    ),
    Kind.RR_INTERVAL: KindInfo(
        title="RR interval",
        ucum="ms",
        unit="ms",
        loinc="8637-1",
        low=200,
        high=3000,
        decimals=0,
        holds=timedelta(seconds=3),
    ),
    # 0 is what oximeters send with no finger in them; they are calibrated down to 70 % (ISO 80601-2-61).
    Kind.SPO2: KindInfo(
        title="oxygen saturation",
        ucum="%",
        unit="%",
        loinc="59408-5",
        low=50,
        high=100,
        decimals=0,
        holds=_TEN_S,
    ),
    Kind.PULSE_RATE: KindInfo(
        title="pulse rate",
        ucum="/min",
        unit="bpm",
        loinc="8889-8",
        low=20,
        high=300,
        decimals=0,
        holds=_TEN_S,
    ),
    Kind.TEMPERATURE: KindInfo(
        title="temperature", ucum="Cel", unit="°C", loinc="8310-5", low=30, high=44, decimals=1
    ),
    Kind.SYSTOLIC: KindInfo(
        title="systolic pressure", ucum="mm[Hg]", unit="mmHg", loinc="8480-6", low=40, high=300, decimals=0
    ),
    Kind.DIASTOLIC: KindInfo(
        title="diastolic pressure", ucum="mm[Hg]", unit="mmHg", loinc="8462-4", low=20, high=200, decimals=0
    ),
    Kind.MEAN_ARTERIAL: KindInfo(
        title="mean arterial pressure",
        ucum="mm[Hg]",
        unit="mmHg",
        loinc="8478-0",
        low=30,
        high=250,
        decimals=0,
    ),
    # Meters show LO and HI outside of about 20 to 600 mg/dL (ISO 15197 asks for less); a few go on to 1000.
    Kind.GLUCOSE: KindInfo(
        title="blood glucose", ucum="mg/dL", unit="mg/dL", loinc="41653-7", low=10, high=1000, decimals=0
    ),
    # Sensors show 40 to 400 or 500 mg/dL; the slowest record a value every quarter of an hour.
    Kind.SENSOR_GLUCOSE: KindInfo(
        title="sensor glucose",
        ucum="mg/dL",
        unit="mg/dL",
        loinc="99504-3",
        low=20,
        high=600,
        decimals=0,
        holds=timedelta(minutes=15),
    ),
    # From the smallest of the newborn to the heaviest person on record (635 kg).
    Kind.WEIGHT: KindInfo(
        title="weight", ucum="kg", unit="kg", loinc="29463-7", low=0.2, high=650, decimals=1
    ),
    # Essential fat is 2 to 5 %; what a scale shows above 75 % is a foot beside the electrode.
    Kind.BODY_FAT: KindInfo(
        title="body fat", ucum="%", unit="%", loinc="41982-0", low=2, high=75, decimals=1
    ),
    # Counted over a minute; the newborn and the very ill breathe up to a hundred times in it.
    Kind.RESPIRATORY_RATE: KindInfo(
        title="respiratory rate",
        ucum="/min",
        unit="/min",
        loinc="9279-1",
        low=2,
        high=120,
        decimals=0,
        holds=timedelta(minutes=1),
    ),
    # Oximeters give it from 0.02 % on, and the wider formats up to 30 %; 0 is no finger.
    Kind.PERFUSION_INDEX: KindInfo(
        title="perfusion index",
        ucum="%",
        unit="%",
        loinc="61006-3",
        low=0.02,
        high=30,
        decimals=1,
        holds=_TEN_S,
    ),
    # LOINC's interval is one "by EKG"; there is none for the pulse's.
    Kind.PULSE_INTERVAL: KindInfo(
        title="pulse interval",
        ucum="ms",
        unit="ms",
        loinc=None,
        low=200,
        high=3000,
        decimals=0,
        holds=timedelta(seconds=3),
    ),
    # The most that people ever did within a day: 300,000 steps, 30,000 kcal, 1,100 km (on a bicycle).
    Kind.STEPS: KindInfo(
        title="steps",
        ucum="{steps}",
        unit="steps",
        loinc="55423-8",
        low=0,
        high=300_000,
        decimals=0,
        adds=True,
    ),
    Kind.ENERGY: KindInfo(
        title="energy", ucum="kcal", unit="kcal", loinc="41981-2", low=0, high=30_000, decimals=0, adds=True
    ),
    # Not LOINC's 55430-3, which is "Walking distance": a bicycle's is counted here too.
    Kind.DISTANCE: KindInfo(
        title="distance", ucum="m", unit="m", loinc=None, low=0, high=1_100_000, decimals=0, adds=True
    ),
    # Nobody runs faster than 12.5 m/s; wheels alone give no speed without their size.
    Kind.SPEED: KindInfo(
        title="speed", ucum="m/s", unit="m/s", loinc=None, low=0, high=15, decimals=1, holds=_TEN_S
    ),
    # Track sprinters pedal, and sprinters step, up to about 300 times a minute.
    Kind.CADENCE: KindInfo(
        title="cadence", ucum="/min", unit="/min", loinc=None, low=0, high=320, decimals=0, holds=_TEN_S
    ),
    Kind.SLEEP_DURATION: KindInfo(
        title="sleep", ucum="h", unit="h", loinc="93832-4", low=0, high=36, decimals=1, adds=True
    ),
    # Twice what a recorder has to show without clipping (10 mV from peak to valley, IEC 60601-2-47).
    Kind.ECG: KindInfo(
        title="ECG",
        ucum="uV",
        unit="µV",
        loinc=None,
        low=-20_000,
        high=20_000,
        decimals=0,
        holds=timedelta(milliseconds=50),
        waveform=True,
    ),
    # The corner of a cube of ±16 g, the widest range that wearables have.
    Kind.ACCELERATION: KindInfo(
        title="acceleration",
        ucum="m[g]",
        unit="mg",
        loinc=None,
        low=0,
        high=28_000,
        decimals=0,
        holds=timedelta(milliseconds=50),
        waveform=True,
    ),
    # Standard deviation of the samples of ten seconds: a 50 Hz waveform, as far as rules need to know it.
    Kind.MOVEMENT: KindInfo(
        title="movement",
        ucum="m[g]",
        unit="mg",
        loinc=None,
        low=0,
        high=14_000,
        decimals=0,
        holds=_TEN_S,
        waveform=True,
    ),
    Kind.BATTERY: KindInfo(title="battery", ucum="%", unit="%", loinc=None, low=0, high=100, decimals=0),
}
