"""What the three importers share: rows, quotes, and what is no file of readings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from healthslm.errors import UsageError
from healthslm.importers.glucose import read_glucose
from healthslm.importers.rows import rows_of
from healthslm.importers.rr import read_rr
from healthslm.importers.vitals import read_vitals
from healthslm.readings import Kind

READERS: tuple[Callable[[Path], Any], ...] = (read_rr, read_vitals, read_glucose)


def lines_of(text: str) -> tuple[list[int], str]:
    problems: list[str] = []
    return [line for line, _ in rows_of(text, problems)], " | ".join(problems)


def test_an_unclosed_quote_is_named_and_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    rows = [f"2026-03-01 08:{n:02d},{60 + n}" for n in range(40)]
    rows[4] = '2026-03-01 08:04,"64'
    for closing in (None, 20):
        if closing is not None:
            rows[closing] = '2026-03-01 08:20,80"'
        path.write_text("time,hr\n" + "\n".join(rows) + "\n")
        found = read_vitals(path)
        assert len(found) == (39 if closing is None else 38)
        assert any(one.startswith("line 6: a quote that is not closed") for one in found.problems)
    (tmp_path / "g.csv").write_text('time,glucose mg/dL\n2026-03-01 08:00,"100\n2026-03-01 08:05,101\n')
    glucose = read_glucose(tmp_path / "g.csv")
    assert glucose.values.tolist() == [101]
    assert any("line 2: a quote" in one for one in glucose.problems)


def test_quotes_that_are_closed_are_quotes() -> None:
    text = 'time,hr,note\n1,70,"a remark,\nover lines"\n2,71,"with ""quotes"""\n\n# 3\n4,72,\n'
    problems: list[str] = []
    rows = rows_of(text, problems)
    assert rows == [
        (1, ["time", "hr", "note"]),
        (2, ["1", "70", "a remark,\nover lines"]),
        (4, ["2", "71", 'with "quotes"']),
        (7, ["4", "72", ""]),
    ]
    assert problems == []
    assert lines_of('"a"\n"b"') == ([1, 2], "")


def test_many_quotes_are_read_in_one_go() -> None:
    lines, said = lines_of("a,b\n" + '1,"x\n' * 20_000)
    assert len(lines) == 20_001
    assert "and 19995 more: a quote" in said


@pytest.mark.parametrize("cell", ["1" * 200_000, '"' + "1" * 200_000 + '"'])
def test_a_field_without_end_is_named(tmp_path: Path, cell: str) -> None:
    for reader, header, row in (
        (read_rr, "rr_ms", "{}"),
        (read_vitals, "time,hr", "2026-03-01 08:01,{}"),
        (read_glucose, "time,glucose mg/dL", "2026-03-01 08:01,{}"),
    ):
        path = tmp_path / "long.csv"
        path.write_text(f"{header}\n{row.format(cell)}\n" + row.replace(":01", ":02").format("100") + "\n")
        found = reader(path)
        assert any("line 2: a cell of more than 4,000 characters" in one for one in found.problems)
        values = (
            found.rr_ms[1:]
            if reader is read_rr
            else found.windows[Kind.HEART_RATE].values
            if reader is read_vitals
            else found.values
        )
        assert values.tolist() == [100]
        path.write_text(cell)
        assert len(max(reader(path).problems, key=len)) < 200


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_table_is_refused_in_a_few_words(tmp_path: Path, reader: Callable[[Path], Any]) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{n}" for n in range(200_000)) + "\n1,2\n")
    with pytest.raises(UsageError, match="Line 1 has 200,000 columns") as refused:
        reader(tmp_path / "wide.csv")
    assert len(str(refused.value)) < 200
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UsageError, match="is no regular file"):
        reader(tmp_path / "pipe.csv")


def test_a_number_that_many_rows_have_is_kept_once() -> None:
    rows = rows_of("time,hr\n" + "".join(f"2026-03-01 08:{n:02d},{70 + n % 2}\n" for n in range(60)), [])
    assert len({id(cells[1]) for _, cells in rows[1:]}) == 2
