"""The findings on a page, held to the Bundle's DetectedIssues, the table of findings and the readings."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.evaluation.page_check import (
    CHOSEN,
    CLOCK,
    FINDING,
    NAME,
    NUMBER,
    RULE,
    VERSION,
    WORDS,
    Check,
    lasting,
    plain,
)
from healthslm.readings import Kind
from healthslm.rules import RULES

_WORDS = "emergency|urgent|watch|info"
_WHEN = (
    r" ?(?:(?P<times>\d+) times(?: \((?P<levels>[^)]*)\))?, "
    rf"begun between (?P<first>{CLOCK}) and (?P<last>{CLOCK}); worst: )?"
    rf"(?:at (?P<only>{CLOCK})|since (?P<since>{CLOCK}), still so at (?P<still>{CLOCK}) \((?P<so>[^)]*)\)"
    rf"|(?P<begin>{CLOCK}) to (?P<close>{CLOCK}) \((?P<length>[^)]*)\))"
)
_PERSONAL = (
    rf"(?P<name>\w+) (?P<value>{NUMBER}) \S+ \(usual (?P<usual>{NUMBER})\): "
    r"set by .{1,60}? on (?P<date>\d{4}-\d\d-\d\d)"
)
Row = dict[str, Any]


def check_findings(check: Check) -> None:
    """Judge every number of the findings: which, when, how long, how often, evidence, rule, source."""
    marks, region = check.marks, check.region("What the rules found")
    rows, issues = check.truth.findings, check.bundle.issues
    severities = [check.bundle.severity(issue) for issue in issues]
    _levels(check, region, severities)
    personal(check)
    groups, starts = check.groups, []
    for number, places in enumerate(groups, start=1):
        row, issue = rows[places[0]], issues[places[0]]
        same = row["rule"] == issue["code"]["coding"][0]["code"] and row["severity"] == severities[places[0]]
        head = rf"(?<![\d:.,]){number} {row['severity'].upper()} {plain(issue['code']['text'])}"
        for found in marks.search(head, region) if same else ():
            starts.append((found.start(), found.end(), places))
            marks.judge(found.span(), FINDING)
    starts.sort()
    ends = [*(start for start, _, _ in starts[1:]), region[1]][: len(starts)]
    for (_, begin, places), end in zip(starts, ends, strict=True):
        _when(check, (begin, end), rows[places[0]], [rows[place] for place in places])
        _evidence(check, (begin, end), rows[places[0]], issues[places[0]])
        _rule(check, (begin, end), rows[places[0]], issues[places[0]])
    rest = [severities[places[0]] for places in groups[len(starts) :]]
    for found in marks.search(r"And (\d+) more \(([^)]*)\) not printed", region):
        marks.judge(found.span(1), FINDING, found[1] == str(len(rest)), len(rest))
        _counts(check, found.span(2), rest)
    for found in marks.search(r"(\w+) v(\d[^\s,)]*)", region):
        wanted = check.bundle.versions.get(f"rule {found[1]}")
        marks.judge(found.span(2), VERSION, found[2] == wanted, wanted)


def _levels(check: Check, region: tuple[int, int], severities: Sequence[str]) -> None:
    for found in check.marks.search(rf"What the rules found: ((?:\d+ (?:{_WORDS})(?:, )?)+)", region):
        _counts(check, found.span(1), severities)


def _counts(check: Check, span: tuple[int, int], severities: Sequence[str]) -> None:
    counts = Counter(severities)
    for found in check.marks.search(rf"(\d+) ({_WORDS})", span):
        check.marks.judge(found.span(1), FINDING, found[1] == str(counts[found[2]]), counts[found[2]])


def _when(check: Check, block: tuple[int, int], row: Row, others: Sequence[Row]) -> None:
    found = re.compile(_WHEN.replace(" ", r"\s+").replace(r"\s+?", r"\s*")).match(check.marks.text, *block)
    if not found:
        return
    start, end = row["start"], row["end"]
    local = start.astimezone(check.truth.zone).date()
    times = [other["start"] for other in others]
    if found["times"]:
        check.marks.judge(found.span("times"), FINDING, found["times"] == str(len(others)), len(others))
        if found["levels"]:
            _counts(check, found.span("levels"), [other["severity"] for other in others])
        check.clock(found, "first", min(times), FINDING, None)
        check.clock(found, "last", max(times), FINDING, None)
    for group, at, day in (
        ("only", start, check.day),
        ("since", start, check.day),
        ("begin", start, check.day),
        ("still", end, local),
        ("close", end, local),
    ):
        check.clock(found, group, at, FINDING, day)
    for group in ("so", "length"):
        if found[group]:
            told = " ".join(found[group].split())
            check.marks.judge(found.span(group), FINDING, told == lasting(end - start), lasting(end - start))


def _evidence(check: Check, block: tuple[int, int], row: Row, issue: Row) -> None:
    """Each number that a finding stands on, in order: by the Bundle, and by the store where it can be."""
    begin = block[0]
    for one, told in zip(row["evidence"], issue.get("evidence", ()), strict=True):
        title, _, value = told["code"][0]["text"].partition(": ")
        if one["value"] is None:
            check.marks.match(plain(title), NAME, block)
            continue
        unit = plain(value.partition(" ")[2])
        pattern = (
            rf"(?P<title>{plain(title)}) (?P<value>{NUMBER})(?! times){' ' if unit else ''}{unit}"
            rf"(?: at (?P<at>{CLOCK}))?(?: \(n=(?P<n>\d+)\))?"
        )
        found = next(check.marks.search(pattern, (begin, block[1])), None)
        if found is None:
            continue
        begin = found.end()
        check.marks.judge(found.span("title"), NAME)
        start, end = (datetime.fromisoformat(one[edge]) for edge in ("start", "end"))
        stored, at = _of_readings(check, one, start, end)
        values = check.bundle.values(one["name"], ucum=one["unit"], start=start, end=end)
        check.marks.value(found.span("value"), stored=stored, told=values or [None])
        told_at = one["at"] and datetime.fromisoformat(one["at"]).astimezone(ZoneInfo("UTC"))
        same = at is None or told_at == at
        check.clock(found, "at", told_at if same else None, FINDING, check.day)
        if found["n"]:
            check.marks.judge(found.span("n"), FINDING, found["n"] == str(one["count"]), one["count"])


def _of_readings(
    check: Check, one: Row, start: datetime, end: datetime
) -> tuple[Fraction | None, datetime | None]:
    kind = Kind(one["kind"])
    which = str(one["name"]).removeprefix(f"{kind}_")
    if which not in ("latest", "mean", "min", "max"):
        return None, None
    known = check.truth.statistic(kind, which, start, end)
    if known is None:
        return None, None
    return known[0], None if which == "mean" else check.truth.local(known[1])


def _rule(check: Check, block: tuple[int, int], row: Row, issue: Row) -> None:
    marks, detail = check.marks, str(issue["detail"])
    for text in (row["source"], "; ".join(_texts(row["missing"])), row["personal"]):
        if text.rstrip(".") in detail:
            marks.quote(text.rstrip("."), RULE, block)
    for action in issue.get("mitigation", ()):
        marks.quote(action["action"]["text"], RULE)
    for found in marks.search(rf"Rule {plain(row['rule'])} v([^\s,]+)", block):
        right = f"Rule {row['rule']}, version {found[1]}." in detail
        marks.judge(found.span(1), VERSION, right, detail)


def _texts(array: str) -> list[str]:
    return list(json.loads(array))


def personal(check: Check) -> None:
    """Judge each threshold that was set for the person: the number, the rule's own, and on which day."""
    usual = {one.name: one.value for rule in RULES for one in rule.thresholds}
    set_on = check.truth.start.astimezone(check.truth.zone).date().isoformat()
    wanted = {name: value for _, name, value in check.chosen}
    for line in check.bundle.paragraphs("Thresholds set for this person"):
        check.marks.quote(re.sub(r"^.*? on \d{4}-\d\d-\d\d, ", "", line), WORDS)
    for found in check.marks.search(_PERSONAL):
        value, own = wanted.get(found["name"]), usual.get(found["name"])
        check.marks.judge(
            found.span("value"), CHOSEN, f"{value:g}" == found["value"] if value else False, value
        )
        check.marks.judge(found.span("usual"), RULE, f"{own:g}" == found["usual"] if own else False, own)
        check.marks.judge(found.span("date"), CHOSEN, found["date"] == set_on, set_on)
