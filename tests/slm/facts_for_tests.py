"""Features, findings and items in one line each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from healthslm.readings import KINDS, Feature, Finding, Kind, Severity
from healthslm.slm.facts import Audience, Item, fact_sheet
from tests.making import DAY, at

BERLIN = ZoneInfo("Europe/Berlin")  # one hour ahead of UTC on the tests' day
WEARER, CLINICIAN = Audience.WEARER, Audience.CLINICIAN
_KINDS = {
    "rmssd_ms": Kind.RR_INTERVAL,
    "sdnn_ms": Kind.RR_INTERVAL,
    "irregular_minutes": Kind.RR_INTERVAL,
    "irregular_share": Kind.RR_INTERVAL,
    "spo2_5min_low": Kind.SPO2,
}
_UNITS = {"irregular_minutes": "min", "irregular_share": "%"}


def feature(
    name: str, value: float | None, clock: str = "", *, reason: str = "", coverage: float | None = None
) -> Feature:
    """A feature of the tests' day; with a clock (UTC) it is the single reading at that time."""
    kind = _KINDS.get(name) or Kind(name.rpartition("_")[0])
    return Feature(
        name=name,
        kind=kind,
        value=value,
        unit=_UNITS.get(name, KINDS[kind].ucum),
        decimals=KINDS[kind].decimals,
        start=DAY,
        end=DAY + timedelta(days=1),
        reason=reason,
        coverage=coverage,
        readings=(hash(name) % 1000,) if clock else (1, 2),
        at=at(clock) if clock else None,
    )


def finding(
    rule: str,
    *evidence: Feature,
    severity: Severity = Severity.WATCH,
    title: str = "",
    action: str = "Call your doctor.",
) -> Finding:
    """A finding of the tests' day, from 13:00 to 14:00 UTC."""
    titles = {
        "fever": "Fever",
        "low_spo2": "Low oxygen saturation",
        "irregular_rhythm": "Irregular heart rhythm",
        "high_pressure": "High blood pressure",
    }
    return Finding(
        rule=rule,
        version="1",
        severity=severity,
        title=title or titles.get(rule, rule),
        action=action,
        source="a guideline",
        start=at("13:00"),
        end=at("14:00"),
        evidence=evidence,
    )


HEART = (
    feature("heart_rate_mean", 72),
    feature("heart_rate_min", 54, "03:00"),
    feature("heart_rate_max", 118, "17:00"),
)
OXYGEN = (feature("spo2_mean", 95), feature("spo2_min", 88, "15:42"))
TEMPERATURE = (feature("temperature_max", 38.9, "13:20"), feature("temperature_latest", 37.8, "20:00"))
PRESSURE = (feature("systolic_mean", 152), feature("diastolic_mean", 94))
FEVER = finding("fever", TEMPERATURE[0])
LOW_OXYGEN = finding(
    "low_spo2",
    feature("spo2_5min_low", 88, "15:42"),
    severity=Severity.URGENT,
    action="Sit upright and call your doctor now.",
)
IRREGULAR = finding(
    "irregular_rhythm",
    feature("irregular_share", 80),
    feature("irregular_minutes", 34),
    action="Take an ECG.",
)
HIGH_PRESSURE = finding("high_pressure", *PRESSURE, action="Rest and measure again.")
FINDINGS = (FEVER, LOW_OXYGEN, IRREGULAR, HIGH_PRESSURE)
ALL = (*HEART, *OXYGEN, *TEMPERATURE, *PRESSURE, feature("rmssd_ms", 41))


def item(*features: Feature) -> Item:
    """The item that a subject's features make."""
    return fact_sheet((), features, BERLIN).items[0]


def found(one: Finding) -> Item:
    """The item that a finding makes."""
    return fact_sheet((one,), (), BERLIN).items[0]


def without(name: str, reason: str) -> Feature:
    """A feature that could not be computed."""
    return replace(feature(name, None, reason=reason), readings=())
