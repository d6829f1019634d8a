import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent.parent / "data" / "rr"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "healthslm", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_the_published_values_come_from_a_file(tmp_path: Path, unit: str) -> None:
    nn = np.load(DATA / "hrv_reference" / "SampleNNISeriesLong.npy")
    values = [str(x / 1000 if unit == "s" else x) for x in nn.tolist()]
    file = tmp_path / "nn.csv"
    file.write_text("\n".join([f"rr_{unit}", *values]) + "\n")
    found = json.loads(run("analyse", "rr", str(file), "--json").stdout)
    assert found["hrv"]["sdnn_ms"] == pytest.approx(85.357, abs=0.0005)
    assert found["hrv"]["rmssd_ms"] == pytest.approx(60.523, abs=0.0005)
    assert (found["intervals"], found["usable"], found["unit"]) == (4684, 4684, unit)
    assert found["problems"] == []


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("rr_ms\n" + "800\n" * 20 + "x\n")
    shown = run("analyse", "rr", str(file))
    assert shown.returncode == 0
    assert "'x' is no number" in shown.stderr
    assert "at least 64 are needed" in " ".join(shown.stdout.split())
    missing = run("analyse", "rr", str(tmp_path / "none.csv"))
    assert missing.returncode == 2
    assert "cannot be read" in missing.stderr


def test_a_file_without_the_column_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("time,pulse\n1,70\n2,71\n")
    refused = run("analyse", "rr", str(file), "--json")
    assert refused.returncode == 1
    assert "there is: time, pulse" in refused.stderr
    assert "rr_s or rr_ms" in refused.stderr


@pytest.mark.parametrize("text", ["", "rr_ms\n", "rr_ms\nx\n0\n"])
def test_a_file_without_a_reading_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "none.csv"
    file.write_text(text)
    refused = run("analyse", "rr", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "none.csv: nothing can be used" in refused.stderr


def test_fibrillation_beat_by_beat(tmp_path: Path) -> None:
    found = json.loads(
        run("analyse", "rr", str(DATA / "afdb-04126-first-2h.csv.gz"), "--json", "--beats").stdout
    )
    assert len(found["beats"]) == found["intervals"] == 11570
    assert found["af_burden"] == pytest.approx(0.265, abs=0.03)
    assert found["af_burden"] == pytest.approx(sum(found["beats"]) / 11570, abs=0.001)
    few = tmp_path / "few.csv"
    few.write_text("rr_s\n0.8\n0.9\nx\n")
    found = json.loads(run("analyse", "rr", str(few), "--json", "--beats").stdout)
    assert found["beats"] == [False, False, False]
    assert found["af_burden"] is None
    assert "at least 16" in found["reasons"]["af_burden"]


def test_eval_af_prints_its_table() -> None:
    result = run("eval", "af", "--data", str(DATA / "afdb-04126-first-2h.csv.gz"), "--json")
    lines = {line["name"]: line for line in json.loads(result.stdout)["lines"]}
    assert lines["AFDB, Se"]["value"] > 95
    assert lines["AFDB, Se"]["published"] == "Zhou 97.37, Petrėnas 97.1"


def test_eval_hrv_prints_its_table() -> None:
    result = run("eval", "hrv", "--data", str(DATA / "hrv_reference"), "--json")
    lines = json.loads(result.stdout)["lines"]
    assert all(line["met"] for line in lines if line["reach"])


@pytest.mark.parametrize(
    "text",
    [
        "rr_s\n" + '"0,812"\n' * 80,
        "rr_s\n" + "0,812\n" * 80,
        "0,812\n" * 80,
        '"0,812"\n' * 80,
        "n,rr_s\n" + '1,"0,812"\n' * 80,
        "rr_ms\n" + "812,5\n" * 80,
        "n;rr_s\n" + "1;0,812\n" * 80,
    ],
)
def test_a_decimal_comma_is_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "comma.csv"
    file.write_text(text)
    found = json.loads(run("analyse", "rr", str(file), "--json").stdout)
    assert (found["usable"], found["file"]) == (80, "comma.csv")
    assert found["hrv"]["mean_nn_ms"] == pytest.approx(812, abs=0.6)


def test_several_columns_with_commas_between_stay_columns(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text("rr_ms,n\n" + "812,1\n" * 80)
    assert json.loads(run("analyse", "rr", str(file), "--json").stdout)["hrv"]["mean_nn_ms"] == 812


@pytest.mark.parametrize("text", ["rr_ms\n0\n0\n", "rr_s\nx\ny\n", "rr_s\n"])
def test_a_file_with_nothing_usable_ends_in_one_line_with_the_next_step(tmp_path: Path, text: str) -> None:
    file = tmp_path / "off.csv"
    file.write_text(text)
    shown = run("analyse", "rr", str(file))
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "off.csv: nothing can be used" in shown.stderr
    assert "rr_s or rr_ms" in shown.stderr
    assert run("analyse", "rr", str(file), "--json").returncode == 1
