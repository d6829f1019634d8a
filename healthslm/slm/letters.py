"""What a person sees of a text: one form of every letter, nothing invisible, no look-alikes.

Pasted text brings soft hyphens, zero-width spaces and full-width letters; a hostile one brings Cyrillic
letters inside English words. The rules hear what is seen; what is stored stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
_LATIN, _ALMOST = re.compile(r"[a-z]", re.IGNORECASE), re.compile(r"[\u0370-\u04ff]")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
_SHORT = 100
"""So many characters beyond twice its length a text may become: one letter can stand for eighteen."""
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
    whole = unicodedata.normalize("NFKC", text.replace("…", " "))[: 2 * len(text) + _SHORT]
    seen = _UNSEEN.sub("", whole)
    return _WORD.sub(_as_read, seen) if _ALMOST.search(seen) else seen


def _as_read(found: re.Match[str]) -> str:
    """A word as it is read: one of two scripts is Latin with look-alikes in it."""
    word = found[0]
    return word.translate(_ALIKE) if _LATIN.search(word) and _ALMOST.search(word) else word


def plain(text: str, limit: int = 160) -> str:
    """Make a text that came from outside harmless: one line, no control tokens, no markup, not too long."""
    line = re.sub(r"[^\w\s.,;:'()/%°+-]", " ", text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def printable(text: str) -> str:
    """Leave out what would steer a terminal or cannot be seen; for a text that is shown as it is."""
    return "".join(letter for letter in text if letter.isprintable())


def fold(text: str) -> str:
    """Return what is seen of a text without case and accents, on one line."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", visible(text).casefold()))
    return " ".join(bare.translate(_PLAIN).split())
