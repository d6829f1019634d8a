"""Recovery words: 256 random bits as 24 words of the BIP-39 English list, checksum included.

Source: Bitcoin Improvement Proposal 39, "Mnemonic code for generating deterministic keys" (2013); only its
words and checksum are used, not its seed derivation.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

from mnemonic import Mnemonic

from healthslm.errors import LockedError

COUNT = 24
_BIP39 = Mnemonic("english")
_LIST = tuple(_BIP39.wordlist)
_KNOWN = frozenset(_LIST)


def to_words(entropy: bytes) -> str:
    """Write 32 bytes as 24 words with one space between."""
    return str(_BIP39.to_mnemonic(entropy))


def split(secret: str) -> list[str]:
    """Take the words out of what somebody typed: numbering, commas, capitals and line ends do not matter."""
    plain = unicodedata.normalize("NFKD", secret).casefold()
    return re.findall(r"[^\W\d_]+", plain)


def looks_like_words(secret: str) -> bool:
    """Say whether `secret` is meant as recovery words: many words, most of them from the list."""
    given = split(secret)
    return len(given) >= COUNT // 2 and sum(word in _KNOWN for word in given) * 3 >= len(given) * 2


def to_entropy(secret: str) -> bytes:
    """Read 24 recovery words back into 32 bytes.

    Raises `LockedError` naming the first word that is not in the list and the nearest ones that are, or
    saying how many words are missing, or that the checksum of the 24 fails.
    """
    given = split(secret)
    for number, word in enumerate(given, start=1):
        if word not in _KNOWN:
            raise LockedError(
                f"Recovery word {number}, “{word}”, is not in the list of words.", _nearest(word)
            )
    if len(given) != COUNT:
        raise LockedError(
            f"These are {len(given)} recovery words; there must be {COUNT}.",
            "Compare them with what you wrote down and type them all, in order.",
        )
    if not _BIP39.check(" ".join(given)):
        raise LockedError(
            "These recovery words do not belong together: their checksum fails, so one of them or their order"
            " is wrong.",
            "Compare each with what you wrote down; two words may have changed places.",
        )
    return bytes(_BIP39.to_entropy(" ".join(given)))


def _nearest(word: str) -> str:
    # Four letters name a word of the list (BIP-39), so a right beginning counts before likeness.
    alike = [known for known in _LIST if len(word) >= 4 and known.startswith(word[:4])]
    alike += [n for n in difflib.get_close_matches(word, _LIST, n=3, cutoff=0.6) if n not in alike]
    if not alike:
        return "Compare it with what you wrote down."
    *others, last = alike[:3]
    return f"Did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
