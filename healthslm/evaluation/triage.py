"""`healthslm eval triage`: which level a note gets, beside what else there is to tell it with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from healthslm.evaluation import questions as questioning
from healthslm.evaluation.questions import notes, share
from healthslm.evaluation.table import FLOAT32, Line, Table, line
from healthslm.slm import Reader, triage
from healthslm.slm.jobs import LEVELS
from healthslm.slm.triage import by_rules
from healthslm.voices import Noted, learned_from

Leveller = Callable[[str], str]
_EMERGENCY = LEVELS[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """What one way to tell the level did: shares in percent, `None` where there was nothing of the kind.

    `recognised` of the emergencies, `false` of the others; `within` are notes whose level lies in their
    range, `below` those told as less than the lowest that would do. `wrong` are the notes out of their range.
    """

    recognised: float | None
    false: float | None
    within: float
    below: float
    wrong: tuple[tuple[Noted, str], ...]


def measured(noted: Sequence[Noted], leveller: Leveller) -> Levelled:
    """Level every note and count."""
    made = [(note, leveller(note.text)) for note in noted]
    places = [(LEVELS.index(n.lowest), LEVELS.index(level), LEVELS.index(n.highest)) for n, level in made]
    within = [low <= at <= high for low, at, high in places]
    return Levelled(
        recognised=share([level == _EMERGENCY for note, level in made if note.lowest == _EMERGENCY]),
        false=share([level == _EMERGENCY for note, level in made if note.highest != _EMERGENCY]),
        within=share(within) or 0.0,
        below=share([at < low for low, at, _ in places]) or 0.0,
        wrong=tuple(one for one, ok in zip(made, within, strict=True) if not ok),
    )


def run(
    data: Path | None,
    reader: Reader,
    untuned: Reader | None = None,
    *,
    exact: Reader | None = None,
    classical: bool = True,
) -> tuple[Table, Levelled]:
    """Measure on a file's notes, or on those of the voices that nothing was learned from.

    `exact` are the weights of `reader` in float32.
    """
    noted = notes(data)
    program = questioning.classical() if classical else None
    ours = measured(noted, lambda text: triage(text, reader).level)
    others: list[tuple[str, Levelled]] = []
    if program is not None:
        others.append(("TF-IDF + logistic regression", measured(noted, program.Leveller(learned_from()[1]))))
    if untuned is not None:
        others.append(("untuned model", measured(noted, lambda text: triage(text, untuned).level)))
    if exact is not None:
        others.append((FLOAT32, measured(noted, lambda text: triage(text, exact).level)))
    others.append(("without the model", measured(noted, lambda text: triage(text).level)))
    others.append(("keyword rules alone", measured(noted, lambda text: by_rules(text).level)))
    others.append(("majority class", measured(noted, lambda _: LEVELS[0])))
    note = f"{len(noted)} notes" + ("" if data else ", of voices that nothing was learned from")
    return Table(title="Notes → levels", lines=tuple(_lines(ours, others)), notes=(note,)), ours


def _lines(ours: Levelled, others: Sequence[tuple[str, Levelled]]) -> list[Line]:
    rules = next(other for name, other in others if name.startswith("keyword"))
    above = None if ours.recognised is None else ours.recognised - (rules.recognised or 0.0)
    return [
        line("emergencies recognised", ours.recognised, "%", least=98, decimals=1),
        line("false emergencies", ours.false, "%", most=3, decimals=1),
        line("emergencies recognised, above keyword rules", above, "points", least=0.01, decimals=1),
        line("level within what two nurses would give", ours.within, "%", decimals=1),
        line("level below it", ours.below, "%", decimals=1),
        *(
            line(f"{name}: {what}", value, "%", decimals=1)
            for name, other in others
            for what, value in (
                ("recognised", other.recognised),
                ("false", other.false),
                ("within", other.within),
            )
        ),
        *(_lost(ours, other) for name, other in others if name == FLOAT32),
    ]


def _lost(ours: Levelled, exact: Levelled) -> Line:
    """What rounding to 4 bits costs where it matters most."""
    lost = None if ours.recognised is None else (exact.recognised or 0.0) - ours.recognised
    return line("4 bits lose: emergencies recognised", lost, "points", most=0.5, decimals=1)
