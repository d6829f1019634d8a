"""A call's result → one or a few sentences, each number a claim; fixed texts where nothing is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from healthslm.readings import Feature, Finding, Sentence, Summary
from healthslm.slm.facts import UNITS, Audience, fact_sheet
from healthslm.slm.languages import LANGUAGES
from healthslm.slm.letters import plain
from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.narrate import tell
from healthslm.slm.periods import Period
from healthslm.slm.pieces import Piece, compose, numbers_in
from healthslm.slm.roles import Writer
from healthslm.slm.tools import (
    Call,
    Compare,
    Devices,
    Emergency,
    Explain,
    Findings,
    Refuse,
    Relate,
    TimeInRange,
    Trend,
    Unclear,
    Value,
)
from healthslm.slm.topics import TOPICS

EMERGENCY = (
    "This can be an emergency. Call the emergency number now: 112 in Europe, 911 in North America, 999 in "
    "the UK, or the one of your country. Do not wait for a reading, and do not drive yourself. If you think "
    "of harming yourself, a crisis line listens too (988 in the US, 116 123 in the UK and much of Europe); "
    "you do not have to be alone with this."
)
_AMOUNTS = (Metric.STEPS, Metric.ENERGY, Metric.SLEEP_DURATION)
"""Metrics of which a single reading says nothing: they add up."""
_REFUSALS = {
    Refusal.DOSING: "I cannot say anything about medicines or doses. Ask your doctor or pharmacist; "
    "in doubt, before you take anything.",
    Refusal.DIAGNOSIS: "I cannot say what you have. I can show what was measured; your doctor can judge it. "
    "Ask me, for example: was anything unusual today?",
    Refusal.OTHER_PERSON: "I only know the readings of the person whose store is open.",
    Refusal.OFF_TOPIC: "I only answer questions about what your wearables measured.",
}


def answer(
    call: Call | Unclear,
    features: Sequence[Feature],
    *,
    zone: ZoneInfo,
    writer: Writer | None,
    findings: Sequence[Finding] = (),
    language: str = "",
    said: Callable[[Sentence], None] = lambda _sentence: None,
) -> Summary:
    """Say the result of a call: what `features` (in the order of the call's parts) and `findings` hold.

    The model may word a single value or a list of findings; everything else is the template's. The notice of
    an emergency is said in the `language` of the question too. `said` gets what the model words sentence by
    sentence, as `narrate.tell` has it.
    """
    match call:
        case Value() if features and not _worded_here(call):
            # Not every rule was asked, so nothing is said of that: `found` keeps the closing words out.
            sheet = replace(fact_sheet((), features, zone), found=True)
            told = tell(sheet, audience=Audience.WEARER, writer=writer, said=said)
            return replace(told, sentences=(*told.sentences, *_concerning(findings, zone)))
        case Findings():
            sheet = fact_sheet(findings, features, zone)
            return tell(sheet, audience=Audience.WEARER, writer=writer, said=said)
        case Explain():
            topic = TOPICS[call.topic]
            return _fixed(f"{topic.text} (Source: {topic.source}.)")
        case Refuse():
            return _fixed(_REFUSALS[call.reason])
        case Emergency():
            return notice(language)
        case Unclear():
            return _fixed(call.why)
        case Devices():
            return Summary(sentences=_devices(features, zone))
    if not features:
        return _fixed(f"No device here measures {call.metric.words}, so nothing can be said about it.")
    # A slope without an interval is known all the same.
    needed = features[:1] if isinstance(call, Trend) else features
    unknown = dict.fromkeys(f.reason for f in needed if f.value is None)
    if unknown:
        known = _fixed(" ".join(f"That is not known: {plain(reason, 200)}." for reason in unknown)).sentences
    else:
        known = (_computed(call, features, zone),)
    return Summary(sentences=(*known, *_concerning(findings, zone)))


def notice(language: str = "") -> Summary:
    """Return the notice of an emergency, first in another language where it is known, then in English."""
    own = LANGUAGES[language].emergency if language else ""
    return _fixed(f"{own} {EMERGENCY}".strip())


def _worded_here(call: Value) -> bool:
    """Say whether a value's sentence is this file's: of pressure, where two numbers pair, and of counts."""
    return _is_pressure(call.metric) or call.statistic is Statistic.COUNT or call.metric in _AMOUNTS


def _concerning(findings: Sequence[Finding], zone: ZoneInfo) -> tuple[Sentence, ...]:
    """What the rules found about the same thing, the worst first: a number alone can sound too good."""
    sentences = []
    for finding in findings[:2]:
        since = f"{finding.start.astimezone(zone):%A at %H:%M}"
        still = "still so at the last reading" if finding.ongoing else "over since"
        text = f" ({finding.severity.word}), beginning {since}, {still}."
        evidence = next((f for f in finding.evidence if f.value is not None), None)
        timed = numbers_in(text, evidence) if evidence is not None else [text]
        sentences.append(compose(f"The rules found: {plain(finding.title)}", timed))
        if finding.ongoing:  # what to do about something that is over is in the summary of its day
            sentences.append(Sentence(text=finding.action, origin="template"))
    return tuple(sentences)


def _fixed(text: str) -> Summary:
    return Summary(sentences=(Sentence(text=text, origin="template"),))


def _number(feature: Feature) -> list[Piece]:
    """A value with its unit."""
    unit = UNITS.get(feature.unit, plain(feature.unit, 12))
    return [(feature.text, feature), f" {unit}" if unit not in ("", "1") else ""]


def _within(period: Period, zone: ZoneInfo) -> str:
    """A period in words: one day, or from when to when."""
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    whole_day = (end - start).days == 1 and start.time() == end.time()
    if start.date() == end.date() or whole_day:
        return f"on {_day(start)}"
    return f"from {_day(start)} to {_day(end)}"


def _day(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B}"


def _computed(
    call: Value | Trend | Compare | TimeInRange | Relate, features: Sequence[Feature], zone: ZoneInfo
) -> Sentence:
    match call:
        case Value():
            return _value(call, features, zone)
        case Trend():
            return _trend(call, features, zone)
        case Compare():
            return _compare(call, features[0], features[1], zone)
        case TimeInRange():
            return _in_range(call, features[0], zone)
        case Relate():
            return _relate(call, features[0], zone)


def _amount(call: Value, feature: Feature, zone: ZoneInfo) -> Sentence:
    """Of what adds up: how much it came to, and when; or how much its days had."""
    when = _within(Period(start=feature.start, end=feature.end), zone)
    amount: list[Piece] = [(feature.text, feature)] if call.metric is Metric.STEPS else _number(feature)
    plural = call.metric is Metric.STEPS
    said = {
        Statistic.MEAN: " averaged ",
        Statistic.MIN: f" {'were' if plural else 'was'} at least ",
        Statistic.MAX: f" {'were' if plural else 'was'} at most ",
    }.get(call.statistic)
    name = "energy spent" if call.metric is Metric.ENERGY else call.metric.words
    if said is None:
        return compose(f"Your {name} came to ", amount, f" {when}.")
    days = f" day{'s' * (feature.count != 1)} with readings."
    return compose(f"Your {name}{said}", amount, f" a day {when}, over ", (str(feature.count), feature), days)


def _value(call: Value, features: Sequence[Feature], zone: ZoneInfo) -> Sentence:
    first = features[0]
    if call.metric in _AMOUNTS:
        return _amount(call, first, zone)
    name = f"{call.metric.words} pressure" if _is_pressure(call.metric) else call.metric.words
    if call.statistic is Statistic.COUNT:
        times = "time" if first.text == "1" else "times"
        return compose(f"Your {name} was measured ", (first.text, first), f" {times}.")
    pair = [(first.text, first), " over ", *_number(features[1])] if len(features) > 1 else _number(first)
    what = "blood pressure" if len(features) > 1 else name
    if call.statistic is Statistic.MEAN:
        when = f" {_within(call.period, zone)}" if call.period else ""
        return compose(
            f"Your {what} averaged ", pair, f"{when}, over ", (str(first.count), first), " measurements."
        )
    word = {Statistic.MAX: "highest", Statistic.MIN: "lowest"}.get(call.statistic, "latest")
    at = f" on {first.at.astimezone(zone):%A at %H:%M}" if first.at else ""
    return compose(f"Your {word} {what} was ", pair, numbers_in(at, first), ".")


def _is_pressure(metric: Metric) -> bool:
    return metric in (Metric.SYSTOLIC, Metric.DIASTOLIC)


def _trend(call: Trend, features: Sequence[Feature], zone: ZoneInfo) -> Sentence:
    slope, *ends = features
    magnitude = _size(slope)
    name, when = call.metric.words, _within(call.period, zone)
    if not float(magnitude):
        return compose(f"Your {name} did not change {when}.")
    unit = UNITS.get(slope.unit.removesuffix("/d"), slope.unit.removesuffix("/d"))
    verb = "fell" if slope.text.startswith("-") else "rose"
    said: list[Piece] = [f"Your {name} {verb} by about ", (magnitude, slope), f" {unit} a day {when}"]
    if any(end.value is None for end in ends):
        return compose(*said, ".")
    low, high = ends
    if float(low.text) < 0 < float(high.text):
        bounds: list[Piece] = ["a fall of ", (_size(low), low), " and a rise of ", (_size(high), high)]
    else:  # the verb says which way
        near, far = (high, low) if float(low.text) < 0 else (low, high)
        bounds = [(_size(near), near), " and ", (_size(far), far)]
    chance = float(low.text) <= 0 <= float(high.text)
    return compose(*said, "; most likely between ", bounds, ", so it may be chance." if chance else ".")


def _size(feature: Feature) -> str:
    """A change as it is written, without its sign."""
    return feature.text.removeprefix("-")


def _compare(call: Compare, one: Feature, other: Feature, zone: ZoneInfo) -> Sentence:
    word = {"mean": "averaged", "max": "reached", "min": "went down to", "latest": "was last"}.get(
        call.statistic.value, "came to"
    )
    a, b = float(one.text), float(other.text)
    verdict = "the same" if a == b else "higher" if a > b else "lower"
    return compose(
        f"Your {call.metric.words} {word} ", _number(one), f" {_within(call.period, zone)}, {verdict} "
        f"{'as' if a == b else 'than'} the ", _number(other), f" {_within(call.other_period, zone)}.",
    )  # fmt: skip


def _in_range(call: TimeInRange, share: Feature, zone: ZoneInfo) -> Sentence:
    low, high = (None if b is None else f"{b:g}" for b in (call.low, call.high))
    if low is not None and high is not None:
        bounds: list[Piece] = ["between ", (low, share), " and ", (high, share)]
    else:
        bounds = ["at or above " if low is not None else "at or below ", (low or high or "", share)]
    return compose(
        f"Your {call.metric.words} was ", bounds, " in ", _number(share), " of ", (str(share.count), share),
        f" readings {_within(call.period, zone)}.",
    )  # fmt: skip


def _relate(call: Relate, rho: Feature, zone: ZoneInfo) -> Sentence:
    value = rho.value or 0.0
    way = "in the same direction" if value > 0 else "in opposite directions"
    return compose(
        f"Your {call.metric.words} and {call.other_metric.words} moved {way} from day to day (correlation ",
        (rho.text, rho), ", over ", (str(rho.count), rho), f" days, {_within(call.period, zone)}); "
        "that does not say that one causes the other.",
    )  # fmt: skip


def _devices(batteries: Sequence[Feature], zone: ZoneInfo) -> tuple[Sentence, ...]:
    """One sentence a device; `Feature.name` carries the device's name for these."""
    if not batteries:
        return _fixed("No wearable is set up. See `healthslm devices scan`.").sentences
    sentences = []
    for feature in batteries:
        name = plain(feature.name, 60)  # the device chose it
        if feature.value is None:
            sentences.append(compose(f"{name}: {plain(feature.reason)}."))
            continue
        when = f"{feature.at.astimezone(zone):%A at %H:%M}" if feature.at else "a time not known"
        sentences.append(compose(f"{name}: battery ", _number(feature), f", last heard on {when}."))
    return tuple(sentences)
