"""Irregular heart rhythm: RR intervals without order, confirmed over hours. A prompt to take an ECG.

As the cleared consumer notifications do, nobody is told for one irregular stretch: of six quarters of an hour
with enough beats, five must be irregular. Premature beats come in minutes, not in five of six quarters.
"""

from __future__ import annotations

from datetime import timedelta

from healthslm.analysis import absent, mean, of_window
from healthslm.analysis.burden import LEAST_MINUTES, QUARTER, Stretch, Stretches, minutes_of
from healthslm.readings import Feature, Kind, Severity, Threshold
from healthslm.rules.base import Case, Rule, Verdict, Windows

WITHIN = timedelta(hours=24)
"""What lies further back confirms nothing."""
OF = 6
"""How many quarters of an hour are looked at."""
_PEREZ = "Perez et al., N Engl J Med 2019;381:1909-1917: five of six tachograms at least 15 minutes apart"
THRESHOLDS = (
    Threshold(
        name="irregular",
        value=5,
        unit="1",
        meaning="so many of the last six quarters of an hour with enough beats must be irregular",
        low=3,
        high=6,
        source=_PEREZ,
    ),
    Threshold(
        name="share",
        value=75,
        unit="%",
        meaning="from this share of its beats on, a quarter of an hour is irregular",
        low=50,
        high=95,
        source="ours: the detector calls far fewer beats in people without AF (healthslm eval af)",
    ),
    Threshold(
        name="minutes",
        value=LEAST_MINUTES,
        unit="min",
        meaning="a quarter of an hour with fewer minutes of beats is not judged",
        low=2,
        high=15,
        source="Lubitz et al., Circulation 2022;146:1415-1424: stretches of five minutes",
    ),
)


def _prepare(windows: Windows, _thresholds: object) -> Stretches:
    return Stretches(windows[Kind.RR_INTERVAL], QUARTER)


def _irregular(case: Case, stretch: Stretch) -> bool:
    return 100 * stretch.share >= case["share"]


def _verdict(case: Case) -> Verdict | None:
    stretches: Stretches = case.prepared
    irregular: list[Stretch] = []
    regular = 0
    for stretch in stretches.backwards(case.now - WITHIN, case.now):
        if stretch.minutes < case["minutes"]:
            continue
        if _irregular(case, stretch):
            irregular.append(stretch)
            continue
        regular += 1
        # Confirmed, this is where it began; not confirmed, what lies before cannot make up for it.
        if len(irregular) >= case["irregular"] or regular > OF - case["irregular"]:
            break
    if len(irregular) < case["irregular"]:
        return None
    return Verdict(severity=Severity.WATCH, onset=irregular[-1].window.start)


def _evidence(case: Case) -> tuple[Feature, ...]:
    window = case.windows[Kind.RR_INTERVAL]
    stretches: Stretches = case.prepared
    inside = [s for s in stretches.backwards(window.start, window.end) if s.minutes >= case["minutes"]]
    minutes, without_order = minutes_of(inside)
    if not minutes:
        why = "no quarter of an hour with enough beats"
        return (absent("irregular_minutes", window.kind, window.start, window.end, why, unit="min"),)
    good = window.usable()
    return (
        of_window("irregular_minutes", without_order, good, unit="min", decimals=0),
        of_window("irregular_share", 100 * without_order / minutes, good, unit="%", decimals=0),
        mean(window),
        _trace(next((s for s in inside if _irregular(case, s)), inside[0])),
    )


def _trace(stretch: Stretch) -> Feature:
    """The latest irregular quarter of an hour, beat by beat: what a clinician looks at before the ECG."""
    return of_window("rr_trace", len(stretch.window), stretch.window, unit="1", decimals=0)


IRREGULAR_RHYTHM = Rule(
    name="irregular_rhythm",
    version="3",
    title="Irregular heart rhythm",
    source=(
        "Perez et al., Large-scale assessment of a smartwatch to identify atrial fibrillation, "
        "N Engl J Med 2019;381:1909-1917, doi:10.1056/NEJMoa1901183 (the confirmation); "
        "the detector: docs/rhythm.md"
    ),
    kinds=(Kind.RR_INTERVAL,),
    lookback=WITHIN,
    join=timedelta(hours=12),
    every=timedelta(minutes=5),
    thresholds=THRESHOLDS,
    prepare=_prepare,
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Take an ECG while it lasts if you can, and show it to your doctor within days; "
        "call sooner if you feel faint, short of breath or have chest pain."
    },
    missing=(
        "the ECG: RR intervals show that a rhythm is irregular, not which rhythm it is",
        "irregular episodes that are over within an hour",
    ),
)
