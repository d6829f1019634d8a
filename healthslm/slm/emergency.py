"""Words of an emergency, heard by rules in whatever a person writes: the floor under the model.

In doubt it is one. Not meant is what is denied ("no chest pain"), plainly past ("a stroke in 2019"), a figure
of speech ("gave me a heart attack when I saw the price"), a question what a word means, and a faint that is
told as over; the model may still raise those.
"""

from __future__ import annotations

import re


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that finds any of these where a word begins."""
    return re.compile("|".join(rf"\b(?:{p})" for p in patterns))


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
_OVER = any_of(
    r"(?:fine|well|ok|okay|good|all right|alright|normal|myself|himself|herself|better|awake|grand|sound) (?:now|again)",
    r"(?:now|today|since|i am|he is|she is|i'm|he's|she's)(?: i am| he is| she is| i'm| completely| fully| quite| back to"
    r"| i was| feel)* (?:\d+% )?(?:fine|well|ok|okay|good|all ?right|alright|normal|myself|recovered|awake|sat up|squared away"
    r"|right as rain|eating|sitting|drinking|(?:his|her|my) old self)",
    r"c[ao]me (?:a)?round|came to\b|right as rain|recovered|old self|fully orientated|resumed|on my feet|all checks clear"
    r"|walked home|drove home|(?:quite|completely|entirely|totally) (?:myself|himself|herself|fine)|up in seconds|no bump"
    r"|(?:out|down)?,? ?(?:for )?(?:about|like|perhaps|just|once)?,? ?(?:a )?(?:few|couple of|matter of|ten|twenty|\d+) sec(?:ond)?s?\b|asking for food|(?:is|was) taking tea|sat up and|sits? with",
)
_COMPLAINT = (
    r"(?:chest (?:pain|tightness|hurting)|pains?|breathless\w*|(?:trouble|difficulty|weird) breathing|syncope|numbness|weakness"
    r"|seizures?|fainting|(?:spitting |coughing )?blood|suicidal \w+)\b"
)
_NOT = r"(?:no|nae|nil|without|not any|never any|absence of|nor)"
_DENIED = re.compile(
    rf"\b{_NOT}\b(?: \w+){{0,2}}? {_COMPLAINT}(?: (?:and|or) (?:no )?{_COMPLAINT})*"
    rf"|\bdenies\b(?:[,;/]? (?:\w+ )?(?:{_COMPLAINT}|cp\b|sob\b|palps\b|melaena\b|and\b|or\b))+"
    r"|\b(?:not|don'?t|doesn'?t|didn'?t|never)\b(?: \w+){0,3}? (?:kill|hurt|harm|cut)(?:ing)? (?:myself|himself|herself)"
    r"|breathing (?:is )?(?:no|not a) (?:trouble|problem|bother)"
    r"|(?:took|taken|takes|taking) (?:all )?(?:of )?(?:my|his|her|the) (?:\w+ ){0,2}(?:as|the right \w+ at) (?:told|prescribed|usual|the)\b"
)
_THINGS = (
    r"laptop|computer|printer|conveyor|pump|engine|boiler|fridge|router|telly|budgie|hamster|giraffe|teddy|doll(?:y|ie)?"
    r"|souffl[eé]|cake(?: stand)?|sourdough"
)
_SPEECH = any_of(
    r"(?:ga?ve|give|gives|giving)s? (?:me|him|her|us|everyone) (?:an? )?(?:heart attack|stroke)",
    r"(?:near(?:ly)?|almost|bout|practically|like to) (?:had|gave|have|gives?)(?: \w+)? an? (?:heart attack|stroke|seizure)",
    r"(?:heart attack|stroke) (?:almost\b|emoji|on a plate|as (?:they|people) say|what a price)",
    r"stroke of (?:genius|luck|midnight)|heart (?:has )?stopped,? ?(?:figurativ|a sec|when|price|at the|as they say)|figurativ|"
    r"heart attack when (?:i|he|she|we) (?:saw|read|heard|opened)|(?:truck|car) had a stroke",
    rf"(?:{_THINGS})(?:'s)? (?:has |have |had |is |having )*(?:an? )?(?:heart attack|stroke|seizure|fit|collapsed)\b",
    r"(?:says?|say|said|shouting|screaming) (?:that )?(?:he|she|i)(?:'s| is|'m| am) dying|dying to (?:see|know|meet|try)",
    r"(?<!not )(?<!no )(?<!stopped )laugh(?:ed|ing)?\b.{0,45}(?:can'?t|couldn'?t|cannot) breathe"
    r"|(?:can'?t|cannot|couldn'?t) breathe.{0,8}(?:😭|💀|lol|lmao|haha|(?:for |with )?laughing)",
    r"overdosed? (?:of|on) (?:\w+ )?(?:dashboards|chocolate|cake|cheese|coffee|netflix|telly|sun(?:shine)?|vla|eyeliner|biscuits)",
    r"collapsed in stitches|passed out at \d+ ?pm (?:lol|best)|suicid(?:e|al) (?:run|sprint)s?|suicides on the track|gasping for a (?:brew|cuppa|pint|rosie)",
    r"blue lips\W+(?:blue )?(?:raspberry|bilberry|blueberry|slush|ice ?pop|face ?paint|ink)",
)
"""Figures of speech, and what is no person."""
_EVENT = (
    r"(?:heart attack|stroke|cardiac arrest|seizures?|collaps(?:e|es|ed)|unconscious|passed out|fainted|(?:stopped|not) breathing|isn'?t breathing"
    r"|overdos\w+|poison\w+|anaphyla\w+|suicid\w+|convuls\w+|drown\w+|chest pain|(?:ring|call|dial) 999)"
)
_TOLD = (
    r"(?:film|movie|(?:on|new) (?:the )?(?:telly|tv|television|wireless|radio)|soap|serial|episode|programme|documentary|drama|casualty last night"
    r"|watch\w* casualty|shortland street|act (?:one|two|three)|murder mystery|dramatics|drill|role ?play|first aid|toolbox talk|cardiac class"
    r"|seizure training|ran the teaching|training\W|practis(?:e|ed|ing)|for practice|pretend(?:ed|ing)?|eulogy|by mistake|just for the file)"
)
_STORY = re.compile(rf"{_TOLD}.{{0,90}}?\b{_EVENT}|\b{_EVENT}.{{0,90}}?\b{_TOLD}")
"""A film, a lesson, a word that was looked up: what happens in it happens to nobody here."""
_PAST = any_of(
    r"(?:in |from |since )?(?:19|20)\d\d\b(?!-)", r"'\d\d\b|twenty (?:ten|\w+teen|twenty)\b|two thousand and \w+",
    r"last (?:year|month|summer|winter|spring|autumn)\b",
    r"(?:years?|months?|weeks?|decades?) ago\b|years (?:back|since)\b|ages ago", r"as a child\b", r"when i was (?:young|a child|\d|\w+teen|twelve|eleven|ten)\b",
    r"(?:heart attack|stroke|arrest|seizure|lung|clot) (?:at \d|was|in (?:january|february|march|april|may|june|july|august"
    r"|september|october|november|december))",
)  # fmt: skip
_NOW = any_of(
    r"(?<!fine )(?<!well )(?<!ok )now\b(?! (?:well|fine|ok))|right now|tonight|again\b|still\b(?! here)|just\b|suddenly|"
    r"(?:i am|i'm|he is|he's|she is|she's) having|having a|(?:my|i) .{0,30}\b(?:hurts|can'?t)\b"
)
_HISTORY = any_of(
    r"(?:what(?:'s| is| are| causes)|explain|define|tell me about|meaning of|how (?:does|is|common)|what does) "
    r"(?:an? |the )?(?:signs? of |symptoms? of |causes? of |risk of )?(?:an? )?(?:heart attack|stroke|cardiac arrest|"
    r"seizures?|overdose|chest pains?|suicide|anaphylaxis|fainting|shortness of breath|slurr\w+|angina|choking|"
    r"convulsions?|poisoning)\b"
)
_HAPPENS = any_of(
    rf"(?:i|i'm|i am|mum|dad|mother|father|husband|wife|gran|nan|my \w+|he|he's|she|she's) (?:is |am |has |had |just |now |suddenly |started )*(?:having )?(?:an? )?{_EVENT}",
    r"(?:now|right now|suddenly|this minute|help)\b",
)
"""What happens to somebody here, whatever was on the television."""
_MINE = any_of(r"i\b|i'm\b|my\b|me\b|she\b|he\b|her\b|his\b|we\b")


def is_emergency(text: str) -> bool:
    """Say whether words of an emergency stand in a normalised text (`hearing.normal`), whatever else does."""
    words = text.replace("chest-", "chest ").replace("-", " ") if "chest-" in text else text
    words = _SPEECH.sub(" ", _DENIED.sub(" ", words))
    if _PAST.search(words) and not _NOW.search(words):
        words = _without(_PAST, words)
    if _HISTORY.search(words) and not _MINE.search(words):
        words = _without(_HISTORY, words)
    if not _HAPPENS.search(words):
        words = _STORY.sub(" ", words)
    return bool(_LASTING.search(words) or (_PASSING.search(words) and not _OVER.search(words)))


def _without(pattern: re.Pattern[str], words: str) -> str:
    """Leave out the sentences in which a pattern is found: what is past in one says nothing of the next."""
    return " ".join(one for one in re.split(r"(?<=\.) ", words) if not pattern.search(one))
