"""The rhythm of several days on the page: what share of the beats was without order, and where to look."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from device.virtual import rhythm_from_csv
from healthslm.export import bundle
from healthslm.export.page import page
from healthslm.pipeline import review
from healthslm.readings import Kind, Reading, Review
from healthslm.store import CHEAPEST, Store, create

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 5, 4, tzinfo=ZONE).astimezone(UTC)
DAYS = 5
DATA = Path(__file__).parent.parent / "data" / "rr"
STRAP = "C0:FF:EE:00:00:01"
Rows = Sequence[tuple[float, bool]]


def recorded(name: str) -> Rows:
    return [(beat.rr_s, beat.af) for beat in rhythm_from_csv(DATA / name)]


def beats(day: int, hour: float, rows: Rows, device: str = STRAP) -> Iterator[Reading]:
    at = START + timedelta(days=day, hours=hour)
    for rr_s, _ in rows:
        at += timedelta(seconds=rr_s)
        yield Reading(time=at, kind=Kind.RR_INTERVAL, value=round(rr_s * 1000, 3), device=device)


@pytest.fixture
def reviewed(tmp_path: Path) -> Callable[..., Review]:
    @contextmanager
    def opened() -> Iterator[Store]:
        made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
        with made as store:
            yield store

    def make(*readings: Iterator[Reading]) -> Review:
        with opened() as store:
            for some in readings:
                store.append(some)
            store.commit()
            return review(store, START, START + timedelta(days=DAYS), zone=ZONE, made_at=START)

    return make


def steady(minutes: float) -> Rows:
    return [(0.8, False)] * int(minutes * 75)


def test_the_days_and_the_period_are_those_of_the_annotated_beats(reviewed: Callable[..., Review]) -> None:
    """By time, not by beats or days: the recording's own annotation is what it is held against."""
    wild = recorded("afdb-04126-first-2h.csv.gz")
    made = reviewed(beats(1, 9, steady(60)), beats(3, 9, wild))
    days = [f for f in made.features if f.name == "irregular_share_of_day" and f.value is not None]
    (period,) = (f for f in made.features if f.name == "irregular_share_of_period")
    rr, af = np.array(wild).T
    assert [day.start for day in days] == [START + timedelta(days=n) for n in (1, 3)]
    assert days[0].value == 0
    assert days[1].value == pytest.approx(100 * (rr * af).sum() / rr.sum(), abs=3)
    assert period.value == pytest.approx(100 * (rr * af).sum() / (rr.sum() + 3600), abs=2)
    shown = page(made)
    assert [bar["label"] for bar in shown["burden"]["bars"]] == [day.text for day in days]
    assert [round(bar["x0"] * DAYS) for bar in shown["burden"]["bars"]] == [1, 3]
    assert shown["burden"]["told"].startswith(
        f"{period.text} % of the time judged (2 days, {period.count} beats)"
    )
    assert "most on 7 May" in shown["burden"]["told"]
    codes = [c["valueQuantity"]["value"] for r in bundle(made)["entry"] for c in _shares(r["resource"])]
    assert sorted(float(str(code)) for code in codes) == sorted(float(f.text) for f in (*days, period))


def _shares(resource: dict) -> list[dict]:  # type: ignore[type-arg]
    parts = [resource, *resource.get("component", ())]
    return [p for p in parts if "without order" in p.get("code", {}).get("text", "") and "valueQuantity" in p]


def test_without_a_finding_the_strip_is_of_where_the_beats_are_least_regular(
    reviewed: Callable[..., Review],
) -> None:
    wild = recorded("afdb-04126-first-2h.csv.gz")
    made = reviewed(beats(3, 9, wild))
    assert [f.rule for f in made.findings] == []
    assert made.beats is not None
    rr, af = np.array(wild).T
    ends = START + timedelta(days=3, hours=9)
    inside = [
        bool(a)
        for end, a in zip(np.cumsum(rr), af, strict=True)
        if made.beats.start <= ends + timedelta(seconds=float(end)) < made.beats.end
    ]
    assert np.mean(inside) > 0.7
    strip = page(made)["strip"]
    assert "no finding" in strip["of"]
    assert strip["from"].startswith("7 May 09:")


def test_a_confirmed_rhythm_has_the_strip_of_its_finding(reviewed: Callable[..., Review]) -> None:
    made = reviewed(beats(2, 9, recorded("afdb-04043-joined-2h.csv.gz")))
    (found,) = made.findings
    assert found.rule == "irregular_rhythm"
    assert page(made)["strip"]["of"] == "of finding 1"


def test_the_strip_of_two_devices_is_of_one(reviewed: Callable[..., Review]) -> None:
    rows = recorded("afdb-04043-joined-2h.csv.gz")
    made = reviewed(beats(2, 9, rows), beats(2, 9.0001, rows, "C0:FF:EE:00:00:02"))
    assert [found.rule for found in made.findings] == ["irregular_rhythm"]
    assert made.beats is not None
    assert float(made.beats.values.sum()) == pytest.approx(15 * 60_000, rel=0.02)
    (period,) = (f for f in made.features if f.name == "irregular_share_of_period")
    rr, af = np.array(rows).T
    assert period.value == pytest.approx(100 * (rr * af).sum() / rr.sum(), abs=5)


def test_steady_beats_have_their_days_and_no_strip(reviewed: Callable[..., Review]) -> None:
    shown = page(reviewed(beats(0, 9, steady(60)), beats(4, 9, steady(2))))
    assert shown["strip"] is None
    assert [bar["label"] for bar in shown["burden"]["bars"]] == ["0"]


def test_beats_that_are_too_few_say_so(reviewed: Callable[..., Review]) -> None:
    shown = page(reviewed(beats(0, 9, steady(2))))
    assert shown["burden"]["bars"] == []
    assert "not known (no quarter of an hour with 5 minutes" in shown["burden"]["told"]
