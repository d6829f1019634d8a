"""What can be heard in a question: emergencies, what must be refused, metrics, statistics, periods, bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from healthslm.slm.abroad import is_emergency_abroad
from healthslm.slm.bounds import converted
from healthslm.slm.emergency import is_emergency
from healthslm.slm.letters import visible
from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.not_meant import any_of
from healthslm.slm.topics import TOPICS

_SYMPTOM = any_of(
    r"(?:feel|feeling|felt|am|i'm|get|getting|is) (?:so |very |a bit |a little |really )?(?:dizzy|faint|light-? ?headed|sick|ill|unwell|nauseous|awful|"
    r"terrible|weak|shaky|confused|strange|sweaty|clammy|hopeless|depressed|anxious)\b",
    r"dizz(?:y|iness)\b|light-?headed|palpitation|nause|vomit|shaking|trembling|sweating|headache|migraine",
    r"heart (?:is |was )?(?:pound|rac(?:e|ing)|flutter|skip|jump|hammer)",
    r"(?:hopeless|depressed|worthless|lonely|no reason to live|self-? ?harm)\b",
)
_MEDICINE = (
    r"insulin|\d+ units|tablets?|pills?|metformin|aspirin|ibuprofen|paracetamol|acetaminophen|tylenol|beta ?blockers?|\w+olol|\w+pril"
    r"|\w+sartan|\w+dipine|\w+statin|warfarin|apixaban|statins?|diuretics?|furosemide|inhalers?|puffs|salbutamol|ventolin|steroids?"
    r"|prednisolone|antibiotics?|amoxicillin|digoxin|morphine|codeine|nitro\w*|medication|medicines?|meds"
)
_DOSING = any_of(
    r"(?:how (?:much|many)|what dose|which dose|what dosage|more|less|another|extra|double|skip|stop|start|halve|increase"
    r"|reduce|take|adjust|change)\b.{0,40}\b(?:insulin|units|dose|doses|dosage|tablets?|pills?|mg|medication|medicine|"
    r"meds|metformin|aspirin|ibuprofen|paracetamol|tylenol|beta ?blockers?|bisoprolol|metoprolol|warfarin|statins?|"
    r"water pills?|diuretics?|furosemide|inhaler|puffs|steroids?|prednisolone|oxygen (?:up|down|flow))\b",
    r"(?:should|can|could|may|must|shall|ok(?:ay)?|safe|alright|better|enough|need) (?:i |to |if i |for me )*(?:to )?(?:take|inject|skip|stop|use|turn|start|"
    r"halve|double|increase|reduce|lower|raise|adjust|have (?:a|an|another|more|some)) (?!my (?:wearable|strap|sensor|cuff)|"
    r"(?:a |the |another |one more )?(?:measure|reading|walk|worry|exercis|strap|sensor|cuff|thermometer|oximeter))",
    r"(?:turn|set|put|switch)\b.{0,20}\b(?:oxygen|concentrator|flow)\b.{0,12}\b(?:up|down|off|higher|lower|to \d)|litres of oxygen",
    rf"(?:{_MEDICINE})\b.{{0,40}}\b(?:ok(?:ay)?|safe|enough|too (?:much|many)|alright|work|help)\b",
    rf"(?:safe|ok(?:ay)?|enough|is|are|can i|should i|take|took|use) .{{0,25}}\b(?:{_MEDICINE})\b",
    r"correction|bolus|(?:dose|dosage)\b",
)
_DIAGNOSIS = any_of(
    r"do (?:i|you think i|we) have (?!an?y |enough|a fever|fever|readings|data)(?:an? |the )?\w+",
    r"(?:have i got|did i have|am i having|could i have|might i have|i have got) (?!any|enough|a fever|fever)",
    r"(?:is|could|might) (?:it|this|that) (?:be )?(?:an? )?(?:covid|flu|cancer|pneumonia|afib|atrial|heart failure|"
    r"infection|sepsis|diabetes|angina|serious|dangerous)",
    r"diagnos",
    r"what'?s wrong with me|what is wrong with me|what (?:disease|illness|condition)",
    r"am i (?:ill|sick|dying|diabetic|ok to)",
)
_OTHER_PERSON = any_of(
    r"(?:my )?(?:neighbou?r|friend|colleague|co-?worker|boss|flatmate|room-?mate|ex)(?:'s|s'|s)?\b",
    r"(?:somebody|someone|anybody) else(?:'s)?",
    r"other (?:people|persons?|patients?)(?:'s?)?",
    r"the (?:president|king|queen|pope)",
)
_DEVICES = any_of(
    r"batter(?:y|ies)\b",
    r"(?:strap|sensor|device|wearable|cuff|oximeter|thermometer|monitor|bluetooth)s?\b.{0,30}\b(?:connected|working|on"
    r"|alive|charged?|paired|lost|found|online|offline)\b",
    r"(?:connected|charged?|paired|online) ?(?:strap|sensor|device|wearable|cuff|oximeter|thermometer)?s?\?*$",
    r"(?:which|what|my) (?:devices|wearables|sensors)\b",
)
_FINDINGS = any_of(
    r"anything (?:wrong|unusual|strange|odd|bad|to worry|i should|new|off|out of)",
    r"(?:worr(?:y|ied|ying)|concern(?:ed|ing)?|alarm(?:s|ing)?|alerts?|warnings?|findings?|problems?|issues?)\b",
    r"how (?:am i|was i|is (?:it|everything|my health)|are things|did i do|was (?:my|the) (?:day|night|week)|is (?:she|he)"
    r"|am i doing)",
    r"(?:everything|all) (?:ok|okay|fine|good|alright|all right|normal)",
    r"(?:summar|overview|what happened|do i have a fever|have a fever|need (?:a|to see a|to call a) doctor)",
)
_OFF_TOPIC = any_of(
    r"(?:weather|poem|joke|story|football|soccer|recipe|capital of|translate|president|movie|film|music|song|news|"
    r"stock|bitcoin|homework|code|python|program a|write me|sing|politic|election|who won|ignore (?:all|the|your))"
)
_TREND = any_of(
    r"(?:going|gone|go|went|goes|coming|come|came|creeping|trending) (?:up|down)",
    r"trend|improv|getting (?:better|worse|higher|lower)|(?:ris|fall|dropp|climb|increas|decreas|chang)(?:ing|ed|en)\b",
    r"over time|better or worse|up or down|develop(?:ed|ing|ment)",
)
_RELATE = any_of(
    r"when\b|if\b|because|affect|influence|relat|correlat|linked?\b|connection|depend|together|go(?:es)? with"
)
_COMPARE = any_of(r"than\b|compar|versus|vs\b|against (?:last|yesterday)|differen(?:t|ce)")
_EXPLAIN = any_of(
    r"what(?:'s| is| are| does| do)\b.{0,50}\b(?:mean|means|stand for)\b",
    r"(?:explain|define|tell me about|meaning of)\b",
    r"what(?:'s| is| are) (?!my |the (?:latest|last|highest|lowest|average|mean|max|min)|her |his )",
    r"how does .{1,40} work",
)

_METRICS: tuple[tuple[Metric, str], ...] = (
    (Metric.RESTING_HEART_RATE, r"resting (?:heart ?rate|pulse|hr)"),
    (Metric.HRV_RMSSD, r"hrv|rmssd|heart[- ]rate variability|variability"),
    (Metric.RESPIRATORY_RATE, r"respirat\w*|breathing rate|breaths?(?: per| a) minute"),
    (Metric.SPO2, r"sp ?o ?2|o2(?: sats?)?|sats?|saturation|oxygen|pulse ox\w*"),
    (Metric.HEART_RATE, r"heart[- ]?rates?|pulse|heart ?beats?|bpm|hr|how fast (?:is|was) my heart"),
    (Metric.TEMPERATURE, r"temperatures?|temps?|fever|body heat|how (?:hot|warm) (?:am|was) i"),
    (Metric.DIASTOLIC, r"diastolic|lower (?:blood )?pressure|bottom number"),
    (Metric.SYSTOLIC, r"systolic|(?:upper |blood )?pressure|bp|top number"),
    (Metric.GLUCOSE, r"glucose|blood sugar|sugars?"),
    (Metric.WEIGHT, r"weight|weigh(?:ed|s)?|kilos?|pounds heavier"),
    (Metric.BODY_FAT, r"body ?fat|fat (?:percentage|percent)"),
    (Metric.STEPS, r"steps?|walk(?:ed|ing)?"),
    (Metric.ENERGY, r"calories|energy|kcal|burn(?:ed|t)"),
    (Metric.SLEEP_DURATION, r"sleep|slept|asleep"),
)
_STATISTICS: tuple[tuple[Statistic, str], ...] = (
    (
        Statistic.MAX,
        r"highest|how high (?:did|has|was) .{1,40} (?:get|go|gone|got|climb|rise)|max(?:imum)?|peak(?:ed)?|most|top(?! number)|worst (?:blood )?pressure",
    ),
    (
        Statistic.MIN,
        r"lowest|how low (?:did|has|was) .{1,40} (?:get|go|gone|got|drop|fall)|min(?:imum)?(?! ?ute)|least|bottom(?! number)",
    ),
    (Statistic.MEAN, r"average[ds]?|mean|typical(?:ly)?|usual(?:ly)?|on average"),
    (
        Statistic.COUNT,
        r"how many (?:times|readings|measurements)|how often|number of (?:readings|times|measurements)",
    ),
    (
        Statistic.TOTAL,
        r"total|in all|altogether|how many (?:steps|calories)|how (?:long|much) (?:did i|have i) (?:sle|walk)",
    ),
    (
        Statistic.LATEST,
        r"latest|last (?:reading|measurement|value|one)|right now|now|current(?:ly)?|at the moment|most recent",
    ),
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_NUMBER_WORDS = {"a": 1, "an": 1, "couple of": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
                 "ten": 10, "twelve": 12, "fourteen": 14, "thirty": 30}  # fmt: skip
_PERIOD = re.compile(
    r"\b(?:(?P<date>\d{4}-\d\d-\d\d)(?: ?(?:to|until|-|and|\.\.) ?(?P<until>\d{4}-\d\d-\d\d))?"
    r"|(?P<span>(?:the )?(?:last|past|previous) (?P<count>\d{1,4}|couple of|\w+)? ?(?P<unit>hour|day|week|month)s)"
    r"|(?P<named>today|yesterday|last night|(?:my|the|her|his) night|tonight|overnight|(?:this|last|the past) (?:week|month)|this morning"
    r"|this afternoon|this evening)"
    rf"|(?P<weekday>{_WEEKDAY}))\b"
)
_NAMED = {"last night": "last_night", "my night": "last_night", "the night": "last_night", "her night": "last_night",
          "his night": "last_night", "overnight": "last_night", "tonight": "today", "this morning": "this_morning",
          "this afternoon": "this_afternoon", "this evening": "this_evening", "the past week": "last 7 days",
          "the past month": "last 30 days"}  # fmt: skip
_BOUND = re.compile(
    r"\b(?:(?P<between>between|from) (?P<a>\d+(?:[.,]\d+)?) ?(?:and|to|-) ?(?P<b>\d+(?:[.,]\d+)?)"
    r"|(?P<over>above|over|more than|higher than|greater than|at least|exceed\w*) (?P<high>\d+(?:[.,]\d+)?)"
    r"|(?P<under>below|under|less than|lower than|at most) (?P<low>\d+(?:[.,]\d+)?))"
    r" ?(?P<unit>mmol(?:/l)?|mg(?:/dl)?|°? ?f(?:ahrenheit)?|°? ?c(?:elsius)?|%|percent|bpm)?(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a question names, each in the order of its words. Bounds are in the metric's own unit."""

    metrics: tuple[Metric, ...]
    statistic: Statistic | None
    periods: tuple[str, ...]
    low: float | None
    high: float | None

    @property
    def usual_other(self) -> str:
        """What a single named period is compared with when nothing else is named."""
        usual = {"today": "yesterday", "this_week": "last_week", "this_month": "last_month"}
        return usual.get(self.periods[0], "") if self.periods else ""


def normal(question: str) -> str:
    """Return what is seen of the question in lower case, with plain apostrophes and single spaces."""
    text = visible(question).lower().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s'°%.,:/\-–]", " ", text).split())


_HEARD = 100_000
"""Characters of a text that are heard."""
_ONE_BREATH, _OVERLAP = 400, 250
"""Characters that are heard together, and of a longer sentence those that two parts share."""


def emergency(text: str) -> bool:
    """Say whether words of an emergency stand in a text, in English or in another language, however long it is.

    A pasted text is heard in parts, whole sentences where it has them: what is past or over in one part says
    nothing of another.
    """
    seen = visible(text[:_HEARD])[:_HEARD]
    return any(is_emergency(part) for part in _parts(normal(seen))) or is_emergency_abroad(seen)


def _parts(words: str) -> Iterator[str]:
    part = ""
    for sentence in re.split(r"(?<=\.) ", words):
        if len(part) + len(sentence) > _ONE_BREATH:
            yield part
            part = ""
        part = f"{part} {sentence}"
        while len(part) > _ONE_BREATH:
            yield part[:_ONE_BREATH]
            part = part[_ONE_BREATH - _OVERLAP :]
    yield part


_CLOCK = any_of(
    r"\d{1,2}:\d\d\b|\d{1,2}:\d\d ?[ap]m\b|\d{1,2} ?(?:am|pm|o'clock)\b",
    r"(?:at|around|since|until|before|after) (?:noon|midday|midnight)\b",
)
_AHEAD = any_of(
    r"tomorrow\b|next (?:hour|day|night|week|month|year|mon|tue|wed|thu|fri|sat|sun)|will (?:my|it|i)\b"
)


def names_a_clock_time(text: str) -> bool:
    """Say whether it names a time of day, which no period can be yet."""
    return bool(_CLOCK.search(text))


def lies_ahead(text: str) -> bool:
    """Say whether it asks about what is yet to come."""
    return bool(_AHEAD.search(text))


def is_symptom(text: str) -> bool:
    """Say whether it tells how somebody feels, short of the plain words of an emergency."""
    return bool(_SYMPTOM.search(text))


def refusal(text: str) -> Refusal | None:
    """Say why it must not be answered, if it must not."""
    if _DOSING.search(text):
        return Refusal.DOSING
    if _OTHER_PERSON.search(text):
        return Refusal.OTHER_PERSON
    if _DIAGNOSIS.search(text):
        return Refusal.DIAGNOSIS
    return None


def about_devices(text: str) -> bool:
    """Say whether it asks for the wearables themselves."""
    return bool(_DEVICES.search(text))


def about_rhythm(text: str) -> bool:
    """Say whether it asks for the rhythm, which only a rule judges."""
    return bool(re.search(r"\b(?:irregular\w*|rhythms?|arrhythmi\w*|a-?fib|skip\w* beats?|regular)\b", text))


def about_findings(text: str) -> bool:
    """Say whether it asks how things are."""
    return bool(_FINDINGS.search(text))


def off_topic(text: str) -> bool:
    """Say whether it is plainly about something else."""
    return bool(_OFF_TOPIC.search(text))


def asks_for_trend(text: str) -> bool:
    """Say whether it asks how something changes."""
    return bool(_TREND.search(text))


def relates(text: str) -> bool:
    """Say whether it asks if two things go together."""
    return bool(_RELATE.search(text))


def compares(text: str) -> bool:
    """Say whether it sets one time against another."""
    return bool(_COMPARE.search(text))


def severity(text: str) -> Literal["urgent", "emergency"] | None:
    """Return the level that it asks for, if it names one."""
    if re.search(r"\b(?:emergenc|life.threatening)", text):
        return "emergency"
    return "urgent" if re.search(r"\b(?:urgent|serious)", text) else None


def explained(text: str) -> str | None:
    """Return the topic that it wants explained."""
    if not _EXPLAIN.search(text) or re.search(r"\b(?:my|mine|her|his|i)\b", text):
        return None
    names = {name: key for key, topic in TOPICS.items() for name in topic.names}
    for name in sorted(names, key=len, reverse=True):  # "heart rate variability" before "heart rate"
        if re.search(rf"\b{re.escape(name)}\b", text):
            return names[name]
    return None


def hear(text: str) -> Heard:
    """Find what a normalised question names."""
    metrics = _metrics(text)
    statistic = next((s for s, words in _STATISTICS if re.search(rf"\b(?:{words})\b", text)), None)
    low, high = _bounds(text, metrics[0]) if metrics else (None, None)
    return Heard(metrics, statistic, _periods(text), low, high)


def _metrics(text: str) -> tuple[Metric, ...]:
    """The metrics in the order of their words; a longer name hides the shorter one in it."""
    found: list[tuple[int, Metric]] = []
    for metric, words in _METRICS:
        match = re.search(rf"\b(?:{words})\b", text)
        if match is not None:
            found.append((match.start(), metric))
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return tuple(metric for _, metric in sorted(found))


def _periods(text: str) -> tuple[str, ...]:
    found = []
    for match in _PERIOD.finditer(text):
        if match["date"]:
            found.append(f"{match['date']}..{match['until']}" if match["until"] else match["date"])
        elif match["span"]:
            count = match["count"] or "1"
            number = int(count) if count.isdigit() else _NUMBER_WORDS.get(count)
            if number is not None:
                found.append(f"last {number} {match['unit']}s")
        elif match["named"]:
            found.append(_NAMED.get(match["named"], match["named"].replace(" ", "_")))
        else:
            found.append(match["weekday"])
    return tuple(found)


def _bounds(text: str, metric: Metric) -> tuple[float | None, float | None]:
    """The bounds that are named, low first, converted to the metric's own unit."""
    match = _BOUND.search(_PERIOD.sub(" ", text))  # a date is no bound
    if match is None:
        return None, None

    def number(name: str) -> float:
        return converted(float(match[name].replace(",", ".")), metric, match["unit"] or "")

    if match["between"]:
        return number("a"), number("b")
    return (number("high"), None) if match["over"] else (None, number("low"))
