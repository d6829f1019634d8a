"""Which alerts belong together, so that one message tells of them: by what they are about."""

from __future__ import annotations

from healthslm.alerts.watch import is_watched

_GROUPS = {
    "breathing": ("low_spo2", "spo2_above_target", "high_respiration", "low_respiration"),
    "heart": ("high_heart_rate", "low_heart_rate", "irregular_rhythm"),
    "pressure": ("high_pressure", "low_pressure"),
    "glucose": ("low_glucose", "high_glucose", "low_glucose_soon"),
    "temperature": ("fever", "low_temperature"),
    "days": (
        "raised_resting_rate",
        "lowered_variability",
        "weight_gain",
        "infection_pattern",
        "decompensation_pattern",
    ),
}
_BY_RULE = {rule: group for group, rules in _GROUPS.items() for rule in rules}
MACHINE = "machine"
"""What is not of the body: devices that are silent, the clock, the disk, hooks."""


def group_of(rule: str) -> str:
    """Return what a rule's alerts are about; of one that nobody knows, the rule itself."""
    if rule in _BY_RULE:
        return _BY_RULE[rule]
    return MACHINE if is_watched(rule) else rule
