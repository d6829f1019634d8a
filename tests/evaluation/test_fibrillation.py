"""The evaluation of atrial fibrillation: it reads recordings, counts beats, and can fail."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from healthslm.errors import UsageError
from healthslm.evaluation.fibrillation import Record, records, run, sensitivity, specificity, told
from healthslm.evaluation.fibrillation_published import petrenas, zhou
from healthslm.training.rhythms import fibrillation, sinus

DATA = Path(__file__).parent.parent / "data" / "rr"


def made(name: str, seconds: np.ndarray, af: int) -> Record:
    return Record(
        database="cpsc2021", name=name, patient=name, label="",
        rr_ms=1000 * np.clip(seconds, 0.3, 2), af=np.full(len(seconds), af),
    )  # fmt: skip


def written(folder: Path, name: str, column: str, rr: np.ndarray, af: int, note: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        if note:
            file.write(f"# {note}\n")
        rows = csv.writer(file)
        rows.writerow([column, "rr_s", "af"])
        rows.writerows([i, f"{x:.3f}", af] for i, x in enumerate(np.clip(rr, 0.3, 2)))


def test_the_excerpt_is_judged_and_compared() -> None:
    with gzip.open(DATA / "afdb-04126-first-2h.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    table = run(DATA / "afdb-04126-first-2h.csv.gz")
    lines = {one.name: one for one in table.lines}
    assert lines["AFDB, Se"].note == f"1 records, {sum(r['af'] == '1' for r in rows):,} AF beats"
    for name in ("AFDB, Se", "AFDB, Sp", "AFDB, Petrėnas 2015 on the same, Se"):
        value = lines[name].value
        assert value is not None
        assert value > 85
    assert lines["mitdb, PPV"].value is None


def test_recordings_are_known_by_their_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    written(tmp_path / "a", "1.csv", "qrs_sample_250hz", sinus(rng, 100), 0)
    written(tmp_path / "b", "data_7_1.csv", "r_peak_sample_200hz", fibrillation(rng, 100), 1, "persistent af")
    written(tmp_path / "b", "data_7_2.csv", "r_peak_sample_200hz", fibrillation(rng, 100), 1, "persistent af")
    written(tmp_path, "2.csv", "r_peak_sample_360hz", sinus(rng, 100), 0)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    found = {r.name: r for r in records(tmp_path)}
    assert {n: r.database for n, r in found.items()} == {
        "1": "afdb", "2": "mitdb", "data_7_1": "cpsc2021", "data_7_2": "cpsc2021"
    }  # fmt: skip
    assert found["data_7_1"].patient == found["data_7_2"].patient
    assert found["data_7_1"].persistent
    assert found["1"].without
    with pytest.raises(UsageError, match="no recordings"):
        records(tmp_path / "a" / "nothing")


def test_who_is_told() -> None:
    rng = np.random.default_rng(6)
    assert told(made("af", fibrillation(rng, 300), 1))
    assert not told(made("sinus", sinus(rng, 300), 0))


def test_a_false_alarm_and_a_miss_are_counted(tmp_path: Path) -> None:
    """Annotations turned round: the table must say so."""
    rng = np.random.default_rng(6)
    written(tmp_path, "data_1_1.csv", "r_peak_sample_200hz", fibrillation(rng, 400), 0)
    written(tmp_path, "data_2_1.csv", "r_peak_sample_200hz", sinus(rng, 400), 1)
    lines = {one.name: one for one in run(tmp_path).lines}
    assert (lines["people told without AF"].value, lines["people told without AF"].met) == (1, False)
    assert (lines["persistent AF found"].value, lines["persistent AF found"].met) == (0, False)


def test_the_figures() -> None:
    found, truth = np.array([True, True, False, False, True]), np.array([1, 1, 1, 0, 0])
    assert sensitivity(found, truth) == pytest.approx(200 / 3)
    assert specificity(found, truth) == 50
    assert sensitivity(found[3:], truth[3:]) is None
    assert specificity(found[:3], truth[:3]) is None


@pytest.mark.parametrize("detector", [petrenas, zhou])
def test_the_published_detectors_tell_the_two_apart(detector) -> None:
    rng = np.random.default_rng(8)
    wild = 1000 * np.clip(0.8 * np.exp(rng.normal(0, 0.2, 600)), 0.3, 2)
    assert detector(wild)[200:].mean() > 0.9
    assert detector(800 + rng.normal(0, 10, 600)).mean() < 0.05
