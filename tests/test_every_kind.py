"""A store with a reading of every kind there is goes all the way: summary, findings, PDF, FHIR, questions."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import fhirkit
import pytest

from healthslm.export.fhir import bundle_bytes
from healthslm.export.report import report
from healthslm.pipeline import ask, review
from healthslm.readings import KINDS, Kind, Quality, Reading, Review
from healthslm.slm import Audience
from healthslm.store import CHEAPEST, Store, create
from tests.making import DAY, at

BERLIN = ZoneInfo("Europe/Berlin")
NOW = at("20:00")
USUAL = {
    Kind.HEART_RATE: 72,
    Kind.RR_INTERVAL: 830,
    Kind.SPO2: 97,
    Kind.PULSE_RATE: 71,
    Kind.TEMPERATURE: 36.7,
    Kind.SYSTOLIC: 128,
    Kind.DIASTOLIC: 78,
    Kind.MEAN_ARTERIAL: 95,
    Kind.GLUCOSE: 104,
    Kind.SENSOR_GLUCOSE: 117,
    Kind.WEIGHT: 81.4,
    Kind.BODY_FAT: 24.3,
    Kind.RESPIRATORY_RATE: 15,
    Kind.PERFUSION_INDEX: 3.2,
    Kind.PULSE_INTERVAL: 840,
    Kind.STEPS: 1200,
    Kind.ENERGY: 90,
    Kind.DISTANCE: 800,
    Kind.SPEED: 1.4,
    Kind.CADENCE: 104,
    Kind.SLEEP_DURATION: 2.4,
    Kind.ECG: 777,
    Kind.ACCELERATION: 1013,
    Kind.MOVEMENT: 7,
    Kind.BATTERY: 64,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Three readings of every kind, at noon and after."""
    folder: Path = tmp_path_factory.mktemp("every") / "home"
    made, _ = create(folder, "correct horse battery staple", profile=CHEAPEST)
    with made:
        made.append(
            Reading(
                time=at("12:00") + timedelta(minutes=n), kind=kind, value=USUAL[kind] + n / 10, device="AA:01"
            )
            for kind in Kind
            for n in range(3)
        )
        yield made


@pytest.fixture(scope="module")
def seen(store: Store) -> Review:
    """The day, reviewed."""
    return review(
        store,
        DAY,
        DAY + timedelta(days=1),
        zone=BERLIN,
        made_at=NOW,
        audiences=(Audience.WEARER, Audience.CLINICIAN),
    )


def test_every_kind_has_a_usual_value_that_is_plausible() -> None:
    assert set(USUAL) == set(Kind)
    assert all(KINDS[kind].low <= value <= KINDS[kind].high for kind, value in USUAL.items())
    assert all(info.low < info.high and info.title and info.unit for info in KINDS.values())


def test_the_summary_tells_each_in_its_own_words(seen: Review) -> None:
    assert seen.summary is not None
    text = seen.summary.text
    assert "blood sugar averaged 104 mg/dL" in text
    assert "sensor glucose" in text
    assert "Your latest weight was 81.6 kg" in text
    assert "Your step count came to 3600 steps in all." in text
    assert "Your time asleep came to 7.5 hours in all." in text
    assert "15 a minute" in text
    for word in ("ECG", "acceleration", "777", "1013", "pulse interval", "cadence", "{"):
        assert word not in text


def test_the_clinicians_text_has_no_waveform_either(seen: Review) -> None:
    assert seen.clinical is not None
    assert "Capillary glucose averaged 104 mg/dL" in seen.clinical.text
    assert "777" not in seen.clinical.text


def test_samples_of_a_waveform_are_not_even_read(seen: Review) -> None:
    assert {Kind.ECG, Kind.ACCELERATION, Kind.MOVEMENT}.isdisjoint(seen.windows)
    assert {Kind.ECG, Kind.ACCELERATION, Kind.MOVEMENT}.isdisjoint(f.kind for f in seen.features)


def test_the_page_is_set(seen: Review) -> None:
    assert report(seen).startswith(b"%PDF")


def test_the_bundle_is_valid_and_has_no_waveform(seen: Review) -> None:
    data = bundle_bytes(seen)
    assert [str(i) for i in fhirkit.validate(data)] == []
    text = data.decode()
    for code in ("41653-7", "99504-3", "29463-7", "41982-0", "9279-1", "61006-3", "55423-8", "93832-4"):
        assert code in text
    assert "777" not in text
    steps = [
        r
        for r in (e["resource"] for e in json.loads(data)["entry"])
        if r["resourceType"] == "Observation" and "55423-8" in json.dumps(r["code"])
    ]
    (only,) = steps  # their sum, and not one by one
    assert only["category"][0]["coding"][0]["code"] == "activity"
    assert only["component"][0]["valueQuantity"]["value"] == 3600


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is my weight?", "81.6 kg"),
        ("How many steps did I walk today?", "Your steps came to 3600 on Monday 2 November."),
        ("How many calories did I burn today?", "kcal on Monday 2 November."),
        ("How long did I sleep today?", "7.5 hours on Monday"),
        ("What was my average glucose today?", "sensor glucose averaged 117 mg/dL"),
        ("What is my sugar?", "sensor glucose was 117 mg/dL"),
        ("What is my body fat?", "24.5 %"),
        ("What was my highest respiratory rate today?", "15 a minute"),
        ("How long was my sugar above 110 today?", "in 100 % of 3 readings"),
    ],
)
def test_questions_are_answered(store: Store, question: str, said: str) -> None:
    assert said in ask(store, question, now=NOW, zone=BERLIN).answer.text


def test_of_two_kinds_of_glucose_the_newest_is_the_latest(store: Store, tmp_path: Path) -> None:
    made, _ = create(tmp_path / "home", "correct horse battery staple", profile=CHEAPEST)

    def reading(kind: Kind, time: datetime, value: float) -> Reading:
        return Reading(time=time, kind=kind, value=value, device="AA:01", quality=Quality.GOOD)

    with made:
        made.append([reading(Kind.SENSOR_GLUCOSE, at("08:00"), 150), reading(Kind.GLUCOSE, at("19:00"), 88)])
        answer = ask(made, "What is my sugar?", now=NOW, zone=BERLIN).answer.text
    assert "blood sugar was 88 mg/dL" in answer


def test_what_was_never_measured_is_said_to_be_that(tmp_path: Path) -> None:
    made, _ = create(tmp_path / "home", "correct horse battery staple", profile=CHEAPEST)
    with made:
        answer = ask(made, "How many steps did I walk today?", now=NOW, zone=BERLIN).answer.text
    assert "No device here measures steps" in answer
