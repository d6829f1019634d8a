"""The page's texts in other languages, read from gettext catalogues (locale/LANG/LC_MESSAGES/companion.po).

Of the format there is what the page needs: `msgid` and `msgstr` over any number of lines, and comments. No
plurals and no contexts: the page's texts are worded so that they need none, and a catalogue with one is
refused. Any gettext editor can edit them; nothing is compiled.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from healthslm.errors import HealthslmError

LANGUAGES = ("de", "es", "fr", "zh")
"""Beside English, in which the page is written."""
_WORDS = ("msgid", "msgstr")


@cache
def texts(language: str) -> dict[str, str]:
    """Return the texts of a language by the English ones; without those that are not translated yet."""
    place = files("healthslm.companion").joinpath("locale", language, "LC_MESSAGES", "companion.po")
    return {key: value for key, value in entries(place.read_text(encoding="utf-8")) if key and value}


def entries(catalogue: str) -> Iterator[tuple[str, str]]:
    """Yield a catalogue's entries, its header (whose key is empty) first.

    Raises `HealthslmError` for a line that is none of this format.
    """
    entry: dict[str, str] = {}
    word = ""
    for number, line in enumerate(catalogue.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not text.startswith('"'):
            word, _, text = text.partition(" ")
            if word not in _WORDS:
                raise HealthslmError(
                    f"Line {number} of a catalogue begins with {word!r}.", "Only msgid and msgstr are known."
                )
            if word == "msgid" and "msgstr" in entry:
                yield entry["msgid"], entry["msgstr"]
                entry = {}
            entry[word] = ""
        try:
            entry[word] += str(ast.literal_eval(text))
        except (ValueError, SyntaxError, KeyError) as error:
            raise HealthslmError(
                f"Line {number} of a catalogue is no quoted text.", "Write it between double quotes."
            ) from error
    if "msgstr" in entry:
        yield entry["msgid"], entry["msgstr"]
