"""What files for others cost: the page, the Bundle and the archive of a month at 1 Hz, from the store.

The readings are those of `bench store`, with a sensor's glucose beside. The page is set by a process of its
own, whose memory is counted for itself.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.bench import archive, store_data
from healthslm.bench.memory import rising
from healthslm.bench.rows import Row, row
from healthslm.export import bundle_bytes, report
from healthslm.export.page import page
from healthslm.export.report import job
from healthslm.pipeline import review
from healthslm.readings import Kind, Reading, Review
from healthslm.slm import Audience
from healthslm.store import CHEAPEST, Store, create

_WATCHED = """
import runpy, sys
from healthslm.bench.memory import held
try:
    runpy.run_path(sys.argv[1], run_name="__main__")
finally:
    print(held("VmHWM") or 0, file=sys.stderr)
"""
_ZONE = ZoneInfo("UTC")
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_SENSOR = "C0:FF:EE:00:00:09"
_EVERY = timedelta(minutes=5)
_MB, _KB = 1e6, 1e3
_T = TypeVar("_T")


def run(
    rhythm: Path, *, days: int, repeat: int, progress: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Measure and return the table's rows."""
    recorded, what = store_data.beats(rhythm), f"{days} days"
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "home", _PASSPHRASE, profile=CHEAPEST)
        with store:
            for number, made in enumerate(store_data.days(recorded, days)):
                if number % 10 == 0:
                    progress(f"storing day {number} of {days}")
                for kind, device, columns in made.dense:
                    store.append_columns(kind, device, columns)
                store.append([*made.sparse, *_glucose(number)])
                store.commit()
            progress("the review")
            _reviewed(store, days)  # the first reads every day once
            peak = rising()
            reviews, pages, bundles, sizes = [], [], [], []
            for _ in range(repeat):
                progress("the page and the Bundle")
                spent, made_of = _timed(lambda: _reviewed(store, days))
                reviews.append(spent)
                spent, pdf = _timed(lambda: report(made_of))  # noqa: B023  called at once
                pages.append(spent)
                spent, data = _timed(lambda: bundle_bytes(made_of))  # noqa: B023  called at once
                bundles.append(spent)
                sizes.append((len(pdf) / _KB, len(data) / _KB))
            most = peak()
        setting = _memory_of_setting(made_of)
        progress("the archive")
        archives = archive.run(Path(folder) / "home", _PASSPHRASE, what, repeat=repeat)
    return [
        row(f"{what}: the review, known days", "s", reviews, 2),
        row(f"{what}: the page of it", "s", pages, 2, most=2),
        row(f"{what}: the Bundle of it", "s", bundles, 2, most=1),
        row(f"{what}: the page's size", "kB", [one for one, _ in sizes], most=300),
        row(f"{what}: the Bundle's size", "kB", [one for _, one in sizes]),
        *([row(f"{what}: memory beside, all of it", "MB", [most / _MB], most=120)] if most else []),
        *(
            [row("memory of the process that sets the page", "MB", [setting / _MB], most=120)]
            if setting
            else []
        ),
        *archives,
    ]


def _glucose(day: int) -> Iterator[Reading]:
    dice = np.random.default_rng(day)
    values = 110 + 25 * np.sin(np.arange(288) / 20) + dice.normal(0, 6, 288)
    start = store_data.FIRST + timedelta(days=day)
    for n, value in enumerate(values.tolist()):
        yield Reading(time=start + n * _EVERY, kind=Kind.SENSOR_GLUCOSE, value=round(value), device=_SENSOR)


def _reviewed(store: Store, days: int) -> Review:
    end = store_data.FIRST + timedelta(days=days)
    audiences = (Audience.WEARER, Audience.CLINICIAN)
    return review(store, store_data.FIRST, end, zone=_ZONE, made_at=end, audiences=audiences)


def _memory_of_setting(review: Review) -> int | None:
    """The most memory of the process that sets the page, as the kernel tells that process itself.

    What its parent is told counts the parent's own memory, from before the child became another program.
    """
    with as_file(files("healthslm.export").joinpath("typesetter.py")) as script:
        done = subprocess.run(  # noqa: S603  our own script
            [sys.executable, "-c", _WATCHED, str(script)],
            input=job(page(review), review.made_at),
            capture_output=True,
            check=True,
        )
    return int(done.stderr) or None


def _timed(work: Callable[[], _T]) -> tuple[float, _T]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made
