"""Checks one written sentence, claim by claim, against the item it is about.

The words are held to a list, not searched for known mistakes: what no fact supports has no words to be said
with. Last, the whole sentence has to be one that a small grammar of true ones makes: words that each claim
nothing (`is`, `over`, `by`, `then`) claim something together. `check` returns the first reason against a
sentence, or nothing when it may stand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from healthslm.readings import Claim
from healthslm.slm.facts import Audience, Fact, Item, Role
from healthslm.slm.lexicon import (
    ADVICE,
    COMMON,
    CUE_PHRASES,
    CUES,
    DIAGNOSIS,
    DOSE,
    MOTION,
    NAMES,
    NOUNS,
    NUMBER_WORDS,
    ONCE,
    OPENINGS,
    PHRASES,
    RANGED,
    RANGING,
    REASSURANCE,
    UNIT_WORDS,
    VERBS,
)

_SHAPE = re.compile(r"[A-Z][A-Za-z0-9 .,;:'()/%°-]*\.")
_WORD = re.compile(r"[A-Za-z]+(?:[-'][A-Za-z]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PAIR = re.compile(r"(\d+)(?: mmHg)?\s?(?:over|/)\s?(\d+)")
_TERM = re.compile(r"\bSpO2\b")
_CLUMSY = re.compile(
    r"\b(?:was|were|is|it) (?:the )?(?:average|mean|range|maximum|minimum|peak|recorded and)\b"
    r"|\b(?:lowest|highest) and\b|(?<!for )(?<!for about )(?<!for around )(?<!lasted )\b\d+ minutes?"
    r"|, a temperature|, bpm|\bwas for \d",
    re.IGNORECASE,
)
"""What an untuned small model likes to write and nobody would say."""
_SPREAD = re.compile(r"\b(?:between|rang\w+|var(?:y|ied|ies|ying)|from)\b")
_RANGE = re.compile(
    r"\b(?:between|rang\w+(?: of| from| between| was)?|var(?:y|ied|ies|ying) (?:from|between)|from) "
    r"(\d+(?:\.\d+)?)(?: ?(?:bpm|%|°c|mmhg|ms|percent|beats per minute))? ?(?:and|to|-|–) ?(\d+(?:\.\d+)?)"
)
"""A range: its two ends next to each other, the lower one first."""
_NEVER = r"(?!)"
_LONGEST, _SHORTEST_WORDS, _MOST_WORDS = 260, 4, 42
_PRINTED_UNITS = {
    "bpm": r"bpm|beats per minute|beats a minute",
    "%": r"%|percent",
    "°C": r"°C|degrees Celsius|degrees",
    "mmHg": r"mmHg",
    "ms": r"ms|milliseconds",
    "minutes": r"minutes",
    "minute": r"minute\b",
    "a minute": r"(?:breaths )?(?:a|per) minute",
    "mg/dL": r"mg/dL",
    "kg": r"kg\b",
    "kcal": r"kcal\b",
    "m": r"m\b",
    "steps": r"steps\b",
    "hours": r"hours\b",
}
_ANY_UNIT = re.compile(
    r"\s?-?(bpm|(?:beats?|breaths?)\b[a-z ]*?minute|a minute|per minute|%|percent|°C?|degrees?|[CF]\b|mmHg"
    r"|ms\b|milliseconds|minutes?|hours?|days?|kg|mg|mmol|kcal|steps|m\b|km\b|seconds?|s\b|h\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a sentence cannot stand: the name of the rule, and what in the sentence broke it."""

    rule: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A number in a sentence, and the facts whose value it may be."""

    start: int
    end: int
    text: str
    facts: tuple[Fact, ...]


def check(text: str, item: Item, audience: Audience) -> Objection | None:
    """Return the first objection to a sentence about an item, or `None` when every claim holds."""
    rules = (
        _shape,
        _forbidden,
        _numbers,
        _vocabulary,
        _voice,
        _metric,
        _values,
        _statistics,
        _times,
        _pattern,
    )
    for rule in rules:
        objection = rule(text, item, audience)
        if objection is not None:
            return objection
    return None


def ungrounded(text: str, item: Item) -> list[str]:
    """Return the numbers of a text, digits or words, that are not among the item's."""
    rest = _TERM.sub("", text)
    spelled = [w for w in _WORD.findall(rest.lower()) if w in NUMBER_WORDS]
    return [n for n in _NUMBER.findall(rest) if n not in item.numbers] + spelled


def claims(text: str, item: Item) -> tuple[Claim, ...]:
    """Return where in a checked sentence which feature's value stands."""
    found = []
    for number in _NUMBER.finditer(_TERM.sub(lambda m: "_" * len(m.group()), text)):
        facts = [f for f in item.facts if number.group() in (f.value, f.time)]
        paired = [f for f in facts if _statistic_fits(f, text[: number.start()])]
        start, end = number.span()
        found += [Claim(start=start, end=end, feature=fact.feature) for fact in (paired or facts)[:1]]
    return tuple(found)


def _statistic_fits(fact: Fact, before: str) -> bool:
    """Say whether the last cue before a number names this fact's statistic."""
    cues = _cues(before)
    return bool(cues) and fact.statistic in cues[-1][1]


def _shape(text: str, _item: Item, _audience: Audience) -> Objection | None:
    """One sentence of sane length, in English letters, that begins and ends as a sentence does."""
    if len(text) > _LONGEST or not _SHAPE.fullmatch(text):
        return Objection(rule="shape", detail="not one plain sentence")
    if re.search(r"[.:;]\s+[A-Z]|[.]\s|\.\.|[,;:]\.", text.replace("; ", ", ")):
        return Objection(rule="shape", detail="more than one sentence")
    words = _WORD.findall(text)
    if not _SHORTEST_WORDS <= len(words) <= _MOST_WORDS:
        return Objection(rule="shape", detail=f"{len(words)} words")
    if text.count("(") != text.count(")"):
        return Objection(rule="shape", detail="brackets")
    clumsy = _CLUMSY.search(text)
    if clumsy is not None:
        return Objection(rule="grammar", detail=clumsy.group().strip())
    small = [w.lower() for w in words]
    twice = [a for a, b in itertools.pairwise(small) if a == b] + [w for w in ONCE if small.count(w) > 1]
    return Objection(rule="shape", detail=f"{twice[0]} twice") if twice else None


def _forbidden(text: str, _item: Item, _audience: Audience) -> Objection | None:
    """No dose, no diagnosis, no all-clear, no advice: the rules' own words say what to do."""
    words = set(_WORD.findall(text.lower().replace("mg/dl", "")))  # a unit, not a dose
    for rule, listed in (
        ("dose", DOSE),
        ("diagnosis", DIAGNOSIS),
        ("reassurance", REASSURANCE),
        ("advice", ADVICE),
    ):
        bad = words & listed
        if bad:
            return Objection(rule=rule, detail=min(bad))
    return None


def _numbers(text: str, item: Item, _audience: Audience) -> Objection | None:
    """Every number, in digits or in words, is one of the item's."""
    bad = ungrounded(text, item)
    if not bad and re.search(r"(?:^|[\s(])[-–−]\s?\d", text):
        return Objection(rule="number", detail="minus")
    return Objection(rule="number", detail=bad[0]) if bad else None


def _vocabulary(text: str, item: Item, _audience: Audience) -> Objection | None:
    """Every word is a common one, one of the item's subject, or one of its unit."""
    rest = _TERM.sub("oxygen", text)
    for phrase, _ in CUE_PHRASES:
        rest = re.sub(rf"\b{phrase}\b", "", rest, flags=re.IGNORECASE)
    own = {w.lower() for w in item.subject.lexicon} | set(_WORD.findall(item.subject.title.lower()))
    own |= set(_WORD.findall(item.subject.clinical.lower()))
    units = {w for f in item.facts for w in UNIT_WORDS.get(f.unit, frozenset())}
    direction = {item.direction} if item.direction else set()
    for word in _WORD.findall(rest):
        small = word.lower()
        if small not in COMMON | own | units | direction:
            return Objection(rule="word", detail=small)
    return None


def _voice(text: str, _item: Item, audience: Audience) -> Objection | None:
    """The wearer is spoken to; to the clinician the wearer is spoken of."""
    words = set(_WORD.findall(text.lower()))
    if audience is Audience.CLINICIAN and words & {"you", "your"}:
        return Objection(rule="voice", detail="speaks to the wearer")
    if audience is Audience.WEARER and ("your" not in words or words & {"patient", "patient's", "their"}):
        return Objection(rule="voice", detail="does not speak to the wearer")
    return None


def _metric(text: str, item: Item, _audience: Audience) -> Objection | None:
    """The sentence names what its numbers are numbers of; a finding is not told as an everyday reading."""
    small = text.lower()
    if not any(name.lower() in small for name in item.subject.metric):
        return Objection(rule="metric", detail=f"no {item.subject.title}")
    if item.role is Role.FINDING and not set(_WORD.findall(small)) & _signs(item):
        return Objection(rule="finding", detail="does not say what was found")
    return None


def _signs(item: Item) -> frozenset[str]:
    """Words of which a finding's sentence needs one: its direction, or what its title begins with."""
    title = _WORD.findall(item.finding.title.lower()) if item.finding is not None else []
    irregular = {"irregularly"} if "irregular" in title else set()
    return frozenset({item.direction, *title[:1], *irregular} - {""})


def _values(text: str, item: Item, _audience: Audience) -> Objection | None:
    """Every value of the item is there, once, with its own unit or before one that has it."""
    found = _values_in(text, item)
    for fact in item.facts:
        times = sum(fact in f.facts for f in found)
        same = sum(other.value == fact.value for other in item.facts)
        if not 1 <= times <= same:
            return Objection(rule="value", detail=f"{fact.value} {'missing' if not times else 'repeated'}")
    for number in found:
        unit = number.facts[0].unit
        if unit and not _has_unit(text, number.end, unit):
            return Objection(rule="unit", detail=f"{number.text} is in {unit}")
    return None


def _values_in(text: str, item: Item) -> list[_Found]:
    masked = _TERM.sub(lambda m: "_" * len(m.group()), text)
    times = {f.time for f in item.facts if f.time}
    found = []
    for match in _NUMBER.finditer(masked):
        facts = tuple(f for f in item.facts if f.value == match.group())
        if facts and match.group() not in times:
            found.append(_Found(start=match.start(), end=match.end(), text=match.group(), facts=facts))
    return found


def _has_unit(text: str, at: int, unit: str) -> bool:
    """Say whether a number that ends at `at` has its unit, or the next number of a list or range has."""
    pattern = re.compile(rf"\s?(?:{_PRINTED_UNITS.get(unit, re.escape(unit))})")
    rest = text[at:]
    if pattern.match(rest):
        return True
    if _ANY_UNIT.match(rest):
        return False
    following = re.match(r"[a-z ,/-]{1,40}?(\d+(?:\.\d+)?)", rest)
    return following is not None and _has_unit(text, at + following.end(1), unit)


def _cues(text: str) -> list[tuple[int, frozenset[str]]]:
    """Where a text says which statistic it gives, and which ones that may be; in order of place."""
    small = text.lower()
    found: dict[int, frozenset[str]] = {}
    for pattern, statistics in (*CUE_PHRASES, *((w, s) for w, s in CUES.items())):
        for match in re.finditer(rf"\b{pattern}\b", small):
            if not any(abs(match.start() - at) < 3 for at in found):
                found[match.start()] = statistics
    return sorted(found.items())


def _statistics(text: str, item: Item, _audience: Audience) -> Objection | None:
    """What is called highest is the highest, and so on; no number stands without saying what it is."""
    objection = _range_is_whole(text, item) or _labels(text, item)
    if objection is not None:
        return objection
    found = _values_in(text, item)
    known = {f.statistic for f in item.facts}
    for at, said in _cues(text):
        if not said & known:
            return Objection(rule="statistic", detail=f"{text[at : at + 12]!r}: not among the facts")
    bound = _bind(text, found)
    for number, statistics in zip(found, bound, strict=True):
        candidates = {f.statistic for f in number.facts}
        if statistics is None:
            told_by_the_finding = item.role is Role.FINDING and "mean" not in candidates
            if candidates <= {"mean", "min", "max", "total"} and not told_by_the_finding:
                return Objection(rule="statistic", detail=f"{number.text} of what")
        elif not candidates & statistics and candidates != {"value"}:
            return Objection(
                rule="statistic", detail=f"{number.text} is not the {'/'.join(sorted(statistics))}"
            )
    return _pressure_order(text, item)


def _bind(text: str, found: Sequence[_Found]) -> list[frozenset[str] | None]:
    """Give every value the cue nearest before it, or where there is none, the one that follows it.

    The two ends of a range need no cue: the first is the lowest, the second the highest.
    """
    cues = _cues(text)
    ends: dict[int, frozenset[str]] = {}
    for match in _RANGE.finditer(text.lower()):
        ends |= {match.start(1): frozenset({"min"}), match.start(2): frozenset({"max"})}
    bound: list[frozenset[str] | None] = []
    for number in found:
        if number.start in ends:
            bound.append(ends[number.start])
            continue
        before = [s for at, s in cues if at < number.start]
        follows = [s for at, s in cues if number.end <= at <= number.end + 30]
        bound.append(before[-1] if before else follows[0] if follows else None)
    return bound


def _range_is_whole(text: str, item: Item) -> Objection | None:
    """A range has two ends that stand together, of an item that has a lowest and a highest value."""
    small = text.lower()
    if _SPREAD.search(small) is None:
        return None
    if not {"min", "max"} <= {f.statistic for f in item.facts} or _RANGE.search(small) is None:
        return Objection(rule="statistic", detail="a range without its two ends")
    return None


def _labels(text: str, item: Item) -> Objection | None:
    """Of several values that have names of their own (RMSSD, SDNN), each stands behind its name."""
    labels = {item.subject.label(f.feature.name, f.statistic).lower(): f for f in item.facts}
    if len(item.facts) < 2 or {f.statistic for f in item.facts} != {"value"}:
        return None
    small = text.lower()
    for number in _values_in(text, item):
        named = [(small.rfind(label, 0, number.start), label) for label in labels if label]
        at, label = max(named, default=(-1, ""))
        if at < 0 or labels[label] not in number.facts:
            return Objection(rule="statistic", detail=f"{number.text} under which name")
    return None


def _pressure_order(text: str, item: Item) -> Objection | None:
    """Of a pair like 142 over 88 the first is systolic, the second diastolic."""
    upper = {f.value for f in item.facts if f.feature.name.startswith("systolic")}
    lower = {f.value for f in item.facts if f.feature.name.startswith("diastolic")}
    if not upper or not lower:
        unsaid = (upper and "systolic" not in text.lower()) or (lower and "diastolic" not in text.lower())
        return Objection(rule="pair", detail="which of the two") if unsaid else None
    pair = _PAIR.search(text)
    if pair is not None:
        good = pair.group(1) in upper and pair.group(2) in lower
        return None if good else Objection(rule="pair", detail=pair.group())
    small = text.lower()
    named = re.search(r"systolic\D*(\d+)\D*diastolic\D*(\d+)", small)
    if named is None or named.group(1) not in upper or named.group(2) not in lower:
        return Objection(rule="pair", detail="which is which")
    return None


def _times(text: str, item: Item, _audience: Audience) -> Objection | None:
    """A time of day stands with the value that was read then."""
    masked = _TERM.sub(lambda m: "_" * len(m.group()), text)
    values = _values_in(text, item)
    for match in re.finditer(r"\d{1,2}:\d{2}", masked):
        near = [v for v in values if v.end <= match.start()] or values[:1]
        if not near or not any(f.time == match.group() for f in near[-1].facts):
            return Objection(rule="time", detail=match.group())
        if not re.search(r"\b(?:at|around|about|by)\s$", masked[: match.start()]):
            return Objection(rule="time", detail=f"{match.group()} without at")
    return None


def _pattern(text: str, item: Item, _audience: Audience) -> Objection | None:
    """The whole sentence is, from first word to full stop, one that the item's facts allow."""
    allowed = _labelled(item) if {f.statistic for f in item.facts} == {"value"} else _clauses(item)
    whole = re.compile(rf"(?:(?:your|the|the patient's) )?(?:{allowed})\.")
    begun = (text, text[0].lower() + text[1:])  # RMSSD and SpO2 begin as they are
    if not allowed or not any(whole.fullmatch(one) for one in begun):
        return Objection(rule="pattern", detail="not a way to say these facts")
    if len(re.findall(MOTION, text)) > 1:
        return Objection(rule="pattern", detail="an order of events")
    return None


def _name(item: Item) -> str:
    """What the item's subject may be called, as a pattern."""
    kinds = {f.feature.name.partition("_")[0] for f in item.facts}
    single = f"{min(kinds)} " if len(kinds) == 1 and kinds <= {"systolic", "diastolic"} else ""
    return single + f"(?:{NAMES.get(item.subject.title, re.escape(item.subject.title))})"


def _printed(fact: Fact) -> str:
    """A value with its unit and its time, as a pattern; `_values` says where the unit may be left out."""
    unit = _PRINTED_UNITS.get(fact.unit, re.escape(fact.unit))
    time = rf"(?:,? (?:at|around|about) {re.escape(fact.time)})?" if fact.time else ""
    return rf"{re.escape(fact.value)}(?:[ -]?(?:{unit}))?{time}"


def _values_said(item: Item) -> dict[str, str]:
    """The pattern of every statistic's value; two pressures are one value."""
    pair = item.pressures
    if pair is not None:
        return {pair[0].statistic: rf"{re.escape(pair[0].value)}(?: mmHg)?(?: over |/){_printed(pair[1])}"}
    statistics = [f.statistic for f in item.facts]
    if len(set(statistics)) != len(statistics):
        return {}
    return {f.statistic: _printed(f) for f in item.facts}


def _either(ways: Mapping[str, Sequence[str]], said: Mapping[str, str], name: str = "") -> str:
    """Any of the ways to say any of the values."""
    made = [way.format(v=v, name=name) for s, v in said.items() for way in ways.get(s, ())]
    return "|".join(made) or _NEVER


def _clauses(item: Item) -> str:
    """Sentences made of clauses, each of which names its statistic; a finding's say first what was found."""
    said, name = _values_said(item), _name(item)
    verbs, nouns, phrase = (_either(ways, said) for ways in (VERBS, NOUNS, PHRASES))
    ranged = ranging = _NEVER
    if {"min", "max"} <= said.keys():
        ranged, ranging = RANGED.format(**said), RANGING.format(**said)
    more = (
        rf"(?:(?:,|;|,? and) (?:{verbs}|{nouns}|{ranged})"
        rf"|,? (?:with (?:{phrase})(?:(?:,|,? and) (?:{phrase}))*|{ranging}))"
    )
    if item.role is not Role.FINDING:
        # Behind "Your latest temperature was 37.8" a verb would tell what came after it.
        still = rf"(?:(?:,|;|,? and) (?:{nouns})|,? (?:with (?:{phrase})(?:,? and (?:{phrase}))*|{ranging}))"
        moving = rf"{name} (?:{verbs}|{ranged}){more}*"
        return rf"{moving}|(?:{_either(OPENINGS, said, name)}){still}*"
    if len(said) != 1 or not item.direction:
        return ""
    (statistic, value), way = next(iter(said.items())), item.direction
    ways = [rf"{name} was {way}{more}"]
    if statistic == "mean":
        ways += [
            rf"{name} was {way}(?:,? averaging| at an average of) {value}",
            rf"{name} was {way}[:,] {value} on average",
        ]
    if statistic in ("min", "max"):
        ways.append(rf"{name} was {way},? at {value}")
    if statistic == "max":
        ways.append(rf"{name} was {way}, (?:reaching|peaking at) {value}")
    if statistic == "min":
        ways.append(rf"{name} (?:fell|dropped|dipped) to a low of {value}")
    if item.subject.name == "fever":
        ways.append(rf"{name} (?:{verbs}|was {value}),? (?:which (?:is|was) )?a fever")
    return "|".join(ways)


def _labelled(item: Item) -> str:
    """Sentences about values that are no statistic: RMSSD, SDNN, how long a rhythm was irregular."""
    name = _name(item)
    if item.subject.name in ("irregular", "irregular_rhythm"):
        minutes = [_printed(f) for f in item.facts if f.feature.name == "irregular_minutes"]
        return rf"{name} was irregular for (?:about )?{minutes[0]}" if minutes else ""
    first, more = [], []
    for fact in item.facts:
        value, label = _printed(fact), re.escape(item.subject.label(fact.feature.name, fact.statistic))
        first.append(rf"{name} was {value}")
        if label:
            first += [rf"{name}(?: \({label}\)|, {label},) was {value}", rf"{label}(?: {name})? was {value}"]
            first.append(rf"{name} was {label} {value}")
            more.append(rf"(?:(?:your|its|the) )?{label} (?:was )?{value}")
    return rf"(?:{'|'.join(first)})(?:(?:,|;|,? and) (?:{'|'.join(more) or _NEVER}))*"
