"""What a Bundle tells, to be looked up: statistics by name and period, findings, times, texts, versions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from html import unescape
from typing import Any

from healthslm.readings import KINDS, Kind

Json = dict[str, Any]
_STANDARD = {"average": "mean", "minimum": "min", "maximum": "max", "sum": "total"}
_OURS = "urn:oid:"
_EXACT = timedelta(milliseconds=1)
"""To which a Bundle writes times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One number of an Observation or its component: UCUM code, the unit's name, and of when it is.

    `name` is our own name of the statistic, or the LOINC code of a figure; `value` is `None` where it has a
    reason instead.
    """

    name: str
    text: str
    value: Fraction | None
    ucum: str
    unit: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Bundle:
    """A Bundle, read apart from the code that writes it."""

    made: Json
    told: list[Told] = field(default_factory=list)
    counts: dict[tuple[str, datetime, datetime], tuple[int | None, Fraction | None]] = field(
        default_factory=dict
    )

    @classmethod
    def read(cls, data: bytes) -> Bundle:
        """Read a Bundle of R4 JSON; decimals keep their digits."""
        made = cls(json.loads(data, parse_float=Fraction))
        for one in made.of("Observation"):
            made._observation(one)
        return made

    def of(self, kind: str) -> list[Json]:
        """Return the resources of a type, in their order."""
        return [
            entry["resource"] for entry in self.made["entry"] if entry["resource"]["resourceType"] == kind
        ]

    def _observation(self, one: Json) -> None:
        if "subject" not in one or "code" not in one:
            return
        period = one.get("effectivePeriod")
        at = one.get("effectiveDateTime", "")
        if period:
            start, end = (datetime.fromisoformat(period[edge]) for edge in ("start", "end"))
        elif "T" in at:
            start = end = datetime.fromisoformat(at)
        else:
            return
        count, coverage = None, None
        for part in [*one.get("component", []), one]:
            codes = part["code"].get("coding", [])
            own = [c["code"] for c in codes if str(c["system"]).startswith(_OURS)]
            if "valueInteger" in part:
                count = int(part["valueInteger"])
            elif own == ["coverage"]:
                coverage = Fraction(part["valueQuantity"]["value"])
            elif "valueQuantity" in part or "dataAbsentReason" in part:
                amount = part.get("valueQuantity", {})
                for name in own or [c["code"] for c in codes][:1]:
                    self.told.append(
                        Told(
                            name=name,
                            text=part["code"].get("text", ""),
                            value=Fraction(amount["value"]) if amount else None,
                            ucum=amount.get("code", ""),
                            unit=amount.get("unit", ""),
                            start=start,
                            end=end,
                        )
                    )
        if period:
            self.counts.setdefault((one["code"].get("text", ""), start, end), (count, coverage))

    def values(
        self, name: str, *, ucum: str = "", start: datetime | None = None, end: datetime | None = None
    ) -> list[Fraction | None]:
        """Return the values of a statistic of a period; one in another unit than asked for is none."""
        found = [
            one
            for one in self.told
            if one.name == name
            and (start is None or abs(one.start - start) < _EXACT)
            and (end is None or abs(one.end - end) < _EXACT)
        ]
        return [one.value if one.ucum in ("", ucum) or not ucum else None for one in found]

    def amount(self, kind: Kind, start: datetime, end: datetime) -> tuple[int | None, Fraction | None]:
        """Return how many readings a kind's statistics stand on, and the share of the period in %."""
        return self.counts.get((f"{KINDS[kind].title}, statistics of the period", start, end), (None, None))

    @property
    def issues(self) -> list[Json]:
        """The findings in the order in which the Composition has them: theirs are the page's numbers."""
        by_url = {entry["fullUrl"]: entry["resource"] for entry in self.made["entry"]}
        section = next(s for s in self.of("Composition")[0]["section"] if s["title"] == "Findings")
        return [by_url[one["reference"]] for one in section.get("entry", [])]

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The period that the Composition is of."""
        period = self.of("Composition")[0]["event"][0]["period"]
        return datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"])

    def paragraphs(self, title: str) -> list[str]:
        """Return the lines of one of the Composition's texts."""
        texts = [s["text"]["div"] for s in self.of("Composition")[0]["section"] if s["title"] == title]
        return [unescape(line) for text in texts for line in re.findall("<p>(.*?)</p>", text)]

    @property
    def reasons(self) -> list[str]:
        """The reasons of everything that is absent, the longest first."""
        found = {node["dataAbsentReason"]["text"] for node in _nodes(self.made) if "dataAbsentReason" in node}
        return sorted(found, key=len, reverse=True)

    @property
    def versions(self) -> dict[str, str]:
        """What the gateway says of its own versions: `rule fever` to `4`."""
        gateways = [
            d for d in self.of("Device") if "not a medical device" in d.get("type", {}).get("text", "")
        ]
        return {v["type"]["text"]: v["value"] for d in gateways for v in d.get("version", []) if "value" in v}

    def severity(self, issue: Json) -> str:
        """Return the level of a finding in our own word."""
        return str(issue["detail"]).removeprefix("Severity: ").partition(".")[0]


def _nodes(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)
