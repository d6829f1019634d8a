"""`healthslm eval alarms`: false alarms on files, on files saved once more, and on sensors that are off."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from healthslm.analysis.quality import OFF_CODES
from healthslm.errors import UsageError
from healthslm.evaluation.alarms_forms import Form, forms_for
from healthslm.evaluation.alarms_series import SENSORS, Columns, Sensor
from healthslm.evaluation.table import Line, Table, line
from healthslm.importers.vitals import VitalsFile, VitalsTable, read_vitals
from healthslm.readings import KINDS, Finding, Floats, Kind, instant
from healthslm.rules import RULES, scan_all
from healthslm.rules.whole import days_of

_STANDS_ON = {
    "fever": (Kind.TEMPERATURE,),
    "low_temperature": (Kind.TEMPERATURE,),
    "low_spo2": (Kind.SPO2,),
    "spo2_above_target": (Kind.SPO2,),
    "high_pressure": (Kind.SYSTOLIC, Kind.DIASTOLIC),
    "low_pressure": (Kind.SYSTOLIC, Kind.DIASTOLIC),
}
"""The rules asked about, and the kinds that their findings have to stand on."""
_BEYOND = {
    "fever": (Kind.TEMPERATURE, 38.0, 1),
    "low_temperature": (Kind.TEMPERATURE, 35.0, -1),
    "low_spo2": (Kind.SPO2, 93.99, -1),
    "low_pressure": (Kind.SYSTOLIC, 90.0, -1),
}
"""The mildest level of a rule and its side, written out once more; of high pressure either may reach it."""
SEEDS = 3
_START = np.datetime64("2026-03-02T00:00:00", "us")
_STRETCHES = ("in the middle", "to the end", "throughout")
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many were looked at, how many were not as they should be, and which these are."""

    looked: int
    wrong: tuple[str, ...] = ()


def findings_of(read: VitalsFile) -> tuple[Finding, ...]:
    """Return all findings of a file's readings, as `analyse vitals` tells them."""
    windows = read.judged
    return scan_all(RULES, windows, zone=read.zone, days=days_of(windows, read.zone))


def files(data: Path) -> list[Path]:
    """Return the CSV files below a folder, or the file itself. Raises `UsageError` where there is none."""
    if data.is_file():
        return [data]
    found = sorted(path for path in data.rglob("*.csv*") if path.name.endswith((".csv", ".csv.gz")))
    if not found:
        raise UsageError(f"There is no CSV file below {data}.", "Give another folder, or a file.")
    return found


def stands(finding: Finding, read: VitalsFile) -> bool:
    """Say whether a finding stands on at least one reading that a living person's sensor can show.

    It has to lie within the episode and beyond the rule's mildest level, by the kind's plausible range and
    the codes of a sensor that is off; of pressure, systolic has to be above diastolic where there is one.
    """
    start, end = instant(finding.start), instant(finding.end)
    seen: dict[Kind, dict[np.datetime64, float]] = {}
    for kind in _STANDS_ON[finding.rule]:
        info, window = KINDS[kind], read.windows.get(kind)
        pairs = [] if window is None else zip(window.times, window.values.tolist(), strict=True)
        seen[kind] = {
            at: value
            for at, value in pairs
            if start <= at <= end and info.low <= value <= info.high and value not in OFF_CODES.get(kind, ())
        }
    if finding.rule in ("high_pressure", "low_pressure"):
        upper, lower = seen[Kind.SYSTOLIC], seen[Kind.DIASTOLIC]
        diastolic = read.windows.get(Kind.DIASTOLIC)
        told = set() if diastolic is None else set(diastolic.times)
        sound = [(upper[at], lower[at]) for at in upper if at in lower and upper[at] > lower[at]]
        sound += [(upper[at], -np.inf) for at in upper if at not in told]
        if finding.rule == "low_pressure":
            return any(systolic <= _BEYOND["low_pressure"][1] for systolic, _ in sound)
        return any(high >= 135 or low >= 85 for high, low in sound)
    if finding.rule not in _BEYOND:
        return bool(seen[_STANDS_ON[finding.rule][0]])
    kind, bound, side = _BEYOND[finding.rule]
    return any((value - bound) * side >= 0 for value in seen[kind].values())


def _everybody(table: VitalsTable) -> list[VitalsFile]:
    return [table.of(person) for person in table.people or ("",)]


def _readings(read: VitalsFile) -> list[tuple[Kind, bytes, bytes, bytes, bool]]:
    """A person's readings, so that two can be compared to the last bit; lines are a file's own."""
    return [
        (
            kind,
            window.times.tobytes(),
            window.values.tobytes(),
            window.quality.tobytes(),
            kind in read.averages,
        )
        for kind, window in read.windows.items()
    ]


def _found(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(one.id, one.severity.word, one.end.isoformat()) for one in findings]


def _as_it_is(table: VitalsTable) -> tuple[list[VitalsFile], list[Finding], list[str]]:
    """Everybody's readings, the findings of the rules asked about, and those that stand on nothing."""
    people = _everybody(table)
    every, false = [], []
    for read in people:
        for finding in findings_of(read):
            if finding.rule in _STANDS_ON:
                every.append(finding)
                if not stands(finding, read):
                    false.append(f"{table.name}, {read.person}: {finding.id}")
    return people, every, false


def _differs(table: VitalsTable, form: Form, folder: Path) -> str:
    """What is not the same in a file saved in another form; empty where all is.

    With `?` in front where the file's problems say that day and month cannot be told apart.
    """
    path = folder / (table.name.removesuffix(".gz") + ".gz" * (form.name == "gzip"))
    path.write_bytes(form.written(form.rows(table)))
    again = VitalsTable(path)
    doubtful = any("cannot be told apart" in problem for problem in again.problems)
    if set(table.people) != set(again.people):
        return f"{table.name}, {form.name}: other people"
    for before, after in zip(
        _everybody(table), (again.of(person) for person in table.people or ("",)), strict=True
    ):
        same = _readings(before) == _readings(after)
        # The rules are functions of the readings: asked once more, lest something else of a file went in.
        if not same or _found(findings_of(before)) != _found(findings_of(after)):
            return f"{'?' * doubtful}{table.name}, {form.name}, {before.person}"
    return ""


def saved_again(tables: Sequence[VitalsTable], forms: Sequence[Form] | None = None) -> tuple[Count, Count]:
    """Every file in every form: those that differ, and those whose order of day and month nobody can know."""
    differing: list[str] = []
    doubtful: list[str] = []
    looked = 0
    with tempfile.TemporaryDirectory() as folder:
        for table in tables:
            for form in forms_for(table) if forms is None else forms:
                looked += 1
                found = _differs(table, form, Path(folder))
                if found:
                    (doubtful if found.startswith("?") else differing).append(found.lstrip("?"))
    return Count(looked=looked, wrong=tuple(differing)), Count(looked=looked, wrong=tuple(doubtful))


def _csv(times: Floats, columns: Columns) -> str:
    stamps = _START + np.round(times * 1e6).astype("m8[us]")
    rows = [
        f"{str(at)[:19]},{','.join('nan' if v != v else f'{v:g}' for v in values)}"  # noqa: PLR0124  NaN
        for at, values in zip(stamps, zip(*columns.values(), strict=True), strict=True)
    ]
    return "\n".join([f"time,{','.join(columns)}", *rows]) + "\n"


def _read(times: Floats, columns: Columns, folder: Path) -> VitalsFile:
    path = folder / "series.csv"
    path.write_text(_csv(times, columns))
    return read_vitals(path)


def _stretch(which: str, count: int, rng: np.random.Generator) -> slice:
    start = 2 * int(rng.integers(count // 8, count // 4))
    return {
        "in the middle": slice(start, start + count // 3),
        "to the end": slice(start, count),
        "throughout": slice(0, count),
    }[which]


def _series(sensor: Sensor, seed: int) -> tuple[Floats, Columns, np.random.Generator]:
    rng = np.random.default_rng((seed, len(sensor.name), sensor.event_rows))
    times = sensor.times()
    return times, sensor.healthy(rng, len(times)), rng


def _with_events(sensors: Sequence[Sensor], folder: Path) -> list[VitalsTable]:
    """Files of the seeded series with their true events: saved once more, they have findings to lose."""
    made = []
    for sensor in sensors:
        for rule, event in sensor.events.items():
            times, columns, rng = _series(sensor, 0)
            start = 2 * (len(times) // 4)
            event(columns, slice(start, start + sensor.event_rows), rng)
            path = folder / f"{rule}.csv"
            path.write_text(_csv(times, columns))
            made.append(VitalsTable(path))
    return made


def sensors_off(sensors: Sequence[Sensor], seeds: int, folder: Path) -> Count:
    """Series of healthy people, with a sensor that is off in a stretch of them; and without."""
    wrong, looked = [], 0
    for sensor, seed in ((sensor, seed) for sensor in sensors for seed in range(seeds)):
        for name, fault in {"healthy": None, **sensor.faults}.items():
            for which in _STRETCHES if fault is not None else ("",):
                times, columns, rng = _series(sensor, seed)
                if fault is not None:
                    fault(columns, _stretch(which, len(times), rng), rng)
                looked += 1
                found = findings_of(_read(times, columns, folder))
                wrong += [f"{sensor.name}, {name} {which}, seed {seed}: {one.rule}" for one in found]
    return Count(looked=looked, wrong=tuple(wrong))


def _events(sensors: Sequence[Sensor], seeds: int, folder: Path) -> Iterator[tuple[str, str, bool, bool]]:
    """Each true event, alone and after each fault: rule, what it was put into, found, and alone told."""
    for sensor, seed in ((sensor, seed) for sensor in sensors for seed in range(seeds)):
        for rule, event in sensor.events.items():
            for name, fault in {"healthy": None, **sensor.faults}.items():
                times, columns, rng = _series(sensor, seed)
                count = len(times)
                if fault is not None:
                    fault(columns, slice(0, count // 3), rng)
                start = 2 * int(rng.integers(count // 4, (count - sensor.event_rows) // 2))
                part = slice(start, start + sensor.event_rows)
                event(columns, part, rng)
                begin, end = (
                    _START + np.timedelta64(round(times[n] * 1e6), "us") for n in (start, part.stop - 1)
                )
                findings = findings_of(_read(times, columns, folder))
                found = [f for f in findings if instant(f.start) <= end and instant(f.end) >= begin]
                others = len(findings) > len(found)
                where = f"{sensor.name}, {name}, seed {seed}"
                yield rule, where, any(f.rule == rule for f in found), not others


def _lines_of_events(sensors: Sequence[Sensor], seeds: int, folder: Path) -> tuple[list[Line], list[str]]:
    asked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wrong = []
    for rule, where, told, alone in _events(sensors, seeds, folder):
        asked[rule] += 1
        found[rule] += told
        if not told:
            wrong.append(f"{where}: {rule} not found")
        if not alone:
            wrong.append(f"{where}: something else told beside {rule}")
    lines = [
        line(f"true events found, {rule}", 100 * found[rule] / count, "%", least=100, decimals=1,
             note=f"of {count}")
        for rule, count in asked.items()
    ]  # fmt: skip
    return lines, wrong


def _told(what: str, wrong: Sequence[str]) -> list[str]:
    if not wrong:
        return []
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return [f"{what}: {'; '.join(wrong[:_SHOWN])}{more}"]


def run(data: Path, *, seeds: int = SEEDS, sensors: Sequence[Sensor] = SENSORS) -> Table:
    """Measure all of it; `data` is a folder with CSV files of vital signs, or one of them.

    Raises `UsageError` when there is no file, or none that can be read.
    """
    tables: list[VitalsTable] = []
    unread: list[str] = []
    for path in files(data):
        try:
            table = VitalsTable(path)
        except UsageError:
            unread.append(path.name)
            continue
        if table.series:
            tables.append(table)
        else:
            unread.append(path.name)
    if not tables:
        raise UsageError(f"No file below {data} has vital signs.", "Look: healthslm analyse vitals FILE")
    people: list[VitalsFile] = []
    found: list[Finding] = []
    false: list[str] = []
    for table in tables:
        of_file = _as_it_is(table)
        people += of_file[0]
        found += of_file[1]
        false += of_file[2]
    with tempfile.TemporaryDirectory() as folder:
        again, doubtful = saved_again([*tables, *_with_events(sensors, Path(folder))])
        off = sensors_off(sensors, seeds, Path(folder))
        events, missed = _lines_of_events(sensors, seeds, Path(folder))
    readings = sum(len(read) for read in people)
    return Table(
        title="Alarms on files as they are, saved once more, and on sensors that are off",
        lines=(
            line("files as they are, false alarms", len(false), most=0, decimals=0),
            line("files as they are, all alarms of these rules", len(found), decimals=0),
            line("files saved once more that read or tell differently", len(again.wrong), most=0, decimals=0),
            line("sensors that are off, alarms", len(off.wrong), most=0, decimals=0),
            *events,
        ),
        notes=(
            f"{len(tables)} files, {len(people)} people, {readings:,} readings. These, and the seeded series"
            f" with true events, were saved once more in other forms, {again.looked} files in all."
            f" {off.looked} series of healthy people, nearly all with a sensor that is off for a while.",
            "False is an alarm of fever, low temperature, low or high oxygen saturation, high or low pressure"
            " that stands on no plausible reading beyond the rule's mildest level within its episode. A file"
            " without such a column can raise none; a day's mean is no reading.",
            "On sensors that are off an alarm of any rule is false: the person is healthy. True events are"
            " put into the same series, alone and after each fault; nothing else may be told beside them.",
            "A sensor frozen at its last, healthy value is silent; frozen at a wrong one it cannot be told"
            " from a paced heart or a steady saturation.",
            *_told("without vital signs, or no text", unread),
            *_told("false", false),
            *_told("differ", again.wrong),
            *_told("day and month cannot be told apart, which is said; taken as day first", doubtful.wrong),
            *_told("sensors off", off.wrong),
            *_told("true events", missed),
        ),
    )  # fmt: skip
