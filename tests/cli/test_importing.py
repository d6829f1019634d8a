"""`healthslm export archive` and `healthslm import`: what is said, what is stored, and what is refused."""

import errno
import gc
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest

from healthslm.cli import archiving
from healthslm.store import CHEAPEST, create, open_store
from healthslm.store.audit import Event
from tests.archive.everything import contents, fill
from tests.cli.saying import Said, said_by

PASSPHRASE = "correct horse"
Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call the command about the store `a` or `b`, where nobody sits at a terminal."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    for name in "ab":
        store, _ = create(tmp_path / name, PASSPHRASE, profile=CHEAPEST)
        with store:
            if name == "a":
                fill(store)
        (tmp_path / name / "settings.toml").write_text('timezone = "Europe/Berlin"\n')

    def called(name: str, *arguments: str) -> Said:
        opening = ["--home", str(tmp_path / name), "--passphrase-file", str(tmp_path / "passphrase")]
        return said_by([*opening, *arguments])

    return called


@pytest.fixture
def archive(run: Run, tmp_path: Path) -> Path:
    said = run("a", "export", "archive", "--plain", "--out", str(tmp_path / "out"), "--purpose", "moving")
    assert said.code == 0
    return Path(said.stdout.strip())


def test_out_and_back_in(run: Run, archive: Path, tmp_path: Path) -> None:
    assert archive.name == "healthslm-archive-1971-01-01-to-2099-01-01.zip"
    assert archive.stat().st_mode & 0o777 == 0o600
    said = run("b", "import", str(archive))
    assert said.code == 0
    assert "An archive of Ada Example" in said.stderr
    assert "to be added again: phone" in said.stderr
    assert "fever 38.5 °C (usual 38): set by Dr. Example on 2026-11-02, chemotherapy." in said.stderr
    assert "fever is told only once it has held for 10 minutes" in said.stderr
    assert "heart rate from before 2026-03-03 was deleted there, and is taken in here no more" in said.stderr
    assert "hold here from now on: alert policy, fhir patient, person, thresholds" in said.stderr
    assert "readings" in said.stdout
    assert "there already" not in said.stdout  # nothing was
    with open_store(tmp_path / "a", PASSPHRASE) as a, open_store(tmp_path / "b", PASSPHRASE) as b:
        ours, theirs = contents(a), contents(b)
        assert {**ours, "alerts": 0} == {**theirs, "alerts": 0}
        (entry,) = b.trail(event=Event.IMPORTED)
        assert entry.detail["readings"] == a.count()
        assert "thresholds" in str(entry.detail["settings"])
        assert len(str(entry.detail["sha256"])) == 64
        (given,) = a.trail(event=Event.EXPORTED)[1:]
        assert (given.detail["formats"], given.detail["purpose"]) == ("archive", "moving")


def test_twice_as_json(run: Run, archive: Path) -> None:
    first = json.loads(run("b", "import", str(archive), "--json").stdout)
    assert first["became"]["readings"]["new"] == first["in_it"]["readings"]
    assert first["left_out"]["hooks"] == ["phone"]
    second = json.loads(run("b", "import", str(archive), "--json").stdout)
    assert all(tally["new"] == 0 for tally in second["became"].values())


def test_only_looking_stores_nothing(run: Run, archive: Path, tmp_path: Path) -> None:
    said = run("b", "import", str(archive), "--check")
    assert said.code == 0
    assert "fever 38.5 °C (usual 38): set by Dr. Example" in said.stderr
    assert "Nothing was stored" in said.stderr
    with open_store(tmp_path / "b", PASSPHRASE) as store:
        assert store.count() == 0
        assert store.trail(event=Event.IMPORTED) == []


def test_a_disk_that_fills_while_it_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and nothing else: no reader of the store is left open behind it."""
    unheard: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unheard.append)

    def full(pieces: Iterator[bytes], _key: object) -> Callable[[object], None]:
        def fill(_file: object) -> None:
            next(pieces)
            raise OSError(errno.ENOSPC, "No space left on device")

        return fill

    monkeypatch.setattr(archiving, "sealing", full)
    said = run("a", "export", "archive", "--plain", "--out", str(tmp_path / "out"))
    gc.collect()
    assert said.code == 1
    assert "No space left" in said.stderr
    assert not unheard
    assert list((tmp_path / "out").iterdir()) == []


def test_of_another_person(run: Run, archive: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "b", PASSPHRASE) as store:
        store.put("person", {"name": "Grace Other", "birth_date": ""})
    said = run("b", "import", str(archive))
    assert said.code == 2
    assert "another person than this store: the name differs." in said.stderr
    assert "--same-person" in said.stderr
    assert "Grace" not in said.stderr
    with open_store(tmp_path / "b", PASSPHRASE) as store:
        assert store.count() == 0
    said = run("b", "import", str(archive), "--same-person")
    assert said.code == 0
    assert "otherwise here, and stay as they are here: person" in said.stderr
    with open_store(tmp_path / "b", PASSPHRASE) as store:
        assert store.get("person")["name"] == "Grace Other"


def test_encrypted_for_a_key(run: Run, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    out = str(tmp_path / "out")
    said = run("a", "export", "archive", "--recipient", str(identity.to_public()), "--out", out, "--json")
    (path,) = json.loads(said.stdout)
    assert path.endswith(".zip.age")
    said = run("b", "import", path)
    assert said.code == 2
    assert "--identity KEYFILE" in said.stderr
    assert run("b", "import", path, "--identity", str(tmp_path / "key")).code == 0
    (tmp_path / "key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert run("b", "import", path, "--identity", str(tmp_path / "key")).code == 3


def test_encrypted_with_a_passphrase(run: Run, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("a few good words\n")
    words = ("--share-passphrase-file", str(tmp_path / "words"))
    said = run("a", "export", "archive", *words, "--out", str(tmp_path / "out"))
    path = said.stdout.strip()
    asked = run("b", "import", path)
    assert (asked.code, "--share-passphrase-file" in asked.stderr) == (2, True)
    assert run("b", "import", path, *words).code == 0


def test_an_empty_store_is_an_archive_too(run: Run, tmp_path: Path) -> None:
    said = run("b", "export", "archive", "--plain", "--out", str(tmp_path))
    assert Path(said.stdout.strip()).name == "healthslm-archive.zip"
    assert run("a", "import", said.stdout.strip()).code == 0


def test_without_a_clear_yes_nothing_is_written(run: Run, tmp_path: Path) -> None:
    said = run("a", "export", "archive", "--out", str(tmp_path / "out"))
    assert said.code == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_replaces_nothing(run: Run, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    said = run("a", "export", "archive", "--plain", "--out", str(tmp_path / "file"))
    assert said.code == 1
    assert (tmp_path / "file").read_text() == "mine"
    archive.unlink()
    archive.mkdir()
    said = run("a", "export", "archive", "--plain", "--out", str(archive.parent))
    assert said.code == 1
    assert "A folder of that name" in said.stderr
    assert list(archive.parent.iterdir()) == [archive]
    with open_store(tmp_path / "a", PASSPHRASE) as store:
        formats = [entry.detail.get("formats") for entry in store.trail(event=Event.EXPORTED)]
        assert formats == [None, "archive"], "only what was written is noted"


def test_a_file_of_others(run: Run, tmp_path: Path) -> None:
    for name, data in {"a.json": b'{"resourceType": "Bundle"}', "b.csv": b"time,value\n"}.items():
        (tmp_path / name).write_bytes(data)
        assert run("b", "import", str(tmp_path / name)).code == 1
    assert run("b", "import", str(tmp_path / "missing.zip")).code == 1


def test_a_hand_over_is_no_archive_and_that_is_said(run: Run, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    period = ("--from", "2026-03-01", "--to", "2026-03-03", "--template", "--format", "fhir")
    words = ("--out", str(tmp_path / "out"), "--recipient", str(identity.to_public()))
    path = run("a", "export", "clinician", *period, *words).stdout.strip()
    said = run("b", "import", path, "--identity", str(tmp_path / "key"))
    assert said.code == 1
    assert "is a hand-over, not an archive" in said.stderr


def test_a_bundle(run: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    period = ("--from", "2026-03-01", "--to", "2026-03-03", "--template", "--series", "sampled")
    said = run("a", "export", "clinician", "--plain", "--format", "fhir", "--out", out, *period)
    assert said.code == 0, said.stderr
    path = said.stdout.strip()
    looked = run("b", "import", path, "--check")
    assert "A FHIR Bundle of Ada Example" in looked.stderr
    assert "Nothing was stored" in looked.stderr
    told = json.loads(run("b", "import", path, "--json").stdout)
    assert told["became"]["readings"]["new"] > 100
    assert told["not_back"]
    again = run("b", "import", path)
    assert again.code == 0
    assert "readings" in again.stdout
    assert json.loads(run("b", "import", path, "--json").stdout)["became"]["readings"]["new"] == 0


def test_the_zip_is_one_that_others_open(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert "healthslm import FILE" in opened.read("READ-ME.txt").decode()
    if os.path.exists("/usr/bin/unzip"):
        subprocess.run(["/usr/bin/unzip", "-tq", str(archive)], check=True, timeout=60, capture_output=True)
