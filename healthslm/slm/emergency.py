"""Words of an emergency, heard by rules in whatever a person writes: the floor under the model.

In doubt it is one. Not meant is what is denied ("no chest pain"), plainly past ("a stroke in 2019"), a figure
of speech ("gave me a heart attack when I saw the price"), a question what a word means, and a faint that is
told as over; the model may still raise those.
"""

from __future__ import annotations

from healthslm.slm.not_meant import any_of, is_over, meant


def _near(one: str, other: str, *, within: int = 40) -> str:
    """Two stems in either order, at most `within` characters apart, in one sentence."""
    gap = rf"[^.?!]{{0,{within}}}?"
    return rf"(?:{one}){gap}\b(?:{other})|(?:{other}){gap}\b(?:{one})"


_CANNOT = (
    r"can'?t|cannot|can not|couldn'?t|can (?:barely|hardly)|barely|hardly|unable|hard(?:er)? to|difficult"
    r"|struggl|trouble|gasping|fighting"
)
_LIMB = r"arms?\b|legs?\b|hands?\b|face|mouth|(?:left|right|one) side|side of"
_FAILS = (
    r"(?:won'?t|can'?t|cannot|doesn'?t|not|will not) (?:really )?mov|numb|droop|(?:gone |gets? |got |is |are )weak\b"
    r"|weakness\b|paraly|hanging|sagging|lopsided|slipped|tingl|gone dead"
)
_LASTING = any_of(
    _near(
        r"chest", r"pain|hurt|ach(?:e|ing)|tight\b|crush|pressure|squeez|heav|burning|stabbing|elephant|vice"
    ),
    _near(_CANNOT, r"breath|air\b"),
    r"(?:very|so|really|severely|suddenly|awfully|terribly) (?:short (?:of|in) (?:breath|air)|breathless|out of breath)",
    r"(?:short of breath|breathless|out of breath) (?:at rest|sitting|lying|and (?:can|grey|gray|blue|sweat))",
    r"suffocating\b(?! in)|(?:no|any) air\b (?!there|in)|gasping",
    r"(?:not|isn'?t|stopp?(?:ed|s|ing)?) breathing|no (?:pulse|heartbeat)\b|breathing (?:has )?stopp",
    r"heart attack|heart (?:has )?stopped|cardiac arrest|having a stroke|had a stroke|(?:a|is it|this) stroke\b"
    r"|stroke symptoms",
    _near(r"lips?\b|face|fingertips|skin", r"blue|bluish|gr[ae]y|purple", within=20),
    _near(_LIMB, _FAILS, within=25),
    r"slurr|(?:can'?t|cannot) (?:speak|talk|move|see (?:anything|a thing|out|with|my|at all))\b|speech (?:is|has)"
    r"|suddenly (?:confused|blind|can'?t)|lost (?:my |his |her )?vision|gone blind",
    r"worst headache|thunderclap|sudden(?:ly)? (?:a )?(?:severe|terrible|massive) headache",
    r"(?:is|am|are|started|having a|keeps?) fit(?:s|ting)?\b(?! ?(?:bit|ness|only|for|and))|convuls|having a seizure",
    r"(?:is|am|are|i'm|he's|she's|been) chok(?:e|ing)\b(?! (?:on joy|up))",
    r"won'?t wake|can'?t wake (?:him|her|them|up|mum|dad|mother|father)|not waking|doesn'?t react|not responding"
    r"|unresponsive|not responsive|going to (?:faint|pass out|die)\b|about to (?:faint|pass out|die|collapse)",
    r"bleeding (?:a lot|heavily|won'?t stop|badly|out)|won'?t stop bleeding"
    r"|(?:cough|vomit|throw|spit|bring)\w*(?: up)? (?:bright |fresh |red |dark )?blood",
    r"(?:took|taken|swallow(?:ed)?) (?:far |way )?"
    r"(?:too (?:many|much)\b(?! (?:coffee|tea|filter|salt|cake|sun|time))|all (?:of |my |the |his |her )|the whole|the entire"
    r"|a whole|a (?:bottle|box)|an overdose|every)",
    _near(
        r"whole|entire|all (?:of )?(?:my|the|his|her)",
        r"(?:pills?|tablets?|bottle|box|pack|meds) .{0,20}(?:taken|took)",
    ),
    r"overdos(?:e|ed|ing)\b|poison(?:ed|ing)\b",
    _near(
        r"(?:took|taken|injected|had) .{0,30}(?:double|twice|two times|too much|too many)"
        r"|(?:double|twice) .{0,30}(?:took|taken|injected)|(?:took|taken|injected) .{0,30}insulin",
        r"insulin|shak|trembl|sweat|dizz|faint|dose|tablets?|pills?",
    ),
    r"(?:kill|hurt|harm|cut)(?:ing)? (?:myself|himself|herself)|suicid"
    r"|(?:want|wanna|going|wish i was|ready) (?:to )?(?:die|dead)\b",
    r"don'?t want to (?:live|be alive|be here)|(?:end|ending|take|taking) (?:it all|my (?:own )?life)|better off dead",
    r"am i dying|(?:i am|i'm|i think i'm|she is|he is|she's|he's) dying\b(?! (?:of|for|in|to|at)\b)",
    r"anaphyla|throat (?:is |feels )?(?:clos|swell|tight)|tongue (?:is )?swell|allergic shock",
    r"(?:call|need|get) (?:me )?(?:an )?ambulance|(?:call|ring|dial|phone)(?:ing)? (?:911|112|999)\b"
    r"|is (?:this|it) an emergency",
    _near(
        r"(?:oxygen|sats?|spo2|saturation)\D{0,20}(?:[4-7]\d|8[0-5])\b",
        r"dizz|faint|confus|breath|blue|drows|weak",
    ),
    _near(
        r"sugar is|glucose is|sugar (?:of|at|was) \d+|glucose (?:of|at) \d+|(?:low|my) sugar (?:and|,)",
        r"faint|shak|confus|drows|unconsc|pass(?:ed|ing)? out|can'?t stay awake",
    ),
)
_PASSING = any_of(
    _near(r"faint(?:ed|ing|s)?\b", r"dizz|heart (?:is )?(?:rac|pound)|racing|pounding|chest|just"),
    r"(?:i|she|he|mother|father|wife|husband|mum|mom|dad|just|have|has) (?:just )?"
    r"(?:fainted|blacked out|keeps? fainting)",
    r"seizures?\b|un(?:conscious)|not conscious|lost consciousness|losing consciousness|pass(?:ed|ing) out|collapsed"
    r"|doesn'?t respond|does not respond|can'?t be woken",
)


def is_emergency(text: str) -> bool:
    """Say whether words of an emergency stand in a normalised text (`hearing.normal`), whatever else does."""
    words = meant(text.replace("chest-", "chest ").replace("-", " ") if "chest-" in text else text)
    return bool(_LASTING.search(words) or (_PASSING.search(words) and not is_over(words)))
