"""The appendix behind the page: the store's own numbers, all of them, on as many pages as they need."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pypdf import PdfReader

from healthslm.errors import ExportError
from healthslm.export import How, made, report
from healthslm.export.appendix import MOST, MOST_DAYS, appendix
from healthslm.export.files import filled
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Note, Reading, Review
from healthslm.rulebook import set_threshold
from healthslm.store import CHEAPEST, Store, create

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 27, tzinfo=ZONE).astimezone(UTC)  # the clocks change on the 29th
DAYS = 4
END = datetime(2026, 3, 31, tzinfo=ZONE).astimezone(UTC)
STRAP, CUFF, SENSOR = (f"C0:FF:EE:00:00:0{n}" for n in (1, 2, 9))
DICE = np.random.default_rng(5)
RATES = {day: DICE.normal(70 + day, 4, 400).round() for day in range(DAYS)}


def local(day: int, hour: float) -> datetime:
    wall = datetime(2026, 3, 27, tzinfo=ZONE) + timedelta(days=day, hours=hour)
    return wall.astimezone(UTC)


def readings() -> Iterator[Reading]:
    for day, rates in RATES.items():
        for n, rate in enumerate(rates.tolist()):
            at = local(day, 8) + timedelta(seconds=n)
            yield Reading(time=at, kind=Kind.HEART_RATE, value=rate, device=STRAP)
        for kind, value in ((Kind.SYSTOLIC, 150 + day), (Kind.DIASTOLIC, 88 + day)):
            yield Reading(time=local(day, 19), kind=kind, value=value, device=CUFF)
        for n in range(0, 24 * 60, 5):
            at = local(day, 0) + timedelta(minutes=n)
            yield Reading(
                time=at, kind=Kind.SENSOR_GLUCOSE, value=50 if 120 <= n < 180 else 500, device=SENSOR
            )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made_, _ = create(tmp_path_factory.mktemp("appendix") / "home", "passphrase", profile=CHEAPEST)
    with made_ as store:
        store.put_device(Device(address=CUFF, name="#panic() cuff", manufacturer="Omron"))
        store.append(readings())
        note = Note(
            time=local(1, 9), text="dizzy #eval \u202eevil", level="watch", reason="", origin="template"
        )
        store.add_note(note)
        set_threshold(store, "high_pressure", "systolic_watch", 140, by="Dr. Weber", at=START, why="frail")
        store.commit()
        yield store


@pytest.fixture(scope="module")
def reviewed(store: Store) -> Review:
    return review(store, START, END, zone=ZONE, made_at=END)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(one.extract_text() for one in PdfReader(BytesIO(pdf)).pages).split())


def test_each_day_has_the_figures_of_its_readings(store: Store, reviewed: Review) -> None:
    periods = appendix(reviewed, store)["periods"]
    assert periods["by"] == "day"
    assert [row["when"] for row in periods["rows"]] == [
        "Fri 27 Mar",
        "Sat 28 Mar",
        "Sun 29 Mar",
        "Mon 30 Mar",
    ]
    place = [one["name"] for one in periods["names"]].index("heart rate")
    for row, rates in zip(periods["rows"], RATES.values(), strict=True):
        cell = row["cells"][place]
        assert cell["main"] == f"{rates.mean():.0f}"
        assert cell["range"] == f"{rates.min():.0f}\u2013{rates.max():.0f}, n=400"


def test_a_day_is_told_by_the_hour(store: Store) -> None:
    one = review(store, local(1, 0), local(2, 0), zone=ZONE, made_at=END)
    periods = appendix(one, store)["periods"]
    assert periods["by"] == "hour"
    assert periods["rows"][0]["when"] == "28 Mar 00:00"
    assert len(periods["rows"]) == 24


def test_all_that_was_measured_once_found_and_written_is_there(store: Store, reviewed: Review) -> None:
    pdf = report(reviewed, source=store)
    assert len(PdfReader(BytesIO(pdf)).pages) > 1
    told = text_of(pdf)
    for day in range(DAYS):
        assert f"{150 + day}/{88 + day} mmHg" in told
    assert told.count("Low glucose") >= sum(f.rule == "low_glucose" for f in reviewed.findings) >= DAYS
    assert "dizzy #eval evil" in told
    assert "#panic() cuff" in told
    assert re.search(r"140 mmHg \(usual 135\).*set by Dr. Weber", told)
    assert CUFF in told
    assert report(reviewed, source=store) == pdf


def test_the_page_before_it_is_the_same_page(store: Store, reviewed: Review) -> None:
    alone = PdfReader(BytesIO(report(reviewed))).pages
    with_it = PdfReader(BytesIO(report(reviewed, source=store))).pages
    assert len(alone) == 1
    assert with_it[0].extract_text() == alone[0].extract_text()


def test_glucose_beyond_the_axis_is_drawn_at_its_edge(store: Store, reviewed: Review) -> None:
    days = appendix(reviewed, store)["glucose"]
    assert [one["day"] for one in days] == ["Fri 27 Mar", "Sat 28 Mar", "Sun 29 Mar", "Mon 30 Mar"]
    heights = [y for one in days for stroke in one["strokes"] for _, y in stroke]
    assert min(heights) == 0
    assert max(heights) <= 1


def test_what_there_is_no_room_for_is_counted(store: Store, reviewed: Review, tmp_path: Path) -> None:
    made_, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made_ as many:
        many.append(
            Reading(time=local(0, n / 200), kind=Kind.TEMPERATURE, value=36.6, device=CUFF)
            for n in range(MOST + 7)
        )
        one = review(many, START, END, zone=ZONE, made_at=END)
        spots = appendix(one, many)["spots"]
    assert len(spots["rows"]) == MOST
    assert spots["more"] == "7 more measurements are in the tables (--format csv)."


def test_of_long_periods_it_is_said_what_is_left_out_and_of_which_year(
    reviewed: Review, tmp_path: Path
) -> None:
    made_, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    begin = END - timedelta(days=MOST + 30)
    with made_ as long:
        for days, kind in ((2, Kind.WEIGHT), (MOST + 20, Kind.WEIGHT), (2, Kind.HEART_RATE)):
            long.append([Reading(time=END - timedelta(days=days), kind=kind, value=80.0, device=CUFF)])
        for n in range(MOST + 3):
            at = END - timedelta(days=1, minutes=n)
            long.add_note(Note(time=at, text="well", level="info", reason="", origin="template"))
        one = review(long, begin, END, zone=ZONE, made_at=END)
        told = appendix(one, long)
        data = report(one, source=long)
    assert told["periods"]["more"] == "What was before 24 Feb 2025 is in the tables (--format csv)."
    assert [row["when"] for row in told["periods"]["rows"]] == ["Sat 28 Mar 2026"]
    assert {row["when"][-6:] for row in told["spots"]["rows"]} == {", 2025", ", 2026"}
    assert told["notes_more"] == "3 more notes are in the tables (--format csv)."
    assert "What was before 24 Feb 2025" in text_of(data)
    assert "3 more notes" in text_of(data)


def test_an_hour_that_the_clock_shows_twice_is_told_apart(store: Store) -> None:
    begin = datetime(2026, 10, 25, tzinfo=ZONE).astimezone(UTC)
    store.append(
        Reading(time=begin + timedelta(hours=n), kind=Kind.HEART_RATE, value=60.0 + n, device=STRAP)
        for n in range(5)
    )
    one = review(store, begin, begin + timedelta(hours=25), zone=ZONE, made_at=END)
    whens = [row["when"] for row in appendix(one, store)["periods"]["rows"]]
    assert whens == ["25 Oct 00:00", "25 Oct 01:00", "25 Oct 02:00 CEST", "25 Oct 02:00 CET", "25 Oct 03:00"]


def test_glucose_that_is_not_drawn_is_said(store: Store, reviewed: Review, tmp_path: Path) -> None:
    assert appendix(reviewed, store)["glucose_more"] == ""
    made_, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    days = MOST_DAYS + 2
    with made_ as long:
        long.append(
            Reading(
                time=local(0, 0) + timedelta(hours=12 * n), kind=Kind.SENSOR_GLUCOSE, value=110, device=SENSOR
            )
            for n in range(2 * days)
        )
        one = review(long, START, START + timedelta(days=days), zone=ZONE, made_at=END)
        told = appendix(one, long)
    assert len(told["glucose"]) == MOST_DAYS
    assert re.fullmatch(r"What was before \d+ Mar 2026 is not drawn\.", told["glucose_more"])


def test_nothing_measured_has_its_rules_and_no_empty_tables(tmp_path: Path) -> None:
    made_, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made_ as empty:
        one = review(empty, START, END, zone=ZONE, made_at=END)
        told = text_of(report(one, source=empty))
    assert "Rules in force" in told
    for part in ("Every finding", "Single measurements", "Glucose day by day", "by day"):
        assert part not in told


def test_it_is_made_on_demand_and_needs_the_store(store: Store, reviewed: Review) -> None:
    ((_, fill),) = made(reviewed, ["pdf"], store, how=How(appendix=True))
    assert filled(fill) == report(reviewed, source=store)
    ((_, fill),) = made(reviewed, ["pdf"], store)
    assert filled(fill) == report(reviewed)
    with pytest.raises(ExportError, match="appendix needs the store"):
        made(reviewed, ["pdf"], how=How(appendix=True))
