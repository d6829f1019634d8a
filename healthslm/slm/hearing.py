"""What can be heard in a question: emergencies, what must be refused, metrics, statistics, periods, bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from healthslm.slm.tools import Metric, Refusal, Statistic
from healthslm.slm.topics import TOPICS

MG_PER_MMOL = 18.0182
"""Glucose: 1 mmol/L in mg/dL (molar mass 180.156 g/mol)."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{p})" for p in patterns))


_EMERGENCY = _any(
    r"(?:can'?t|cannot|can not|couldn'?t|unable to|struggling to|hard to) (?:breathe|breath|catch (?:my|her|his) breath)\b",
    r"(?:not|stopped) breathing\b",
    r"chest (?:pain|hurts?|is hurting|pressure|tightness|feels? (?:very )?tight|is (?:very )?tight)",
    r"(?:pain|pressure|tightness|crushing|squeezing) (?:in|on|across) (?:my|the|her|his) chest",
    r"heart attack\b",
    r"(?:having|had) a stroke\b",
    r"face (?:is )?(?:drooping|droops|hanging)",
    r"(?:arm|leg|side|face) (?:is|has gone|went|feels) (?:suddenly )?(?:numb|paraly[sz]ed|weak)",
    r"slurr(?:ed|ing)\b",
    r"(?:un(?:conscious|responsive)|passed out|collapsed|won'?t wake up|not waking up)\b",
    r"(?:blue|gr[ae]y) lips|lips (?:are|have) (?:turned |gone )?(?:blue|gr[ae]y)",
    r"(?:bleeding (?:a lot|heavily|won'?t stop|badly)|won'?t stop bleeding|coughing up blood|vomiting blood)",
    r"(?:took|taken|swallowed) (?:too many|all my|all the|an overdose)|overdos(?:e|ed|ing)\b",
    r"(?:kill|hurt|harm)(?:ing)? myself|suicid|want to die|don'?t want to live|end my life",
    r"anaphyla|throat (?:is )?(?:closing|swelling)",
    r"(?:call|need) (?:an )?ambulance|911\b|112\b|999\b",
)
_DOSING = _any(
    r"(?:how (?:much|many)|what dose|which dose|what dosage|more|less|another|extra|double|skip|stop|start|halve|increase"
    r"|reduce|take|adjust|change)\b.{0,40}\b(?:insulin|units|dose|doses|dosage|tablets?|pills?|mg|medication|medicine|"
    r"meds|metformin|aspirin|ibuprofen|paracetamol|tylenol|beta ?blockers?|bisoprolol|metoprolol|warfarin|statins?|"
    r"water pills?|diuretics?|furosemide|inhaler|puffs|steroids?|prednisolone|oxygen (?:up|down|flow))\b",
    r"should i (?:take|inject|skip|stop taking)\b",
    r"(?:dose|dosage)\b",
)
_DIAGNOSIS = _any(
    r"do (?:i|you think i|we) have (?!an?y |enough|a fever|fever|readings|data)(?:an? |the )?\w+",
    r"(?:have i got|did i have|am i having|could i have|might i have|i have got) (?!any|enough|a fever|fever)",
    r"(?:is|could|might) (?:it|this|that) (?:be )?(?:an? )?(?:covid|flu|cancer|pneumonia|afib|atrial|heart failure|"
    r"infection|sepsis|diabetes|angina|serious|dangerous)",
    r"diagnos",
    r"what'?s wrong with me|what is wrong with me|what (?:disease|illness|condition)",
    r"am i (?:ill|sick|dying|diabetic|ok to)",
)
_OTHER_PERSON = _any(
    r"(?:my )?(?:neighbou?r|friend|colleague|co-?worker|boss|flatmate|room-?mate|ex)(?:'s|s'|s)?\b",
    r"(?:somebody|someone|anybody) else(?:'s)?",
    r"other (?:people|persons?|patients?)(?:'s?)?",
    r"the (?:president|king|queen|pope)",
)
_DEVICES = _any(
    r"batter(?:y|ies)\b",
    r"(?:strap|sensor|device|wearable|cuff|oximeter|thermometer|monitor|bluetooth)s?\b.{0,30}\b(?:connected|working|on"
    r"|alive|charged?|paired|lost|found|online|offline)\b",
    r"(?:connected|charged?|paired|online) ?(?:strap|sensor|device|wearable|cuff|oximeter|thermometer)?s?\?*$",
    r"(?:which|what|my) (?:devices|wearables|sensors)\b",
)
_FINDINGS = _any(
    r"anything (?:wrong|unusual|strange|odd|bad|to worry|i should|new|off|out of)",
    r"(?:worr(?:y|ied|ying)|concern(?:ed|ing)?|alarm(?:s|ing)?|alerts?|warnings?|findings?|problems?|issues?)\b",
    r"how (?:am i|was i|is (?:it|everything|my health)|are things|did i do|was (?:my|the) (?:day|night|week)|is (?:she|he)"
    r"|am i doing)",
    r"(?:everything|all) (?:ok|okay|fine|good|alright|all right|normal)",
    r"(?:summar|overview|what happened|do i have a fever|have a fever|need (?:a|to see a|to call a) doctor)",
)
_OFF_TOPIC = _any(
    r"(?:weather|poem|joke|story|football|soccer|recipe|capital of|translate|president|movie|film|music|song|news|"
    r"stock|bitcoin|homework|code|python|program a|write me|sing|politic|election|who won|ignore (?:all|the|your))"
)
_TREND = _any(
    r"(?:going|gone|go|went|goes|coming|come|came|creeping|trending) (?:up|down)",
    r"trend|improv|getting (?:better|worse|higher|lower)|(?:ris|fall|dropp|climb|increas|decreas|chang)(?:ing|ed|en)\b",
    r"over time|better or worse|up or down|develop(?:ed|ing|ment)",
)
_RELATE = _any(
    r"when\b|if\b|because|affect|influence|relat|correlat|linked?\b|connection|depend|together|go(?:es)? with"
)
_COMPARE = _any(r"than\b|compar|versus|vs\b|against (?:last|yesterday)|differen(?:t|ce)")
_EXPLAIN = _any(
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
    (Statistic.MAX, r"highest|max(?:imum)?|peak(?:ed)?|most|top(?! number)|worst (?:blood )?pressure"),
    (Statistic.MIN, r"lowest|min(?:imum)?(?! ?ute)|least|bottom(?! number)"),
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
          "his night": "last_night", "overnight": "last_night", "tonight": "today", "this morning": "today",
          "this afternoon": "today", "this evening": "today", "the past week": "last 7 days",
          "the past month": "last 30 days"}  # fmt: skip
_BOUND = re.compile(
    r"\b(?:(?P<between>between|from) (?P<a>\d+(?:[.,]\d+)?) ?(?:and|to|-) ?(?P<b>\d+(?:[.,]\d+)?)"
    r"|(?P<over>above|over|more than|higher than|greater than|at least|exceed\w*) (?P<high>\d+(?:[.,]\d+)?)"
    r"|(?P<under>below|under|less than|lower than|at most) (?P<low>\d+(?:[.,]\d+)?))"
    r" ?(?P<unit>mmol(?:/l)?|mg(?:/dl)?|°? ?f(?:ahrenheit)?|°? ?c(?:elsius)?|%|percent|bpm)?"
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
    """Return the question in lower case, with plain apostrophes and single spaces."""
    text = question.lower().replace("’", "'").replace("₂", "2")
    return " ".join(re.sub(r"[^\w\s'°%.,:/\-–]", " ", text).split())


def is_emergency(text: str) -> bool:
    """Say whether words of an emergency stand in it, whatever else does."""
    return bool(_EMERGENCY.search(text))


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
        return _converted(float(match[name].replace(",", ".")), metric, match["unit"] or "")

    if match["between"]:
        return number("a"), number("b")
    return (number("high"), None) if match["over"] else (None, number("low"))


def _converted(value: float, metric: Metric, unit: str) -> float:
    """To mg/dL and °C. Without a unit the size tells: nobody has 8 mg/dL, and nobody 100 °C."""
    if metric is Metric.GLUCOSE and (unit.startswith("mmol") or (not unit and value < 35)):
        return round(value * MG_PER_MMOL, 1)
    fahrenheit = "f" in unit or (not unit and value > 60)
    if metric is Metric.TEMPERATURE and fahrenheit:
        return round((value - 32) / 1.8, 1)
    return value
