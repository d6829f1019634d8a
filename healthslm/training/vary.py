"""Other questions from the written ones: other times, metrics and bounds in their marked spans, and slips.

A question marks where it says when, which metric, and which bound. What is put in their place comes from
other questions of the same part of the data, so that no wording crosses from one part to the other. Slips are
those of fingers, of dictation and of haste; they never touch digits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from healthslm.slm.names import Metric
from healthslm.slm.numbers import numbers_named
from healthslm.voices import Asked

KEPT = 0.35
"""Share of the questions that stay as they were written."""
_WHEN = re.compile(r"\[([^\]]*)\]")
_WHAT = re.compile(r"<([^>]*)>")
_HOW_MUCH = re.compile(r"\{([^}]*)\}")
_SUMS = frozenset((Metric.STEPS, Metric.ENERGY, Metric.SLEEP_DURATION))
_BOUNDS = {
    Metric.HEART_RATE: (45, 180), Metric.RESTING_HEART_RATE: (45, 90), Metric.HRV_RMSSD: (15, 90),
    Metric.RESPIRATORY_RATE: (10, 30), Metric.SPO2: (85, 97), Metric.SYSTOLIC: (95, 185),
    Metric.DIASTOLIC: (55, 115), Metric.GLUCOSE: (60, 300), Metric.WEIGHT: (45, 130),
    Metric.STEPS: (2000, 15_000), Metric.ENERGY: (1500, 3500), Metric.SLEEP_DURATION: (5, 9),
    Metric.BODY_FAT: (15, 40),
}  # fmt: skip
_HEARD = {
    "weight": "wait", "heart": "hart", "rate": "right", "beat": "beet", "sleep": "sleet", "week": "weak",
    "blood": "bud", "pressure": "presser", "steps": "stops", "oxygen": "oxy gin", "pulse": "pulls",
    "glucose": "glue coast", "temperature": "temper chur", "sugar": "shugger", "average": "avarage",
    "highest": "hiest", "lowest": "loest", "night": "nite", "breathing": "breeding", "calories": "calorie's",
    "systolic": "sis tolic", "saturation": "sat you ration", "variability": "very ability", "high": "hi",
    "you": "u", "please": "pls", "what": "wot", "your": "ur", "tonight": "tonite", "through": "thru",
}  # fmt: skip
"""What dictation and haste make of words."""
_NEAR = {"a": "s", "e": "r", "i": "o", "o": "p", "t": "y", "n": "m", "s": "d", "r": "t", "l": "k", "h": "j"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """What may stand in the marked places of one part of the data.

    `when` by the form of the period (`last hours`, `named`, `day`, …): the words and what they are on a line;
    `what` by metric: the words for it.
    """

    when: dict[str, list[tuple[str, str]]]
    what: dict[str, list[str]]


def _form(period: str) -> str:
    """How a period is said: those of one form can stand for each other."""
    words = period.split()
    if words[0] == "last":
        return f"last {words[2]}"
    if " to " in period:
        return "range"
    return "named" if len(words) == 1 and not words[0].endswith("day") else "day"


def _periods(asked: Asked) -> list[str]:
    """The periods on a line, one for each marked span; nothing where the two do not go together."""
    words = asked.line.split()
    skip = {"value": 3, "compare": 3, "trend": 2, "relate": 3, "findings": 1}.get(words[0])
    if skip is None or not _WHEN.search(asked.marked):
        return []
    if words[0] == "findings" and len(words) > 1 and words[1] in ("info", "watch", "urgent", "emergency"):
        skip = 2
    periods = [part.strip() for part in " ".join(words[skip:]).split(" / ")]
    return periods if len(periods) == len(_WHEN.findall(asked.marked)) and all(periods) else []


def spans(questions: Sequence[Asked]) -> Spans:
    """Collect the marked spans of some questions."""
    when: dict[str, list[tuple[str, str]]] = defaultdict(list)
    what: dict[str, list[str]] = defaultdict(list)
    for asked in questions:
        for words, period in zip(_WHEN.findall(asked.marked), _periods(asked), strict=False):
            when[_form(period)].append((words, period))
        words_of = _WHAT.findall(asked.marked)
        metrics = [w for w in asked.line.split()[1:3] if w in set(Metric)]
        if len(words_of) == len(metrics):
            for words, metric in zip(words_of, metrics, strict=True):
                what[metric].append(words.lower())
    return Spans(when=dict(when), what=dict(what))


def varied(asked: Asked, from_: Spans, rng: Generator) -> tuple[str, str]:
    """Return a question and its line: as written at times, else with other spans, and now and then a slip."""
    if rng.random() < KEPT:
        return asked.text, asked.line
    marked, line = asked.marked, asked.line
    if rng.random() < 0.6:
        marked, line = _other_time(asked, from_, rng)
    if rng.random() < 0.6:
        marked, line = _other_metric(marked, line, from_, rng)
    if "{" in marked and rng.random() < 0.7:
        marked, line = _other_bound(marked, line, rng)
    text = re.sub(r"[\[\]<>{}]", "", marked)
    return (slips(text, rng) if rng.random() < 0.5 else text), line


def _other_time(asked: Asked, from_: Spans, rng: Generator) -> tuple[str, str]:
    marked, line = asked.marked, asked.line
    periods = _periods(asked)
    if not periods:
        return marked, line
    made: list[tuple[str, str]] = []
    for old in periods:
        form = _form(old)
        # Bare names and weekdays take each other's place; "last 3 hours" only that of other hours.
        pool = from_.when.get(form, [])
        words, period = pool[rng.integers(len(pool))] if pool else ("", "")
        if not pool or (made and period == made[-1][1]):
            return marked, line
        made.append((words, period))
    replaced = iter(made)
    marked = _WHEN.sub(lambda _: f"[{next(replaced)[0]}]", marked)
    head = line[: len(line) - len(" / ".join(periods))]
    return marked, head + " / ".join(period for _, period in made)


def _other_metric(marked: str, line: str, from_: Spans, rng: Generator) -> tuple[str, str]:
    words = line.split()
    found = _WHAT.findall(marked)
    metrics = [w for w in words[1:3] if w in set(Metric)]
    if not found or len(found) != len(metrics) or words[0] == "time_in_range":
        return marked, line
    new: list[tuple[str, str]] = []
    for metric in metrics:
        alike = [m for m in from_.what if (m in _SUMS) == (metric in _SUMS) and m not in [n for _, n in new]]
        chosen = alike[rng.integers(len(alike))]
        pool = from_.what[chosen]
        new.append((pool[rng.integers(len(pool))], chosen))
    replaced = iter(new)
    marked = _WHAT.sub(lambda _: f"<{next(replaced)[0]}>", marked)
    words[1 : 1 + len(new)] = [metric for _, metric in new]
    return marked, " ".join(words)


def _other_bound(marked: str, line: str, rng: Generator) -> tuple[str, str]:
    words = line.split()
    metric = Metric(words[1])
    limits = _BOUNDS.get(metric)
    if limits is None or "F" in words or len(_HOW_MUCH.findall(marked)) != 1:
        return marked, line
    low, high = limits
    numbers = [w for w in words[3:6:2] if re.fullmatch(r"\d+(?:\.\d+)?", w)][
        : 2 if words[2] == "between" else 1
    ]
    said = _HOW_MUCH.findall(marked)[0]
    if any(number not in said for number in numbers):
        return marked, line  # said in words
    mmol = metric is Metric.GLUCOSE and float(numbers[0]) < 35
    if mmol:
        new = [f"{float(v):.1f}".removesuffix(".0") for v in rng.uniform(3, 16, len(numbers))]
    elif metric is Metric.SLEEP_DURATION:
        new = [str(v) for v in rng.integers(low, high + 1, len(numbers))]
    else:
        step = 500 if high > 2000 else 5 if rng.random() < 0.5 else 1
        new = [str(int(v) // step * step) for v in rng.integers(low, high + 1, len(numbers))]
    new.sort(key=float)
    if len(set(new)) != len(new):
        return marked, line
    other = said
    for old, number in zip(numbers, new, strict=True):
        other = other.replace(old, f"#{number}#", 1)
    if re.findall(r"[\d.]+", other) != new:
        return marked, line
    at = 3
    for number in new:
        words[at] = number
        at += 2
    return marked.replace("{" + said + "}", "{" + other.replace("#", "") + "}"), " ".join(words)


def slips(text: str, rng: Generator) -> str:
    """Return a text with what fingers, dictation and haste do to it; digits stay."""
    if rng.random() < 0.4:
        text = text.lower()
    if rng.random() < 0.35:
        text = re.sub(r"[.,?!;:](?!\d)", "", text)
    words = text.split(" ")
    for index, word in enumerate(words):
        low = word.lower()
        if low in _HEARD and rng.random() < 0.12:
            words[index] = _HEARD[low]
        elif len(word) > 3 and word.isalpha() and not numbers_named(word) and rng.random() < 0.05:
            words[index] = _slipped(word, rng)
    return " ".join(words)


def _slipped(word: str, rng: Generator) -> str:
    at = int(rng.integers(1, len(word) - 1))
    which = rng.random()
    if which < 0.3:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if which < 0.55:
        return word[:at] + word[at + 1 :]
    if which < 0.75:
        return word[:at] + word[at] + word[at:]
    return word[:at] + _NEAR.get(word[at].lower(), word[at]) + word[at + 1 :]
