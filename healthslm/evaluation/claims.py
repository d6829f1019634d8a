"""What a sentence claims, read apart from the check that decides: an independent judge to measure with.

`healthslm.slm.grounding` asks whether a whole sentence is one that it would let stand. This reads instead
what a sentence says: each number with the words before it, its unit and its time, then what is named, called
high or low, and compared. It shares no code and no word list with the check. Not covered: whether something
that should be said is left out; on which of several days a clock time was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from healthslm.readings import Kind
from healthslm.slm.facts import Fact, Item

KINDS_OF_CLAIM = ("metric", "value", "unit", "statistic", "direction", "comparison", "time")
"""What of a claim can be wrong; `statistic` is the highest for the lowest, the average for the latest."""

_METRICS = {
    "variability": r"heart[- ]rate variability|variability|rmssd|sdnn|nn interval",
    "rhythm": r"(?:heart )?rhythm|heartbeats?|heart beats?",
    "heart rate": r"heart[- ]rate|pulse",
    "oxygen": r"(?:blood )?oxygen(?: saturation)?|saturation|spo2",
    "temperature": r"temperature|fever",
    "blood pressure": r"(?:blood|arterial) pressure|systolic|diastolic",
    "sensor glucose": r"sensor glucose",
    "blood sugar": r"blood sugar|(?:blood|capillary) glucose",
    "glucose": r"glucose|sugar",
    "weight": r"weight",
    "body fat": r"body fat|\bfat",
    "breathing": r"breathing|respirat\w+",
    "steps": r"step count|\bsteps?\b|walk\w*",
    "energy": r"energy|calories",
    "distance": r"distance",
    "sleep": r"sleep|slept",
}
"""What can be named, the longer names first: each place in a text is read once."""
_OF_KIND = {
    Kind.HEART_RATE: "heart rate",
    Kind.PULSE_RATE: "heart rate",
    Kind.SPO2: "oxygen",
    Kind.TEMPERATURE: "temperature",
    Kind.SYSTOLIC: "blood pressure",
    Kind.DIASTOLIC: "blood pressure",
    Kind.RR_INTERVAL: "variability",
    Kind.SENSOR_GLUCOSE: "sensor glucose",
    Kind.GLUCOSE: "blood sugar",
    Kind.WEIGHT: "weight",
    Kind.BODY_FAT: "body fat",
    Kind.RESPIRATORY_RATE: "breathing",
    Kind.STEPS: "steps",
    Kind.ENERGY: "energy",
    Kind.DISTANCE: "distance",
    Kind.SLEEP_DURATION: "sleep",
}
_UNITS = (
    ("mm[Hg]", r"mm ?hg"),
    ("mg/dL", r"mg ?/ ?dl"),
    ("mmol/L", r"mmol(?: ?/ ?l)?"),
    ("%", r"%|percent|per cent"),
    ("Cel", r"°c\b|degrees celsius|degrees"),
    ("[degF]", r"°f\b|degrees fahrenheit"),
    ("ms", r"ms\b|milliseconds?"),
    ("/min", r"bpm\b|(?:heart)?(?:beats?|breaths?)?(?: ?(?:per|a) minute|/min)\b"),
    ("min", r"minutes?\b"),
    ("h", r"hours?\b|h\b"),
    ("s", r"seconds?\b"),
    ("kg", r"kg\b|kilograms?"),
    ("kcal", r"kcal\b|calories"),
    ("{steps}", r"steps?\b"),
    ("km", r"km\b"),
    ("m", r"m\b|met(?:er|re)s?\b"),
    ("other", r"mg\b|mcg\b|g\b|lb\b|pounds?\b|days?\b|weeks?\b|beats?\b|breaths?\b|l\b|ml\b|mv\b|°"),
)
"""How a unit (UCUM) is written behind a number; the first that fits is read."""
_STATISTICS = {
    "mean": r"averag\w*|mean\b",
    "min": r"lowest|low of|minimum|min\b|fell|fall\w*|dropp\w+|dipp\w+|went down|down to|as low as|least",
    "max": r"highest|high of|maximum|max\b|peak\w*|rose|ris(?:es|ing|en)|climb\w*|went up|up to|as high as",
    "latest": r"latest|\blast\b|most recent|newest|final",
    "total": r"total\w*|in all|altogether|came to|sum\b",
    "extreme": r"reach\w*",
}
_RANGE_WORDS = r"rang\w+|var(?:y|ied|ies|ying)|moving|spread"
_AFTER = r",? (?:on average|in all|altogether|in total|overall)\b"
"""A statistic that is said behind its number."""
_DIRECTION = (
    r"\b(?:high|low|raised|elevated|increased|reduced|decreased|fast|slow|fever|(?:ir)?regular(?:ly)?)\b"
)
_COMPARISON = (
    r"\bthan\b|compared|versus|above|below|usual\w*|normal\w*|typical\w*|abnormal\w*|higher|lower"
    r"|\bmore\b|\bless\b|increas(?:e|ing)|decreas(?:e|ing)|improv\w+|worse\w*|better|stable|steady|unchanged|trend\w*"
)
_DENIAL = r"\b(?:not?|never|without|none|neither)\b|n't\b"
_WHEN = (
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|yesterday|today|tonight|morning|afternoon|evening|night|noon"
    r"|\bhours?\b|\bdays?\b|\bweeks?\b|\bmonths?\b|\bdaily\b|hourly"
)
_SPELLED = (
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|half|twice|double\w*|dozen)\b"
)
_ANY_UNIT = "|".join(pattern for _, pattern in _UNITS)
_NUMBER = r"(?<![\w.:,])\d+(?:[.,]\d+)*(?![\d:]|\.\d)"
_QUANTITY = re.compile(
    rf"(?:between|from|range(?: of| from)?|{_RANGE_WORDS}) (?P<low>{_NUMBER})(?:[ -]?(?:{_ANY_UNIT}))?"
    rf" ?(?:and|to|-|–) ?(?P<high>{_NUMBER})(?P<unit1>[ -]?(?:{_ANY_UNIT}))?"
    rf"|(?P<upper>{_NUMBER})(?: mmhg)?(?: over |/)(?P<lower>{_NUMBER})(?P<unit2>[ -]?(?:{_ANY_UNIT}))?"
    rf"|(?P<one>{_NUMBER})(?P<unit3>[ -]?(?:{_ANY_UNIT}))?"
)
_CLOCK = re.compile(r"(?<![\d:])\d{1,2}:\d{2}(?![\d:])")
_IDIOMS = {
    "spo2_5min_low": ("over five minutes", "five-minute"),
    "spo2_5min_high": ("over five minutes", "five-minute"),
}
"""Words about time that belong to a number's definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A claim that the facts do not bear: which of `KINDS_OF_CLAIM`, and what in the sentence it is."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How many claims a sentence makes, and what is wrong with them.

    A claim is a number with all that is said of it, a name of what was measured, or a word of direction,
    comparison or time.
    """

    claims: int
    wrong: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A number as the sentence has it: which statistics its words name, its unit, where it stands.

    `part` is which of two pressures or measures of variability; `clocks` are the times that hang on it.
    """

    value: str
    unit: str
    statistics: frozenset[str]
    part: str
    end: int
    clocks: list[str] = field(default_factory=list)


def judge(text: str, item: Item) -> Judged:
    """Read what a sentence claims, and compare it with the facts of its item."""
    small, wrong = _prepared(text, item), []
    said = list(_said(small))
    wrong += _clocks(small, said, item)
    for one in said:
        wrong += _against(one, item)
    rest = _QUANTITY.sub(lambda m: "#" * len(m.group()), _CLOCK.sub(lambda m: "#" * len(m.group()), small))
    named, wrong_names = _names(rest, item)
    words, wrong_words = _words(rest, item)
    return Judged(
        claims=len(said) + named + words + sum(w.kind == "time" for w in wrong),
        wrong=(*wrong, *wrong_names, *wrong_words),
    )


def _prepared(text: str, item: Item) -> str:
    """The text in small letters, with what the rule itself says taken out: its title, and idioms."""
    small = text.lower().replace("spo2", "oxygen")
    if item.finding is not None:
        title = item.finding.title.lower().replace("spo2", "oxygen")
        small = small.replace(f"{title}:", f"{' '.join(sorted(_own(item)))}:", 1)
    for fact in item.facts:
        if fact.when and not fact.time:  # a longer period: the day is said too
            small = small.replace(fact.when.lower(), f"at {fact.when[-5:]}")
        for idiom in _IDIOMS.get(fact.feature.name, ()):
            small = small.replace(idiom, "")
    if item.began:
        small = small.replace(item.began.lower().removeprefix("at "), item.began[-5:])
    return small


def _own(item: Item) -> set[str]:
    """What the item's numbers are numbers of."""
    return {
        "rhythm"
        if f.feature.name.startswith("irregular")
        else _OF_KIND.get(f.feature.kind, item.subject.title)
        for f in item.facts
    }


def _said(text: str) -> Iterator[_Said]:
    """Every number, with the words between it and the one before, and those that hang on it."""
    masked = _CLOCK.sub(lambda m: "#" * len(m.group()), text)
    begin = 0
    for match in _QUANTITY.finditer(masked):
        end = match.end()
        after = re.match(rf"(?:,? ?(?:at|around|about|by) #+)?(?:{_AFTER})", masked[end:])
        tail = end + (after.end() if after else 0)
        words = masked[begin : match.start()] + " " + masked[end:tail]
        cues = {name for name, pattern in _STATISTICS.items() if re.search(pattern, words)}
        parts = {part for part in ("systolic", "diastolic", "rmssd", "sdnn") if part in words}
        unit = _unit(match["unit1"] or match["unit2"] or match["unit3"] or "")
        if match["low"]:
            # Both ends at once: any other statistic in the words is one too many.
            yield _Said(value=match["low"], unit="", statistics=frozenset({"min", *cues}), part="", end=end)
            yield _Said(
                value=match["high"], unit=unit, statistics=frozenset({"max", *cues}), part="", end=end
            )
        elif match["upper"]:
            for name, part in (("upper", "systolic"), ("lower", "diastolic")):
                yield _Said(value=match[name], unit=unit, statistics=frozenset(cues), part=part, end=end)
        else:
            part = min(parts) if len(parts) == 1 else ""
            yield _Said(value=match["one"], unit=unit, statistics=frozenset(cues), part=part, end=end)
        begin = tail


def _unit(written: str) -> str:
    """The UCUM unit that is written, or nothing where none is."""
    bare = written.strip(" -")
    return next((ucum for ucum, pattern in _UNITS if bare and re.fullmatch(pattern, bare)), "")


def _against(said: _Said, item: Item) -> list[Wrong]:
    """What is wrong with a number, held to the fact of its value that fits best."""
    facts = [fact for fact in item.facts if fact.value == said.value]
    if not facts:
        return [Wrong(kind="value", detail=said.value)]
    return min((_with(said, fact, item) for fact in facts), key=len)


def _with(said: _Said, fact: Fact, item: Item) -> list[Wrong]:
    wrong = []
    if said.unit and said.unit != fact.feature.unit:
        wrong.append(Wrong(kind="unit", detail=f"{said.value} {said.unit}"))
    part = {Kind.SYSTOLIC: "systolic", Kind.DIASTOLIC: "diastolic"}.get(fact.feature.kind, "")
    part = part or next((p for p in ("rmssd", "sdnn") if p in fact.feature.name), "")
    if said.part != part and (said.part or part.endswith("stolic")):  # one pressure has to say which
        wrong.append(Wrong(kind="metric", detail=f"{said.value} {said.part}"))
    at = fact.time or fact.when[-5:]
    wrong += [Wrong(kind="time", detail=clock) for clock in said.clocks if clock != at]
    if not item.worded:
        return wrong  # what a rule saw over days has statistics of its own
    extreme = fact.statistic in ("min", "max")
    fits = {fact.statistic} | ({"extreme"} if extreme else set())
    told = fact.statistic == "value" or (item.finding is not None and extreme)  # high says it: the highest
    unsaid = not said.statistics and not told
    if unsaid or said.statistics - fits:
        wrong.append(
            Wrong(kind="statistic", detail=f"{said.value}: {'/'.join(sorted(said.statistics)) or 'none'}")
        )
    return wrong


def _clocks(text: str, said: list[_Said], item: Item) -> list[Wrong]:
    """Hang each time of day on the number before it, or the first one; return those that belong to none.

    Behind `from` or `beginning` it is when a finding began.
    """
    wrong = []
    for clock in _CLOCK.finditer(text):
        before = [one for one in said if one.end <= clock.start()]
        if re.search(r"(?:from|beginning|beginning at|starting at|since) $", text[: clock.start()]):
            good = clock.group() == item.began[-5:]
        elif before or said:
            (before[-1] if before else said[0]).clocks.append(clock.group())
            good = True
        else:
            good = False
        wrong += [] if good else [Wrong(kind="time", detail=clock.group())]
    return wrong


def _names(text: str, item: Item) -> tuple[int, list[Wrong]]:
    """How many names of what was measured there are; another one than the item's, or none, is wrong."""
    own, found, left = _own(item), [], text
    for metric, pattern in _METRICS.items():
        found += [(metric, word) for word in re.findall(pattern, left)]
        left = re.sub(pattern, "#", left)
    fits = own | ({"glucose"} if own & {"sensor glucose", "blood sugar"} else set())
    wrong = [Wrong(kind="metric", detail=word) for metric, word in found if metric not in fits]
    if not any(metric in fits for metric, _ in found) and own <= set(_METRICS):
        wrong.append(Wrong(kind="metric", detail="none"))
    return max(len(found), 1), wrong


def _words(text: str, item: Item) -> tuple[int, list[Wrong]]:
    """Words of direction, comparison and time, and how many there are: which of them no fact bears."""
    statistics = "|".join((*_STATISTICS.values(), _RANGE_WORDS))
    rest = re.sub(statistics, "#", text)
    way = _direction(item)
    found = [("direction", word) for word in re.findall(_DIRECTION, rest)]
    wrong = [Wrong(kind=kind, detail=word) for kind, word in found if word not in way]
    wrong += [Wrong(kind="direction", detail=word) for word in re.findall(_DENIAL, rest)]
    if item.worded:
        compared = re.findall(_COMPARISON, rest)
        wrong += [Wrong(kind="comparison", detail=word) for word in compared]
        wrong += [Wrong(kind="time", detail=word) for word in re.findall(_WHEN, rest)]
        wrong += [Wrong(kind="value", detail=word) for word in re.findall(_SPELLED, rest)]
        wrong += [Wrong(kind="value", detail="minus") for _ in re.findall(r"(?:minus |(?<=\s)[-–−])#", rest)]
    return len(found) + sum(w.kind == "comparison" for w in wrong), wrong


def _direction(item: Item) -> frozenset[str]:
    """The words that say which way a finding is out; none for what no rule saw anything in."""
    rule = item.finding.rule if item.finding is not None else ""
    if rule == "fever":
        return frozenset({"fever", "high", "raised", "elevated"})
    if rule.startswith("irregular"):
        return frozenset({"irregular", "irregularly"})
    if rule.startswith("high"):
        return frozenset({"high", "raised", "elevated", "fast"})
    if rule.startswith("low"):
        return frozenset({"low", "reduced", "slow"})
    return frozenset()
