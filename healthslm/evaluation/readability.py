"""How hard a text is to read: the Flesch-Kincaid grade, by counting words, sentences and syllables.

Source: Kincaid, Fishburne, Rogers, Chissom 1975, "Derivation of new readability formulas for Navy enlisted
personnel", Research Branch Report 8-75. Figures, units and signs count there as they are read aloud; Flesch
later (How to write plain English, 1979) counts each as one syllable, with the unit that hangs on it. A text
of measurements is full of them, so both are to be had. Syllables of words are counted from the spelling: of
ten everyday words about one is off by one, now up, now down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*(?: ?(?:%|°C?))?|[A-Za-z]+\d*(?:['/-][A-Za-z]+)*|%")
_READ = {
    "%": 2, "°c": 4, "°": 2, "bpm": 5, "mmhg": 7, "ms": 5, "mg/dl": 8, "kg": 4, "kcal": 5, "m": 2, "spo2": 4,
    "rmssd": 5, "sdnn": 4, "ecg": 3,
}  # fmt: skip
"""Units and abbreviations as they are spoken: percent, beats per minute, S P O two."""
_KNOWN = {
    "every": 2, "evening": 2, "area": 3, "being": 2, "breathe": 1, "sometimes": 2, "somebody": 3, "fever": 2,
    "rhythm": 2, "confused": 2, "diastolic": 4, "care": 1, "resting": 2, "ketones": 2, "something": 2,
    "irregular": 4, "irregularly": 5, "usual": 3, "reassurance": 4,
}  # fmt: skip
"""Words that the spelling misleads about."""
_ONES = (2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 2, 2, 2, 2, 3, 2, 2)
"""Syllables of zero to nineteen."""
_TENS = (0, 1, 2, 2, 2, 2, 2, 3, 2, 2)
"""Of ten, twenty, thirty and so on."""


def grade(texts: Iterable[str], *, aloud: bool = False) -> float | None:
    """Return the Flesch-Kincaid grade (US school years) of texts taken together; `None` of none.

    `aloud` counts figures and units as they are read, else as one syllable. A sentence ends at a full stop,
    question mark or exclamation mark.
    """
    words = sentences = sounds = 0
    for text in texts:
        found = _WORD.findall(text)
        words += len(found)
        sentences += max(len(re.findall(r"[.!?](?=\s|$)", text)), 1) if found else 0
        sounds += sum(syllables(word, aloud=aloud) for word in found)
    if not words:
        return None
    return 0.39 * words / sentences + 11.8 * sounds / words - 15.59


def syllables(word: str, *, aloud: bool = False) -> int:
    """Count the syllables of a word, a figure or a unit, at least one."""
    small = word.lower()
    if small[:1].isdigit():
        return _spoken(small) if aloud else 1
    if small in _READ:
        return _READ[small] if aloud else 1
    return sum(_spelled(part) for part in re.split(r"[-/]", small))


def _spelled(word: str) -> int:
    if word in _KNOWN:
        return _KNOWN[word]
    bare = word.removesuffix("'s")
    count = len(re.findall(r"[aeiouy]+", bare))
    if re.search(r"[^aeiouy]e$", bare) and not re.search(r"[^aeiouy]le$", bare):
        count -= 1  # a silent e: rose
    if re.search(r"[^aeiouysxz]es$", bare) and not re.search(r"(?:[cs]h|[cg])es$", bare):
        count -= 1  # times
    if re.search(r"[^aeiouydt]ed$", bare):
        count -= 1  # ranged, peaked; not rested
    if re.search(r"ia[ln]?|io(?!n)|eo", bare):
        count += 1  # two vowels, two syllables: period
    return max(count, 1)


def _spoken(figure: str) -> int:
    """Syllables of a figure: 14:20 as fourteen twenty, 38.9 as thirty-eight point nine."""
    number, unit = re.fullmatch(r"([\d.,:/]+) ?(.*)", figure).groups()  # type: ignore[union-attr]  # it fits
    whole, *parts = re.split(r"[.,:/]", number)
    read = _whole(int(whole)) + _READ.get(unit, 0)
    if ":" in number or "/" in number:
        return read + sum(_whole(int(part)) for part in parts)
    return read + sum(1 + sum(_ONES[int(digit)] for digit in part) for part in parts)


def _whole(number: int) -> int:
    for size in (1000, 100):
        if number >= size:
            large, rest = divmod(number, size)
            return _whole(large) + 2 + (_whole(rest) if rest else 0)
    if number >= len(_ONES):
        tens, rest = divmod(number, 10)
        return _TENS[tens] + (_ONES[rest] if rest else 0)
    return _ONES[number]
