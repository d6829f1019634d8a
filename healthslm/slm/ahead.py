"""Guesses the next tokens from what was read and written before; what is guessed right costs no pass.

Facts stand in the prompt, and sentences of a kind resemble each other but for their numbers. So the last
place is looked for where the text went on as it ends now, each number taken for any other, and what came
after it there is the guess: with this prompt's numbers, in its order. The model reads a guess in one pass and
keeps of it what it would have written itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from healthslm.slm.mask import NumberMask, number_at_the_end
from healthslm.slm.tokens import Tokens

_NUMBER = -1
"""Stands for any number in a line of tokens."""
_LONGEST = 12
"""Tokens that are compared at most."""
_TRUSTED = ((4, 7), (2, 5), (1, 2))
"""From so many equal tokens on, so many are guessed: a wrong guess costs time."""


class Ahead:
    """Guesses for one text. `before` are the tokens of the prompt and of earlier texts, `asked` its facts."""

    def __init__(self, tokens: Tokens, before: Sequence[int], asked: str, mask: NumberMask | None) -> None:
        self._tokens, self._mask = tokens, mask
        self._characters = {c: tokens.encode(c)[0] for c in "0123456789.,:"}
        self._character_of = {i: c for c, i in self._characters.items()}
        self._numbers = _numbers_in(asked)
        self._line: list[int] = []
        for token in before:
            self.add(token)

    def add(self, token: int) -> None:
        """Add a token that was written."""
        line, character = self._line, self._character_of.get(token, "")
        if not character.isdigit():
            line.append(token)
        elif line and line[-1] == _NUMBER:
            pass
        elif len(line) > 1 and line[-2] == _NUMBER and line[-1] in self._character_of:
            line.pop()  # what separates two halves of a number
        else:
            line.append(_NUMBER)

    def guess(self, text: str, most: int) -> list[int]:
        """Return up to `most` tokens that may come after `text`, whose tokens were added."""
        at, most = self._place(most)
        found: list[int] = []
        used = _used(self._numbers, text)
        run, rest = number_at_the_end(text), ""
        if run and run not in self._numbers and (number := self._number(run, used)):
            rest, used = number[len(run) :], self._numbers.index(number) + 1
        while len(found) < most:
            if not rest and at < len(self._line) and self._line[at] == _NUMBER and self._numbers:
                rest = self._number("", used)
                used, at = used + 1, at + 1
            if rest:
                token, rest = self._characters[rest[0]], rest[1:]
            elif at < len(self._line) and self._line[at] != _NUMBER:
                token, at = self._line[at], at + 1
            else:
                break
            piece = self._tokens.text(token)
            if not piece or (self._mask is not None and not self._mask.next(text).allows(piece)):
                break
            text += piece
            found.append(token)
        return found

    def _place(self, most: int) -> tuple[int, int]:
        """Where the text went on as it ends now, and how much of that is to be guessed."""
        line, best, place = self._line, 0, len(self._line)
        last = len(line) - 1
        for start in range(last - 1, -1, -1):
            if line[start] != line[last]:
                continue
            length = 1
            while length < _LONGEST and start >= length and line[start - length] == line[last - length]:
                length += 1
            if length > best:
                best, place = length, start + 1
                if best == _LONGEST:
                    break
        return place, next((min(most, share) for least, share in _TRUSTED if best >= least), most)

    def _number(self, run: str, used: int) -> str:
        """The number that comes next if the facts' order is kept, among those that begin with `run`."""
        following = [*self._numbers[used:], *self._numbers[:used]]
        return next((number for number in following if number.startswith(run)), "")


def _numbers_in(text: str) -> tuple[str, ...]:
    """The numbers of a text in its order."""
    found, number = [], ""
    for character in text + " ":
        if character.isdigit() or (number and character in ".,:"):
            number += character
        elif number:
            found.append(number.rstrip(".,:"))
            number = ""
    return tuple(found)


def _used(numbers: Sequence[str], text: str) -> int:
    """How many of the facts' numbers lie before the next one: those up to the last that was told."""
    told = _numbers_in(text)
    if told and number_at_the_end(text).rstrip(".,:") == told[-1] and told[-1] not in numbers:
        told = told[:-1]  # it is being written
    return numbers.index(told[-1]) + 1 if told and told[-1] in numbers else 0
