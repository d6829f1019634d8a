"""Versioned clinical rules: features in, findings out. Thresholds live here, each with its source.

`RULES` is what is in force; `judge()` asks one rule about one moment (live), `scan()` asks it about every
moment of a period (history). Both run the very same code over the same kind of window.
"""

from healthslm.rules.base import Case, Rule, Verdict, Windows
from healthslm.rules.engine import (
    ASKED,
    Asked,
    Spell,
    by_severity,
    finding_of,
    joined,
    judge,
    scan,
    scan_all,
    spells,
)
from healthslm.rules.glucose import HIGH_GLUCOSE, LOW_GLUCOSE, LOW_GLUCOSE_SOON
from healthslm.rules.heart_rate import HIGH_HEART_RATE, LOW_HEART_RATE
from healthslm.rules.oxygen import LOW_SPO2, SPO2_ABOVE_TARGET
from healthslm.rules.patterns import DECOMPENSATION_PATTERN, INFECTION_PATTERN
from healthslm.rules.pressure import HIGH_PRESSURE, LOW_PRESSURE
from healthslm.rules.respiration import HIGH_RESPIRATION, LOW_RESPIRATION
from healthslm.rules.rhythm import IRREGULAR_RHYTHM
from healthslm.rules.shift import LOWERED_VARIABILITY, RAISED_RESTING_RATE
from healthslm.rules.temperature import FEVER, LOW_TEMPERATURE
from healthslm.rules.weight import WEIGHT_GAIN

RULES: tuple[Rule, ...] = (
    FEVER,
    LOW_SPO2,
    IRREGULAR_RHYTHM,
    HIGH_PRESSURE,
    HIGH_HEART_RATE,
    LOW_HEART_RATE,
    LOW_GLUCOSE,
    HIGH_GLUCOSE,
    LOW_GLUCOSE_SOON,
    LOW_PRESSURE,
    SPO2_ABOVE_TARGET,
    LOW_TEMPERATURE,
    HIGH_RESPIRATION,
    LOW_RESPIRATION,
    RAISED_RESTING_RATE,
    LOWERED_VARIABILITY,
    WEIGHT_GAIN,
    INFECTION_PATTERN,
    DECOMPENSATION_PATTERN,
)

__all__ = [
    "ASKED",
    "RULES",
    "Asked",
    "Case",
    "Rule",
    "Spell",
    "Verdict",
    "Windows",
    "by_severity",
    "finding_of",
    "joined",
    "judge",
    "scan",
    "scan_all",
    "spells",
]
