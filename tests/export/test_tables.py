"""The tables: the store's own numbers, whole files or none, and cells that are no formulas."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import ExportError
from healthslm.export import STREAMED, write
from healthslm.export.columns import TABLES
from healthslm.export.rows import day_edges, hour_edges, quality_words
from healthslm.export.source import MOST
from healthslm.export.tables import local, text_cell
from healthslm.readings import KINDS, Device, Kind, Note, Quality, Reading, Review, micro
from healthslm.store import Store
from healthslm.store.codec import Columns
from tests.emulated import EMULATED

Make = Callable[..., Review]
Rows = list[dict[str, str]]
BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 3, 29, tzinfo=BERLIN).astimezone(UTC)  # at two, it is three
END = datetime(2026, 3, 30, tzinfo=BERLIN).astimezone(UTC)
STRAP, CUFF = "C0:00:00:00:00:01", "C0:00:00:00:00:03"
BAD_NAME = '=cmd|"/c calc"!A1\r\n,\x00\u202eevil\u202c "quoted"'


@pytest.fixture
def filled(store: Store) -> Store:
    """A day on which clocks change: seconds of a strap, a cuff with a clock, steps, a note, a waveform."""
    rng = np.random.default_rng(5)
    seconds = np.arange(0, 23 * 3600, 7)
    quality = np.where(seconds % 700 == 0, int(Quality.NO_CONTACT | Quality.IMPLAUSIBLE), 0)
    columns = Columns(
        micro(DAY) + seconds * 1_000_000 + 123,
        60 + rng.normal(0, 9, len(seconds)),  # all digits that a double has
        quality.astype(np.int16),
    )
    store.append_columns(Kind.HEART_RATE, STRAP, columns)
    ecg = np.arange(500)
    store.append_columns(
        Kind.ECG, STRAP, Columns(micro(DAY) + ecg * 7692, ecg - 250.5, np.zeros(500, np.int16))
    )
    shown = datetime(2021, 1, 1, 7, 30, 5)  # noqa: DTZ001  a device's clock has no zone
    store.append(
        Reading(
            time=DAY + timedelta(hours=hours),
            kind=kind,
            value=value,
            device=CUFF,
            quality=Quality.CLOCK_CORRECTED,
            device_time=shown + timedelta(hours=hours),
            sequence=7 + hours,
            context="@home; sitting",
        )
        for hours in (0, 8)
        for kind, value in ((Kind.SYSTOLIC, 127.1), (Kind.DIASTOLIC, 0.1 + 0.2))
    )
    store.append(
        Reading(time=DAY + timedelta(minutes=n), kind=Kind.STEPS, value=0.1 * n, device=STRAP)
        for n in range(1, 200)
    )
    store.put_device(Device(address=STRAP, name=BAD_NAME))
    store.add_note(
        Note(time=DAY, text="-2 kg, dizzy\nsince lunch", level="watch", reason="r", origin="template")
    )
    store.add_note(Note(time=END, text="after the period", level="info", reason="r", origin="template"))
    store.commit()
    return store


@pytest.fixture
def day(sick: Review) -> Review:
    return replace(sick, start=DAY, end=END, timezone="Europe/Berlin")


def exported(review: Review, store: Store, folder: Path, format: str = "csv") -> dict[str, Path]:
    """The files by the name of their table."""
    return {path.name.split(".")[1]: path for path in write(review, folder, [format], store)}


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def of_kind(rows: Rows, kind: Kind) -> Rows:
    return [row for row in rows if row["kind"] == kind.value]


def test_every_number_is_the_stored_one(filled: Store, day: Review, tmp_path: Path) -> None:
    rows = rows_of(exported(day, filled, tmp_path)["readings"])
    found = filled.kinds(DAY, END)
    assert {row["kind"] for row in rows} == {kind.value for kind in found}
    for kind in found:
        window = filled.window(kind, DAY, END)
        mine = of_kind(rows, kind)
        assert [float(row["value"]) for row in mine] == window.values.tolist()
        assert [int(row["time_us"]) for row in mine] == window.times.astype("i8").tolist()
        assert [int(row["id"]) for row in mine] == window.ids.tolist()
        assert {row["unit"] for row in mine} == {KINDS[kind].ucum}
        assert {row["loinc"] for row in mine} == {KINDS[kind].loinc or ""}
        assert [row["quality"] for row in mine] == [quality_words(bits) for bits in window.quality.tolist()]
    heart = of_kind(rows, Kind.HEART_RATE)
    assert len(heart) > 2 * MOST  # several pieces
    assert {(r["quality"], r["usable"]) for r in heart} == {
        ("good", "true"),
        ("no_contact implausible", "false"),
    }


def test_what_a_device_said_besides_is_there(filled: Store, day: Review, tmp_path: Path) -> None:
    rows = rows_of(exported(day, filled, tmp_path)["readings"])
    first, second = of_kind(rows, Kind.SYSTOLIC)
    assert first["device"] == CUFF
    assert (first["device_time"], first["sequence"]) == ("2021-01-01T07:30:05.000000", "7")
    assert second["sequence"] == "15"
    assert (first["quality"], first["usable"]) == ("clock_corrected", "true")
    assert first["context"] == "'@home; sitting"
    heart = of_kind(rows, Kind.HEART_RATE)[0]
    assert (heart["device_time"], heart["sequence"], heart["context"]) == ("", "", "")


def test_times_have_the_offset_of_their_moment(filled: Store, day: Review, tmp_path: Path) -> None:
    rows = rows_of(exported(day, filled, tmp_path)["readings"])
    for row in rows:
        time = datetime.fromisoformat(row["time"])
        assert micro(time) == int(row["time_us"])
        assert time.utcoffset() == time.astimezone(BERLIN).utcoffset()
    assert {row["time"][-6:] for row in rows} == {"+01:00", "+02:00"}


def test_two_devices_of_a_kind_keep_their_names(filled: Store, day: Review, tmp_path: Path) -> None:
    other = "C0:00:00:00:00:09"
    filled.append([Reading(time=DAY, kind=Kind.HEART_RATE, value=61.0, device=other)])
    rows = of_kind(rows_of(exported(day, filled, tmp_path)["readings"]), Kind.HEART_RATE)
    assert [(r["device"], r["value"]) for r in rows[:2]] == [(other, "61.0"), (STRAP, rows[1]["value"])]
    assert {r["device"] for r in rows[2:]} == {STRAP}


@pytest.mark.parametrize("table", ["hours", "days"])
def test_rollups_are_the_stores(filled: Store, day: Review, tmp_path: Path, table: str) -> None:
    review = replace(day, start=DAY + timedelta(minutes=17), end=END - timedelta(minutes=5))
    rows = rows_of(exported(review, filled, tmp_path)[table])
    edges = {"hours": hour_edges, "days": day_edges}[table](review.start, review.end, BERLIN)
    assert {row["kind"] for row in rows} == {"heart_rate", "systolic", "diastolic", "steps"}  # no ECG
    for kind in (Kind.HEART_RATE, Kind.SYSTOLIC, Kind.STEPS):
        rolled = filled.rollup_between(kind, edges)
        has = rolled.count > 0
        mine = of_kind(rows, kind)
        assert [int(r["count"]) for r in mine] == rolled.count[has].tolist()
        for name, values in (("minimum", rolled.minimum), ("maximum", rolled.maximum), ("mean", rolled.mean)):
            assert [float(r[name]) for r in mine] == values[has].tolist()
        begins = [micro(datetime.fromisoformat(r["start"])) for r in mine]
        assert begins == rolled.starts[has].astype("i8").tolist()
    for row in rows:
        begin, end = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])
        window = filled.window(Kind(row["kind"]), begin, end).usable()
        assert len(window) == int(row["count"])
        if row["kind"] == "steps":
            assert float(row["total"]) == pytest.approx(window.values.sum(), abs=1e-9)
        else:
            assert row["total"] == ""


def test_a_day_on_which_clocks_change_has_23_hours(filled: Store, day: Review, tmp_path: Path) -> None:
    files = exported(day, filled, tmp_path)
    heart = of_kind(rows_of(files["hours"]), Kind.HEART_RATE)
    assert len(heart) == 23
    assert [row["start"] for row in heart[1:3]] == [
        "2026-03-29T01:00:00.000000+01:00",
        "2026-03-29T03:00:00.000000+02:00",
    ]
    (whole,) = of_kind(rows_of(files["days"]), Kind.HEART_RATE)
    assert (whole["day"], whole["start"][-6:], whole["end"][-6:]) == ("2026-03-29", "+01:00", "+02:00")
    assert sum(int(row["count"]) for row in heart) == int(whole["count"])


@pytest.mark.parametrize(
    ("zone", "start", "hours", "lengths"),
    [
        ("Europe/Berlin", date(2026, 10, 25), 25, {60}),
        ("Asia/Kolkata", date(2026, 5, 1), 24, {60}),
        ("Asia/Kathmandu", date(2026, 5, 1), 24, {60}),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24, {60, 90}),
        ("America/Havana", date(2026, 3, 8), 23, {60}),  # its midnight does not exist
    ],
)
def test_hours_begin_where_the_clock_says(zone: str, start: date, hours: int, lengths: set[int]) -> None:
    tz = ZoneInfo(zone)
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=tz) for d in (start, start + timedelta(days=1)))
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    edges = hour_edges(begin, end, tz)
    assert len(edges) == hours + 1
    assert {(b - a) // timedelta(minutes=1) for a, b in pairwise(edges)} == lengths
    assert {edge.astimezone(tz).minute for edge in edges} == {0}
    assert day_edges(begin, end, tz) == [begin, end]


@given(
    st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=20),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"]),
)
def test_local_times_are_the_same_moments(times: list[int], zone: str) -> None:
    written = [datetime.fromisoformat(text) for text in local(np.array(times, np.int64), ZoneInfo(zone))]
    assert [micro(time) for time in written] == times


def test_no_text_becomes_a_formula(filled: Store, day: Review, tmp_path: Path) -> None:
    files = exported(day, filled, tmp_path)
    names = {row["device_name"] for row in rows_of(files["readings"]) if row["device"] == STRAP}
    assert names == {'\'=cmd|"/c calc"!A1 , evil "quoted"'}
    (note,) = rows_of(files["notes"])
    assert note["text"] == "'-2 kg, dizzy since lunch"
    numbers = [row["value"] for row in of_kind(rows_of(files["readings"]), Kind.ECG)]
    assert numbers[0] == "-250.5"  # a number is none, whatever it begins with
    assert b"\x00" not in files["readings"].read_bytes()


@given(st.text())
def test_a_guarded_text_comes_back_without_its_apostrophe(text: str) -> None:
    cell = text_cell(text)
    assert not cell.startswith(tuple("=+-@\t\r＝＋－＠"))
    assert (cell[1:] if cell.startswith("'") else cell) == text


def test_it_is_rfc_4180(filled: Store, day: Review, tmp_path: Path) -> None:
    for name, path in exported(day, filled, tmp_path).items():
        if path.suffix != ".csv":
            continue
        text = path.read_bytes().decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert text.count("\r\n") == len(rows) == text.count("\n"), name
        assert len({len(row) for row in rows}) == 1
        if name in TABLES:
            assert rows[0] == [column.name for column in TABLES[name]]


def test_a_period_far_beyond_the_readings_adds_nothing(filled: Store, day: Review, tmp_path: Path) -> None:
    ages = replace(
        day, start=datetime(1900, 1, 1, 3, 20, 1, tzinfo=UTC), end=datetime(2200, 1, 1, tzinfo=UTC)
    )
    near, far = (exported(review, filled, tmp_path) for review in (day, ages))
    for name in ("readings", "hours", "days"):
        assert near[name].read_bytes() == far[name].read_bytes()


def test_findings_stand_with_their_evidence(store: Store, sick: Review, tmp_path: Path) -> None:
    rows = rows_of(exported(sick, store, tmp_path)["findings"])
    assert [row["id"] for row in rows] == [
        f.id for f in sorted(sick.findings, key=lambda f: (-f.severity, f.start, f.rule))
    ]
    by_id = {finding.id: finding for finding in sick.findings}
    for row in rows:
        finding = by_id[row["id"]]
        assert (row["rule"], row["version"]) == (finding.rule, finding.version)
        assert row["severity"] == finding.severity.word
        assert datetime.fromisoformat(row["end"]) == finding.end
        assert row["ongoing"] == str(finding.ongoing).lower()
        evidence = json.loads(row["evidence"])
        assert [one["value"] for one in evidence] == [f.value for f in finding.evidence]
        assert [one["readings"] for one in evidence] == [list(f.readings) for f in finding.evidence]
        assert json.loads(row["missing"]) == list(finding.missing)
        assert row["source"]


def test_a_period_without_anything_is_tables_of_headers(store: Store, make: Make, tmp_path: Path) -> None:
    for format in ("csv", "parquet"):
        files = exported(make([], findings=()), store, tmp_path, format)
        assert set(files) == {*TABLES, "data-dictionary"}
    for name in TABLES:
        assert rows_of(next(tmp_path.glob(f"*.{name}.csv"))) == []
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.csv")} == {0o600}


@pytest.mark.parametrize("format", list(STREAMED))
def test_the_same_twice_gives_the_same_bytes(filled: Store, day: Review, tmp_path: Path, format: str) -> None:
    first = {p.name: p.read_bytes() for p in write(day, tmp_path / "a", [format], filled)}
    second = {p.name: p.read_bytes() for p in write(day, tmp_path / "b", [format], filled)}
    assert first == second


def test_the_dictionary_describes_every_column(filled: Store, day: Review, tmp_path: Path) -> None:
    write(day, tmp_path, ["csv"], filled)
    rows = rows_of(next(tmp_path.glob("*.data-dictionary.csv")))
    described = [(row["table"], row["column"]) for row in rows]
    assert described == [(table, c.name) for table, columns in TABLES.items() for c in columns]
    assert all(row["type"] and row["meaning"] and row["source"] for row in rows)
    page = next(tmp_path.glob("*.data-dictionary.md")).read_text(encoding="utf-8")
    assert all(f"| {column.name} |" in page for columns in TABLES.values() for column in columns)
    assert all(f"| {kind.value} | {KINDS[kind].title} |" in page for kind in Kind)


def test_parquet_has_the_same_values_and_says_units(filled: Store, day: Review, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    tables = exported(day, filled, tmp_path, "parquet")
    plain = exported(day, filled, tmp_path, "csv")
    table = pq.read_table(tables["readings"])
    assert table.column_names == [column.name for column in TABLES["readings"]]
    rows = rows_of(plain["readings"])
    assert table["value"].to_pylist() == [float(row["value"]) for row in rows]
    assert table["time"].cast("int64").to_pylist() == [int(row["time_us"]) for row in rows]
    assert table["time"].type.tz == "Europe/Berlin"
    assert table["sequence"].to_pylist() == [int(row["sequence"] or 0) or None for row in rows]
    assert table["device_time"].null_count == sum(row["device_time"] == "" for row in rows)
    assert set(table["device_name"].to_pylist()) == {"", '=cmd|"/c calc"!A1 , evil "quoted"'}  # no cell
    field = table.schema.field("time_us")
    assert field.metadata[b"unit"] == b"us"
    assert b"UCUM" in table.schema.field("unit").metadata[b"source"]
    for name in TABLES:
        schema = pq.read_schema(tables[name])
        assert all(schema.field(c.name).metadata[b"meaning"] == c.meaning.encode() for c in TABLES[name])
    assert pq.read_table(tables["days"])["day"].to_pylist()[0] == date(2026, 3, 29)


# What goes wrong


def test_single_readings_need_the_store(day: Review, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="csv needs the store"):
        write(day, tmp_path, ["csv"])


class Failing:
    """A store that breaks on the way."""

    def __init__(self, store: Store, error: BaseException) -> None:
        self._store, self._error = store, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def notes(self, start: datetime, end: datetime) -> list[Note]:
        raise self._error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_breaks_on_the_way_replaces_nothing(
    filled: Store, day: Review, tmp_path: Path, format: str, error: BaseException
) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    before = {p: p.read_bytes() for p in write(replace(day, findings=()), tmp_path, [format], filled)}
    with pytest.raises((KeyboardInterrupt, ExportError)):
        write(day, tmp_path, [format], Failing(filled, error))  # type: ignore[arg-type]
    assert {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


CHILD = """
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from healthslm.errors import ExportError
from healthslm.export import write
from healthslm.readings import Person, Review
from healthslm.store import open_store

home, out, format, days, limit, without = sys.argv[1:]
if without:
    sys.modules[without] = None
start = datetime(2026, 3, 1, tzinfo=UTC)
review = Review(person=Person(), start=start, end=start + timedelta(days=int(days)), made_at=start,
    timezone="Europe/Berlin", devices=(), windows={}, features=(), findings=())
with open_store(Path(home), "passphrase") as store:
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        write(review, Path(out), [format], store)
    except ExportError as error:
        print(error)
# Not ru_maxrss: that of a new program begins with what the tests' own process takes.
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def child(
    store: Store, out: Path, format: str, days: int = 1, limit: int = 0, without: str = ""
) -> list[str]:
    """Export in a process of its own; return what it said, its peak of memory in MB last."""
    arguments = [str(store.folder), str(out), format, str(days), str(limit), without]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.splitlines()


def seconds_of(store: Store, days: int) -> None:
    start = micro(datetime(2026, 3, 1, tzinfo=UTC))
    for day in range(days):
        times = start + (day * 86_400 + np.arange(86_400)) * 1_000_000
        values = np.round(70 + 10 * np.sin(np.arange(86_400) / 5000))
        store.append_columns(Kind.HEART_RATE, STRAP, Columns(times, values, np.zeros(86_400, np.int16)))
    store.commit()


def test_memory_does_not_grow_with_the_period(store: Store, tmp_path: Path) -> None:
    seconds_of(store, 5)
    short, long = (int(child(store, tmp_path / "out", "csv", days)[-1]) for days in (1, 5))
    assert long < 120 or EMULATED
    assert long - short < 12
    with next((tmp_path / "out").glob("*-06T*.readings.csv")).open("rb") as file:
        assert sum(1 for _ in file) == 5 * 86_400 + 1


@pytest.mark.parametrize("format", list(STREAMED))
def test_a_full_disk_leaves_the_good_files(store: Store, tmp_path: Path, format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    seconds_of(store, 1)
    out = tmp_path / "out"
    child(store, out, format)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    said = child(store, out, format, limit=200_000)
    assert "could not be written" in said[0]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_missing_package_is_named_with_its_extra(store: Store, tmp_path: Path) -> None:
    said = child(store, tmp_path / "out", "parquet", without="pyarrow")
    assert said[0] == (
        "Parquet needs the package pyarrow. "
        "Install it with: pip install 'healthslm[tables]'; or use --format csv."
    )
    assert not (tmp_path / "out").exists()
    assert child(store, tmp_path / "out", "csv", without="pyarrow")[0].isdigit()  # only asked for by Parquet
