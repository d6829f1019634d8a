"""The National Early Warning Score 2: an acute-care score, shown with what was not measured.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS. London: RCP, 2017. Made for adults in hospital and ambulances; at home
it is not validated, and a score with missing parts says at least so much, not how well somebody is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from healthslm.errors import UsageError

NOTE = (
    "NEWS2 is an acute-care score for adults (RCP 2017), not validated at home, in pregnancy or under 16:"
    " a prompt to act, not a diagnosis."
)
RESPONSES: Mapping[str, str] = {
    "none": "observations at least every 12 hours",
    "low": "a registered nurse's assessment, observations at least every 4 to 6 hours",
    "low-medium": "an urgent review on the ward by a clinician, observations at least every hour",
    "medium": "an urgent review by a team skilled in acute illness, observations at least every hour",
    "high": "an emergency assessment by a team with critical-care skills, continuous monitoring",
}
RESPONSE_SOURCE = "RCP 2017, NEWS2 charts 2 and 4: thresholds and clinical response"
"""What a band asks for in acute care; `none` is a score of 0."""
Bands = tuple[tuple[float, int], ...]
"""Up to and including each value, so many points; the last one is without end."""

RESPIRATION: Bands = ((8, 3), (11, 1), (20, 0), (24, 2), (math.inf, 3))
SPO2_SCALE_1: Bands = ((91, 3), (93, 2), (95, 1), (math.inf, 0))
SPO2_SCALE_2: Bands = ((83, 3), (85, 2), (87, 1), (92, 0), (math.inf, 0))
"""On air; above 92 % it counts only on oxygen."""
SPO2_SCALE_2_ON_OXYGEN: Bands = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (math.inf, 3))
SYSTOLIC: Bands = ((90, 3), (100, 2), (110, 1), (219, 0), (math.inf, 3))
PULSE: Bands = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (math.inf, 3))
TEMPERATURE: Bands = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (math.inf, 2))
ON_OXYGEN, NOT_ALERT = 2, 3
CONSCIOUSNESS = "ACVPU"
"""Alert, new confusion, voice, pain, unresponsive."""
_RANGES = {  # what can be meant by a number; outside it is a slip of the pen, or another unit
    "respiration": (0, 100, "breaths/min"),
    "spo2": (50, 100, "%"),
    "systolic": (40, 300, "mmHg"),
    "pulse": (0, 300, "/min"),
    "temperature": (25, 45, "°C"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class News2:
    """A score: the sum of what is there (`points`, by parameter), and what is not (`partial`).

    `risk` is the RCP's band of that sum: `low`, `low-medium` (a single parameter scores 3), `medium`, `high`;
    with anything missing it is the least that it can be.
    """

    score: int
    points: Mapping[str, int]
    partial: tuple[str, ...]
    risk: str
    scale: int

    @property
    def response(self) -> str:
        """What the band asks for in acute care; with anything missing, what is known asks for at least."""
        return RESPONSES["none" if not self.score else self.risk]


def news2(
    *,
    respiration: float | None = None,
    spo2: float | None = None,
    scale: int = 1,
    oxygen: bool | None = None,
    systolic: float | None = None,
    pulse: float | None = None,
    consciousness: str | None = None,
    temperature: float | None = None,
) -> News2:
    """Score what is known: breaths/min, %, mmHg, beats/min, °C; `oxygen` says whether any is given.

    `scale` 2 is for people whom a clinician set a target of 88 to 92 %. Values between two cells of the table
    are rounded to its decimals, halves up, as a chart is filled in. Raises `UsageError` for what cannot be.
    """
    if scale not in (1, 2):
        raise UsageError(f"NEWS2 has no SpO2 scale {scale}.", "Use 1, or 2 where a clinician chose it.")
    letter = None if consciousness is None else consciousness.strip().upper()
    if letter is not None and (len(letter) != 1 or letter not in CONSCIOUSNESS):
        raise UsageError(
            f"Consciousness {consciousness!r} is not known.",
            "One of A (alert), C (new confusion), V (voice), P (pain), U (unresponsive).",
        )
    known: dict[str, int | None] = {
        "respiration": _points(RESPIRATION, "respiration", respiration),
        "spo2": _saturation(spo2, scale, oxygen),
        "oxygen": None if oxygen is None else ON_OXYGEN * oxygen,
        "systolic": _points(SYSTOLIC, "systolic", systolic),
        "pulse": _points(PULSE, "pulse", pulse),
        "consciousness": None if letter is None else NOT_ALERT * (letter != "A"),
        "temperature": _points(TEMPERATURE, "temperature", temperature, decimals=1),
    }
    points = {name: one for name, one in known.items() if one is not None}
    score = sum(points.values())
    return News2(
        score=score,
        points=points,
        partial=tuple(name for name, one in known.items() if one is None),
        risk=_risk(score, points),
        scale=scale,
    )


def _points(bands: Bands, name: str, value: float | None, *, decimals: int = 0) -> int | None:
    if value is None:
        return None
    low, high, unit = _RANGES[name]
    if not low <= value <= high:
        raise UsageError(
            f"{name} {value:g} cannot be meant.",
            f"It is {low:g} to {high:g} {unit}; leave it out if unknown.",
        )
    # Halves up, in decimal: 38.05 is 38.1 on the chart, whatever its binary neighbour is.
    rounded = math.floor(round(value * 10**decimals, 6) + 0.5) / 10**decimals
    return next(points for most, points in bands if rounded <= most)


def _saturation(spo2: float | None, scale: int, oxygen: bool | None) -> int | None:
    """Points of the saturation; on scale 2 above 92 % they hang on oxygen, and are unknown without."""
    if scale == 1:
        return _points(SPO2_SCALE_1, "spo2", spo2)
    on_air = _points(SPO2_SCALE_2, "spo2", spo2)
    on_oxygen = _points(SPO2_SCALE_2_ON_OXYGEN, "spo2", spo2)
    if on_air == on_oxygen:
        return on_air
    return None if oxygen is None else (on_oxygen if oxygen else on_air)


def _risk(score: int, points: Mapping[str, int]) -> str:
    if score >= 7:
        return "high"
    if score >= 5:
        return "medium"
    return "low-medium" if 3 in points.values() else "low"
