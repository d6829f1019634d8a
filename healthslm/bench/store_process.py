"""What is measured of a process of its own: its memory, and what it makes the kernel write."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from healthslm.bench import store_data
from healthslm.bench.memory import rising
from healthslm.bench.store_keepers import CONTENDERS, opened
from healthslm.readings import Kind

_P = ParamSpec("_P")
_T = TypeVar("_T")
_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Wear:
    """Of a stretch at 1 Hz: how many readings, and how many bytes at the end and on the way there.

    `flushed` are what the kernel was to write to a disk (`write_bytes` of /proc/self/io: pages made dirty,
    4096 bytes each), `written` what was handed to write calls (`wchar`). `None` where no kernel says.
    """

    readings: int
    commits: int
    final: int
    flushed: int | None
    written: int | None


def apart(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Run a function in a process that did nothing before; returns what it returns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()


def wear(name: str, folder: Path, rhythm: Path, hours: float) -> Wear:
    """Store one heart rate a second, each with a commit of its own as `healthslm run` makes it.

    Time is pressed together: what takes a second in use takes as long as its commit here.
    """
    made = store_data.day(store_data.beats(rhythm), 0)
    rates = [one for one in store_data.one_by_one(made) if one.kind is Kind.HEART_RATE]
    readings = rates[: round(hours * 3600)]
    contender = CONTENDERS[name]
    contender.open(folder).close()
    before = _io()
    with opened(contender, folder) as keeper:
        for one in readings:
            keeper.add_list([one])
            keeper.commit()
    after = _io()
    flushed, written = (
        (after[name] - before[name] if name in after else None) for name in ("write_bytes", "wchar")
    )
    return Wear(len(readings), len(readings), size(folder), flushed, written)


def size(folder: Path) -> int:
    """Return how many bytes the files under a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def memory(name: str, folder: Path, rhythm: Path) -> int | None:
    """Store two days in bulk and an hour one by one; return the most memory above what it took when idle.

    In bytes; `None` where no kernel says.
    """
    recorded = store_data.beats(rhythm)
    first, second, third = store_data.days(recorded, 3)
    hour = list(islice(store_data.one_by_one(third), 12_000))
    with opened(CONTENDERS[name], folder) as keeper:
        most = rising()
        for made in (first, second):
            for columns in made.dense:
                keeper.add(*columns)
            keeper.add_list(list(made.sparse))
            keeper.commit()
        for one in hour:
            keeper.add_one(one)
        keeper.commit()
        return most()


def _io() -> dict[str, int]:
    try:
        lines = (_PROC / "io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}
