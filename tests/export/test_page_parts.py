"""The clinician's page over several days: glucose, thresholds, the wearer's words, repeated findings."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import fhirkit
import numpy as np
import pytest
from pypdf import PdfReader

from healthslm.export import Focus, Paper, bundle, bundle_bytes, report
from healthslm.export.page import page
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Note, Quality, Reading, Review
from healthslm.rulebook import set_threshold
from healthslm.store import CHEAPEST, create

ZONE = ZoneInfo("Europe/Berlin")
DAYS = 15
START = datetime(2026, 5, 4, tzinfo=ZONE).astimezone(UTC)
END = START + timedelta(days=DAYS)
SENSOR, CUFF = "C0:FF:EE:00:00:09", "C0:FF:EE:00:00:02"


def glucose() -> Iterator[Reading]:
    """A sensor's fortnight: 110 at night, 190 after each lunch, below 70 in two nights."""
    for n in range(DAYS * 288):
        time = START + timedelta(minutes=5 * n)
        hour = time.astimezone(ZONE).hour + time.astimezone(ZONE).minute / 60
        value = 110 + 80 * np.exp(-(((hour - 13.5) / 1.2) ** 2))
        if n // 288 in (3, 9) and 3 <= hour < 4:
            value = 62
        yield Reading(time=time, kind=Kind.SENSOR_GLUCOSE, value=round(value), device=SENSOR)


def pressures() -> Iterator[Reading]:
    for day in range(DAYS):
        for hour, (upper, lower) in ((7, (146, 92)), (20, (128, 80))):
            for minute in (0, 2):
                time = START + timedelta(days=day, hours=hour, minutes=minute)
                yield Reading(time=time, kind=Kind.SYSTOLIC, value=upper + minute, device=CUFF)
                yield Reading(time=time, kind=Kind.DIASTOLIC, value=lower, device=CUFF)


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Review:
    made, _ = create(tmp_path_factory.mktemp("fortnight") / "home", "passphrase", profile=CHEAPEST)
    with made as store:
        store.put_device(Device(address=SENSOR, name="sensor", manufacturer="Dexcom", model="G6"))
        store.append([*glucose(), *pressures()])
        for day in range(8):
            text = f"note {day} \u202eevil #eval" if day == 7 else f"note {day}"
            store.add_note(
                Note(
                    time=START + timedelta(days=day, hours=9),
                    text=text,
                    level="watch",
                    reason="",
                    origin="template",
                )
            )
        set_threshold(
            store,
            "high_pressure",
            "systolic_watch",
            140,
            by="Dr. Weber",
            at=START,
            why="frail, agreed in March",
        )
        store.commit()
        return review(store, START, END, zone=ZONE, made_at=END)


def text_of(made: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages).split())


def test_the_glucose_profile_has_the_figures_of_the_review(fortnight: Review) -> None:
    panel = page(fortnight)["agp"]
    figures = {feature.name: feature for feature in fortnight.features}
    shown = {one["name"]: one["value"] for one in panel["ranges"]}
    assert shown["70 to 180 mg/dL"] == f"{figures['cgm_tir'].text} %"
    assert sum(one["share"] for one in panel["ranges"]) == pytest.approx(1, abs=0.002)
    assert panel["missing"] == ""
    for band in panel["bands"]:
        for polygon in band:
            assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in polygon)
    (median,) = panel["median"]
    highest = min(median, key=lambda point: point[1])
    assert highest[0] * 24 == pytest.approx(13.5, abs=0.1)  # by the clock on the wall


def test_a_profile_of_a_few_days_says_what_is_missing(fortnight: Review) -> None:
    window = fortnight.windows[Kind.SENSOR_GLUCOSE]
    few = {**fortnight.windows, Kind.SENSOR_GLUCOSE: window.between(START, START + timedelta(days=2))}
    features = tuple(
        replace(f, value=None, reason="2.0 days of readings; the consensus asks for 14 days")
        if f.name == "cgm_tir"
        else f
        for f in fortnight.features
    )
    panel = page(replace(fortnight, windows=few, features=features))["agp"]
    assert panel["ranges"] != []  # the others are still known here
    assert "14 days" in panel["missing"]


def test_frequent_findings_are_one_with_the_number_of_the_worst(fortnight: Review) -> None:
    shown = page(fortnight)
    titles = [one["title"] for one in shown["findings"]]
    assert titles.count("Low glucose") == 2  # two are not often
    of_pressure = [f for f in fortnight.findings if f.rule == "high_pressure"]
    (told,) = [one for one in shown["findings"] if one["title"] == "High blood pressure"]
    assert len(of_pressure) > 3
    assert told["when"].startswith(f"{len(of_pressure)} times, begun between ")
    (chart,) = [one for one in shown["vitals"] if one["title"] == "blood pressure"]
    assert len(chart["spans"]) == len(of_pressure)
    assert {span["label"] for span in chart["spans"]} == {told["number"]}
    assert shown["levels"].endswith(" watch")  # all are counted


def test_the_thresholds_in_force_are_drawn_and_what_was_set_is_signed(fortnight: Review) -> None:
    shown = page(fortnight)
    (chart,) = [one for one in shown["vitals"] if one["title"] == "blood pressure"]
    assert [line["label"] for line in chart["limits"]] == ["140", "85"]
    (line,) = shown["personal"]
    assert line.startswith("high_pressure: systolic_watch 140 mmHg (usual 135): set by Dr. Weber")
    # By the clock there; in UTC it was the 3rd.
    assert line.endswith("on 2026-05-04, frail, agreed in March.")
    (signed,) = {one["personal"] for one in shown["findings"] if one["personal"]}
    assert "on 2026-05-04, frail" in signed
    entries = [entry["resource"] for entry in bundle(fortnight)["entry"]]
    details = [one["detail"] for one in entries if "Personal threshold" in one.get("detail", "")]
    assert details
    assert all("on 2026-05-04, frail" in detail for detail in details)


def test_the_latest_words_of_the_wearer_are_there_and_how_many_more(fortnight: Review) -> None:
    shown = page(fortnight)["written"]
    assert shown[0] == "2 earlier ones are in the FHIR Bundle"
    assert [f"note {day}" in line for day, line in zip(range(2, 8), shown[1:], strict=True)] == [True] * 6
    assert "\u202e" not in shown[-1]


def test_only_what_was_measured_has_a_chart(fortnight: Review) -> None:
    assert [one["title"] for one in page(fortnight)["vitals"]] == ["blood pressure"]


def test_it_is_one_page_with_all_of_it(fortnight: Review, tmp_path: Path) -> None:
    made = report(fortnight)
    assert len(PdfReader(BytesIO(made)).pages) == 1
    words = text_of(made)
    for wanted in (
        "Ambulatory glucose profile",
        "In the wearer’s own words",
        "Thresholds set for this person",
    ):
        assert wanted in words
    assert report(fortnight) == made


def test_what_was_usual_before_the_period_stands_beside_it(tmp_path: Path) -> None:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made as store:
        for day in range(-10, 2):
            time = START + timedelta(days=day, hours=8)
            value = 80.0 + day / 10 if day < 0 else 83.0
            store.append([Reading(time=time, kind=Kind.WEIGHT, value=value, device=CUFF)])
        store.commit()
        shown = review(store, START, START + timedelta(days=2), zone=ZONE, made_at=END)
        early = review(store, START - timedelta(days=4), START, zone=ZONE, made_at=END)
    (row,) = page(shown)["vitals"]
    assert row["usual"]["text"] == "usual 79.2\u201379.7"  # of ten days from 79.0 to 79.9
    names = [f.name for f in shown.features if "usual" in f.name]
    assert names == ["weight_usual_low", "weight_usual_high"]
    assert [f.name for f in early.features if "usual" in f.name] == []  # six days are too few


def test_a_device_whose_clock_was_wrong_is_named(fortnight: Review) -> None:
    assert not [line for line in page(fortnight)["devices"] if "clock" in line]
    window = fortnight.windows[Kind.SENSOR_GLUCOSE]
    quality = window.quality.copy()
    quality[:3] |= int(Quality.CLOCK_CORRECTED)
    wrong = replace(
        fortnight, windows={**fortnight.windows, Kind.SENSOR_GLUCOSE: replace(window, quality=quality)}
    )
    (line,) = [line for line in page(wrong)["devices"] if "clock" in line]
    assert line == "Dexcom G6 (its clock was wrong: 3 times corrected): sensor glucose"


def test_all_of_the_wearers_words_and_what_was_set_are_in_the_bundle(fortnight: Review) -> None:
    (composition,) = [
        entry["resource"]
        for entry in bundle(fortnight)["entry"]
        if entry["resource"]["resourceType"] == "Composition"
    ]
    sections = {one["title"]: one.get("text", {}).get("div", "") for one in composition["section"]}
    assert all(f"note {day}" in sections["In the wearer's own words"] for day in range(8))
    assert "set by Dr. Weber" in sections["Thresholds set for this person"]
    assert [str(i) for i in fhirkit.validate(bundle_bytes(fortnight))] == []


def test_what_the_reader_looks_at_first_comes_first_and_nothing_is_left_out(fortnight: Review) -> None:
    assert page(fortnight, focus=Focus.DIABETES)["parts"] == ["glucose", "vitals", "rhythm"]
    words = text_of(report(fortnight, focus=Focus.DIABETES))
    assert words.index("Ambulatory glucose profile") < words.index("Vital signs")
    for focus in Focus:
        assert sorted(page(fortnight, focus=focus)["parts"]) == ["glucose", "rhythm", "vitals"]
        assert len(PdfReader(BytesIO(report(fortnight, focus=focus))).pages) == 1


def test_it_is_one_page_of_letter_too(fortnight: Review) -> None:
    (sheet,) = PdfReader(BytesIO(report(fortnight, paper=Paper.LETTER))).pages
    assert (round(sheet.mediabox.width), round(sheet.mediabox.height)) == (612, 792)


def test_a_long_period_keeps_its_extremes_in_a_band(tmp_path: Path) -> None:
    """The line is of means, which lose them; the band is of readings."""
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made as store:
        for day in range(4):
            begin = START + timedelta(days=day, hours=8)
            rates = [70.0] * 600 + ([181.0] if day == 2 else [])
            store.append(
                Reading(time=begin + timedelta(seconds=n), kind=Kind.HEART_RATE, value=rate, device=CUFF)
                for n, rate in enumerate(rates)
            )
        store.commit()
        shown = page(review(store, START, START + timedelta(days=4), zone=ZONE, made_at=END))
    (rate,) = shown["vitals"]
    ticks = {float(t["label"]): t["y"] for t in rate["yticks"]}
    (low, bottom), (high, top) = min(ticks.items()), max(ticks.items())
    highest = min(y for _, y, _ in rate["band"])
    assert low + (bottom - highest) / (bottom - top) * (high - low) == pytest.approx(181, abs=0.2)
    assert [round(x * 4, 1) for x, y, _ in rate["band"] if y == highest] == [2.3]
    assert (
        shown["line_told"]
        == "Line: means by the minute; the band around it: the lowest to the highest reading."
    )
