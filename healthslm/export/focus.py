"""For whom a page is: which charts come first, and which parts; nothing is left out but for want of room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from healthslm.readings import Kind


class Focus(StrEnum):
    """What the reader looks at first."""

    GENERAL = "general"
    CARDIOLOGY = "cardiology"
    DIABETES = "diabetes"
    RESPIRATORY = "respiratory"


class Paper(StrEnum):
    """The size of the page."""

    A4 = "a4"
    LETTER = "us-letter"


_HEART, _OXYGEN, _WARMTH, _WEIGHT, _BREATH, _SUGAR = (
    (kind,)
    for kind in (
        Kind.HEART_RATE,
        Kind.SPO2,
        Kind.TEMPERATURE,
        Kind.WEIGHT,
        Kind.RESPIRATORY_RATE,
        Kind.GLUCOSE,
    )
)
_PRESSURE = (Kind.SYSTOLIC, Kind.DIASTOLIC)
CHARTS: Mapping[Focus, Sequence[tuple[Kind, ...]]] = {
    Focus.GENERAL: (_HEART, _OXYGEN, _WARMTH, _PRESSURE, _WEIGHT, _BREATH, _SUGAR),
    Focus.CARDIOLOGY: (_PRESSURE, _HEART, _WEIGHT, _OXYGEN, _BREATH, _WARMTH, _SUGAR),
    Focus.DIABETES: (_SUGAR, _PRESSURE, _WEIGHT, _HEART, _OXYGEN, _WARMTH, _BREATH),
    Focus.RESPIRATORY: (_OXYGEN, _BREATH, _HEART, _WARMTH, _PRESSURE, _WEIGHT, _SUGAR),
}
"""The rows of the table of vitals, a chart each, as far as there is room and they were measured."""
CHARTED: Sequence[Kind] = tuple(kind for kinds in CHARTS[Focus.GENERAL] for kind in kinds)
"""Every kind that can have a chart, in the general order."""
PARTS: Mapping[Focus, Sequence[str]] = {
    Focus.GENERAL: ("vitals", "glucose", "rhythm"),
    Focus.CARDIOLOGY: ("rhythm", "vitals", "glucose"),
    Focus.DIABETES: ("glucose", "vitals", "rhythm"),
    Focus.RESPIRATORY: ("vitals", "rhythm", "glucose"),
}
"""What stands between the findings and the words."""
