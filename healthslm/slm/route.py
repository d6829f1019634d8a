"""A question → one call of the fixed list. What is not understood is asked back, never guessed.

The tuned model reads the question; words of an emergency and of a dose are heard by rules, whatever it reads.
Without a model the rules hear all of it, and understand less.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from healthslm.errors import ModelError
from healthslm.slm import hearing, jobs, plan
from healthslm.slm.hearing import Heard
from healthslm.slm.languages import english_only, language_of
from healthslm.slm.letters import visible
from healthslm.slm.lines import Lines
from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.numbers import numbers_named
from healthslm.slm.periods import UnknownPeriodError, resolve
from healthslm.slm.roles import Reader
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

_log = logging.getLogger(__name__)

LONGEST = 2000
"""Characters of a question that are looked at; nobody asks more in one."""
_USUAL = {"trend": "last 30 days", "relate": "last 30 days"}
_MOST_NUMBERS = 40
_LONGEST_NUMBER = 10
_NOTHING = "There was no question. Ask, for example: what was my highest heart rate yesterday?"
_SYMPTOM = (
    "I cannot judge how you feel; I only know what was measured. If it is severe, sudden or getting worse, "
    "call the emergency number now (112, 911 or 999). Otherwise ask your doctor. If you think of harming "
    "yourself, call the emergency number or a crisis line (988 in the US, 116 123 in the UK and much of "
    "Europe); you do not have to be alone with this."
)
_CLOCK = (
    "I do not understand times of day yet. Ask, for example, for this morning, this afternoon, this evening, "
    "last night or the last 6 hours."
)
_AHEAD = "That lies ahead, and I only know what was measured. Ask, for example, about today or this week."
_SUMS = {Metric.STEPS, Metric.ENERGY, Metric.SLEEP_DURATION}
"""What is added up over a day rather than averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The call that a question became, and who read it: `model` or `template` (the rules).

    `language` is that of a question that is not in English, a key of `languages.LANGUAGES`.
    """

    call: Call | Unclear
    origin: str
    language: str = ""


def route(question: str, now: datetime, zone: ZoneInfo, reader: Reader | None = None) -> Routed:
    """Return the call that a question asks for, or `Unclear` with what to ask instead.

    A `reader` that fails (`ModelError`) is not asked again: a warning is logged, and the rules hear.
    """
    language = language_of(question)
    if hearing.emergency(question):
        return Routed(call=Emergency(), origin="template", language=language)
    if language:
        return Routed(call=Unclear(why=english_only(language)), origin="template", language=language)
    text = hearing.normal(question[:LONGEST])
    if not text:
        return Routed(call=Unclear(why=_NOTHING), origin="template")
    try:
        if reader is not None and reader.tuned:
            try:
                read = plan.read(_line(question, reader), now, zone)
            except ModelError as error:
                _log.warning("The question is heard by rules, because the model failed. %s", error)
            else:
                return Routed(call=_floor(text, read), origin="model")
        return Routed(call=_by_rules(text, now, zone), origin="template")
    except UnknownPeriodError as error:
        return Routed(call=Unclear(why=f"I do not know which time is meant: {error}."), origin="template")


def _line(question: str, reader: Reader) -> str:
    """What the model writes for a question. Raises `ModelError` where that is no call, whatever wrote it."""
    seen = visible(question)
    named = [n for n in numbers_named(seen[:LONGEST]) if len(n) <= _LONGEST_NUMBER and n.isascii()]
    named = named[:_MOST_NUMBERS]
    line = reader.line(jobs.call_for(seen), numbers=named).text
    if not Lines(named).holds(line):
        raise ModelError("What it wrote is no call.")
    return line


def _floor(text: str, read: Call | Unclear) -> Call | Unclear:
    """What rules hear as asking for a dose, or for a time that no period can be, is none of the model's."""
    if hearing.refusal(text) is Refusal.DOSING and read.tool not in ("refuse", "emergency", "unclear"):
        return Refuse(reason=Refusal.DOSING)
    if isinstance(read, Value | Trend | Compare | TimeInRange) and not hearing.hear(text).periods:
        if hearing.names_a_clock_time(text):
            return Unclear(why=_CLOCK)
        if hearing.lies_ahead(text):
            return Unclear(why=_AHEAD)
    return read


def _by_rules(text: str, now: datetime, zone: ZoneInfo) -> Call | Unclear:
    if (refusal := hearing.refusal(text)) is not None:
        return Refuse(reason=refusal)
    if hearing.is_symptom(text):
        return Unclear(why=_SYMPTOM)
    if hearing.names_a_clock_time(text):
        return Unclear(why=_CLOCK)
    if hearing.lies_ahead(text):
        return Unclear(why=_AHEAD)
    return _called(text, hearing.hear(text), now, zone)


def _called(text: str, heard: Heard, now: datetime, zone: ZoneInfo) -> Call | Unclear:
    period = heard.periods[0] if heard.periods else None

    def when(tool: str) -> str:
        return period or _USUAL.get(tool, "today")

    if hearing.about_devices(text):
        return Devices()
    if not heard.periods and (topic := hearing.explained(text)) is not None:
        return Explain(topic=topic)
    if hearing.about_rhythm(text) and heard.statistic is None:
        return Findings(period=resolve(when("findings"), now, zone))
    if not heard.metrics:
        if hearing.about_findings(text):
            return Findings(severity=hearing.severity(text), period=resolve(when("findings"), now, zone))
        if hearing.off_topic(text):
            return Refuse(reason=Refusal.OFF_TOPIC)
        return Unclear(
            why="I did not understand which measurement is meant. "
            "Ask, for example, for heart rate, oxygen, temperature or blood pressure."
        )
    metric = heard.metrics[0]
    if len(heard.metrics) > 1 and hearing.relates(text):
        return Relate(metric=metric, other_metric=heard.metrics[1], period=resolve(when("relate"), now, zone))
    if hearing.compares(text) and (len(heard.periods) > 1 or heard.usual_other):
        other = heard.periods[1] if len(heard.periods) > 1 else heard.usual_other
        return Compare(
            metric=metric,
            statistic=heard.statistic or _typical(metric),
            period=resolve(when("compare"), now, zone),
            other_period=resolve(other, now, zone),
        )
    if heard.low is not None or heard.high is not None:
        return TimeInRange(
            metric=metric, low=heard.low, high=heard.high, period=resolve(when("time_in_range"), now, zone)
        )
    if hearing.asks_for_trend(text):
        return Trend(metric=metric, period=resolve(when("trend"), now, zone))
    return _value(metric, heard, now, zone)


def _typical(metric: Metric) -> Statistic:
    return Statistic.TOTAL if metric in _SUMS else Statistic.MEAN


def _value(metric: Metric, heard: Heard, now: datetime, zone: ZoneInfo) -> Value:
    """One number: which statistic, of which time."""
    if heard.statistic is Statistic.LATEST or (heard.statistic is None and not heard.periods):
        # The latest there is; of a period only when one was named.
        period = resolve(heard.periods[0], now, zone) if heard.periods else None
        return Value(metric=metric, statistic=Statistic.LATEST, period=period)
    statistic = heard.statistic or _typical(metric)
    return Value(
        metric=metric,
        statistic=statistic,
        period=resolve(heard.periods[0] if heard.periods else "today", now, zone),
    )
