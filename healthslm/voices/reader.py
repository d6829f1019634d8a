"""The written questions and notes, voice by voice: `texts/*.txt`, with what each is to become.

A file is one voice: a person made up, with a way of asking of their own, and a day that is their today.
Labels name dates; a line of `healthslm.slm.plan` names them as the question does, so each label is turned
into the line that names what the text names, and checked by working it out again.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

from healthslm.errors import UsageError
from healthslm.slm.periods import UnknownPeriodError, resolve

_UTC = ZoneInfo("UTC")
_TODAY = re.compile(r"# today (\d{4}-\d\d-\d\d)")
_MARKS = re.compile(r"[\[\]<>{}]")
_PAIR = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
_BOUND = re.compile(r"(?P<sign>[<>])?(?P<a>\d+(?:\.\d+)?)(?:\.\.(?P<b>\d+(?:\.\d+)?))?(?P<unit>mmol|F)?")
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its marks, and the line that it becomes. `voice` is whose it is, `today` its day."""

    voice: str
    marked: str
    line: str
    today: date

    @property
    def text(self) -> str:
        """The question as it was asked."""
        return _MARKS.sub("", self.marked)

    @property
    def tool(self) -> str:
        """The tool, the first word of its line."""
        return self.line.split()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A note and the lowest and the highest level that two careful nurses would give it."""

    voice: str
    text: str
    lowest: str
    highest: str


HELD_OUT = (
    "a-daughter", "b-farmer", "c-gamer", "d-engineer", "e-longcovid", "f-panic", "g-plumber", "h-postman",
    "j-librarian", "j-nurse-manila", "m-granny-texter", "m-polish-builder", "m-registrar",
    "p-accountant", "p-carehome", "p-schoolgirl",
)  # fmt: skip
"""Voices that nothing is learned from: what is chosen is chosen on them."""


def texts_of(names: Iterable[str]) -> tuple[list[Asked], list[Noted]]:
    """Return the questions and the notes of some voices."""
    both = [read(name) for name in names]
    return [a for asked, _ in both for a in asked], [n for _, noted in both for n in noted]


def learned_from() -> tuple[list[Asked], list[Noted]]:
    """Return the questions and notes of every voice that is not held out."""
    return texts_of(name for name in voices() if name not in HELD_OUT)


def held_out() -> tuple[list[Asked], list[Noted]]:
    """Return the questions and notes of the voices that nothing is learned from."""
    return texts_of(HELD_OUT)


def voices() -> list[str]:
    """Return the names of all voices."""
    folder = files("healthslm.voices").joinpath("texts")
    return sorted(f.name.removesuffix(".txt") for f in folder.iterdir() if f.name.endswith(".txt"))


def read(voice: str) -> tuple[list[Asked], list[Noted]]:
    """Return a voice's questions and notes. Raises `UsageError` naming the line that cannot be used."""
    text = files("healthslm.voices").joinpath("texts", f"{voice}.txt").read_text(encoding="utf-8")
    return parse(text, voice)


def parse(text: str, voice: str) -> tuple[list[Asked], list[Noted]]:
    """The same of a file's text."""
    found = _TODAY.search(text)
    today = date.fromisoformat(found[1]) if found else date(2026, 6, 10)
    asked: list[Asked] = []
    noted: list[Noted] = []
    for number, section, label, words in _rows(text):
        try:
            if section == "questions":
                line = line_of(label, words, today)
                asked.append(Asked(voice=voice, marked=words, line=line, today=today))
            else:
                lowest, _, highest = label.partition("..")
                noted.append(Noted(voice=voice, text=words, lowest=lowest, highest=highest or lowest))
        except (ValueError, IndexError) as error:
            raise UsageError(f"{voice}, line {number}: {error}.", "Mend the line.") from error
    return asked, noted


def _rows(text: str) -> Iterator[tuple[int, str, str, str]]:
    section = ""
    for number, row in enumerate(text.splitlines(), start=1):
        if row.startswith("=="):
            section = row.strip("= ")
        elif row.strip() and not row.startswith("#"):
            label, _, words = row.partition(" | ")
            yield number, section, label.strip(), words.strip()


def line_of(label: str, marked: str, today: date) -> str:
    """Return the line that a label is, with dates named as the question names them."""
    head, *periods = re.split(r" ?@| / ", label)
    words = head.split()
    if words[0] == "time_in_range":
        words[2:] = [_bounds(words[2], marked)]
    spans = re.findall(r"\[([^\]]*)\]", marked)
    named = [
        _named(period.strip(), spans[n] if n < len(spans) else _MARKS.sub("", marked), today)
        for n, period in enumerate(periods)
    ]
    return " ".join([*words, " / ".join(named)]).strip()


def _bounds(text: str, marked: str) -> str:
    found = _BOUND.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} are no bounds")
    unit = f" {found['unit']}" if found["unit"] else ""
    if found[0] == "70..180" and not ("70" in marked and "180" in marked):
        return "range"
    if found["b"]:
        return f"between {found['a']} and {found['b']}{unit}"
    return f"{'above' if found['sign'] == '>' else 'below'} {found['a']}{unit}"


def _named(period: str, span: str, today: date) -> str:
    """Return a period as its span of the question names it; checked against what the label says."""
    found = _PAIR.fullmatch(period)
    if found is None:
        return period
    first, last = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    now = datetime.combine(today, time(23, 59), UTC)
    wanted = resolve(period, now, _UTC)
    for made in _ways(first, last, span.lower(), today):
        try:
            if resolve(made, now, _UTC) == wanted:
                return made
        except UnknownPeriodError:
            continue
    raise ValueError(f"{span!r} does not name {period}")


def _ways(first: date, last: date, span: str, today: date) -> Iterator[str]:
    """Ways to name two days, the nearest to the words of the span first."""
    if found[2:3] if (found := re.findall(r"\d{4}-\d\d-\d\d", span)) else found:
        yield ".."
    month = calendar.month_name[first.month].lower()
    whole = first.day == 1 and last == _last_of(first)
    if whole and month[:3] in span and not re.search(r"\b(?:1|1st|first)\b", span):
        yield month
        yield f"1 {month} {first.year} to {last.day} {month} {last.year}"
    if first.day == 1 and last == _last_of(last) and re.search(rf"{month[:3]}.*{_month(last)[:3]}", span):
        yield f"{month} to {_month(last)}"
    ends = list(_days(last, span, today))
    if first == last:
        yield from ends
    for end in ends:
        for begin in _days(first, span, today):
            yield f"{begin} to {end}"


def _month(day: date) -> str:
    return calendar.month_name[day.month].lower()


def _last_of(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _days(day: date, span: str, today: date) -> Iterator[str]:
    weekday, month = calendar.day_name[day.weekday()].lower(), calendar.month_name[day.month].lower()
    number = re.search(rf"\b0?{day.day}(?:st|nd|rd|th)?\b", span)
    ordinal = day.day <= len(_ORDINALS) and _ORDINALS[day.day - 1] in span
    if day.isoformat() in span:
        yield day.isoformat()
    if f"{day.year}" in span and number:
        yield f"{day.day} {month} {day.year}"
    if (number or ordinal) and (
        month[:3] in span or re.search(rf"\d[/.]0?{day.month}\b|\b0?{day.month}[/.]\d", span)
    ):
        yield f"{day.day} {month}"
    if re.search(rf"\b{weekday[:3]}", span) or (weekday in ("saturday", "sunday") and "weekend" in span):
        yield weekday
    if day == today - timedelta(days=1) and re.search(r"yest|yday", span):
        yield "yesterday"
    if number or ordinal:
        yield f"day {day.day}"
    if re.search(r"\bago\b|\bback\b|before", span):
        yield f"{(today - day).days} days ago"
    if day == today:
        yield "today"
    if day == today - timedelta(days=1):
        yield "yesterday"
    yield f"{day.day} {month}"
    yield f"{day.day} {month} {day.year}"
