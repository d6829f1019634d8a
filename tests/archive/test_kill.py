"""Killed in the middle: nothing lost, nothing doubled, and saying it again is right."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthslm.archive import Archive, take_in
from healthslm.readings import Kind, Reading
from healthslm.store import CHEAPEST, create, open_store
from tests.archive.everything import NOW, START, archive_of, contents, fill

PROGRAM = Path(__file__).parent / "killed_import.py"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("readings", [1, 600, 5_000, 9_000])
def test_killed_on_the_way(tmp_path: Path, readings: int) -> None:
    one, _ = create(tmp_path / "a", "passphrase", profile=CHEAPEST)
    with one:
        fill(one)
        data = archive_of(one)
    (tmp_path / "archive.zip").write_bytes(data)
    two, _ = create(tmp_path / "b", "passphrase", profile=CHEAPEST)
    with two:
        two.append([Reading(time=START, kind=Kind.SPO2, value=97.0, device="mine")])
        two.commit()
        before = contents(two)
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "b"), str(tmp_path / "archive.zip"), str(readings)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == -9, ended.stderr
    with open_store(tmp_path / "b", "passphrase") as two:
        assert contents(two) == before
        outcome = take_in(two, Archive(io.BytesIO(data), "x"), NOW, file="x", sha256="")
        assert outcome.tallies["readings"].there == 0
        again = take_in(two, Archive(io.BytesIO(data), "x"), NOW, file="x", sha256="")
        assert again.new == 0
        two.verify()
