"""What a person sees of a text: one form of every letter, nothing invisible, no look-alikes.

Pasted text brings soft hyphens, zero-width spaces and full-width letters; a hostile one brings Cyrillic
letters inside English words. The rules hear what is seen; what is stored stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
_LATIN, _ALMOST = re.compile(r"[a-z]", re.IGNORECASE), re.compile(r"[\u0370-\u04ff]")
_ALIKE = str.maketrans(
    "авеёікмнорстухѕјԁһαβεικνορτυχАВЕІКМНОРСТУХЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abeeikmhopctyxsjdhabeikvoptuxABEIKMHOPCTYXSJABEZHIKMNOPTYX",
)
_PLAIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "’": "'", "ʼ": "'"})
_ACCENTS = re.compile(r"[\u0300-\u036f\u064b-\u065f\u0670]")  # of Latin and of Arabic; Hindi's vowels are not


def visible(text: str) -> str:
    """Return a text in Unicode's compatibility form, without format characters and look-alikes."""
    if text.isascii():
        return text
    whole = unicodedata.normalize("NFKC", text.replace("…", " "))
    seen = "".join(letter for letter in whole if unicodedata.category(letter) != "Cf")
    return _WORD.sub(_as_read, seen)


def _as_read(found: re.Match[str]) -> str:
    """A word as it is read: one of two scripts is Latin with look-alikes in it."""
    word = found[0]
    return word.translate(_ALIKE) if _LATIN.search(word) and _ALMOST.search(word) else word


def fold(text: str) -> str:
    """Return what is seen of a text without case and accents, on one line."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", visible(text).casefold()))
    return " ".join(bare.translate(_PLAIN).split())
