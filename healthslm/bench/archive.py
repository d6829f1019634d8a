"""What an archive of a store costs: written, and taken into an empty one, each by a process of its own."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from healthslm.archive import Archive, archived, take_in
from healthslm.bench import store_data
from healthslm.bench.memory import held
from healthslm.bench.rows import Row, row
from healthslm.bench.store_process import apart
from healthslm.export.files import staged
from healthslm.export.share import Terms, sealing
from healthslm.store import CHEAPEST, create, open_store

_ZONE = ZoneInfo("UTC")
_MB = 1e6
_Cost = tuple[float, int | None]
"""Seconds, and the most memory that the process ever held, in bytes; `None` where no kernel says."""


def run(home: Path, passphrase: str, what: str, *, repeat: int) -> list[Row]:
    """Measure and return the table's rows; beside the store's folder there is room for all that is made."""
    path, back = home.with_name("archive.zip"), home.with_name("back")
    written, taken, sizes = [], [], []
    for _ in range(repeat):
        written.append(apart(_write, home, passphrase, path))
        sizes.append(path.stat().st_size / _MB)
        taken.append(apart(_take_in, back, passphrase, path))
        shutil.rmtree(back)
    rows = [
        row(f"{what}: the archive of it, written", "s", [spent for spent, _ in written], 2),
        row(f"{what}: the archive, taken into an empty store", "s", [spent for spent, _ in taken], 2),
        row(f"{what}: the archive's size", "MB", sizes, 1),
    ]
    for doing, costs in (("writes the archive", written), ("takes it in", taken)):
        peaks = [most / _MB for _, most in costs if most is not None]
        if peaks:
            rows.append(row(f"{what}: memory of the process that {doing}", "MB", peaks, most=120))
    return rows


def _write(home: Path, passphrase: str, path: Path) -> _Cost:
    began = time.perf_counter()
    with open_store(home, passphrase) as store:
        pieces = archived(store, Terms(), zone=_ZONE, made_at=store_data.FIRST)
        with staged([(path, sealing(pieces, ()))]):
            pass
    return time.perf_counter() - began, held("VmHWM")


def _take_in(home: Path, passphrase: str, path: Path) -> _Cost:
    began = time.perf_counter()
    made, _ = create(home, passphrase, profile=CHEAPEST)
    with made, path.open("rb") as file:
        archive = Archive(file, path.name)
        archive.check()
        take_in(made, archive, store_data.FIRST, file=path.name, sha256="")
    return time.perf_counter() - began, held("VmHWM")
