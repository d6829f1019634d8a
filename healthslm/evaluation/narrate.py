"""`healthslm eval narrate`: how true, whole and readable a model's texts are, beside what else there is.

Claims are judged by `healthslm.evaluation.claims`, which shares nothing with the check that decides. There is
no majority class of sentences: the template is what always says the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from healthslm.errors import UsageError
from healthslm.evaluation.claims import KINDS_OF_CLAIM
from healthslm.evaluation.day_files import tellings
from healthslm.evaluation.days import LEARNED, Telling, drawn
from healthslm.evaluation.table import FLOAT32, Line, Table, line
from healthslm.evaluation.telling import Asked, Narrated, measured
from healthslm.readings import Summary
from healthslm.slm import Audience, Writer, narrate

UNTUNED = "untuned model"


def run(
    data: Path | None,
    writer: Writer,
    others: Mapping[str, Writer],
    *,
    sentences: int,
    seed: int,
    sampled: bool,
) -> tuple[Table, Narrated]:
    """Narrate a file's days, or days drawn by `seed` until the model wrote so many `sentences`.

    `others` (`UNTUNED`, `FLOAT32`) are asked in the same way about the same days. `sampled` draws every
    sentence instead of taking the likeliest first. Raises `UsageError` for the seed that was learned from.
    """
    days = _days(data, seed)
    ours = measured(days, writer, sentences=sentences, sampled=sampled)

    def again() -> Iterator[Telling]:
        return itertools.islice(iter(_days(data, seed)), ours.narratives)

    beside = [(name, measured(again(), other, sampled=sampled)) for name, other in others.items()]
    template = measured(again(), None)
    where = f"days drawn with seed {seed}" if data is None else "a file"
    how = "each sentence drawn" if sampled else "the likeliest sentence, then one drawn"
    notes = [f"{ours.narratives} narratives of {where}, {how}; {writer.model_id}"]
    if ours.objections:
        refused = (f"{rule} {count}" for rule, count in ours.objections.most_common())
        notes.append(f"Attempts refused by the check: {', '.join(refused)}")
    lines = [*_ours(ours), *_others(ours, beside, template)]
    return Table(title="Facts → texts", lines=tuple(lines), notes=tuple(notes)), ours


def _days(data: Path | None, seed: int) -> Sequence[Telling] | Iterator[Telling]:
    if data is not None:
        return tellings(data)
    if seed == LEARNED:
        raise UsageError(f"The model has learned from days of seed {LEARNED}.", "Give another --seed.")
    return drawn(seed)


def _ours(one: Narrated) -> list[Line]:
    wearer, clinician = Audience.WEARER, Audience.CLINICIAN
    return [
        line("sentences written", one.attempts, decimals=0),
        line("numbers in no fact, as written", one.loose_written, most=0, decimals=0),
        line("numbers in no fact, as shown", one.loose_shown, most=0, decimals=0),
        line("wrong claims, as written", one.wrong(shown=False), "%", most=2),
        *(
            line(f"of them {kind}", one.wrong_written[kind], f"of {one.claims_written:,}", decimals=0)
            for kind in KINDS_OF_CLAIM
        ),
        line("wrong claims, as shown", one.wrong(shown=True), "%", most=0),
        line("sentences that stand", one.standing, "%", least=95, decimals=1),
        line("findings of watch and above in the text", one.told, "%", least=100, decimals=1),
        line("urgent findings first, with what to do", one.first, "%", least=100, decimals=1),
        line("texts withheld", one.withheld, decimals=0),
        line("grade of the wearer's texts", one.grade(wearer), most=8, decimals=1),
        line("the same, figures read aloud", one.grade(wearer, aloud=True), decimals=1),
        line("grade of the clinician's texts", one.grade(clinician), decimals=1),
        line("a narrative", one.seconds / one.narratives if one.narratives else None, "s"),
    ]


def _others(ours: Narrated, beside: Sequence[tuple[str, Narrated]], template: Narrated) -> list[Line]:
    lines = []
    for name, other in (*beside, ("template", template)):
        if other.attempts:
            lines += [
                line(f"{name}: numbers in no fact, as written", other.loose_written, decimals=0),
                line(f"{name}: wrong claims, as written", other.wrong(shown=False), "%"),
                line(f"{name}: sentences that stand", other.standing, "%", decimals=1),
            ]
        lines += [
            line(f"{name}: wrong claims, as shown", other.wrong(shown=True), "%"),
            line(f"{name}: findings in the text", other.told, "%", decimals=1),
            line(f"{name}: grade of the wearer's texts", other.grade(Audience.WEARER), decimals=1),
        ]
        if name == FLOAT32:
            lines += [
                line(
                    "4 bits lose: sentences that stand",
                    _less(other.standing, ours.standing),
                    "points",
                    most=0.5,
                ),
                line(
                    "4 bits lose: right claims, as written",
                    _less(ours.wrong(shown=False), other.wrong(shown=False)),
                    "points",
                    most=0.5,
                ),
            ]
    return lines


def _less(more: float | None, less: float | None) -> float | None:
    return None if more is None or less is None else more - less


def texts(data: Path | None, writer: Writer, *, count: int, seed: int) -> Iterator[tuple[Audience, Summary]]:
    """Narrate days as the product does: a file's, or drawn ones, half of them for each audience."""
    if data is not None:
        chosen = tellings(data)[:count]
    else:
        whole = itertools.islice(iter(_days(None, seed)), 0, 2 * count, 2)  # each day once
        for_whom = (list(Audience)[2 * number // count] for number in range(count))
        chosen = [replace(one, audience=audience) for one, audience in zip(whole, for_whom, strict=True)]
    for one in chosen:
        yield (
            one.audience,
            narrate(
                one.day.findings,
                one.day.features,
                audience=one.audience,
                zone=one.zone,
                writer=Asked(writer),
            ),
        )


def markdown(audience: Audience, summary: Summary) -> str:
    """Write a text as Markdown: a list, the sentences that are not the model's in italics."""
    sentences = (s.text if s.origin == "model" else f"*{s.text}*" for s in summary.sentences)
    return "\n".join((f"For the {audience}:", "", *(f"- {text}" for text in sentences), ""))
