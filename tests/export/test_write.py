"""Files: whole or not at all, and an error that names them."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import Buffer

from healthslm.errors import ExportError
from healthslm.export import bundle_bytes, files, made, report, write
from healthslm.export.files import filling, staged
from healthslm.readings import Review


def test_both_files_are_written_under_names_that_name_nobody(sick: Review, tmp_path: Path) -> None:
    paths = write(sick, tmp_path / "new" / "folder")
    assert [p.name for p in paths] == ["healthslm-2026-03-14.pdf", "healthslm-2026-03-14.fhir.json"]
    assert paths[0].read_bytes() == report(sick)
    assert paths[1].read_bytes() == bundle_bytes(sick)
    assert {p.stat().st_mode & 0o777 for p in paths} == {0o600}
    assert sorted(p.name for p in paths[0].parent.iterdir()) == sorted(p.name for p in paths)


def test_periods_have_names_of_their_own(reviews: dict[str, Review], tmp_path: Path) -> None:
    names = [write(reviews[n], tmp_path, ["fhir"])[0].name for n in ("a week", "an hour", "clocks change")]
    assert names == [
        "healthslm-2026-03-08-to-2026-03-14.fhir.json",
        "healthslm-2026-03-14T1000-to-2026-03-14T1100.fhir.json",
        "healthslm-2026-03-29.fhir.json",
    ]


def test_an_unknown_format_writes_nothing(sick: Review, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"'docx' is no format to export. Use pdf or fhir"):
        write(sick, tmp_path, ["fhir", "docx"])
    assert list(tmp_path.iterdir()) == []


def test_what_fails_on_the_way_leaves_the_old_files(sick: Review, tmp_path: Path) -> None:
    (path,) = write(sick, tmp_path, ["fhir"])
    before = path.read_bytes()
    with pytest.raises(ExportError):
        write(replace(sick, end=sick.start - timedelta(days=1)), tmp_path)
    assert path.read_bytes() == before


def test_a_folder_that_is_a_file_is_named(sick: Review, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ExportError, match="file") as caught:
        write(sick, file, ["fhir"])
    assert caught.value.hint
    assert file.read_text() == "mine"


def test_a_folder_in_the_way_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "there.pdf").mkdir()
    files = [(tmp_path / "first.pdf", filling(b"x")), (tmp_path / "there.pdf", filling(b"x"))]
    with pytest.raises(ExportError, match=r"there\.pdf"), staged(files):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["there.pdf"]


@pytest.mark.parametrize("system", ["with", "without"])
def test_both_ways_to_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """Where a file can be without a name until it is whole, and where it cannot."""
    if system == "without":
        monkeypatch.setattr(files, "_nameless", lambda _folder: None)
    path = tmp_path / "page.pdf"
    path.write_bytes(b"good")
    with staged([(path, filling(b"new"))]) as (waiting,):
        waiting.seek(0)
        assert waiting.read() == b"new"
        assert path.read_bytes() == b"good"
        assert os.fstat(waiting.fileno()).st_mode & 0o777 == 0o600
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["page.pdf"]
    with pytest.raises(KeyboardInterrupt), staged([(path, filling(b"newer"))]):
        raise KeyboardInterrupt
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["page.pdf"]


KILLED = """
import os, signal, sys
from pathlib import Path
from healthslm.export.files import staged
def fill(file):
    file.write(b"blood pressure")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
with staged([(Path(sys.argv[1]), fill)]):
    pass
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files have names here from their beginning")
def test_what_is_killed_leaves_nothing_of_what_it_wrote(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "page.pdf")], check=False)
    assert done.returncode == -9
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, sys
from pathlib import Path
from healthslm.errors import ExportError
from healthslm.export.files import filling, staged
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with staged([(Path(sys.argv[1]), filling(b"new" * 1000))]):
        pass
except ExportError as error:
    print(error)
"""


def test_a_file_that_cannot_be_finished_leaves_the_good_one(tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(b"good")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert "page.pdf could not be written" in done.stdout
    assert path.read_bytes() == b"good"
    assert [p.name for p in tmp_path.iterdir()] == ["page.pdf"]


def test_a_bundle_is_written_piece_by_piece_and_is_the_same(sick: Review) -> None:
    written: list[bytes] = []

    class File(io.BytesIO):
        def write(self, data: Buffer, /) -> int:
            written.append(bytes(data))
            return len(written[-1])

    ((_, fill),) = made(sick, ["fhir"])
    fill(File())
    assert b"".join(written) == bundle_bytes(sick)
    assert len(written) > 10
    assert max(map(len, written)) < len(bundle_bytes(sick)) / 5
