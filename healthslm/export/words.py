"""What the page and the Bundle have in common: names of features, clean text, times, the data's hash."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from healthslm.analysis.daily_vitals import DAILIES
from healthslm.errors import ExportError
from healthslm.readings import KINDS, Feature, Finding, Kind, Review, Threshold, Window

STATISTICS = {
    "latest": "latest",
    "mean": "mean",
    "min": "lowest",
    "max": "highest",
    "count": "number of",
    "total": "total",
}
"""The endings of feature names, and how a person reads them."""

CONSENSUS = {
    "cgm_tir": "70 to 180 mg/dL",
    "cgm_tbr_level1": "54 to 69",
    "cgm_tbr_level2": "below 54",
    "cgm_tar_level1": "181 to 250",
    "cgm_tar_level2": "above 250",
    "cgm_mean": "mean",
    "cgm_gmi": "GMI",
    "cgm_cv": "CV",
    "cgm_mage": "MAGE",
    "cgm_gri": "glycemia risk index",
    "cgm_active_percent": "sensor active",
}
"""The consensus' figures of continuous glucose, as they stand beside each other."""
_SPECIAL = {
    "spo2_5min_low": "lowest 5-minute median of oxygen saturation",
    "rmssd_ms": "RMSSD",
    "sdnn_ms": "SDNN",
    "mean_nn_ms": "mean NN interval",
    "irregular_share": "share of beats without order",
    "irregular_minutes": "irregular for",
    "spo2_5min_high": "highest 5-minute median of oxygen saturation",
    "spo2_below_94": "time with oxygen saturation below 94 %",
    "spo2_below_92": "time with oxygen saturation below 92 %",
    "spo2_below_90": "time with oxygen saturation below 90 % (CT90)",
    "spo2_below_88": "time with oxygen saturation below 88 %",
    "odi3": "desaturations by 3 points (ODI3)",
    "odi4": "desaturations by 4 points (ODI4)",
    "systolic_worst_sitting_mean": "systolic average of the worst sitting",
    "diastolic_worst_sitting_mean": "diastolic average of the worst sitting",
    "pressure_sittings": "sittings in this episode",
    "home_systolic": "systolic average at home",
    "home_diastolic": "diastolic average at home",
    "home_pressure_sittings": "sittings that the average at home stands on",
    "morning_evening_difference": "systolic, mornings less evenings",
    "morning_surge": "morning surge of systolic pressure",
    "respiratory_rate_5min_high": "highest 5-minute median of respiratory rate",
    "respiratory_rate_5min_low": "lowest 5-minute median of respiratory rate",
    "rr_trace": "RR intervals of the latest irregular quarter of an hour",
    "heart_rate_median": "median heart rate",
    **{name: f"sensor glucose, {title}" for name, title in CONSENSUS.items()},
    "glucose_in_30min": "sensor glucose forecast for half an hour on",
    "glucose_in_30min_error": "usual error of that forecast",
    "weight_latest": "latest weight",
    "weight_gain_3_days": "weight gained within three days",
    "weight_gain_7_days": "weight gained within seven days",
    **{daily.name: daily.title for daily in DAILIES},
    **{f"{daily.name}_days": f"{daily.title}, last days" for daily in DAILIES},
    **{f"{daily.name}_usual": f"usual {daily.title}" for daily in DAILIES},
    **{f"{daily.name}_change": f"{daily.title}, change that was judged" for daily in DAILIES},
    "night_rmssd_ms_change": "RMSSD at night, change at the same heart rate",
}

# Of the invisible marks only those that join or part letters of a script are kept. The others turn the
# direction of what follows, so a name could re-order the page, or are not allowed in an archivable PDF.
_JOINERS = frozenset("\u200c\u200d")


def statistic(feature: Feature) -> str:
    """Return the statistic a feature's name ends in (`mean`, `max`, ...), or `""` for a named computation."""
    head, _, tail = feature.name.rpartition("_")
    return tail if head == feature.kind and tail in STATISTICS else ""


def title(feature: Feature) -> str:
    """Return a feature's name as a person reads it: `temperature_max` is `highest temperature`."""
    ending = statistic(feature)
    if ending:
        return f"{STATISTICS[ending]} {KINDS[feature.kind].title}"
    return _SPECIAL.get(feature.name, clean(feature.name.replace("_", " "), 60))


def unit(feature: Feature) -> str:
    """Return a feature's unit as a person reads it: `bpm` for the UCUM `/min`."""
    info = KINDS[feature.kind]
    if feature.unit == "1":
        return ""  # a count
    return info.unit if feature.unit == info.ucum else feature.unit


def value(feature: Feature) -> str:
    """Return a feature's value with its unit, or why there is none."""
    if feature.value is None:
        return f"not known ({clean(feature.reason, 160) or 'no reason was given'})"
    return f"{feature.text} {unit(feature)}".strip()


def clean(text: str, limit: int = 0) -> str:
    """Return text that any page and any record system takes: no control characters, no lone surrogates.

    White space becomes single spaces; invisible marks that re-order text are left out. With a `limit`,
    longer text is cut there and ends in an ellipsis.
    """
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs":
            kept.append("\ufffd")
        elif char.isspace() or category == "Cc":
            kept.append(" ")
        elif category not in ("Cf", "Cn", "Co") or char in _JOINERS:
            kept.append(char)
    line = " ".join("".join(kept).split())
    return line if not limit or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


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
    for name, time in times.items():
        if time.tzinfo is None:
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
    """Write a threshold's value, and beside one that was set for this person the rule's own."""
    unit = "" if one.unit == "1" else f" {one.unit}"
    own = f" (usual {one.usual:g})" if one.personal and one.usual is not None else ""
    return f"{one.value:g}{unit}{own}"


def signed(one: Threshold) -> str:
    """Say who set a threshold, when and why."""
    when = "" if one.at is None else f" on {one.at:%Y-%m-%d}"
    return f"{one.name} {threshold(one)}: set by {one.by}{when}, {one.why}."


def personal(finding: Finding) -> list[str]:
    """Say, a sentence each, which numbers that a finding went by were set for this person."""
    return [f"Personal threshold {signed(one)}" for one in finding.thresholds if one.personal]


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
