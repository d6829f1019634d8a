"""`analyse news2` as somebody with a chart in their hand uses it."""

import json
import subprocess
import sys

FULL = (
    "--respiration", "22", "--spo2", "95", "--air", "--systolic", "105", "--pulse", "112",
    "--consciousness", "A", "--temperature", "38.5",
)  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "healthslm", "analyse", "news2", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_anything_it_names_what_can_be_given() -> None:
    for arguments in ((), ("--scale", "2"), ("--json",)):
        refused = run(*arguments)
        assert refused.returncode == 2
        for option in ("--respiration", "--spo2", "--oxygen or --air", "--systolic", "--temperature"):
            assert option in refused.stderr


def test_values_stand_beside_their_points_and_the_band_says_what_it_asks_for() -> None:
    text = " ".join(run(*FULL).stdout.split())
    for cells in ("22 /min │ 2", "95 % │ 1", "air │ 0", "105 mmHg │ 1", "112 /min │ 2", "38.5 °C │ 1"):
        assert cells in text, cells
    assert "NEWS2 7, risk band high" in text
    assert "the band asks for an emergency assessment" in text
    assert "RCP 2017" in text


def test_with_something_missing_the_band_is_not_known() -> None:
    text = " ".join(run("--respiration", "26").stdout.split())
    assert "score at least 3 of what is known; the band is not known" in text
    assert "what is known asks for at least an urgent review on the ward" in text
    assert "risk band" not in text
    found = json.loads(run("--respiration", "26", "--json").stdout)
    assert (found["score"], found["risk"], found["risk_at_least"]) == (3, None, "low-medium")
    assert found["partial"] == ["spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"]
    whole = json.loads(run(*FULL, "--json").stdout)
    assert (whole["score"], whole["risk"], whole["risk_at_least"], whole["partial"]) == (
        7,
        "high",
        "high",
        [],
    )
