"""What the model is shown: three examples of the very kind of sentence that is wanted, then the fact line.

An untuned model follows what it has just seen. With one set of mixed examples 44 to 83 % of its sentences
stood, depending on the rounding of the weights; with three of the item's own kind 95 % (`healthslm eval
narrate`, seed 21). Earlier sentences of the text are not shown: they led it astray more than they helped.
"""

from __future__ import annotations

from healthslm.slm.facts import Audience, Item, Role

Message = tuple[str, str]

_SYSTEM = {
    Audience.WEARER: "Write the fact as one plain sentence. Begin with Your. Use every number.",
    Audience.CLINICIAN: "Write the fact as one short clinical sentence. Use every number.",
}
_PATTERNS = {
    "range": (
        "heart rate: average {0} bpm, lowest {1} bpm, highest {2} bpm",
        "{the} heart rate averaged {0} bpm and ranged between {1} and {2} bpm.",
        (("81", "60", "131"), ("67", "52", "104"), ("96", "78", "122")),
    ),
    "dip": (
        "oxygen saturation: average {0} %, lowest {1} % at {2}",
        "{the} oxygen saturation averaged {0} %, and its lowest reading was {1} % at {2}.",
        (("97", "91", "06:15"), ("93", "85", "23:40"), ("95", "92", "13:05")),
    ),
    "peak": (
        "temperature: highest {0} °C at {1}, latest {2} °C at {3}",
        "{the} temperature peaked at {0} °C at {1}, and the latest reading was {2} °C at {3}.",
        (
            ("37.6", "16:40", "36.9", "21:10"),
            ("38.4", "09:25", "37.8", "20:15"),
            ("36.8", "12:00", "36.5", "18:50"),
        ),
    ),
    "latest": (
        "latest temperature: {0} °C at {1}",
        "{the} latest temperature reading was {0} °C at {1}.",
        (("36.4", "07:30"), ("37.9", "22:45"), ("38.6", "11:20")),
    ),
    "pressure": (
        "blood pressure: average {0} over {1} mmHg",
        "{the} blood pressure averaged {0} over {1} mmHg.",
        (("128", "76"), ("139", "88"), ("117", "71")),
    ),
    "variability": (
        "RMSSD heart-rate variability: {0} ms",
        "{the} heart-rate variability (RMSSD) was {0} ms.",
        (("41",), ("27",), ("63",)),
    ),
    "fever": (
        "fever: temperature {0} °C at {1}",
        "{the} temperature rose to {0} °C at {1}, a fever.",
        (("39.4", "22:05"), ("38.2", "15:50"), ("38.7", "04:10")),
    ),
    "low_spo2": (
        "low oxygen saturation: {0} % at {1}",
        "{the} oxygen saturation was low and fell to {0} % at {1}.",
        (("86", "01:50"), ("90", "17:35"), ("83", "05:20")),
    ),
    "irregular_rhythm": (
        "irregular heart rhythm: for {0} minutes",
        "{the} heart rhythm was irregular for {0} minutes.",
        (("12",), ("48",), ("137",)),
    ),
    "high_pressure": (
        "high blood pressure: average {0} over {1} mmHg",
        "{the} blood pressure was high, with an average of {0} over {1} mmHg.",
        (("171", "99"), ("148", "92"), ("183", "111")),
    ),
}
"""For each kind of sentence: a fact line, how it is said, and three sets of numbers to show it with."""
_ANY = ("range", "fever", "dip")
"""What is shown for an item that fits no pattern."""
_THE = {Audience.WEARER: "Your", Audience.CLINICIAN: "The"}


def example(audience: Audience, pattern: str, numbers: tuple[str, ...]) -> list[Message]:
    """Return an example of a pattern as two messages."""
    line, sentence, _ = _PATTERNS[pattern]
    return [("user", line.format(*numbers)), ("assistant", sentence.format(*numbers, the=_THE[audience]))]


def beginning(audience: Audience, pattern: str) -> list[Message]:
    """Return the fixed part of the prompt for a pattern."""
    messages: list[Message] = [("system", _SYSTEM[audience])]
    if pattern in _PATTERNS:
        shown = [(pattern, numbers) for numbers in _PATTERNS[pattern][2]]
    else:
        shown = [(name, _PATTERNS[name][2][0]) for name in _ANY]
    for name, numbers in shown:
        messages += example(audience, name, numbers)
    return messages


def pattern_of(item: Item) -> str:
    """Name the kind of sentence that an item wants."""
    if item.role is Role.FINDING and item.finding is not None:
        return item.finding.rule
    if item.pressures is not None:
        return "pressure"
    statistics = {fact.statistic for fact in item.facts}
    if item.subject.name == "hrv":
        return "variability"
    patterns = {
        frozenset({"mean", "min", "max"}): "range",
        frozenset({"mean", "min"}): "dip",
        frozenset({"max", "latest"}): "peak",
        frozenset({"latest"}): "latest",
    }
    return patterns.get(frozenset(statistics), "")


def prompt(audience: Audience, item: Item) -> list[Message]:
    """Return the whole prompt for an item: the beginning for its pattern, and its fact line."""
    return [*beginning(audience, pattern_of(item)), ("user", item.line)]
