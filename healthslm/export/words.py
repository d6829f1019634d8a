"""What the page and the Bundle have in common: names of features, clean text, times, the data's hash."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from healthslm.analysis.names import CONSENSUS, statistic, title, unit, value
from healthslm.errors import ExportError
from healthslm.readings import KINDS, Finding, Kind, Review, Threshold, Window
from healthslm.text import clean

_BY_UCUM: dict[str, set[str]] = {}
for _info in KINDS.values():
    _BY_UCUM.setdefault(_info.ucum, set()).add(_info.unit)
_UNITS = {ucum: next(iter(units)) for ucum, units in _BY_UCUM.items() if len(units) == 1 and ucum != "1"}
"""Units as a person reads them, where all kinds with the same UCUM agree: `/min` are beats, or breaths."""
_LONG_DAY = timedelta(hours=25)
"""As long as a day is when the clocks go back."""

__all__ = [
    "CONSENSUS",
    "check",
    "clean",
    "clock",
    "day",
    "fingerprint",
    "lasting",
    "models",
    "ordered",
    "personal",
    "rules",
    "signed",
    "statistic",
    "threshold",
    "title",
    "unit",
    "usable",
    "value",
    "whole_days",
    "windows",
    "zone",
]


def zone(review: Review) -> ZoneInfo:
    """Return the review's time zone. Raises `ExportError` naming one that does not exist."""
    try:
        return ZoneInfo(review.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExportError(
            f"{clean(review.timezone, 60)!r} is no time zone.",
            "Use a name like Europe/Berlin in settings.toml.",
        ) from error


def check(review: Review) -> None:
    """Raise `ExportError` where a review's period cannot be drawn or written."""
    times = {"start": review.start, "end": review.end, "made_at": review.made_at}
    for name, at in times.items():
        if at.tzinfo is None:
            raise ExportError(f"The review's {name} has no time zone.", "Give an aware time.")
    if review.end <= review.start:
        raise ExportError("The period to export ends before it starts.", "Ask for a later end.")


def windows(review: Review) -> dict[Kind, Window]:
    """Return the review's windows, each cut to exactly its period: axes and gaps are those of the period."""
    return {kind: window.between(review.start, review.end) for kind, window in review.windows.items()}


def usable(window: Window) -> Window:
    """Return the readings that can be drawn: usable, and numbers at all."""
    good = window.usable()
    return good.where(np.isfinite(good.values))


def lasting(span: timedelta) -> str:
    """Return a span of time as `2 h 05 min`, `7 min` or `40 s`."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def day(review: Review) -> datetime | None:
    """Return the day whose times need no date; none in a period of several days."""
    return None if review.end - review.start > _LONG_DAY else review.start


def whole_days(start: datetime, end: datetime, tz: ZoneInfo) -> tuple[date, date] | None:
    """Return the first and the last day of a period by the clock of a zone; `None` where it cuts one."""
    first, last = start.astimezone(tz), end.astimezone(tz)
    if {first.time(), last.time()} != {time()}:
        return None
    return first.date(), last.date() - timedelta(days=1)


def clock(time: datetime, tz: ZoneInfo, day: datetime | None = None) -> str:
    """Return local `14 Mar 14:05`; without the date on the day of `day`, whose end is `24:00`."""
    local = time.astimezone(tz)
    if day is not None:
        midnight = f"{local:%H:%M:%S.%f}" == "00:00:00.000000"
        if local.date() == day.astimezone(tz).date():
            return f"{local:%H:%M}"
        if midnight and (local - timedelta(microseconds=1)).date() == day.astimezone(tz).date():
            return "24:00"
    return f"{local.day} {local:%b %H:%M}"


def rules(review: Review) -> dict[str, str]:
    """Return the rules that were in force, name to version.

    They are `review.notes["rules"]` where whoever made the review said so, and always those of the findings.
    """
    given = review.notes.get("rules") or {}
    named = {str(name): str(version) for name, version in dict(given).items()}
    return dict(sorted({**named, **{f.rule: f.version for f in review.findings}}.items()))


def models(review: Review) -> tuple[str, ...]:
    """Return the ids of the models that wrote at least one sentence of the texts."""
    texts = (review.clinical, review.summary)
    return tuple(sorted({clean(t.model_id, 80) or "unnamed" for t in texts if t and t.origin == "model"}))


def ordered(review: Review) -> tuple[Finding, ...]:
    """Return the findings, the most severe first, then by time; both exports number them so."""
    return tuple(sorted(review.findings, key=lambda f: (-f.severity, f.start, f.rule)))


def threshold(one: Threshold) -> str:
    """Write a threshold's value, and beside one that was set for this person the rule's own; °C for `Cel`."""
    unit = "" if one.unit == "1" else f" {_UNITS.get(one.unit, one.unit)}"
    own = f" (usual {one.usual:g})" if one.personal and one.usual is not None else ""
    return f"{one.value:g}{unit}{own}"


def signed(one: Threshold, tz: ZoneInfo) -> str:
    """Say who set a threshold, on which day by the person's clock, and why."""
    when = "" if one.at is None else f" on {one.at.astimezone(tz):%Y-%m-%d}"
    return f"{one.name} {threshold(one)}: set by {one.by}{when}, {one.why}."


def personal(finding: Finding, tz: ZoneInfo) -> list[str]:
    """Say, a sentence each, which numbers that a finding went by were set for this person."""
    return [f"Personal threshold {signed(one, tz)}" for one in finding.thresholds if one.personal]


def fingerprint(review: Review) -> str:
    """Return the SHA-256, in hex, of the readings and findings that an export was made from.

    It stands on the page and in the Bundle, so that a reader can tell that both are of the same data.
    """
    digest = hashlib.sha256()
    digest.update(f"{review.start.timestamp()} {review.end.timestamp()}\n".encode())
    for kind, window in sorted(windows(review).items()):
        digest.update(f"{Kind(kind)} {len(window)}\n".encode())
        digest.update(window.times.astype("<M8[us]").tobytes())
        digest.update(window.values.astype("<f8").tobytes())
        digest.update(window.quality.astype("<i2").tobytes())
    for feature in review.features:
        digest.update(
            f"{feature.name} {feature.value!r} {feature.start.timestamp()}\n".encode(errors="replace")
        )
    for finding in ordered(review):
        evidence = " ".join(f"{e.name}={e.value!r}" for e in finding.evidence)
        digest.update(
            f"{finding.id} {finding.version} {finding.severity} {evidence}\n".encode(errors="replace")
        )
    return digest.hexdigest()
