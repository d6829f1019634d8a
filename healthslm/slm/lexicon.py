"""Lists of words that the mask and the checks share."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the set of words of a text."""
    return frozenset(text.split())


NUMBER_WORDS = words("""
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds
    thousand thousands million millions billion dozen dozens half halves quarter quarters third thirds
    twice thrice double doubled triple tripled
""")
"""Numbers written out, which no list of digits would catch. `one` is not here: it is a pronoun too."""

COMMON = words("""
    a an the of at in on and or to was were is it its that this which with from between for by as
    than over during while then both also about around has had been your s average averaged
    averaging averages mean highest lowest maximum minimum peak peaked peaking reached reaching
    recorded measured measurement measurements reading readings showed shows value values latest
    last most recent came ranged ranging range varied varying stood fell rose dropped dipped climbed
    went got level point lows highs time being patient patient's total totalled all
""")
"""Words that claim nothing by themselves. `not`, `normal`, `because`, days and hours are not among them."""

UNIT_WORDS = {
    "bpm": words("bpm beats beat per minute"),
    "%": words("percent"),
    "°C": words("c degrees celsius"),
    "mmHg": words("mmhg"),
    "ms": words("ms milliseconds"),
    "minutes": words("minutes"),
    "minute": words("minute"),
    "a minute": words("breaths per minute"),
    "mg/dL": words("mg dl"),
    "kg": words("kg"),
    "kcal": words("kcal"),
    "m": words("m"),
    "steps": words("steps"),
    "hours": words("hours"),
}

_MAX, _MIN = frozenset({"max"}), frozenset({"min"})
_MEAN, _LATEST, _TOTAL = frozenset({"mean"}), frozenset({"latest"}), frozenset({"total"})
_EITHER = frozenset({"min", "max"})
CUE_PHRASES = (
    ("as high as", _MAX),
    ("a high of", _MAX),
    ("up to", _MAX),
    ("as low as", _MIN),
    ("a low of", _MIN),
    ("down to", _MIN),
    ("most recent", _LATEST),
    ("on average", _MEAN),
    ("came to", _TOTAL),
    ("in all", _TOTAL),
)
"""Turns of phrase that say which statistic a number is, whatever the words in them say alone."""
CUES = {
    **dict.fromkeys(("highest", "maximum", "peak", "peaked", "peaking", "rose", "climbed"), _MAX),
    **dict.fromkeys(("lowest", "minimum", "fell", "dropped", "dipped"), _MIN),
    **dict.fromkeys(("average", "averaged", "averaging", "averages", "mean"), _MEAN),
    **dict.fromkeys(("latest", "last", "recent"), _LATEST),
    **dict.fromkeys(("reached", "reaching"), _EITHER),
    **dict.fromkeys(("total", "totalled"), _TOTAL),
}
"""Words that say which statistic the number after them is."""

ONCE = sorted({"high", "low", "irregular", "irregularly", "fever", "for", "ranged", *CUES})
"""Words that a sentence about one fact has once; twice is the stutter of a small model."""

DOSE = words("""
    mg mcg ml dose doses dosage tablet tablets pill pills capsule capsules insulin paracetamol acetaminophen
    ibuprofen aspirin medication medications medicine medicines drug drugs antibiotic antibiotics inhaler
    treatment prescription take
""")
DIAGNOSIS = words("""
    diagnosis diagnosed diagnose fibrillation afib flutter arrhythmia tachycardia bradycardia hypertension
    hypotension hypoxia hypoxemia hypoxaemia infection infected virus covid flu pneumonia sepsis copd asthma
    stroke attack failure disease disorder condition syndrome illness sick cancer diabetes embolism anxiety
    stress because caused causes indicating indicates indicate suggests suggesting suggest sign signs symptom
    symptoms risk
""")
REASSURANCE = words("""
    normal normally fine good great well healthy ok okay safe stable steady excellent perfect ideal reassuring
    worry worried concern concerning harmless typical expected acceptable optimal improved improving better
    nothing no not never without none don't doesn't didn't wasn't isn't
""")
ADVICE = words("""
    should must need needs please call see consult contact visit seek try avoid drink rest doctor hospital
    emergency ignore ensure consider recommend recommended keep continue stop monitor
""")

NAMES = {
    "oxygen saturation": r"(?:blood )?oxygen(?: saturation| level| saturation level)?(?: \(SpO2\))?|SpO2",
    "temperature": r"(?:body )?temperature",
    "heart rate": r"heart rate|pulse(?: rate)?",
    "pulse": r"heart rate|pulse(?: rate)?",
    "heart-rate variability": r"heart[- ]rate variability",
    "heart rhythm": r"(?:heart )?rhythm|heartbeat",
    "blood sugar": r"(?:capillary|blood) glucose|blood sugar",
    "sensor glucose": r"(?:sensor )?glucose",
    "breathing rate": r"breathing rate|respiratory rate",
    "step count": r"step count",
    "energy use": r"energy (?:use|expenditure)",
}
"""What a sentence may call the subject of a title; others are called by the title alone."""

_CALLED = {
    "mean": "average|mean",
    "min": "lowest|minimum",
    "max": "highest|maximum",
    "latest": "latest|last|most recent",
    "total": "total",
}
VERBS = {
    "mean": ("averaged {v}", "was {v} on average", "was on average {v}", "had an average of {v}"),
    "min": ("(?:fell|dropped|dipped|went down) to {v}", "had a (?:low|minimum) of {v}"),
    "max": (
        "(?:rose|climbed|went up) to {v}",
        "reached {v}",
        "peaked at {v}",
        "reached a (?:high|peak|maximum) of {v}",
    ),
    "total": ("came to {v}(?: in all)?", "was {v} in all", "totalled {v}"),
}
"""Ways to go on behind the subject, by statistic. What rises does so to its highest value, never by one."""
NOUNS = {
    **{s: (rf"(?:(?:its|the) )?(?:{c})(?: reading| value)? (?:was )?{{v}}",) for s, c in _CALLED.items()},
    "mean": ("(?:its|the) (?:average|mean) was {v}",),
}
"""Ways to begin a clause that has a subject of its own."""
PHRASES = {
    "mean": ("an average of {v}",),
    "min": ("a (?:low|minimum) of {v}", "(?:a|its|the) lowest reading (?:of|at) {v}"),
    "max": ("a (?:high|peak|maximum) of {v}", "(?:a|its|the) highest reading (?:of|at) {v}"),
    "latest": ("(?:a|its|the) (?:latest|most recent) reading (?:of|at) {v}",),
}
"""What can stand behind `with`."""
OPENINGS = {s: (rf"(?:{c}) (?:{{name}})(?: reading| value)? was {{v}}",) for s, c in _CALLED.items()}
"""Whole beginnings, behind `Your` or `The`."""
RANGED = (
    r"(?:ranged|varied) (?:between {min} and {max}|from {min} to {max})"
    r"|its range was (?:from )?{min} to {max}"
)
RANGING = (
    r"(?:ranging |varying )?(?:between {min} and {max}|from {min} to {max})"
    r"|with a range (?:of|from) {min} to {max}"
)
MOTION = r"\b(?:rose|climbed|went|fell|dropped|dipped|reached|peaked)\b"
"""Verbs of which a sentence has one at most: two would tell an order that no fact tells."""
