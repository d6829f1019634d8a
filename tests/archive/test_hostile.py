"""Archives that are cut, changed, foreign, too large or made to do harm: refused, the store unchanged."""

import hashlib
import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from healthslm.archive import Archive, room, take_in
from healthslm.archive import taking_in as taking
from healthslm.errors import HealthslmError, ImportFailedError, StoreError
from healthslm.readings import Kind, Reading
from healthslm.store import CHEAPEST, Store, codec, create
from healthslm.store.codec import Columns
from tests.archive.everything import NOW, START, archive_of, contents, fill

Change = Callable[[dict[str, bytes]], Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    store, _ = create(tmp_path_factory.mktemp("good") / "a", "passphrase", profile=CHEAPEST)
    with store:
        fill(store)
        return archive_of(store)


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: dict[str, bytes], *, agree: bool = True) -> bytes:
    """A ZIP of members; `agree` writes their sizes and hashes into the manifest."""
    if agree:
        manifest = json.loads(members["manifest.json"])
        counts = {one["name"]: one["count"] for one in manifest["members"]}
        manifest["members"] = [
            {
                "name": name,
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "count": data.count(b"\n") if name.endswith(".jsonl") else counts.get(name, 1),
            }
            for name, data in members.items()
            if name != "manifest.json"
        ]
        members = members | {"manifest.json": json.dumps(manifest).encode()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tried(store: Store, data: bytes) -> None:
    archive = Archive(io.BytesIO(data), "test.zip")
    archive.check()
    take_in(store, archive, NOW, file="x", sha256="0")


def refused(store: Store, data: bytes, kind: type[HealthslmError] = ImportFailedError) -> str:
    before = contents(store)
    with pytest.raises(kind) as raised:
        tried(store, data)
    assert contents(store) == before
    assert raised.value.hint
    return raised.value.message


def line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def first(members: dict[str, bytes], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(members[name].split(b"\n")[0])
    return found


def rows(name: str, **changes: Any) -> Change:
    """Change fields of a table's first row."""

    def change(members: dict[str, bytes]) -> None:
        head, _, rest = members[name].partition(b"\n")
        members[name] = line(json.loads(head) | changes) + rest

    return change


def text(name: str, old: bytes, new: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return change


def block(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def stream(columns: Columns) -> Change:
    def change(members: dict[str, bytes]) -> None:
        with np.errstate(invalid="ignore"):
            members["streams/1.bin"] = block(codec.encode(columns))

    return change


def raw_stream(data: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members["streams/1.bin"] = data

    return change


def member(name: str, data: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members[name] = data

    return change


def manifest(**changes: Any) -> Change:
    return lambda m: m.update(
        {"manifest.json": json.dumps(json.loads(m["manifest.json"]) | changes).encode()}
    )


def one_at(time: int, value: float = 70.0, quality: int = 0) -> Columns:
    return Columns(np.array([time]), np.array([value]), np.array([quality], np.int16))


def setting(name: str, value: Any) -> Change:
    """One setting more, or another in place of what there is under that name."""

    def change(members: dict[str, bytes]) -> None:
        lines = members["settings.jsonl"].splitlines(keepends=True)
        kept = [one for one in lines if json.loads(one)["name"] != name]
        members["settings.jsonl"] = b"".join([*kept, line({"name": name, "value": value})])

    return change


def in_the_alert(**changes: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        rows("alerts.jsonl", alert=first(members, "alerts.jsonl")["alert"] | changes)(members)

    return change


def hidden_alert(members: dict[str, bytes]) -> None:
    """An alert that can be read, where one stands that cannot: under another id, in another state."""
    alert = json.dumps(first(members, "alerts.jsonl")["alert"])
    rows("alerts.jsonl", id="another", alert={"unreadable": alert})(members)


def threshold(**changes: Any) -> Change:
    one = {
        "rule": "fever",
        "name": "fever",
        "value": 38.5,
        "by": "Dr. Example",
        "at": "2026-01-01T00:00:00Z",
        "why": "so",
    }
    return setting("thresholds", [one | changes])


AWAKE, LONG = "2026-11-02T12:00:00+00:00", "2036-11-02T12:00:00+00:00"
LOSS = {"device": "x", "from": AWAKE, "until": AWAKE, "count": 1}
NEST = "[" * 100_000 + "]" * 100_000
BOMB = struct.pack("<BBBBIqq", 1, 0, 0, 0, 1 << 24, 0, 0) + b"\0" * 16
WRONG = {
    "a number that is none": (text("readings.jsonl", b'"value":', b'"value":NaN,"x":'), "value"),
    "an endless number": (text("readings.jsonl", b'"value":', b'"value":1e999,"x":'), "value"),
    "a text for a number": (rows("readings.jsonl", value="70"), "value"),
    "a field too many": (rows("readings.jsonl", more=1), "more"),
    "a kind that there is not": (rows("readings.jsonl", kind="mood"), "kind"),
    "a time in no year": (rows("readings.jsonl", time_us=10**18), "time_us"),
    "a device time in no year": (rows("readings.jsonl", device_time_us=-(10**18)), "device_time_us"),
    "a huge id": (rows("readings.jsonl", id=2**62), "out of order"),
    "an id of zero": (rows("readings.jsonl", id=0), "id"),
    "a huge sequence": (rows("readings.jsonl", sequence=2**64), "sequence"),
    "a row that is a list": (member("notes.jsonl", b"[1]\n"), "notes.jsonl"),
    "a level that there is not": (rows("notes.jsonl", level="fine"), "level"),
    "no JSON": (member("digests.jsonl", b"{{{\n"), "digests.jsonl"),
    "not UTF-8": (member("digests.jsonl", b"\xff\xfe\n"), "digests.jsonl"),
    "nested deeply": (member("settings.jsonl", f'{{"name":"person","value":{NEST}}}\n'.encode()), "settings"),
    "an endless line": (member("notes.jsonl", b" " * 5_000_000), "line longer"),
    "a line without an end": (member("digests.jsonl", b"{}"), "middle of a line"),
    "a setting that is a secret": (member("settings.jsonl", line({"name": "hooks", "value": []})), "hooks"),
    "a setting of another shape": (member("settings.jsonl", line({"name": "person", "value": 3})), "person"),
    "a policy that cannot be": (
        member("settings.jsonl", line({"name": "alert policy", "value": {"cap": -1}})),
        "policy",
    ),
    "a guideline that is none": (
        member("settings.jsonl", line({"name": "pressure guideline", "value": "x"})),
        "guideline",
    ),
    "somebody's address on a server": (setting("fhir patient", "Patient/7"), "fhir patient"),
    "a retention that deletes all": (setting("retention", {"days": {"dense": 1}}), "retention"),
    "a retention of a kind that there is not": (setting("retention", {"days": {"mood": 90}}), "retention"),
    "a retention in no year": (setting("retention", {"done": 10**20}), "retention"),
    "a snooze for ten years": (setting("alerts snoozed", {"at": AWAKE, "until": LONG}), "snoozed"),
    "a snooze without a zone": (
        setting("alerts snoozed", {"at": AWAKE[:19], "until": AWAKE[:19]}),
        "snoozed",
    ),
    "losses of another shape": (setting("link losses", [{"device": "x"}]), "link losses"),
    "losses without a zone": (setting("link losses", [LOSS | {"from": "2026-11-02"}]), "link losses"),
    "a count in words": (setting("link losses", [LOSS | {"count": "many"}]), "link losses"),
    "a threshold that is no number": (threshold(value=float("nan")), "thresholds"),
    "a threshold that nobody signed": (threshold(by=" "), "thresholds"),
    "a setting twice": (
        lambda m: m.update({"settings.jsonl": 2 * m["settings.jsonl"].splitlines(keepends=True)[0]}),
        "twice",
    ),
    "two people": (setting("person", {"name": "Grace Other", "birth_date": "1950-04-01"}), "one person"),
    "an alert that is said to be unreadable": (hidden_alert, "contradicts"),
    "an alert snoozed for ten years": (
        in_the_alert(snoozed_at=AWAKE, snoozed_until=LONG),
        "snoozed for longer",
    ),
    "readings that nobody speaks of": (member("streams/900.bin", b""), "streams/900.bin"),
    "readings deleted in times to come": (
        rows("forgotten.jsonl", before_us=1_900_000_000_000_000),
        "later than now",
    ),
    "an alert that is none": (rows("alerts.jsonl", alert={"id": "x"}), "alert"),
    "an alert that contradicts itself": (rows("alerts.jsonl", id="another"), "contradicts"),
    "a stream of nothing known": (rows("streams.jsonl", number=900), "streams/900.bin"),
    "a stream in another unit": (rows("streams.jsonl", unit="mmol/L"), "unit that is not"),
    "a stream with a huge number": (rows("streams.jsonl", number=99_999), "number"),
    "times before 2000": (stream(one_at(0)), "2000"),
    "times after 2071": (stream(one_at(1 << 62)), "2071"),
    "a value that is no number": (stream(one_at(1_800_000_000_000_000, np.nan)), "no number"),
    "an endless value": (stream(one_at(1_800_000_000_000_000, np.inf)), "no number"),
    "a quality that cannot be": (stream(one_at(1_800_000_000_000_000, 70, -1)), "no number"),
    "a block of nothing": (raw_stream(block(b"")), "streams/1.bin in test.zip is not written"),
    "a block of other bytes": (raw_stream(block(b"x" * 100)), "streams/1.bin"),
    "a block that is cut": (
        raw_stream(block(codec.encode(one_at(1_800_000_000_000_000)))[:-3]),
        "not written",
    ),
    "a block that says it is huge": (raw_stream(struct.pack("<I", 2**32 - 1)), "not written"),
    "a block that would fill the memory": (raw_stream(block(BOMB)), "not written"),
    "times that go back": (
        raw_stream(2 * block(codec.encode(one_at(1_800_000_000_000_000)))),
        "out of order",
    ),
    "a member of another name": (member("../../evil.jsonl", b""), "evil"),
    "a member with a path": (member("/etc/passwd", b""), "passwd"),
    "a member that is not ours": (member("program.exe", b""), "program.exe"),
    "a table more": (member("more.jsonl", b""), None),
    "roll-ups that are none": (member("leftover/heart_rate.bin", block(b"x" * 40) * 2), "leftover"),
    "forgotten without what is left": (
        member("forgotten.jsonl", line({"kind": "ecg", "before_us": 0})),
        "forgot",
    ),
    "a newer version": (manifest(version=2, more={"x": 1}), "newer healthslm"),
    "another format": (manifest(format="another"), "format"),
    "too much in the manifest": (manifest(more=1), "more"),
    "a naive time": (manifest(made_at="2026-01-01T00:00:00"), "made_at"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_and_changes_nothing(store: Store, good: bytes, what: str) -> None:
    change, said = WRONG[what]
    members = members_of(good)
    change(members)
    data = zipped(members)
    store.append([Reading(time=START, kind=Kind.WEIGHT, value=70.0, device="scale")])
    store.commit()
    if said is None:  # more than there is to be is taken in by nobody, and does no harm
        take_in(store, Archive(io.BytesIO(data), "test.zip"), NOW, file="x", sha256="0")
        return
    assert said in refused(store, data)


def test_a_count_that_is_a_lie(store: Store, good: bytes) -> None:
    """What is said to be in an archive before it is taken in is what is in it."""
    for name in ("notes.jsonl", "streams/1.bin"):
        members = members_of(good)
        told = json.loads(members["manifest.json"])
        for one in told["members"]:
            if one["name"] == name:
                one["count"] = 0
        members["manifest.json"] = json.dumps(told).encode()
        assert f"{name} in test.zip has not as much" in refused(store, zipped(members, agree=False))


def test_long_rows_are_taken_in_few_at_a_time(store: Store, good: bytes) -> None:
    """A thousand rows of megabytes are never in memory together."""
    members = members_of(good)
    head = first(members, "readings.jsonl")
    long = [head | {"id": n, "time_us": n * 1_000_000, "context": "x" * 3_000_000} for n in range(1, 5)]
    members["readings.jsonl"] = b"".join(map(line, long))
    archive = Archive(io.BytesIO(zipped(members)), "test.zip")
    assert [len(batch) for batch in taking._batches(archive)] == [2, 2]


def test_more_than_memory_should_hold(store: Store, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in (
        ("_LONGEST_AMENDMENTS", "amendments"),
        ("_MOST_EVIDENCE", "alerts"),
        ("_MOST_DEVICES", "devices"),
    ):
        with monkeypatch.context() as less:
            less.setattr(taking, name, 0)
            assert f"more {said} than" in refused(store, good)


@pytest.mark.parametrize("left", [0, 10, 21, 300, 5000, -1, -30, -100])
def test_a_cut_file_is_refused(store: Store, good: bytes, left: int) -> None:
    assert "test.zip" in refused(store, good[:left])


def test_any_changed_byte_is_found_or_means_nothing(store: Store, good: bytes) -> None:
    dice = np.random.default_rng(1)
    for place in dice.integers(0, len(good), 60).tolist():
        changed = bytearray(good)
        changed[place] ^= 1 << int(dice.integers(8))
        before = contents(store)
        try:
            Archive(io.BytesIO(bytes(changed)), "test.zip").check()
        except ImportFailedError:
            continue
        # What is left: bytes that a ZIP has twice, or for nothing.
        members = members_of(bytes(changed))
        assert members == members_of(good)
        assert contents(store) == before


def test_a_hash_that_is_wrong(store: Store, good: bytes) -> None:
    members = members_of(good)
    members["notes.jsonl"] = members["notes.jsonl"].replace(b"dizzy", b"happy")
    assert "notes.jsonl in test.zip was changed or cut" in refused(store, zipped(members, agree=False))


def test_a_member_that_is_missing(store: Store, good: bytes) -> None:
    members = members_of(good)
    del members["readings.jsonl"]
    assert "do not agree on the member readings.jsonl" in refused(store, zipped(members, agree=False))
    assert "readings.jsonl" in refused(store, zipped(members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(store: Store, good: bytes) -> None:
    file = io.BytesIO(good)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("notes.jsonl", b"")
    assert "notes.jsonl twice" in refused(store, file.getvalue())


def test_a_bomb_takes_no_memory(store: Store, good: bytes) -> None:
    """A gigabyte of zeros in a megabyte: refused by its size, and no more than a line is ever held."""
    members = members_of(good)
    told = json.loads(members["manifest.json"])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            if name not in ("notes.jsonl", "manifest.json"):
                archive.writestr(name, data)
        with archive.open("notes.jsonl", "w") as bomb:
            for _ in range(40):
                bomb.write(bytes(1_000_000))
        for one in told["members"]:
            if one["name"] == "notes.jsonl":
                one["bytes"] = 1000
        archive.writestr("manifest.json", json.dumps(told))
    assert "larger than the manifest says" in refused(store, file.getvalue())


def test_too_many_members(store: Store, good: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for n in range(20_000):
            archive.writestr(f"streams/{n}.bin{'x' * 50}", b"")
    assert "more members" in refused(store, file.getvalue())


def test_a_directory_whose_size_is_hidden(store: Store, good: bytes) -> None:
    """The end of a large ZIP, with its own mark once more within it, where a search from behind finds it."""
    end = good.index(b"PK\x05\x06")
    start = struct.unpack_from("<L", good, end + 16)[0]
    large = struct.pack(
        "<4sQHHLL4sLQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, b"PK\x06\x06", 0, 1, 1 << 40, start
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert "more members" in refused(store, good[:end] + large + locator + last)


def test_no_room(store: Store, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _path: full)
    assert "has 0 MB left" in refused(store, good)


def test_a_disk_that_fills_on_the_way(store: Store, good: bytes) -> None:
    pages = store._database.value("PRAGMA page_count")
    store._database.rows(f"PRAGMA max_page_count = {pages + 10}")
    assert "full" in refused(store, good, StoreError)
    store._database.rows("PRAGMA max_page_count = 1000000")
    take_in(store, Archive(io.BytesIO(good), "test.zip"), NOW, file="x", sha256="0")
    assert store.count() > 10_000
    store.verify()


def test_a_zip_that_is_none_of_ours(store: Store) -> None:
    assert "no archive of healthslm" in refused(store, zipped({"notes.jsonl": b""}, agree=False))


def test_a_member_that_is_encrypted(store: Store, good: bytes) -> None:
    at = good.index(b"PK\x01\x02")
    changed = bytearray(good)
    changed[at + 8] |= 1
    assert "another way" in refused(store, bytes(changed))


def test_a_stream_of_zeros_is_no_bomb(store: Store, good: bytes) -> None:
    """A block that unpacks to far more than it announces."""
    data = codec.encode(one_at(1_800_000_000_000_000))
    bomb = bytes((1,)) + zlib.compress(bytes(50_000_000))
    made = data[:24] + struct.pack("<I", len(bomb)) + bomb + struct.pack("<I", 0) * 3
    members = members_of(good)
    members["streams/1.bin"] = block(made)
    archive = zipped(members)
    tracemalloc.start()
    try:
        said = refused(store, archive)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert said == "streams/1.bin in test.zip is not written as healthslm writes it."
    assert most < 10_000_000
