"""A sentence for every item without a model: the text that stands alone, and the model's stand-in.

Two voices: plain words for the wearer, the usual terms for the clinician. Which of several wordings is taken
depends only on the item's place, so the same facts always read the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from healthslm.readings import Feature, Kind, Sentence, Severity
from healthslm.slm.facts import Audience, Fact, FactSheet, Item, Role
from healthslm.slm.finding_words import for_clinician, for_wearer
from healthslm.slm.letters import plain
from healthslm.slm.pieces import Piece, Pieces, compose, listed, numbers_in, pressure, value

ADVISED = "Advice to the wearer:"
"""What the clinician reads before a next step, which speaks to the wearer."""


def _by_statistic(item: Item) -> dict[str, Fact]:
    return {fact.statistic: fact for fact in item.facts}


def _spread(item: Item, subject: str, *, wearer: bool, place: int) -> Pieces | None:
    """A stream's average with its lowest and highest, when it has them."""
    facts = _by_statistic(item)
    if "mean" not in facts:
        return None
    mean = value(facts["mean"])
    low, high = facts.get("min"), facts.get("max")
    if low is not None and high is not None:
        between: Pieces = [(low.value, low.feature), " and ", *value(high)]
        if not wearer:
            return [
                f"{subject} averaged ",
                *mean,
                " (range ",
                (low.value, low.feature),
                " to ",
                *value(high),
                ")",
            ]
        options: list[Pieces] = [
            [f"{subject} averaged ", *mean, " and ranged between ", *between],
            [f"On average {subject[:1].lower()}{subject[1:]} was ", *mean, ", moving between ", *between],
        ]
        return options[place % 2]
    if low is not None:
        return [f"{subject} averaged ", *mean, "; the lowest reading was ", *value(low, when=True)]
    return [f"{subject} averaged ", *mean]


def _variability(item: Item, *, wearer: bool) -> Pieces:
    if wearer:
        return ["Your heart-rate variability (RMSSD) was ", *value(item.facts[0])]
    parts = [[f"{item.subject.label(f.feature.name, f.statistic)} ", *value(f)] for f in item.facts]
    return ["Heart-rate variability: ", *listed(parts)]


def _which(item: Item) -> str:
    """Of one pressure without the other, which of the two it is."""
    kinds = {fact.feature.kind for fact in item.facts}
    return f"{min(kinds)} " if len(kinds) == 1 and kinds <= {Kind.SYSTOLIC, Kind.DIASTOLIC} else ""


def _vital(item: Item, audience: Audience, place: int) -> Pieces:
    wearer = audience is Audience.WEARER
    if item.subject.name == "hrv":
        return _variability(item, wearer=wearer)
    name = f"{_which(item)}{item.subject.title if wearer else item.subject.clinical}"
    subject = f"Your {name}" if wearer else name
    facts = _by_statistic(item)
    if set(facts) == {"count"}:
        were = "was" if item.facts[0].unit == "reading" else "were"
        return [f"There {were} ", *value(item.facts[0]), f" of {subject[:1].lower()}{subject[1:]}"]
    pair = pressure(item)
    if pair is not None:
        return [f"{subject} {'averaged' if 'mean' in facts else 'was last'} ", *pair]
    spread = _spread(item, subject, wearer=wearer, place=place)
    if spread is not None:
        return spread
    if "total" in facts:
        return [f"{subject} came to ", *value(facts["total"]), " in all"]
    if set(facts) >= {"max", "latest"}:
        peak, last = value(facts["max"], when=True), value(facts["latest"], when=True)
        return [f"{subject} reached ", *peak, "; the latest reading was ", *last]
    if len(item.facts) == 1:
        return [_single(item, name, wearer=wearer), *value(item.facts[0], when=True)]
    return [f"{subject}: ", *listed([_labelled(item, fact) for fact in item.facts])]


def _labelled(item: Item, fact: Fact) -> list[Piece]:
    label = item.subject.label(fact.feature.name, fact.statistic)
    return [f"{label} " if label else "", *value(fact, when=True)]


def _single(item: Item, name: str, *, wearer: bool) -> str:
    """How a sentence with one number begins: it says which statistic the number is."""
    statistic = item.facts[0].statistic
    adjectives = {"latest": "latest ", "min": "lowest ", "max": "highest "}
    verb = "averaged" if statistic == "mean" else "was"
    return f"{'Your' if wearer else 'The'} {adjectives.get(statistic, '')}{name} {verb} "


def sentence(item: Item, audience: Audience, place: int = 0) -> Sentence:
    """Return the template's sentence for an item; `place` picks among wordings."""
    writers: dict[Role, Callable[[], Pieces]] = {
        Role.FINDING: lambda: for_wearer(item, place) if audience is Audience.WEARER else for_clinician(item),
        Role.VITAL: lambda: _vital(item, audience, place),
        Role.MORE: lambda: [f"Found at other times too: {_title(item)}; the list of findings has each"],
        Role.COVERAGE: lambda: _coverage([item], audience),
        Role.MISSING: lambda: [
            f"{item.subject.title} is not known: ",
            *numbers_in(item.reason, _feature(item)),
        ],
    }
    return compose(writers[item.role](), ".")


def _title(item: Item) -> str:
    """A finding's title within a sentence."""
    title = plain(item.finding.title, 60) if item.finding is not None else item.subject.title
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _feature(item: Item) -> Feature:
    return item.facts[0].feature


def _coverage(items: Sequence[Item], audience: Audience) -> Pieces:
    wearer = audience is Audience.WEARER
    parts = [
        [f"{item.subject.title if wearer else item.subject.clinical} for ", *value(item.facts[0])]
        for item in items
    ]
    opening = "There are gaps: readings cover " if wearer else "Gaps: readings cover "
    return [opening, *listed(parts), " of the time"]


def unknowns(items: Sequence[Item], audience: Audience) -> list[Sentence]:
    """Say what is missing: gaps in one sentence, what has no readings in another, the rest one each."""
    sentences = []
    gaps = [item for item in items if item.role is Role.COVERAGE]
    if gaps:
        sentences.append(compose(_coverage(gaps, audience), "."))
    missing = [item for item in items if item.role is Role.MISSING]
    absent = [item for item in missing if re.fullmatch(r"no [\w ]+ reading in this period", item.reason)]
    if absent:
        names: list[Pieces] = [[item.subject.title] for item in absent]
        about = " is known of your " if audience is Audience.WEARER else " is known of "
        sentences.append(compose("Nothing", about, listed(names), ": there were no readings."))
    rest = [item for item in missing if item not in absent]
    return sentences + [sentence(item, audience) for item in rest]


def action(item: Item, audience: Audience) -> Sentence | None:
    """The next step of a finding, in the rule's own words; never the model's.

    It is for the wearer to take. The clinician reads of the urgent ones what the wearer was told; the others
    stand beside the finding on the clinician's page.
    """
    if item.finding is None or not item.finding.action.strip():
        return None
    step = item.finding.action.strip()
    if audience is Audience.WEARER:
        return Sentence(text=step, origin="template")
    if item.finding.severity < Severity.URGENT:
        return None
    return Sentence(text=f"{ADVISED} {step}", origin="template")


def closing(sheet: FactSheet) -> Sentence | None:
    """What is said when there is no finding: neither silence nor an all-clear."""
    if not sheet.measured:
        text = "There are no usable readings in this period, so nothing can be said about it."
    elif not sheet.found:
        text = "None of the rules raised a finding; that does not mean that nothing is wrong."
    else:
        return None
    return Sentence(text=text, origin="template")
