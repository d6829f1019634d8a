"""The numbers that a question names, in digits or in words: the only ones that its call can have."""

from __future__ import annotations

import itertools
import re

_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_DIGITS = re.compile(r"\d{4}-\d\d-\d\d|\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[a-z]+")
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth", "twentieth",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {
    **{word: number for number, word in enumerate(_ONES)},
    **{word: number for number, word in enumerate(_ORDINALS, start=1)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    "thirtieth": 30, "won": 1, "sicks": 6, "ate": 8,
}  # fmt: skip
"""The last three as dictation hears them."""
_OTHERS = {
    "a": ("1",), "an": ("1",), "couple": ("2",), "pair": ("2",), "both": ("2",), "fortnight": ("2", "14"),
    "fortnite": ("2", "14"),
    "half": ("30", "6", "12"), "dozen": ("12",), "few": ("3",), "quarter": ("3",), "year": ("12",),
    "past": ("1",), "last": ("1",), "day": ("24",), "before": ("2",), "twice": ("2",), "too": ("2",),
    "christmas": ("24", "25", "26"), "boxing": ("26",), "new": ("1", "31"), "valentine": ("14",),
    "valentines": ("14",), "halloween": ("31",),
}  # fmt: skip
"""Words that stand for a number or come with one: `a fortnight` is 2 weeks, `the past hour` 1 hour."""
_PHRASES = {
    r"\bfirst week\b": ("1", "7"),
    r"\bsecond week\b": ("8", "14"),
    r"\bweek (?:ago|before)\b": ("7",),
}
"""Turns of phrase that name days: `the first week of March` is from the 1st to the 7th."""


def numbers_named(question: str) -> tuple[str, ...]:
    """Return the numbers that a question names, as a call's line writes them, each once.

    `10,0` is also `10`, `1,200` also `1200`, `7/9` two numbers; `one thirty five` is 135, as pressures are
    said. Pieces of a number are among them too: which of them is meant the reader decides.
    """
    text = _ORDINAL.sub(r"\1", question.lower())
    found: list[str] = []
    for written in _DIGITS.findall(text):
        number = written.replace(",", ".")
        whole, _, part = number.partition(".")
        found += [number, *([whole, part] if part else []), *([whole + part] if len(part) == 3 else [])]
        if part:
            found.append(number.rstrip("0").rstrip("."))
        elif number.isdigit():
            found.append(str(int(number)))
    for phrase, numbers in _PHRASES.items():
        found += numbers if re.search(phrase, text) else ()
    words = _WORD.findall(text)
    found += _in_words(words)
    for word in words:
        found += _OTHERS.get(word, ())
    return tuple(dict.fromkeys(found))


def _in_words(words: list[str]) -> list[str]:
    """The numbers that stand in words, and their pieces."""
    found: list[str] = []
    for named, group in itertools.groupby(words, key=lambda word: word in _VALUES or word in _JOINING):
        if named:
            found += _group(list(group))
    return found


_JOINING = ("hundred", "thousand", "and", "oh", "point")


def _group(words: list[str]) -> list[str]:
    """The numbers of words that stand together: `thirty eight point five` is 38.5, with 30, 8, 38 and 5."""
    found: list[str] = []
    thousands, current, open_ = 0, 0, False
    for place, word in enumerate(words):
        value = _VALUES.get(word)
        if value is not None:
            found.append(str(value))
            joins = current % 100 == 0 or (value < 10 and current % 10 == 0 and current % 100 >= 20)
            if open_ and not joins:
                if 0 < current < 10 and value >= 10:
                    found.append(str(current))
                    current *= 100  # "one thirty" is 130
                else:
                    found.append(str(thousands + current))
                    thousands, current = 0, 0
            current, open_ = current + value, True
        elif word == "hundred":
            current, open_ = max(current, 1) * 100, True
        elif word == "thousand":
            thousands, current, open_ = max(current, 1) * 1000, 0, True
        elif word == "oh":
            current *= 100 if 0 < current < 10 else 1  # "one oh five" is 105
        elif word == "point" and open_ and place + 1 < len(words):
            found.append(f"{thousands + current}.{_VALUES.get(words[place + 1], 0)}")
        if open_ and (word == "point" or (word == "and" and current % 100)):
            found.append(str(thousands + current))
            thousands, current, open_ = 0, 0, False
    return [*found, str(thousands + current)] if open_ else found
