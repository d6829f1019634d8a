import gzip
from pathlib import Path

import numpy as np
import pytest

from healthslm.errors import UsageError
from healthslm.importers.rr import RrFile, read_rr

DATA = Path(__file__).parent.parent / "data" / "rr"


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]
    def one(text: str) -> RrFile:
        path = tmp_path / "beats.csv"
        path.write_bytes(text.encode())
        return read_rr(path)

    return one


def test_a_recorded_file_is_read_with_its_labels() -> None:
    found = read_rr(DATA / "mitdb-200-800-beats.csv.gz")
    assert (len(found.rr_ms), found.unit, found.problems) == (800, "s", ())
    assert set(found.labels) == {"r_peak_sample_360hz", "pvc"}
    assert found.labels["pvc"].sum() > 100
    assert np.isfinite(found.rr_ms).all()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("rr_s\n0.8\n0.9\n", "s"),
        ("rr_ms\r\n800\r\n900\r\n", "ms"),
        ("800\n900\n", "ms"),
        ("0.8\n0.9\n", "s"),
        ("0,8\n0,9\n", "s"),
        ("\ufeffn;rr_s\n1;0,8\n2;0,9\n", "s"),
        ("# paroxysmal\nn\trr_ms\n1\t800\n2\t900\n", "ms"),
        ("RR [ms]\n800\n900\n", "ms"),
    ],
)
def test_the_ways_people_write_it(read, text: str, unit: str) -> None:  # type: ignore[no-untyped-def]
    found = read(text)
    assert found.rr_ms.tolist() == pytest.approx([800, 900])
    assert found.unit == unit


def test_a_guess_is_said(read) -> None:  # type: ignore[no-untyped-def]
    assert "taken as ms" in read("800\n900\n").problems[0]
    assert "are ms" in read("rr_s\n800\n900\n").problems[0]


def test_what_is_no_interval_is_named_and_the_rest_is_used(read) -> None:  # type: ignore[no-untyped-def]
    found = read("rr_ms\n800\n\nabc\n-5\nnan\n810\ninf\n")
    assert len(found.rr_ms) == 7
    assert found.rr_ms[[0, 5]].tolist() == [800, 810]
    assert np.isnan(found.rr_ms[[1, 2, 3, 4, 6]]).all()
    said = " | ".join(found.problems)
    assert "lines 3, 6: no value" in said
    assert "line 4: 'abc' is no number" in said
    assert "line 5: an interval is above zero" in said
    assert "line 8: no finite number" in said


def test_mixed_units_are_named_and_left_out(read) -> None:  # type: ignore[no-untyped-def]
    found = read("rr_ms\n800\n0.8\n810\n790\n")
    assert np.isnan(found.rr_ms[1])
    assert "units mixed in one file: line 3 in s" in found.problems[0]


def test_a_missing_column_and_an_empty_file_are_named(read) -> None:  # type: ignore[no-untyped-def]
    assert "no column rr_s or rr_ms; there is: time, pulse" in read("time,pulse\n1,60\n").problems[0]
    for text in ("", "rr_ms\n", "\n\n"):
        found = read(text)
        assert not len(found.rr_ms)
        assert "no reading" in found.problems[0]


def test_times_that_go_backwards_are_named(read) -> None:  # type: ignore[no-untyped-def]
    found = read("time,rr_ms\n1,800\n3,800\n2,800\n")
    assert "time goes backwards at line 4" in found.problems[0]
    assert len(found.rr_ms) == 3


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_rr(tmp_path / "none.csv")
    for name, content in (("cut.gz", gzip.compress(b"rr_ms\n" * 99)[:20]), ("binary", b"\0\1")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError):
            read_rr(tmp_path / name)
