"""A PDF's text as it can be read out again, each number in it, and what was found of each.

The text comes in the pieces in which it was set, with their places and sizes: a chart's labels never run into
each other, and a table's cells stay cells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from typing import Any, NamedTuple

from healthslm.errors import UsageError

_NUMBER = re.compile(r"(?<=sha256 )[0-9a-f]+|\d+(?:[.:]\d+)*")
_AROUND = 40
_NOISE = Fraction(1, 10**9)
"""Of what was computed with floats: only there a tie may be one by arithmetic. No digit is let off by it."""


class Piece(NamedTuple):
    """A piece of text as it was set: where it begins (points from the lower left), and its size."""

    text: str
    x: float
    y: float
    size: float


def pieces_of(pdf: bytes) -> list[Piece]:
    """Return the text of a PDF, piece by piece in the order in which it was set; all pages.

    Raises `UsageError` where pypdf is not installed.
    """
    try:
        import pypdf  # noqa: PLC0415  only to measure with
    except ImportError as error:
        raise UsageError("To read a PDF again, pypdf is needed.", "Install it: pip install pypdf") from error
    found: list[Piece] = []

    def visit(text: str, matrix: Any, line: Any, _font: Any, size: float) -> None:
        if text.strip():
            found.append(Piece(text.replace("\u00a0", " "), matrix[4] + line[4], matrix[5] + line[5], size))

    for page in pypdf.PdfReader(BytesIO(pdf)).pages:
        page.extract_text(visitor_text=visit)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One number of the page: as it stands there, what it was held against, whether it is that, and where."""

    text: str
    source: str
    right: bool
    wanted: str
    around: str


@dataclass(slots=True, eq=False)
class Marks:
    """The text of a page as one line, and what its numbers were found to be; what is said first counts."""

    pieces: list[Piece]
    text: str = ""
    at: list[int] = field(default_factory=list)
    numbers: list[tuple[int, int]] = field(default_factory=list)
    found: dict[int, tuple[str, bool, str]] = field(default_factory=dict)
    ties: int = 0

    def __post_init__(self) -> None:
        before: Piece | None = None
        for piece in self.pieces:
            # Numbers are looked for in each piece alone; a new line parts words where nothing else does.
            if before is not None and abs(before.y - piece.y) > 0.5 and not self.text.endswith(" "):
                self.text += " "
            self.at.append(len(self.text))
            self.numbers += [
                (len(self.text) + m.start(), len(self.text) + m.end()) for m in _NUMBER.finditer(piece.text)
            ]
            self.text += piece.text
            before = piece

    def judge(self, span: tuple[int, int], source: str, right: bool = True, wanted: object = "") -> None:
        """Say of the numbers in a span what they were held against; of those already judged nothing."""
        for index, (begin, end) in enumerate(self.numbers):
            if span[0] <= begin and end <= span[1] and index not in self.found:
                self.found[index] = (source, right, "" if right else str(wanted))

    def match(self, pattern: str, source: str, region: tuple[int, int] | None = None) -> int:
        """Take all numbers in what matches a pattern for what `source` says; return how many places."""
        count = 0
        for found in self.search(pattern, region):
            self.judge(found.span(), source)
            count += 1
        return count

    def search(self, pattern: str, region: tuple[int, int] | None = None) -> Iterator[re.Match[str]]:
        """Yield what matches a pattern in a part of the page. A space in it is any white space."""
        begin, end = region or (0, len(self.text))
        return re.compile(pattern.replace(" ", r"\s+")).finditer(self.text, begin, end)

    def quote(self, quoted: str, source: str, region: tuple[int, int] | None = None) -> int:
        """Take the numbers of every place that has a text word for word, however its lines are broken.

        A text that was cut counts as far as it goes, up to its ellipsis. Returns how many places there are.
        """
        bare = re.sub(r"\s+", "", quoted)
        if not any(char.isdigit() for char in bare):
            return 0
        begin, end = region or (0, len(self.text))
        kept = [n for n in range(begin, end) if not self.text[n].isspace()]
        page = "".join(self.text[n] for n in kept)
        count, place = 0, page.find(bare)
        while place >= 0:
            self.judge((kept[place], kept[place + len(bare) - 1] + 1), source)
            count, place = count + 1, page.find(bare, place + len(bare))
        for cut in re.finditer("…", page) if not count else ():
            length = next(
                (
                    n
                    for n in range(min(len(bare), cut.start()), 9, -1)
                    if page.startswith(bare[:n], cut.start() - n)
                ),
                0,
            )
            if length:
                self.judge((kept[cut.start() - length], kept[cut.start()]), source)
                count += 1
        return count

    def value(
        self,
        span: tuple[int, int],
        *,
        stored: Fraction | float | None = None,
        told: Iterable[Fraction | None] = (),
    ) -> None:
        """Hold a number to what the store comes to and to what the Bundle has, as far as they are given."""
        bundle = list(told)
        if stored is None and not bundle:
            return
        shown = self.text[slice(*span)].strip()
        right = all(one is not None and self._rounded(one, shown) for one in bundle)
        right = right and (stored is None or self._rounded(stored, shown))
        source = " and ".join([*["store"] * (stored is not None), *["Bundle"] * bool(bundle)])
        wanted = [
            f"{float(one):g}" if one is not None else "nothing"
            for one in (*([stored] if stored is not None else []), *bundle)
        ]
        self.judge(span, source, right, " / ".join(dict.fromkeys(wanted)))

    def _rounded(self, exact: Fraction | float, shown: str) -> bool:
        """Whether a number is another one rounded to the digits that it has; of a tie, either neighbour."""
        places = len(shown.partition(".")[2])
        try:
            on_page = Fraction(shown.replace("\u2212", "-")) * 10**places
        except ValueError:
            return False
        off: Fraction = abs(Fraction(exact) * 10**places - on_page)
        noise = _NOISE if isinstance(exact, float) else Fraction(0)
        if abs(off - Fraction(1, 2)) <= noise:
            self.ties += 1
            return True
        return off < Fraction(1, 2)

    @property
    def judged(self) -> list[Judged]:
        """Every number with what was found of it; one that nothing was found of is not right."""
        made = []
        for index, (begin, end) in enumerate(self.numbers):
            source, right, wanted = self.found.get(index, ("nothing", False, "no counterpart"))
            around = self.text[max(0, begin - _AROUND) : end + _AROUND]
            made.append(
                Judged(text=self.text[begin:end], source=source, right=right, wanted=wanted, around=around)
            )
        return made


def one_made_wrong(pieces: list[Piece], number: int) -> list[Piece]:
    """Return the pieces of a page with the last digit of one of its numbers changed, to try a check with."""
    marks = Marks(pieces)
    begin, end = marks.numbers[number]
    which = bisect_right(marks.at, begin) - 1
    last = end - 1 - marks.at[which]
    piece = pieces[which]
    other = str((int(piece.text[last], 16) + 1) % 10)
    text = piece.text[:last] + other + piece.text[last + 1 :]
    return [*pieces[:which], piece._replace(text=text), *pieces[which + 1 :]]


def by_source(judged: Iterable[Judged]) -> Counter[str]:
    """Return how many numbers were right by what they were held against."""
    return Counter(one.source for one in judged if one.right)
