"""What the readers of files share: how unused lines are named, each time once, and the factors of units."""

import re
from pathlib import Path

import numpy as np

from healthslm.importers.clock import each_once
from healthslm.importers.lines import unused
from healthslm.importers.rr import read_rr
from healthslm.readings import units

ROOT = Path(__file__).parents[2]


def test_the_first_reasons_are_told_and_the_others_together() -> None:
    reasons = {f"{word!r} is no number": [9 - n, 20 + n] for n, word in enumerate("abcdefg")}
    told = unused(reasons, what="weight")
    assert told[0] == "weight, lines 9, 20: 'a' is no number; not used"
    assert told[5:] == ["weight, lines 3, 4, 25, 26: no number; not used"]
    assert unused({"no value": [3]}) == ["line 3: no value; not used"]
    assert unused({}) == []


def test_of_two_values_at_one_time_the_later_line_is_kept() -> None:
    times = np.array([0, 60, 60, 60, 120, 120], dtype="M8[s]").astype("M8[us]")
    values, lines = np.array([1.0, 2, 2, 3, 4, 4]), np.arange(2, 8)
    problems: list[str] = []
    assert each_once(times, values, lines, problems).tolist() == [True, False, False, True, False, True]
    assert problems == [
        "lines 4, 7: the same reading once more; used once",
        "line 4: another value at the same time follows; the later line is used",
    ]
    assert each_once(times[:0], values[:0], lines[:0], problems, what="weight").tolist() == []


def test_a_dash_of_any_length_is_no_value(tmp_path: Path) -> None:
    file = tmp_path / "rr.csv"
    file.write_text("rr_ms\n800\n--\n---\n810\n", encoding="utf-8")
    assert read_rr(file).problems == ("lines 3, 4: no value; not used",)


def test_a_factor_has_one_home() -> None:
    factors = [str(value) for name, value in vars(units).items() if name.isupper()]
    assert len(factors) == 5
    written = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in factors))
    found = {
        path.relative_to(ROOT).as_posix()
        for part in ("ingest", "importers", "readings", "analysis", "rules")
        for path in ROOT.glob(f"healthslm/{part}/**/*.py")
        if written.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"healthslm/readings/units.py"}
