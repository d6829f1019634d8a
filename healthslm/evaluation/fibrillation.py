"""`healthslm eval af`: atrial fibrillation per beat, and what would have been told to whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.fibrillation import beats, filled
from healthslm.errors import UsageError
from healthslm.evaluation.fibrillation_published import petrenas, zhou
from healthslm.evaluation.table import Line, Table, line
from healthslm.importers.rr import read_rr
from healthslm.readings import Floats, Ints, Kind, Window, instant
from healthslm.rules import scan
from healthslm.rules.rhythm import IRREGULAR_RHYTHM

_HOURS = 6.0
"""Recordings of minutes are played over and over for so long: nobody is told before the confirmation."""
_DATABASES = {"qrs_sample_250hz": "afdb", "r_peak_sample_200hz": "cpsc2021", "r_peak_sample_360hz": "mitdb"}
"""Each was sampled at its own rate, which its files' columns are named after."""
Detector = Callable[[Floats], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One recording: RR intervals in ms, shape `(n,)`, and 1 where it was annotated as AF.

    `patient` is shared by recordings of one person; `label` is what the file says about the whole.
    """

    database: str
    name: str
    patient: str
    label: str
    rr_ms: Floats
    af: Ints

    @property
    def persistent(self) -> bool:
        """AF from the first beat to the last, or called so by those who annotated it."""
        return bool(self.af.all()) or "persistent" in self.label

    @property
    def without(self) -> bool:
        """No AF at all."""
        return not self.af.any()


def records(data: Path) -> tuple[Record, ...]:
    """Read the recordings in a folder or below it, or one file; whose they are, their columns say.

    Recordings without a column `af` have none. Raises `UsageError` when there is no recording.
    """
    base = data / "rr" if (data / "rr").is_dir() else data
    paths = [base] if base.is_file() else sorted(p for p in base.rglob("*.csv*") if p.is_file())
    found = [one for one in map(_record, paths) if one is not None]
    if not found:
        raise UsageError(
            f"{data} holds no recordings of AFDB, CPSC 2021 or the MIT-BIH Arrhythmia Database.",
            f"They are CSV files with a column rr_s, af (0 or 1), and one of {', '.join(_DATABASES)}.",
        )
    return tuple(found)


def _record(path: Path) -> Record | None:
    try:
        read = read_rr(path)
    except UsageError:
        return None  # some other table
    database = next((name for column, name in _DATABASES.items() if column in read.labels), None)
    if database is None:
        return None
    name = path.name.split(".")[0]
    marks = read.labels.get("af", np.zeros(len(read.rr_ms)))
    # In CPSC 2021 data_84_1, data_84_2 … are one person's.
    person = re.sub(r"_\d+$", "", name) if database == "cpsc2021" else name
    return Record(
        database=database,
        name=name,
        patient=f"{database} {person}",
        label=read.note,
        rr_ms=read.rr_ms,
        af=np.asarray(np.nan_to_num(marks) > 0, dtype=np.int64),
    )


def sensitivity(found: NDArray[np.bool_], truth: Ints) -> float | None:
    """Return the share of AF beats that were found, in percent; `None` where there are none."""
    return float(100 * found[truth == 1].mean()) if (truth == 1).any() else None


def specificity(found: NDArray[np.bool_], truth: Ints) -> float | None:
    """Return the share of other beats that were left alone, in percent; `None` where there are none."""
    return float(100 * (~found[truth == 0]).mean()) if (truth == 0).any() else None


def told(record: Record, hours: float = _HOURS) -> bool:
    """Say whether the rule would tell a person with this rhythm; shorter recordings are played over again."""
    rr = filled(record.rr_ms)
    rr = np.tile(rr, max(1, int(np.ceil(hours * 3.6e6 / rr.sum()))))
    ends = np.cumsum(rr)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(
        kind=Kind.RR_INTERVAL,
        start=start,
        end=start + timedelta(milliseconds=float(ends[-1]) + 1),
        times=instant(start) + (ends * 1000).astype("timedelta64[us]"),
        values=rr,
        ids=np.arange(1, len(rr) + 1),
        quality=np.zeros(len(rr), dtype=np.int64),
    )
    return bool(scan(IRREGULAR_RHYTHM, {Kind.RR_INTERVAL: window}))


def run(data: Path) -> Table:
    """Judge every recording below `data`, by ours and by the published detectors."""
    all_ = records(data)
    af = [r for r in all_ if r.database == "afdb"]
    mit = [r for r in all_ if r.database == "mitdb"]
    lines = _per_beat(af, "AFDB") + _mitdb(mit)
    for one in af:
        found = beats(one.rr_ms)
        lines.append(
            line(
                f"AFDB {one.name}, Se",
                sensitivity(found, one.af),
                "%",
                note=f"{int(one.af.sum()):,} AF beats",
            )
        )
        lines.append(line(f"AFDB {one.name}, Sp", specificity(found, one.af), "%"))
    lines += _alerts(all_)
    return Table(
        title="Atrial fibrillation from RR intervals",
        lines=tuple(lines),
        notes=(
            "Per beat, all recordings of a database together, every beat counted once.",
            "Petrėnas 2015 and Zhou 2015 on the same: our own programs of the published methods with their "
            "published parameters; the published column is what their authors report for the whole database.",
            f"Alerts are the rule's own; recordings shorter than {_HOURS:g} hours are played over and over, "
            "because nobody is told before the confirmation.",
            "The records named in docs/rhythm.md were learned from: quote the held-out figures there.",
        ),
    )


def _pooled(group: Sequence[Record], detector: Detector) -> tuple[NDArray[np.bool_], Ints]:
    if not group:
        return np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([detector(one.rr_ms) for one in group]),
        np.concatenate([one.af for one in group]),
    )


def _per_beat(group: Sequence[Record], name: str) -> list[Line]:
    if not group:
        return [line(f"{name}, Se", None, note="no recordings of it"), line(f"{name}, Sp", None)]
    found, truth = _pooled(group, beats)
    lines = [
        line(f"{name}, Se", sensitivity(found, truth), "%", least=97.5,
             published="Zhou 97.37, Petrėnas 97.1",
             note=f"{len(group)} records, {int(truth.sum()):,} AF beats"),
        line(f"{name}, Sp", specificity(found, truth), "%", least=98.5,
             published="Zhou 98.44, Petrėnas 98.3", note=f"{int((truth == 0).sum()):,} other beats"),
    ]  # fmt: skip
    for title, detector in (("Petrėnas 2015", petrenas), ("Zhou 2015", zhou)):
        theirs, truth = _pooled(group, detector)
        lines.append(line(f"{name}, {title} on the same, Se", sensitivity(theirs, truth), "%"))
        lines.append(line(f"{name}, {title} on the same, Sp", specificity(theirs, truth), "%"))
    return lines


def _mitdb(group: Sequence[Record]) -> list[Line]:
    found, truth = _pooled(group, beats)
    if not len(truth):
        return [line("mitdb, PPV", None, note="no recordings of it")]
    share = float(100 * found[truth == 0].mean()) if (truth == 0).any() else None
    wrong = line("mitdb, other beats called AF", share, "%", note=_worst(group))
    if not truth.any():
        none = line("mitdb, PPV", None, "%", published="Zhou 47.67", note="no AF in these recordings")
        return [none, wrong]
    ppv = float(100 * truth[found].mean()) if found.any() else 0.0
    return [
        line("mitdb, PPV", ppv, "%", least=47.67, published="Zhou 47.67"),
        line("mitdb, Se", sensitivity(found, truth), "%"),
        wrong,
    ]


def _worst(group: Iterable[Record]) -> str:
    """Name the recordings with the most false beats."""
    shares = [(float(100 * beats(r.rr_ms)[r.af == 0].mean()), r.name) for r in group if not r.persistent]
    return ", ".join(f"{name}: {share:.1f}" for share, name in sorted(shares, reverse=True)[:3] if share)


def _alerts(all_: Sequence[Record]) -> list[Line]:
    without = [r for r in all_ if r.without]
    persistent = [r for r in all_ if r.persistent]
    between = [r for r in all_ if not r.without and not r.persistent]
    false = [r.name for r in without if told(r)]
    missed = [r.name for r in persistent if not told(r)]
    some = [r.name for r in between if told(r)]
    hours = sum(max(_HOURS, float(np.nansum(r.rr_ms)) / 3.6e6) for r in without)
    return [
        line("people told without AF", len(false) if without else None, most=0, decimals=0,
             note=", ".join(false) or f"{len(without)} recordings, {hours:.0f} h"),
        line("persistent AF found", 100 * (1 - len(missed) / len(persistent)) if persistent else None, "%",
             least=100, decimals=0, note=", ".join(missed) or f"{len(persistent)} recordings"),
        line("people told with AF that comes and goes", len(some) if between else None, decimals=0,
             note=f"of {len(between)}: {', '.join(some) or 'none'}"),
    ]  # fmt: skip
