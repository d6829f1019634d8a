"""Every number on the clinician's page, read off the PDF again, against the Bundle and the store.

The page and the Bundle are made as `export clinician` makes them. A number counts as differing where it is
not the rounded one of what it was held against, and where there is nothing that it could be held against.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from healthslm.errors import UsageError
from healthslm.evaluation.bundle_told import Bundle
from healthslm.evaluation.export_cases import CASES, Case, filled, reviewed
from healthslm.evaluation.page_charts_check import check_charts
from healthslm.evaluation.page_check import Check
from healthslm.evaluation.page_findings_check import check_findings
from healthslm.evaluation.page_lines_check import check_lines
from healthslm.evaluation.page_marks import Judged, Marks, Piece, by_source, one_made_wrong, pieces_of
from healthslm.evaluation.page_rhythm_check import check_rhythm
from healthslm.evaluation.page_words_check import check_words
from healthslm.evaluation.stored_truth import Truth
from healthslm.evaluation.table import Table, line
from healthslm.export import bundle_bytes, report, write

_BEFORE = timedelta(days=29)
"""What was usual is of the four weeks before."""
_MINUTES = (
    "Of streams in a period of more than two days, holes begin and end with whole minutes, as on the page."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A page as it can be read again, the Bundle beside it, and what is in the store."""

    case: Case
    pieces: list[Piece]
    bundle: bytes
    truth: Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number on a person's page that is not what it ought to be; or one made wrong that nobody saw."""

    person: str
    number: Judged
    on_purpose: bool = False


def named(names: Sequence[str]) -> Sequence[Case]:
    """Return the cases of these names, all without any. Raises `UsageError` naming those there are."""
    known = {case.name: case for case in CASES}
    if strange := [name for name in names if name not in known]:
        raise UsageError(f"There is nobody like {strange[0]!r}.", f"There are: {'; '.join(known)}.")
    return [known[name] for name in names] or CASES


def exported(case: Case) -> Exported:
    """Make the page and the Bundle of a case from a store, and read page and store again.

    Raises `UsageError` where pypdf is not installed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="healthslm-eval-") as folder,
        filled(case, Path(folder) / "home") as store,
    ):
        made = reviewed(case, store)
        # The rows before the period too: the tables begin where the review does.
        write(replace(made, start=made.start - _BEFORE), Path(folder) / "tables", ["csv"], store)
        return Exported(
            case=case,
            pieces=pieces_of(report(made, focus=case.focus, paper=case.paper)),
            bundle=bundle_bytes(made),
            truth=Truth.read(Path(folder) / "tables", made.start, made.end, ZoneInfo(case.zone)),
        )


def judged(one: Exported) -> tuple[list[Judged], int]:
    """Return every number of a page with what was found of it, and how many comparisons were of a tie."""
    marks = Marks(one.pieces)
    check = Check(marks=marks, bundle=Bundle.read(one.bundle), truth=one.truth, chosen=one.case.thresholds)
    check_findings(check)
    check_charts(check)
    check_rhythm(check)
    check_words(check)
    check_lines(check)
    return marks.judged, marks.ties


def unseen(one: Exported, numbers: Sequence[int]) -> list[Judged]:
    """Make numbers of a page wrong, one at a time in its last digit, and return those that nobody sees."""
    as_it_is = judged(one)[0]
    missed = []
    for index in numbers:
        changed = replace(one, pieces=one_made_wrong(one.pieces, index))
        if _wrong(judged(changed)[0]) <= _wrong(as_it_is):
            missed.append(as_it_is[index])
    return missed


def _wrong(numbers: Sequence[Judged]) -> int:
    return sum(not number.right for number in numbers)


def run(
    cases: Sequence[Case] = CASES,
    *,
    made_wrong: int = 20,
    progress: Callable[[str], None] = lambda _what: None,
) -> tuple[Table, list[Difference]]:
    """Measure all people and periods; returns the table, and each number that differs.

    To see that the check can fail, `made_wrong` numbers of each page are changed too, one at a time.
    """
    sources: Counter[str] = Counter()
    found: list[Difference] = []
    ties = tried = 0
    dice = random.Random(1)  # noqa: S311  which numbers are tried, nothing secret
    for case in cases:
        progress(case.name)
        one = exported(case)
        numbers, tied = judged(one)
        sources += by_source(numbers)
        ties += tied
        found += [Difference(person=case.name, number=number) for number in numbers if not number.right]
        chosen = dice.sample(range(len(numbers)), min(made_wrong, len(numbers)))
        tried += len(chosen)
        missed = unseen(one, chosen)
        found += [Difference(person=case.name, number=number, on_purpose=True) for number in missed]
    wrong, missed_ones = ([one for one in found if one.on_purpose is which] for which in (False, True))
    lines = [
        line("people and periods", len(cases), decimals=0),
        line("numbers on the pages", sources.total() + len(wrong), decimals=0),
        *(line(f"as in: {name}", count, decimals=0) for name, count in sources.most_common()),
        line("numbers that differ, or have no counterpart", len(wrong), most=0, decimals=0),
    ]
    if tried:
        lines.append(line("made wrong on purpose", tried, decimals=0))
        lines.append(line("of them not seen", len(missed_ones), decimals=0))
    rounding = (
        f"Compared at the digits shown. {ties} comparisons are of a tie, whose two neighbours both count."
    )
    title = "The page against the Bundle and the store"
    return Table(title=title, lines=tuple(lines), notes=(rounding, _MINUTES)), found
