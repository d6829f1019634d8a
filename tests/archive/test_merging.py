"""A FHIR Bundle of our own, read back: into an empty store, into that from which it came, and refused."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from healthslm.archive import merge
from healthslm.archive.merging import Outcome
from healthslm.errors import ImportFailedError, StoreError
from healthslm.export import bundle_bytes
from healthslm.fhir import faults
from healthslm.importers import bundle
from healthslm.pipeline import review
from healthslm.readings import UNUSABLE, Device, Kind, Note, Quality, Reading, Review
from healthslm.rulebook import set_threshold
from healthslm.store import CHEAPEST, Store, create, open_store
from healthslm.store.audit import Event
from tests.making import DAY, at

CUFF, STRAP, OTHER = "C0:00:00:00:00:03", "C0:00:00:00:00:01", "C0:00:00:00:00:02"
NEXT = DAY + timedelta(days=1)
NOW = NEXT + timedelta(hours=1)
MOVED, IMPLAUSIBLE = Quality.CLOCK_CORRECTED, Quality.IMPLAUSIBLE


@pytest.fixture
def filled(store: Store) -> Store:
    store.put("person", {"name": "Ada Example", "birth_date": "1950-04-01"})
    for address, name in ((CUFF, "cuff"), (STRAP, "strap"), (OTHER, "other strap")):
        made_by = {"manufacturer": "X", "model": "Y", "serial": "1", "firmware": "2"}
        store.put_device(Device(address=address, name=name, **made_by))
    for n in range(4):
        time = at("08:00") + timedelta(hours=n, microseconds=123_456)
        shown = datetime(2021, 5, 1, 3 + n, 0, n)  # noqa: DTZ001  a device's own clock
        pressure: dict[str, Any] = {"time": time, "device": CUFF, "quality": MOVED, "device_time": shown}
        store.append([Reading(kind=Kind.SYSTOLIC, value=140 + n, **pressure)])
        store.append([Reading(kind=Kind.DIASTOLIC, value=85.5, **pressure)])
    unusable = Quality.SENSOR_FAULT | Quality.NOT_WORN
    store.append(
        [
            Reading(time=at("09:00"), kind=Kind.TEMPERATURE, value=38.123456, device=CUFF),
            Reading(time=at("10:00"), kind=Kind.TEMPERATURE, value=45.5, device=CUFF, quality=IMPLAUSIBLE),
            Reading(time=at("11:00"), kind=Kind.WEIGHT, value=80.05, device="scale", quality=unusable),
            Reading(time=at("12:00"), kind=Kind.TEMPERATURE, value=39.5, device=CUFF),
        ]
    )
    times = [at("13:00") + timedelta(seconds=n, milliseconds=n % 7) for n in range(3000)]
    store.append(
        Reading(time=time, kind=Kind.HEART_RATE, value=60 + n % 50, device=STRAP)
        for n, time in enumerate(times)
    )
    set_threshold(store, "fever", "fever", 38.5, by="Dr. Example", why="chemotherapy", at=NOW)
    text = "dizzy (a bit) <b> & so"
    store.add_note(Note(time=at("14:00"), text=text, level="watch", reason="r", origin="model"))
    store.commit()
    return store


def review_of(store: Store) -> Review:
    return review(store, DAY, NEXT, zone=ZoneInfo("Europe/Berlin"), made_at=NOW)


@pytest.fixture
def file(filled: Store, tmp_path: Path) -> Path:
    path = tmp_path / "a.fhir.json"
    path.write_bytes(bundle_bytes(review_of(filled), sampled=True))
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return create(tmp_path / "empty", "passphrase", profile=CHEAPEST)[0]


def merged(store: Store, path: Path) -> Outcome:
    return merge(store, bundle.read(path), NOW, file=path.name, sha256="00")


def cut(one: Reading) -> tuple[Any, ...]:
    """What a Bundle keeps of a reading."""
    time = one.time - timedelta(microseconds=one.time.microsecond % 1000)
    return (time, one.kind, round(one.value, 6), one.device, one.quality, one.device_time)


def test_every_single_measurement_comes_back(filled: Store, file: Path, empty: Store) -> None:
    with empty:
        merged(empty, file)
        for kind in (Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.TEMPERATURE, Kind.WEIGHT):
            ours, theirs = (s.singles(kind, DAY, NEXT) for s in (filled, empty))
            assert [cut(one) for one in ours] == [cut(one) for one in theirs], kind
        assert empty.device(CUFF) == filled.device(CUFF)


def test_samples_come_back(filled: Store, file: Path, empty: Store) -> None:
    with empty:
        outcome = merged(empty, file)
        ours, theirs = (s.window(Kind.HEART_RATE, DAY, NEXT) for s in (filled, empty))
        assert outcome.tallies["readings"].other == 0
        assert theirs.values.tolist() == ours.values.tolist()
        assert abs(theirs.times - ours.times).max().item() <= timedelta(seconds=1)
        assert empty.sources(Kind.HEART_RATE, DAY, NEXT) == (STRAP,)


def test_notes_come_back_and_findings_are_told(filled: Store, file: Path, empty: Store) -> None:
    brought = bundle.read(file)
    assert [title for _, title in brought.findings]
    assert brought.name == "Ada Example"
    assert any("38.5" in line and "Dr. Example" in line for line in brought.thresholds)
    assert sum(brought.left.values()) > 0
    with empty:
        merged(empty, file)
        (note,) = empty.notes(DAY, NEXT)
        assert (note.text, note.level, note.time) == ("dizzy (a bit) <b> & so", "watch", at("14:00"))
        assert empty.trail(event=Event.IMPORTED)[0].detail["readings"] == empty.count()


def test_what_a_day_came_to_is_counted_and_stops_nothing(filled: Store, tmp_path: Path, empty: Store) -> None:
    """Steps of a whole day are told under its date, without a time."""
    walked = [at("08:00") + timedelta(hours=n) for n in range(6)]
    filled.append(Reading(time=time, kind=Kind.STEPS, value=400.0, device=STRAP) for time in walked)
    path = tmp_path / "steps.fhir.json"
    path.write_bytes(bundle_bytes(review(filled, DAY, NEXT, zone=ZoneInfo("UTC"), made_at=NOW)))
    assert '"effectiveDateTime":"2026-11-02"' in path.read_text()
    assert bundle.read(path).left["statistics and sums of a period, computed from readings"] > 1
    with empty:
        assert merged(empty, path).tallies["readings"].new > 0
        assert empty.window(Kind.STEPS, DAY, NEXT).values.tolist() == []


def test_twice_is_once_and_into_itself_is_nothing(filled: Store, file: Path, empty: Store) -> None:
    count = filled.count()
    assert merged(filled, file).new == 0
    assert filled.count() == count
    with empty:
        merged(empty, file)
        count = empty.count()
        assert merged(empty, file).new == 0
        assert empty.count() == count


def test_what_is_here_stays(filled: Store, file: Path, empty: Store) -> None:
    with empty:
        empty.append([Reading(time=at("09:00"), kind=Kind.TEMPERATURE, value=36.0, device=CUFF)])
        outcome = merged(empty, file)
        assert outcome.tallies["readings"].other == 1
        assert empty.singles(Kind.TEMPERATURE, at("09:00"), at("09:30"))[0].value == 36.0


def test_what_was_deleted_here_stays_deleted(filled: Store, file: Path) -> None:
    """A Bundle tells times in milliseconds, and samples by their slots: no way round a deletion."""
    systolic = filled.window(Kind.SYSTOLIC, DAY, NEXT)
    beats = filled.window(Kind.HEART_RATE, DAY, NEXT)
    for id_ in (int(systolic.ids[1]), int(beats.ids[100])):
        filled.delete(id_, "somebody else's", NOW)
    filled.commit()
    count = filled.count()
    outcome = merged(filled, file)
    assert filled.count() == count
    tally = outcome.tallies["readings"]
    assert (tally.new, tally.deleted, tally.forgotten) == (0, 2, 0)


def test_a_bundle_of_two_sources_keeps_them(filled: Store, tmp_path: Path, empty: Store) -> None:
    filled.append(
        Reading(time=at("13:00") + timedelta(seconds=n), kind=Kind.HEART_RATE, value=150, device=OTHER)
        for n in range(60)
    )
    path = tmp_path / "two.fhir.json"
    path.write_bytes(bundle_bytes(review_of(filled), sampled=True))
    count = filled.count()
    assert merged(filled, path).new == 0
    assert filled.count() == count
    with empty:
        merged(empty, path)
        assert merged(empty, path).new == 0


@pytest.mark.parametrize("flags", range(1, 128))
def test_every_reason_can_be_read_back(flags: int) -> None:
    said = faults.told(flags, "45.5 °C")
    known = sum(int(flag) for flag in faults.FAULTS if flags & int(flag))
    if known:
        assert faults.read(said, "°C") == (Quality(known), 45.5)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def no_provenance(data: dict[str, Any]) -> None:
    data["entry"] = [e for e in data["entry"] if e["resource"]["resourceType"] != "Provenance"]


def values(value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for entry in data["entry"]:
            if "valueQuantity" in entry["resource"]:
                entry["resource"]["valueQuantity"]["value"] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_provenance, "no Bundle that healthslm made"),
        (lambda d: d.update(type="transaction"), "no Bundle that healthslm made"),
        (lambda d: d.update(resourceType="Patient"), "is a Patient"),
        (lambda d: d.update(entry=[]), "no Bundle that healthslm made"),
        (lambda d: d.update(entry=3), "entry"),
        (values("much"), "valueQuantity"),
        (values(float("nan")), "valueQuantity"),
        (values(float("inf")), "valueQuantity"),
        (values([1]), "valueQuantity"),
    ],
)
def test_other_bundles_are_refused(
    file: Path, empty: Store, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    changed(file, change)
    with empty, pytest.raises(ImportFailedError, match=said) as raised:
        merged(empty, file)
    assert raised.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"{}",
        b"[]",
        b"\xff",
        b'{"resourceType": "Bundle", "entry": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(ImportFailedError):
        bundle.read(tmp_path / "x.json")


def test_times_in_no_year_and_units_of_others_are_counted(file: Path, empty: Store) -> None:
    def other_units(data: dict[str, Any]) -> None:
        for entry in data["entry"]:
            if "valueQuantity" in entry["resource"]:
                entry["resource"]["valueQuantity"]["code"] = "[degF]"

    brought = bundle.read(changed(file, other_units))
    assert brought.left["measurements in another unit, or bounds of one"] >= 3
    assert not [one for one in brought.readings if one.kind is Kind.TEMPERATURE and not one.quality]


def of_measurements(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for entry in data["entry"]:
            if entry["resource"]["resourceType"] == "Observation":
                entry["resource"].update(changes)

    return change


def of_quantities(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for entry in data["entry"]:
            for part in (entry["resource"], *entry["resource"].get("component", [])):
                for quantity in (part.get("valueQuantity"), part.get("valueSampledData", {}).get("origin")):
                    if quantity is not None:
                        quantity.update(changes)

    return change


@pytest.mark.parametrize(
    "change",
    [
        of_measurements(status="entered-in-error"),
        of_measurements(status="preliminary"),
        of_measurements(subject={"reference": "urn:uuid:somebody"}),
        of_measurements(subject=None),
        of_measurements(modifierExtension=[{"url": "http://example.org/not-so"}]),
        of_quantities(code="mmol/L"),
        of_quantities(system="http://example.org/units"),
        of_quantities(comparator="<"),
    ],
)
def test_what_is_not_a_measurement_of_this_person_in_our_unit_is_counted(
    file: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    data = json.loads(file.read_text())
    change(data)
    for entry in data["entry"]:
        entry["resource"] = {k: v for k, v in entry["resource"].items() if v is not None}
    file.write_text(json.dumps(data))
    brought = bundle.read(file)
    assert all(one.quality & UNUSABLE for one in brought.readings)
    assert not brought.series
    assert sum(brought.left.values()) > 5


def test_a_value_no_living_person_has_is_marked(file: Path) -> None:
    """36.6 °C under another unit's number, or 5 mmol/L said to be mg/dL, is never judged as ours."""
    brought = bundle.read(changed(file, of_quantities(value=1000)))
    assert brought.readings
    assert brought.series
    for one in (*brought.readings, *(one for series in brought.series for one in series.readings)):
        assert one.quality & UNUSABLE


def test_what_was_sent_in_another_unit_is_not_taken_for_ours() -> None:
    assert faults.read(faults.told(2, "3.1 mmol/L"), "mg/dL") is None


def test_two_people_or_two_resources_of_one_url(file: Path) -> None:
    data = json.loads(file.read_text())
    patient = next(e for e in data["entry"] if e["resource"]["resourceType"] == "Patient")
    for more, said in ((patient, "no Bundle that"), (patient | {"fullUrl": "urn:uuid:2"}, "of 2 people")):
        file.write_text(json.dumps(data | {"entry": [*data["entry"], more]}))
        with pytest.raises(ImportFailedError, match=said):
            bundle.read(file)


def test_endless_samples_lists_and_paragraphs(file: Path) -> None:
    """What a few megabytes of text would come to in memory, or in time."""
    data = json.loads(file.read_text())
    for entry in data["entry"]:
        resource = entry["resource"]
        if "valueSampledData" in resource:
            resource["valueSampledData"]["data"] = "1 " * 2_100_000
        for section in resource.get("section", []):
            section.setdefault("text", {})["div"] = "<p>" * 300_000
    file.write_text(json.dumps(data))
    brought = bundle.read(file)
    assert not brought.series
    assert brought.left["series longer than any of ours"] == 1
    file.write_bytes(b'{"resourceType": "Bundle", "entry": [' + b"{}," * 1_600_000 + b"{}]}")
    with pytest.raises(ImportFailedError, match="more parts than"):
        bundle.read(file)
    data["entry"][0]["resource"]["component"] = [{"code": {}}] * 2000
    file.write_text(json.dumps(data))
    with pytest.raises(ImportFailedError, match="component"):
        bundle.read(file)


def test_samples_and_times_that_cannot_be_are_left_out(file: Path, empty: Store) -> None:
    """Nothing of them is stored, and nothing else is lost for it."""

    def worse(data: dict[str, Any]) -> None:
        for entry in data["entry"]:
            resource = entry["resource"]
            if "valueSampledData" in resource:
                tokens = resource["valueSampledData"]["data"].split()
                resource["valueSampledData"]["data"] = " ".join(["nan", "inf", "1e999", "x", *tokens[4:]])
            elif resource.get("code", {}).get("text") == "temperature" and "valueQuantity" in resource:
                resource["effectiveDateTime"] = "0001-01-01T00:00:00+14:00"

    with empty:
        outcome = merged(empty, changed(file, worse))
        assert empty.window(Kind.HEART_RATE, DAY, NEXT).values.min() >= 60
        assert outcome.tallies["readings"].new == empty.count() > 2900
    assert bundle.read(file).left["measurements at a time that cannot be"] >= 2


def test_a_disk_that_is_full_stores_nothing_of_it(file: Path, empty: Store) -> None:
    brought = bundle.read(file)
    pages = empty._database.value("PRAGMA page_count")
    empty._database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError):
        merge(empty, brought, NOW, file="x", sha256="")
    empty._database.rows("PRAGMA max_page_count = 1000000")
    empty.close()
    with open_store(empty.folder, "passphrase") as again:
        before = again.count()
        outcome = merge(again, brought, NOW, file="x", sha256="")
        assert before in (0, again.count()), "all of it or nothing"
        assert (outcome.new == 0) is (before > 0)
