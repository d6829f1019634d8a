"""The template's sentence for a finding: plain words for the wearer, the usual terms for the clinician."""

from __future__ import annotations

import re

from healthslm.readings import Kind
from healthslm.slm.facts import Fact, Item
from healthslm.slm.letters import plain
from healthslm.slm.pieces import Piece, Pieces, listed, numbers_in, pressure, value

_OVER = {"spo2_5min_low": " over five minutes", "spo2_5min_high": " over five minutes"}  # else a spot check
_CALLED = {
    "spo2_5min_low": "lowest five-minute median",
    "spo2_5min_high": "highest five-minute median",
    "glucose_in_30min": "forecast",
    "glucose_in_30min_error": "usual error of the forecast",
}
_UNITS = re.compile(r"_(?:ms|of_day)$")
_SHIFTED = {"days": "{} of the last days", "usual": "usual {}", "change": "change of {}"}
_WITHIN = {"3": "three days", "7": "a week"}
_SHIFTS = {
    "raised_resting_rate": ("resting heart rate", "above"),
    "lowered_variability": ("heart-rate variability at night", "below"),
}


def called(fact: Fact, item: Item) -> str:
    """What a number of a finding is called where the finding's title does not say it."""
    name = fact.feature.name
    if name in _CALLED:
        return _CALLED[name]
    gained = re.fullmatch(r"weight_gain_(\d+)_days", name)
    if gained:
        return f"weight gained within {_WITHIN.get(gained[1], 'days')}"
    base, _, last = name.rpartition("_")
    if last in _SHIFTED:
        title = _UNITS.sub("", base).replace("_", " ").replace("rmssd", "RMSSD").replace("spo2", "SpO2")
        return _SHIFTED[last].format(title)
    return item.subject.label(name, fact.statistic) or name.replace("_", " ")


def for_wearer(item: Item, place: int) -> Pieces:
    """The finding in plain words: what was seen, how much, when. `place` picks among wordings."""
    rule = item.finding.rule if item.finding is not None else ""
    first = item.facts[0] if item.facts else None
    if first is None:
        return for_clinician(item)
    when = value(first, when=True)
    pair = pressure(item)
    if rule == "fever":
        options: list[Pieces] = [
            ["Your temperature rose to ", *when, ", which counts as a fever"],
            ["Your temperature reached ", *when, ", and that is a fever"],
        ]
        return options[place % 2]
    if rule == "irregular_rhythm":
        began = [", beginning ", *numbers_in(item.began, first.feature)] if item.began else []
        return ["Your heart beat irregularly for about ", *value(first), *began]
    if rule == "high_glucose":
        return [f"Your {item.subject.title} was high for long, up to ", *when]
    if rule == "spo2_above_target":
        return ["Your oxygen saturation was above the target: ", *_lasting(first)]
    if item.direction and pair is not None:
        return [f"Your blood pressure was {item.direction}: ", *pair, " on average"]
    if item.direction and len(item.facts) == 1 and first.feature.kind in (Kind.SYSTOLIC, Kind.DIASTOLIC):
        return [f"Your blood pressure was {item.direction}: {called(first, item)} ", *value(first)]
    if item.direction and item.worded:
        return [f"Your {item.subject.title} was {item.direction}: ", *_lasting(first)]
    return _of_days(rule, item) or for_clinician(item)


def _lasting(fact: Fact) -> list[Piece]:
    """A value, over how long it lasted, and when."""
    lasted = _OVER.get(fact.feature.name, "")
    time = numbers_in(f"{',' if lasted else ''} {fact.when}", fact.feature) if fact.when else []
    return [*value(fact), lasted, *time]


def _of_days(rule: str, item: Item) -> Pieces | None:
    """What a rule saw over days, or sees coming."""
    facts = {fact.feature.name: fact for fact in item.facts}
    if rule == "low_glucose_soon" and "glucose_in_30min" in facts:
        return [
            "Your glucose may be low within half an hour: the forecast is ",
            *value(facts["glucose_in_30min"]),
        ]
    if rule in _SHIFTS:
        name, way = _SHIFTS[rule]
        recent = next((f for n, f in facts.items() if n.endswith("_days")), None)
        usual = next((f for n, f in facts.items() if n.endswith("_usual")), None)
        if recent is not None and usual is not None:
            against = [f" in the last days, {way} your usual ", *value(usual)]
            return [f"Your {name} has been ", *value(recent), *against]
    gains = [fact for name, fact in facts.items() if name.startswith("weight_gain_")]
    if rule == "weight_gain" and gains:
        most = max(gains, key=lambda fact: fact.feature.value or 0)
        within = f" within {_WITHIN.get(most.feature.name.split('_')[2], 'days')}"
        latest = facts.get("weight_latest")
        now = [", to ", *value(latest)] if latest is not None else []
        return ["Your weight rose by ", *value(most), within, *now]
    return None


def for_clinician(item: Item) -> Pieces:
    """The finding's title, then its evidence in the usual terms."""
    title = plain(item.finding.title, 60) if item.finding is not None else item.subject.clinical
    pair = pressure(item)
    if pair is not None:
        return [f"{title}: mean ", *pair]
    parts = [[f"{called(fact, item)} ", *value(fact, when=True)] for fact in item.facts]
    first = item.facts[0].feature if item.facts else None
    began = [", from ", *numbers_in(item.began.removeprefix("at "), first)] if item.began and first else []
    named = item.subject.clinical.lower() in title.lower() or not item.worded
    subject = "" if named else f"{item.subject.clinical} "
    return [f"{title}: {subject}", *listed(parts), *began] if parts else [title]
