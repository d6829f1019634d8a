"""What can be asked about: metrics, statistics, and why a question is not answered."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """What can be asked about."""

    HEART_RATE = "heart_rate"
    RESTING_HEART_RATE = "resting_heart_rate"
    HRV_RMSSD = "hrv_rmssd"
    RESPIRATORY_RATE = "respiratory_rate"
    SPO2 = "spo2"
    TEMPERATURE = "temperature"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    BODY_FAT = "body_fat"
    STEPS = "steps"
    ENERGY = "energy"
    SLEEP_DURATION = "sleep_duration"

    @property
    def words(self) -> str:
        """The metric as a sentence says it."""
        return {"spo2": "oxygen saturation", "hrv_rmssd": "heart-rate variability"}.get(
            self.value, self.value.replace("_", " ")
        )


class Statistic(StrEnum):
    """Which number of a metric."""

    LATEST = "latest"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    TOTAL = "total"


class Refusal(StrEnum):
    """Why a question is not answered."""

    DOSING = "dosing"
    DIAGNOSIS = "diagnosis"
    OTHER_PERSON = "other_person"
    OFF_TOPIC = "off_topic"
