"""The fact sheet: what there is to say about a period, as ordered items, each with its own numbers.

An item is one sentence's worth: a finding, one vital sign, or what is not known. Its numbers are the only
ones that its sentence may have, and its subject decides which words may stand in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from healthslm.readings import Feature, Finding, Kind
from healthslm.slm.letters import plain
from healthslm.slm.subjects import Subject, split_name, subject_of

UNITS = {
    "/min": "bpm",
    "Cel": "°C",
    "mm[Hg]": "mmHg",
    "min": "minutes",
    "%": "%",
    "ms": "ms",
    "{steps}": "steps",
    "h": "hours",
    "m[g]": "mg",
    "uV": "µV",
}
"""UCUM to what a person reads; other units are written as they come."""
_SPARSE = 0.5
"""Below this share of the period a stream of readings is said to have gaps."""
_DAY = timedelta(hours=26)  # a day with the clocks set back, and some slack
_WEEK = timedelta(days=7)
_PER_MINUTE = (Kind.RESPIRATORY_RATE, Kind.CADENCE)
"""What is counted a minute without being heart beats."""
EPISODES = 3
"""Episodes of one rule that are told one by one; of the rest it is said that they are in the list."""
_LONGEST_LINE = 400
"""Characters of an item's line; each of its names and reasons is shorter by far."""
_EVIDENCE = 6
"""Numbers of a finding's sentence where nothing says which of them matter most."""


class Audience(StrEnum):
    """For whom a text is: the person who wears the devices, or their clinician."""

    WEARER = "wearer"
    CLINICIAN = "clinician"


class Role(StrEnum):
    """What an item is: what a rule saw, that it saw it more often, a vital sign, or what is not known."""

    FINDING = "finding"
    MORE = "more"
    VITAL = "vital"
    MISSING = "missing"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One number of an item: which statistic of which metric, its printed value and unit, and its time.

    `statistic` is `mean`, `min`, `max`, `latest`, `count` or `value`; `time` is `14:20`, or empty when it has
    none; `when` is how a sentence says it (`at 14:20`, `on Tuesday at 14:20`).
    """

    feature: Feature
    statistic: str
    value: str
    unit: str
    time: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One sentence's worth of facts; of what is missing, `reason` says why.

    `began` is how a sentence says when a finding's episode began (`at 14:20`).
    """

    id: str
    role: Role
    subject: Subject
    facts: tuple[Fact, ...] = ()
    finding: Finding | None = None
    reason: str = ""
    began: str = ""

    @property
    def direction(self) -> str:
        """Which way a finding is out of range; only then may its sentence say high or low."""
        return self.subject.direction if self.finding is not None else ""

    @property
    def worded(self) -> bool:
        """Whether a model may word it: there is a way to say just its values and what was found."""
        statistics = [f.statistic for f in self.facts]
        if not statistics or set(statistics) & {"count", "none", "coverage"}:
            return False
        if self.finding is None:
            return True
        said = len(statistics) == 1 or self.pressures is not None
        return said and bool(self.direction or self.subject.name == "irregular_rhythm")

    @property
    def numbers(self) -> frozenset[str]:
        """Every number that may stand in the item's sentence."""
        return frozenset(n for f in self.facts for n in (f.value, f.time) if n)

    @property
    def pressures(self) -> tuple[Fact, Fact] | None:
        """The systolic and the diastolic fact, told as one; not the extremes, which may lie apart."""
        upper = [f for f in self.facts if f.feature.kind is Kind.SYSTOLIC]
        lower = [f for f in self.facts if f.feature.kind is Kind.DIASTOLIC]
        if len(upper) != 1 or len(lower) != 1 or upper[0].statistic != lower[0].statistic:
            return None
        return (upper[0], lower[0]) if upper[0].statistic in ("mean", "latest") else None

    @property
    def line(self) -> str:
        """The item as one line of the fact sheet, for the model: harmless, whatever its names are."""
        return plain(self._line, _LONGEST_LINE)

    @property
    def _line(self) -> str:
        found = self.finding is not None
        pair = self.pressures
        if pair is not None:
            label = self.subject.label("", pair[0].statistic)
            parts = [f"{label} {pair[0].value} over {pair[1].value} {pair[1].unit}"]
        else:
            labelled = not found or self.subject.name in ("blood_pressure", "high_pressure")
            parts = [self._part(fact, labelled=labelled) for fact in self.facts]
        if not found and pair is None and len(self.facts) == 1:
            label = self.subject.label(self.facts[0].feature.name, self.facts[0].statistic)
            return f"{label} {self.subject.title}: {self._part(self.facts[0], labelled=False)}".strip()
        name = plain(self.finding.title.lower(), 60) if self.finding is not None else self.subject.title
        if found and self.subject.title not in name:
            parts = [f"{self.subject.title} {part}" for part in parts]
        return f"{name}: {', '.join(parts) or self.reason}"

    def _part(self, fact: Fact, *, labelled: bool) -> str:
        label = f"{self.subject.label(fact.feature.name, fact.statistic)} " if labelled else ""
        at = f" at {fact.time}" if fact.time else ""
        label = "for " if fact.feature.name == "irregular_minutes" else label
        return f"{label}{fact.value} {fact.unit}{at}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSheet:
    """All items, in the order in which they are told. `measured` says whether any number is known."""

    items: tuple[Item, ...]
    measured: bool
    found: bool


class _Clock:
    """Writes times as briefly as the period allows: the time, with the weekday, or with the date."""

    def __init__(self, zone: ZoneInfo, start: datetime | None, end: datetime | None) -> None:
        self.zone = zone
        self.span = end - start if start is not None and end is not None else timedelta(0)

    def time(self, at: datetime | None) -> str:
        """The local time of day; empty where the day would have to be said too (a model does not do that)."""
        return f"{at.astimezone(self.zone):%H:%M}" if at is not None and self.span <= _DAY else ""

    def when(self, at: datetime | None) -> str:
        """How a sentence says it; empty without a time."""
        if at is None:
            return ""
        local = at.astimezone(self.zone)
        if self.span <= _DAY:
            return f"at {local:%H:%M}"
        if self.span <= _WEEK:
            return f"on {local:%A at %H:%M}"
        return f"on {local.day} {local:%B at %H:%M}"


def _fact(feature: Feature, clock: _Clock) -> Fact:
    statistic = split_name(feature.name)[1]
    at = feature.at if statistic in ("min", "max", "latest") else None
    unit = UNITS.get(feature.unit, plain(feature.unit, 12))
    if statistic == "count":
        unit = "reading" if feature.text == "1" else "readings"
    elif feature.unit == "/min" and feature.kind in _PER_MINUTE:
        unit = "a minute"
    elif unit == "minutes" and feature.text == "1":
        unit = "minute"
    return Fact(
        feature=feature,
        statistic=statistic,
        value=feature.text,
        unit=unit,
        time=clock.time(at),
        when=clock.when(at),
    )


def _findings(findings: Iterable[Finding], clock: _Clock, episodes: int) -> list[Item]:
    """The most severe first, then by time; of one rule's many episodes a few, and that there are more."""
    items: list[Item] = []
    told: dict[str, int] = {}
    for finding in sorted(findings, key=lambda f: (-f.severity, f.start)):
        told[finding.rule] = told.get(finding.rule, 0) + 1
        known = [f for f in finding.evidence if f.value is not None]
        subject = subject_of(finding.rule, known[0].name if known else finding.rule)
        if told[finding.rule] > episodes:
            if told[finding.rule] == episodes + 1:
                items.append(
                    Item(id=f"{finding.rule}-more", role=Role.MORE, subject=subject, finding=finding)
                )
            continue
        names = {f.name: f for f in known}
        chosen = [names[n] for n in subject.statistics if n in names] or known[:_EVIDENCE]
        items.append(
            Item(
                id=finding.id,
                role=Role.FINDING,
                subject=subject,
                facts=tuple(_fact(f, clock) for f in chosen),
                finding=finding,
                began=clock.when(finding.start),
            )
        )
    return items


def _vitals(features: Sequence[Feature], clock: _Clock, told: set[tuple[str, str]]) -> list[Item]:
    """One item a subject, in the order in which the features come, with the statistics worth telling.

    `told` are the names and values that the findings' sentences have already.
    """
    groups: dict[str, list[Feature]] = {}
    subjects: dict[str, Subject] = {}
    for feature in features:
        if feature.value is None:
            continue
        subject = subject_of("", feature.name)
        subjects[subject.name] = subject
        groups.setdefault(subject.name, []).append(feature)
    if "heart_rate" in groups:
        groups.pop("pulse_rate", None)  # the same thing, less exactly measured
    items = []
    for name, group in groups.items():
        subject = subjects[name]
        by_name = {f.name: f for f in group}
        chosen = [by_name[n] for n in subject.statistics if n in by_name] or group[:3]
        facts = tuple(_fact(f, clock) for f in _distinct(chosen) if (f.name, f.text) not in told)
        if {f.statistic for f in facts} >= {"mean", "min", "max"}:
            facts = tuple(replace(f, time="", when="") for f in facts)  # a range needs no times
        if subject.told and facts:
            items.append(Item(id=name, role=Role.VITAL, subject=subject, facts=facts))
    return items


def _distinct(features: list[Feature]) -> list[Feature]:
    """Drop what would say the same thing twice: all statistics of a single reading are that reading."""
    kept: list[Feature] = []
    for feature in features:
        read = set(feature.readings)
        if len(read) != 1 or not any(k.kind is feature.kind and set(k.readings) == read for k in kept):
            kept.append(feature)
    return kept


def _missing(features: Sequence[Feature], known: set[str]) -> list[Item]:
    """What could not be computed, once a subject; not where another of its statistics is known."""
    items: dict[str, Item] = {}
    for feature in features:
        subject = subject_of("", feature.name)
        if feature.value is not None or subject.name in known or not subject.told:
            continue
        item = Item(
            id=f"{subject.name}-missing",
            role=Role.MISSING,
            subject=subject,
            reason=plain(feature.reason or f"no {subject.title} reading in this period", 200),
            facts=(Fact(feature=feature, statistic="none", value="", unit=""),),
        )
        items.setdefault(subject.name, item)
    return list(items.values())


def _gaps(features: Sequence[Feature], clock: _Clock) -> list[Item]:
    """Streams that covered less than half of the period, each with its coverage as a feature."""
    items: dict[Kind, Item] = {}
    for feature in features:
        share = feature.coverage
        subject = subject_of("", feature.name)
        known = feature.value is not None and subject.told and subject.name != "pulse_rate"
        if share is None or share >= _SPARSE or not known or feature.kind in items:
            continue
        covered = replace(
            feature, name=f"{feature.kind}_coverage", value=share * 100, unit="%", decimals=0, at=None
        )
        items[feature.kind] = Item(
            id=covered.name, role=Role.COVERAGE, subject=subject, facts=(_fact(covered, clock),)
        )
    return list(items.values())


def fact_sheet(
    findings: Iterable[Finding], features: Iterable[Feature], zone: ZoneInfo, *, episodes: int = EPISODES
) -> FactSheet:
    """Order what is known: findings by severity, then the vital signs, then gaps and what is missing.

    Of one rule's findings `episodes` are told, the worst; that there are more is said.
    """
    findings, features = tuple(findings), tuple(features)
    times = [t for f in features for t in (f.start, f.end)] + [t for f in findings for t in (f.start, f.end)]
    clock = _Clock(zone, min(times, default=None), max(times, default=None))
    found = _findings(findings, clock, episodes)
    vitals = _vitals(features, clock, {(f.feature.name, f.value) for item in found for f in item.facts})
    known = {subject_of("", f.name).name for f in features if f.value is not None}
    rest = [*_gaps(features, clock), *_missing(features, known)]
    return FactSheet(items=(*found, *vitals, *rest), measured=bool(vitals or found), found=bool(found))
