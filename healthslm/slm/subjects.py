"""What a fact is about: the names of metrics for both audiences, and the words that go with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from healthslm.slm.letters import plain
from healthslm.slm.lexicon import words

_STATISTICS = ("latest", "mean", "min", "max", "count", "coverage", "total")
_LABELS = {
    "latest": "latest",
    "mean": "average",
    "min": "lowest",
    "max": "highest",
    "count": "number of readings",
    "coverage": "share of the time covered",
    "total": "total",
    "value": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that sentences are about.

    `title` is its plain name, `clinical` the clinician's; `metric` lists word groups of which one must stand
    in a sentence about it; `lexicon` are the words that its sentences may have beyond the common ones;
    `statistics` are the feature names worth telling, most important first; `direction` is which way its
    finding is out of range. `told` is False for what a summary leaves out.
    """

    name: str
    title: str
    clinical: str
    metric: tuple[str, ...]
    lexicon: frozenset[str] = frozenset()
    statistics: tuple[str, ...] = ()
    direction: str = ""
    told: bool = True

    def label(self, feature: str, statistic: str) -> str:
        """The name of one of its numbers on a fact line."""
        return _SPECIAL_LABELS.get(feature, _LABELS.get(statistic, ""))


_SPECIAL_LABELS = {
    "spo2_5min_low": "lowest",
    "systolic_mean": "average systolic",
    "diastolic_mean": "average diastolic",
    "systolic_latest": "latest systolic",
    "diastolic_latest": "latest diastolic",
    "systolic_max": "highest systolic",
    "rmssd_ms": "RMSSD",
    "sdnn_ms": "SDNN",
    "mean_nn_ms": "mean NN interval",
    "irregular_minutes": "irregular for",
    "irregular_share": "irregular share",
}


def split_name(name: str) -> tuple[str, str]:
    """Split `heart_rate_max` into `heart_rate` and `max`; what has no statistic has `value`."""
    if name == "spo2_5min_low":
        return "spo2", "min"
    base, _, last = name.rpartition("_")
    return (base, last) if base and last in _STATISTICS else (name, "value")


_OXYGEN = words("oxygen saturation level blood SpO")
_HEART = words("heart rate pulse beats per minute")
_PRESSURE = words("blood pressure systolic diastolic")
_RHYTHM = words("heart rhythm heartbeat heartbeats beat beats irregular irregularly minutes minute")

_SUBJECTS = (
    Subject(
        name="heart_rate",
        title="heart rate",
        clinical="heart rate",
        metric=("heart rate", "pulse"),
        lexicon=_HEART,
        statistics=("heart_rate_mean", "heart_rate_min", "heart_rate_max"),
    ),
    Subject(
        name="pulse_rate",
        title="pulse",
        clinical="pulse rate",
        metric=("pulse", "heart rate"),
        lexicon=_HEART,
        statistics=("pulse_rate_mean", "pulse_rate_min", "pulse_rate_max"),
    ),
    Subject(
        name="spo2",
        title="oxygen saturation",
        clinical="SpO2",
        metric=("oxygen", "SpO2"),
        lexicon=_OXYGEN,
        statistics=("spo2_mean", "spo2_min"),
    ),
    Subject(
        name="temperature",
        title="temperature",
        clinical="temperature",
        metric=("temperature",),
        lexicon=words("temperature body"),
        statistics=("temperature_max", "temperature_latest"),
    ),
    Subject(
        name="blood_pressure",
        title="blood pressure",
        clinical="blood pressure",
        metric=("blood pressure",),
        lexicon=_PRESSURE,
        statistics=("systolic_mean", "diastolic_mean"),
    ),
    Subject(
        name="hrv",
        title="heart-rate variability",
        clinical="heart-rate variability",
        metric=("variability", "RMSSD"),
        lexicon=words("heart rate heart-rate variability RMSSD SDNN beat-to-beat beat NN interval mean"),
        statistics=("rmssd_ms", "sdnn_ms"),
    ),
    Subject(
        name="irregular",
        title="heart rhythm",
        clinical="rhythm",
        metric=("rhythm", "heartbeat", "beats"),
        lexicon=_RHYTHM,
        statistics=("irregular_minutes", "irregular_share"),
    ),
    *(
        Subject(
            name=name,
            title=title,
            clinical=clinical,
            metric=(title.removeprefix("sensor "), clinical),
            lexicon=words(f"{title} {clinical}"),
            statistics=tuple(f"{name}_{statistic}" for statistic in told.split()),
        )
        for name, title, clinical, told in (
            ("glucose", "blood sugar", "capillary glucose", "mean min max"),
            ("sensor_glucose", "sensor glucose", "sensor glucose", "mean min max"),
            ("weight", "weight", "weight", "latest"),
            ("body_fat", "body fat", "body fat", "latest"),
            ("respiratory_rate", "breathing rate", "respiratory rate", "mean min max"),
            ("steps", "step count", "step count", "total"),
            ("energy", "energy use", "energy expenditure", "total"),
            ("distance", "distance", "distance", "total"),
            ("sleep_duration", "time asleep", "time asleep", "total"),
        )
    ),
    *(
        Subject(name=name, title=title, clinical=title, metric=(title,), told=False)
        for name, title in (
            ("perfusion_index", "perfusion index"),
            ("pulse_interval", "pulse interval"),
            ("speed", "speed"),
            ("cadence", "cadence"),
            ("ecg", "ECG"),
            ("acceleration", "acceleration"),
        )
    ),
    Subject(name="battery", title="battery", clinical="battery", metric=("battery",), told=False),
    Subject(
        name="mean_arterial",
        title="mean arterial pressure",
        clinical="mean arterial pressure",
        metric=("arterial",),
        told=False,
    ),
    Subject(
        name="rr_interval", title="RR interval", clinical="RR interval", metric=("interval",), told=False
    ),
)
_BY_NAME = {subject.name: subject for subject in _SUBJECTS}
_OF_FEATURE = {
    "systolic": "blood_pressure",
    "diastolic": "blood_pressure",
    "rmssd_ms": "hrv",
    "sdnn_ms": "hrv",
    "mean_nn_ms": "hrv",
    "irregular_share": "irregular",
    "irregular_minutes": "irregular",
}

_MEANS = ("systolic_worst_sitting_mean", "diastolic_worst_sitting_mean", "systolic_mean", "diastolic_mean")
_OF_RULE = {
    "irregular_rhythm": replace(
        _BY_NAME["irregular"], name="irregular_rhythm", statistics=("irregular_minutes",)
    ),
    "fever": replace(
        _BY_NAME["temperature"],
        name="fever",
        lexicon=words("temperature body fever"),
        statistics=("temperature_max",),
        direction="high",
    ),
    **{
        rule: replace(_BY_NAME[about], name=rule, statistics=statistics, direction=direction)
        for rule, about, direction, statistics in (
            ("low_spo2", "spo2", "low", ("spo2_5min_low",)),
            ("low_temperature", "temperature", "low", ("temperature_min",)),
            ("high_heart_rate", "heart_rate", "high", ("heart_rate_max",)),
            ("low_heart_rate", "heart_rate", "low", ("heart_rate_min",)),
            ("low_glucose", "sensor_glucose", "low", ("sensor_glucose_min", "glucose_min")),
            ("high_glucose", "sensor_glucose", "high", ("sensor_glucose_max",)),
            ("high_respiration", "respiratory_rate", "high", ("respiratory_rate_max",)),
            ("low_respiration", "respiratory_rate", "low", ("respiratory_rate_min",)),
            ("high_pressure", "blood_pressure", "high", _MEANS),
            ("low_pressure", "blood_pressure", "low", _MEANS),
        )
    },
}
"""What the findings of a rule are about, where a sentence can say it in one number that is high or low."""


def subject_of(rule: str, feature: str) -> Subject:
    """Return what a rule's finding, or (with no rule) a feature, is about; made up for an unknown name."""
    if rule in _OF_RULE:
        return _OF_RULE[rule]
    base = split_name(feature)[0]
    name = _OF_FEATURE.get(base, base)
    if name in _BY_NAME:
        return _BY_NAME[name]
    title = plain(base.replace("_", " "), 40)
    return Subject(name=base, title=title, clinical=title, metric=(title,), lexicon=words(title))
