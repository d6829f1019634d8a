"""Open mHealth data points: each by its published schema, each number the stored one."""

import copy
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.export import write
from healthslm.export.openmhealth import AMOUNTS, PRESSURE, SCHEMAS
from healthslm.readings import Device, Kind, Quality, Reading, Review, micro
from healthslm.store import Store
from healthslm.store.codec import Columns

jsonschema = pytest.importorskip("jsonschema", reason="the extra dev is not installed")
referencing = pytest.importorskip("referencing")

Point = dict[str, Any]
FOLDER = Path(__file__).parent.parent / "data/openmhealth"
BASE = "https://w3id.org/openmhealth/schemas/omh/"
DAY = datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)  # of 25 hours
END = DAY + timedelta(hours=25)
STRAP, CUFF, METER = "C0:00:00:00:00:01", "C0:00:00:00:00:03", "C0:00:00:00:00:05"
VALUES = {
    Kind.PULSE_RATE: 71,
    Kind.RR_INTERVAL: 830.5,
    Kind.SPO2: 97,
    Kind.TEMPERATURE: 36.7,
    Kind.GLUCOSE: 104.1,
    Kind.SENSOR_GLUCOSE: 117,
    Kind.WEIGHT: 81.4,
    Kind.BODY_FAT: 24.3,
    Kind.RESPIRATORY_RATE: 15,
    Kind.STEPS: 1200,
    Kind.ENERGY: 90.125,
    Kind.SLEEP_DURATION: 2.4,
    Kind.SYSTOLIC: 128,
    Kind.DIASTOLIC: 78,
    Kind.MEAN_ARTERIAL: 95,
    Kind.PERFUSION_INDEX: 3.2,
    Kind.BATTERY: 64,
}


def _rfc_3339(value: object) -> bool:
    return isinstance(value, str) and bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)
    )


@pytest.fixture(scope="module")
def check() -> Callable[[str, Point], None]:
    """`check("heart-rate-2.0", body)` raises where a document is not by that schema."""
    resources = {}
    for path in sorted(FOLDER.glob("*.json")):  # of each 1.x the last that is there
        found = referencing.Resource.from_contents(json.loads(path.read_text(encoding="utf-8")))
        name, major = re.fullmatch(r"(.+-\d+)\.\d+\.json", path.name).group(1), path.name  # type: ignore[union-attr]
        resources[BASE + major] = resources[f"{BASE}{name}.x.json"] = found
    registry = referencing.Registry().with_resources(resources.items())
    formats = jsonschema.FormatChecker(formats=())
    formats.checks("date-time")(_rfc_3339)

    def validate(name: str, document: Point) -> None:
        schema = {"$ref": f"{BASE}{name}.json"}
        cls = jsonschema.Draft7Validator
        cls(schema, registry=registry, format_checker=formats).validate(document)

    return validate


@pytest.fixture
def filled(store: Store) -> Store:
    """A reading or two of nearly every kind, some unusable, some pressures without their other half."""
    store.append(
        Reading(time=DAY + timedelta(hours=hour), kind=kind, value=value, device=CUFF)
        for kind, value in VALUES.items()
        for hour in (1, 2.5)
    )
    beats = np.arange(300)
    quality = np.where(beats < 10, int(Quality.NO_CONTACT), 0).astype(np.int16)
    store.append_columns(
        Kind.HEART_RATE, STRAP, Columns(micro(DAY) + beats * 1_000_000, 60.25 + beats / 8, quality)
    )
    later = DAY + timedelta(hours=5)
    store.append(
        [
            Reading(time=later, kind=Kind.SYSTOLIC, value=140, device=CUFF),
            Reading(time=later, kind=Kind.DIASTOLIC, value=90, device=STRAP),  # another cuff
            Reading(time=later, kind=Kind.STEPS, value=1300, device=STRAP),
            Reading(
                time=later,
                kind=Kind.GLUCOSE,
                value=180,
                device=METER,
                context="after a meal; minor health issues; measured by oneself",
            ),
        ]
    )
    store.put_device(Device(address=STRAP, name='st"rap\n\u202e{}'))
    store.commit()
    return store


@pytest.fixture
def review(sick: Review) -> Review:
    return replace(sick, start=DAY, end=END)


@pytest.fixture
def points(filled: Store, review: Review, tmp_path: Path) -> list[Point]:
    path, _ = write(review, tmp_path / "out", ["omh"], filled)
    assert path.name == "healthslm-2026-10-25.omh.jsonl"
    return [json.loads(line) for line in path.read_bytes().decode("utf-8").splitlines()]


def of(points: list[Point], name: str) -> list[Point]:
    return [point for point in points if point["header"]["schema_id"]["name"] == name]


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    else:
        yield str(value)


def test_every_point_is_by_its_published_schema(
    points: list[Point], check: Callable[[str, Point], None]
) -> None:
    for point in points:
        check("data-point-1.0", point)
        check("header-1.2", point["header"])
        schema = point["header"]["schema_id"]
        assert schema["namespace"] == "omh"
        check(f"{schema['name']}-{schema['version']}", point["body"])
    expected = {s.name for s in (*SCHEMAS.values(), *AMOUNTS.values(), PRESSURE)}
    assert {point["header"]["schema_id"]["name"] for point in points} == expected


def test_the_schemas_refuse_what_is_wrong(points: list[Point], check: Callable[[str, Point], None]) -> None:
    """Else the test above would show nothing: references are followed, formats looked at."""
    for spoil in ("unit", "value", "when", "nothing"):
        for point in (of(points, n)[0] for n in ("heart-rate", "blood-pressure", "body-weight")):
            schema = point["header"]["schema_id"]
            body = copy.deepcopy(point["body"])
            measured = next(v for k, v in body.items() if isinstance(v, dict) and "unit" in v)
            if spoil == "unit":
                measured["unit"] = "furlong"
            elif spoil == "value":
                measured["value"] = str(measured["value"])
            elif spoil == "when":
                body["effective_time_frame"] = {"date_time": "yesterday"}
            else:
                del body["effective_time_frame"]
            with pytest.raises(jsonschema.ValidationError):
                check(f"{schema['name']}-{schema['version']}", body)


def test_the_numbers_are_the_stored_ones(points: list[Point], filled: Store) -> None:
    window = filled.window(Kind.HEART_RATE, DAY, END).usable()
    mine = [
        p for p in of(points, "heart-rate") if p["header"]["acquisition_provenance"]["source_name"][0] == "s"
    ]
    assert [p["body"]["heart_rate"]["value"] for p in mine] == window.values.tolist()
    times = [micro(datetime.fromisoformat(p["body"]["effective_time_frame"]["date_time"])) for p in mine]
    assert times == window.times.astype("i8").tolist()
    ids = [int(p["header"]["acquisition_provenance"]["source_data_point_id"]) for p in mine]
    assert ids == window.ids.tolist()
    for kind, schema in SCHEMAS.items():
        values = set(filled.window(kind, DAY, END).usable().values.tolist())
        assert values <= {p["body"][schema.value]["value"] for p in of(points, schema.name)}


def test_a_pressure_is_both_of_one_cuff(points: list[Point]) -> None:
    bodies = [p["body"] for p in of(points, "blood-pressure")]
    assert [
        (b["systolic_blood_pressure"]["value"], b["diastolic_blood_pressure"]["value"]) for b in bodies
    ] == [(128, 78), (128, 78)]


def test_amounts_are_the_sum_of_a_local_day_and_device(points: list[Point]) -> None:
    steps = of(points, "step-count")
    assert sorted(p["body"]["step_count"]["value"] for p in steps) == [1300, 2400]
    for point in steps:
        assert point["body"]["effective_time_frame"]["time_interval"] == {
            "start_date_time": "2026-10-25T00:00:00.000000+02:00",
            "end_date_time": "2026-10-26T00:00:00.000000+01:00",
        }
        assert point["body"]["descriptive_statistic"] == "sum"
    assert of(points, "calories-burned")[0]["body"]["kcal_burned"] == {"value": 180.25, "unit": "kcal"}


def test_what_a_glucose_is_of_is_said_where_known(points: list[Point]) -> None:
    sources = Counter(p["body"].get("specimen_source") for p in of(points, "blood-glucose"))
    assert sources == {None: 3, "interstitial fluid": 2}
    meals = [p["body"].get("temporal_relationship_to_meal") for p in of(points, "blood-glucose")]
    assert meals.count("after meal") == 1


def test_what_has_no_schema_or_is_unusable_is_said(points: list[Point], tmp_path: Path) -> None:
    said = json.loads((tmp_path / "out/healthslm-2026-10-25.omh.left-out.json").read_text())
    assert said == {
        "no schema for": ["mean_arterial", "perfusion_index", "battery"],
        "unusable readings": {"heart_rate": 10},
        "pressures without the other of their pair": {"systolic": 1, "diastolic": 1},
    }
    assert not of(points, "mean-arterial")


def test_points_name_nobody_and_have_ids_that_last(
    points: list[Point], filled: Store, review: Review, tmp_path: Path
) -> None:
    ids = [point["header"]["id"] for point in points]
    assert len(set(ids)) == len(ids)
    assert all(str(uuid.UUID(id_)) == id_ for id_ in ids)
    later = replace(review, made_at=review.made_at + timedelta(days=1), end=END + timedelta(days=2))
    path, _ = write(later, tmp_path / "later", ["omh"], filled)
    again = {json.loads(line)["header"]["id"] for line in path.read_text().splitlines()}
    single = {p["header"]["id"] for p in points if "time_interval" not in p["body"]["effective_time_frame"]}
    assert single <= again
    assert review.person.name
    assert not any("Greta" in text or "user_id" in text for point in points for text in leaves(point))
    names = {p["header"]["acquisition_provenance"]["source_name"] for p in points}
    assert names == {'st"rap {}', CUFF, METER}


def test_a_period_without_anything_is_an_empty_file(store: Store, review: Review, tmp_path: Path) -> None:
    path, left_out = write(review, tmp_path, ["omh"], store)
    assert path.read_bytes() == b""
    assert json.loads(left_out.read_text())["no schema for"] == []
