"""What the name of a column, or the word for a kind in a row, means: a kind of reading, or why it is none."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from healthslm.readings import KINDS, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a name stands for: `kind`, or without one the `reason` why there is no reading behind it.

    `pair`: systolic and diastolic in one cell, as 120/80 (`kind` is systolic). `mean`: an average of many
    readings. Of several columns of one kind the one with the lowest `rank` is used. `flag`: a cuff's word on
    whether it found the heartbeat irregular.
    """

    kind: Kind | None = None
    reason: str = ""
    pair: bool = False
    mean: bool = False
    rank: int = 0
    flag: bool = False


_UNITS_IN_NAMES = frozenset(
    (
        "bpm",
        "min",
        "mins",
        "minutes",
        "mmhg",
        "kpa",
        "c",
        "f",
        "celsius",
        "fahrenheit",
        "deg",
        "degrees",
        "kg",
        "kgs",
        "lb",
        "lbs",
        "pounds",
        "pct",
        "percent",
        "mg",
        "dl",
        "mmol",
        "l",
        "kcal",
        "kj",
        "km",
        "m",
        "mi",
        "miles",
        "meters",
        "metres",
        "h",
        "hours",
        "ms",
        "s",
        "sec",
        "seconds",
        "beats",
        "breaths",
        "per",
        "1",
        "hg",
    )
)
_APPLE = re.compile(r"^hk(?:quantity|category)typeidentifier")
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"systol|sistol|^sys(?:bp|pressure|t)?$|^sbp$|bpsys", Kind.SYSTOLIC),
    (r"diastol|^dia(?:bp|pressure|st)?$|^dbp$|bpdia", Kind.DIASTOLIC),
    (r"meanarterial|^map$", Kind.MEAN_ARTERIAL),
    (r"spo2|sao2|o2sat|oxygensat|bloodoxygen|oxygenlevel|saturation|sauerstoffs|^o2$|^oxygen$", Kind.SPO2),
    (r"perfusion|^pi%?$", Kind.PERFUSION_INDEX),
    (r"respir|^resp(?:rate)?$|breath|atemfreq|atemzug", Kind.RESPIRATORY_RATE),
    (
        r"heartrate|heartbeat|^heart$|heart$|^hr$|^bpm$|^pulse?(?:rate)?$|herzfreq|herzschlag|puls$|^pouls$"
        r"|^pulso$|^polso$|^pr$|pulsfreq|pulsrate|cardia|hartslag|(?:resting|nrem|min|max|avg|mean|average|norm)(?:hr|bpm|pulse)$"
        r"|^(?:hr|bpm|pulse)(?:avg|mean|average|min|max)$",
        Kind.HEART_RATE,
    ),
    (r"(?<!at)(?<!con)temp(?!el|late|o(?!ral)|us)|^fieber|^fever", Kind.TEMPERATURE),
    (r"^(?:sgv|cgm|egv)|sensorgluc", Kind.SENSOR_GLUCOSE),
    (r"gluc|gluk|glyk|glic|blutzucker|bloodsugar|^bgl?$|^sugar$", Kind.GLUCOSE),
    (r"bodyfat|korperfett|koerperfett|fatpercent|^fat(?:%|ratio)?$|massagrassa|grasse", Kind.BODY_FAT),
    (r"^(?:body|target|goal|ideal)?weight|^wt|gewicht|^poids|^peso|^(?:body)?mass(?:kg|lbs?)?$", Kind.WEIGHT),
    (r"^(?:total|daily|numberof)?steps?(?:count|total|goal)?$|stepcount|^schritte|^pasos|^passi", Kind.STEPS),
    (r"calorie|kilocal|^kcal|energyburned|energyexpend|^(?:total|active)?energ(?:y|ie)$", Kind.ENERGY),
    (r"distan|strecke", Kind.DISTANCE),
    (
        r"asleep|sleep(?:duration|time|hours|minutes|mins?|hrs?)|^(?:total|hoursof|minutesof)?sleep$"
        r"|^schlaf(?:dauer|zeit)?$",
        Kind.SLEEP_DURATION,
    ),
)
_PAIR = re.compile(
    r"^(?:bp|nibp|bloodpressure|blutdruck|tension|tensionarterielle|presionarterial|pressionearteriosa"
    r"|bloeddruk)(?:reading|value)?$"
)
_BEATS = re.compile(r"^(?:rr|rri|nn|nni|ibi)(?:interval)?s?(?:ms|s)?$|hrv|rmssd|sdnn|ratevariab")
_FLAG = re.compile(r"irregular|unregelm|irregul|arr?h?ythmi|^ihb")
_COMPUTED = re.compile(
    r"norm(?!al)|score|points|ratio(?!n)|efficien|percentile|entropy|corr|zone|zscore|rank|label|flag|quality"
    r"|confidence|variab|disturb|^sd|std|variance|intensity|times[^t]|index"
)
_DIFFERENCE = re.compile(r"variation|deviation|delta|diff|change|trend|offset|relative|baseline")
_GOAL = re.compile(r"goal|target|ziel$|limit|threshold|alarm|alert|^(?:min|max)goal")
_EXTREME = re.compile(
    r"^(?:min|max|minimum|maximum|lowest|highest|peak)(?!ute)|(?:min|max|lowest|highest|peak)$"
)
_MEAN = re.compile(r"avg|average|mean(?!arterial)|median|durchschnitt|mittel|moyen")
_OF_A_DAY = re.compile(r"resting|ruhepuls|ruheherz|repos|reposo|nrem|sleeping|night")
_SKIN = re.compile(r"skin|wrist|night|sleep|haut|handgelenk|peau|piel|poignet|muneca|polso")
_SURROUNDINGS = re.compile(
    r"ambient|room|outside|outdoor|indoor|^air|weather|water|device|sensor|battery|cpu|umgebung|raum|luft"
)
_NO_SLEEP = re.compile(
    r"fall|awake|wake|after|inbed|latency|record|deep|rem|light|stage|start|end|onset|wach"
)
_PART = re.compile(r"active|logged|tracker|sedentary|moderate|light|very|goal")
_BY_CODE = {info.loinc: kind for kind, info in KINDS.items() if info.loinc}


def flat(name: str) -> str:
    """Return a name as small letters and digits without marks, units and signs between them."""
    low = unicodedata.normalize("NFKD", name.casefold())
    low = "".join(c for c in low if not unicodedata.combining(c))
    words = [word for word in re.split(r"[^a-z0-9%]+", low) if word]
    kept = [word for number, word in enumerate(words) if number == 0 or word not in _UNITS_IN_NAMES]
    return _APPLE.sub("", "".join(kept))


def meaning_of(name: str) -> Meaning | None:
    """Say what a name stands for; `None` where it has nothing to do with a vital sign."""
    if name.strip() in _BY_CODE:
        return Meaning(kind=_BY_CODE[name.strip()])
    short = flat(name)
    if _FLAG.search(short):
        return Meaning(reason="a cuff's word on the heartbeat, no reading", flag=True)
    if _BEATS.search(short):
        return Meaning(reason="beats and their variability are for: healthslm analyse rr FILE")
    if _PAIR.search(short):
        return Meaning(kind=Kind.SYSTOLIC, pair=True)
    kind = next((kind for pattern, kind in _KINDS if re.search(pattern, short)), None)
    if kind is None:
        return None
    why = _why_not(kind, short, name)
    if why:
        return Meaning(reason=why)
    mean = bool(_MEAN.search(short))
    return Meaning(kind=kind, mean=mean, rank=_rank(kind, short) + 4 * mean)


def _why_not(kind: Kind, short: str, name: str) -> str:
    """Why there is no reading of a kind behind a name that sounds like one; empty where there is."""
    if _GOAL.search(short):
        return "a goal or a limit, no reading"
    if _DIFFERENCE.search(short):
        return "a difference from something, no reading"
    if kind is Kind.TEMPERATURE and _SKIN.search(short):
        return "of the skin, which is colder than the body: neither fever nor hypothermia shows in it"
    if kind is Kind.TEMPERATURE and _SURROUNDINGS.search(short):
        return "of the surroundings or of a device, not of a body"
    if kind is Kind.HEART_RATE and _OF_A_DAY.search(short):
        return "one number of a day or a night, no reading"
    if kind is Kind.SLEEP_DURATION and _NO_SLEEP.search(short.replace("asleep", "")):
        return "no time asleep"
    if kind is Kind.DISTANCE and _PART.search(short):
        return "a part of the distance, or another count of it"
    if kind is Kind.ENERGY and re.search(r"intake|eaten|food|consumed", short):
        return "what was eaten, not what was spent"
    if kind not in (Kind.BODY_FAT, Kind.PERFUSION_INDEX) and _COMPUTED.search(short):
        return "a number computed from readings, no reading"
    if kind is not Kind.SLEEP_DURATION and (_EXTREME.search(short) or _smallest(name)):
        return "the extreme of a period, no reading"
    return ""


def _smallest(name: str) -> bool:
    """Whether `min` in a name means the least, not a minute: neither in brackets nor after a stroke."""
    bare = re.sub(r"[(\[].*?[)\]]|(?:/|per)[ _]*min\w*", " ", name.casefold())
    return bool(re.search(r"(?:^|[^a-z])min(?:imum)?(?:[^a-z]|$)", bare))


def _rank(kind: Kind, short: str) -> int:
    if kind is Kind.SLEEP_DURATION:
        return 0 if "asleep" in short else 1
    if kind is Kind.WEIGHT:
        return 1 if re.search(r"lbs?$|pounds?$", short) else 0
    if kind is Kind.ENERGY:
        return 1 if re.search(r"active|basal|resting|bmr", short) else 0
    return 1 if kind is Kind.HEART_RATE and of_a_pulse(short) else 0


def of_a_pulse(short: str) -> bool:
    """Say whether a flat name is one of a pulse, as an oximeter or a cuff counts it."""
    return "pul" in short or short == "pr"
