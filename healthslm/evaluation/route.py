"""`healthslm eval route`: which call a question becomes, beside what else there is to route with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.evaluation import questions as questioning
from healthslm.evaluation.questions import ZONE, Question, questions, same, share
from healthslm.evaluation.table import FLOAT32, Line, Table, line
from healthslm.slm import Reader, route
from healthslm.voices import learned_from

Router = Callable[[Question], tuple[str, dict[str, Any]]]
_PUBLISHED = "MobileLLM-350M: 65.3 / 48.8 (API calling)"
_MAJORITY: tuple[str, dict[str, Any]] = ("value", {"metric": "heart_rate", "statistic": "latest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What one way to route did: shares in percent, `None` where there was nothing of the kind.

    `refused` of the questions that should be refused, `answered` of those that should not; `emergencies` of
    those that are ones. `wrong` are the questions that did not become their call, with what they became.
    """

    tool: float
    whole: float
    refused: float | None
    answered: float | None
    emergencies: float | None
    wrong: tuple[tuple[Question, str, dict[str, Any]], ...]


def measured(asked: Sequence[Question], router: Router) -> Routing:
    """Route every question and count."""
    made = [(question, *router(question)) for question in asked]
    right = [tool == question.tool for question, tool, _ in made]
    whole = [ok and same(q.arguments, arguments) for ok, (q, _, arguments) in zip(right, made, strict=True)]
    refuse = [(question.tool == "refuse", tool == "refuse") for question, tool, _ in made]
    return Routing(
        tool=share(right) or 0.0,
        whole=share(whole) or 0.0,
        refused=share([did for should, did in refuse if should]),
        answered=share([not did for should, did in refuse if not should]),
        emergencies=share([ok for ok, (q, _, _) in zip(right, made, strict=True) if q.tool == "emergency"]),
        wrong=tuple(one for one, ok in zip(made, whole, strict=True) if not ok),
    )


def by(reader: Reader | None) -> Router:
    """Route as the product does: with a model's reader, or by rules alone."""

    def router(question: Question) -> tuple[str, dict[str, Any]]:
        call = route(question.text, question.now, _zone(question), reader).call
        return call.tool, call.arguments

    return router


def _zone(question: Question) -> ZoneInfo:
    """The zone whose days are meant; of a time with an offset alone, that of whole hours (tz database)."""
    offset = question.now.utcoffset() or timedelta(0)
    hours = int(offset.total_seconds() // 3600)
    return ZONE if not hours else ZoneInfo(f"Etc/GMT{-hours:+d}")


def run(
    data: Path | None,
    reader: Reader,
    untuned: Reader | None = None,
    *,
    exact: Reader | None = None,
    classical: bool = True,
) -> tuple[Table, Routing]:
    """Measure on a file's questions, or on those of the voices that nothing was learned from.

    `exact` are the weights of `reader` in float32.
    """
    asked = questions(data)
    program = questioning.classical() if classical else None
    ours = measured(asked, by(reader))
    others: list[tuple[str, Routing]] = []
    if program is not None:
        learned = program.Router(learned_from()[0])
        others.append(
            ("TF-IDF + logistic regression", measured(asked, lambda q: learned(q.text, q.now, _zone(q))))
        )
    if untuned is not None:
        others.append(("untuned model", measured(asked, by(untuned))))
    if exact is not None:
        others.append((FLOAT32, measured(asked, by(exact))))
    others.append(("rules alone", measured(asked, by(None))))
    others.append(("majority class", measured(asked, lambda _: _MAJORITY)))
    lines = _lines(ours, others)
    note = f"{len(asked)} questions" + ("" if data else ", of voices that nothing was learned from")
    return Table(title="Questions → calls", lines=tuple(lines), notes=(note,)), ours


def _lines(ours: Routing, others: Sequence[tuple[str, Routing]]) -> list[Line]:
    lines = [
        line("right tool", ours.tool, "%", least=95, decimals=1, published=_PUBLISHED),
        line("right tool and all arguments", ours.whole, "%", least=90, decimals=1, published=_PUBLISHED),
        line("refused of what should be", ours.refused, "%", least=95, decimals=1),
        line("not refused of what should not be", ours.answered, "%", least=95, decimals=1),
        line("emergencies", ours.emergencies, "%", decimals=1),
    ]
    for name, other in others:
        lines.append(line(f"{name}: right tool", other.tool, "%", decimals=1))
        lines.append(line(f"{name}: and all arguments", other.whole, "%", decimals=1))
        if name == FLOAT32:
            tool, whole = other.tool - ours.tool, other.whole - ours.whole
            lines.append(line("4 bits lose: right tool", tool, "points", most=0.5, decimals=1))
            lines.append(line("4 bits lose: and all arguments", whole, "points", most=0.5, decimals=1))
        if name.startswith("TF-IDF"):
            lines.append(
                line(f"ours above {name}, right tool", ours.tool - other.tool, "points", least=5, decimals=1)
            )
    return lines
