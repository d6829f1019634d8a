"""Stores for tests: cheap to open, filled the same way each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from healthslm.readings import Kind, Reading
from healthslm.store import CHEAPEST, Store, create
from tests.making import DAY

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the test's store is, or will be."""
    return tmp_path / "home"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    """An empty store, open."""
    made, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with made:
        yield made


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """Copy a store's folder as a power cut would find it: the journal too, the shared memory not."""

    def copy(folder: Path) -> Path:
        to = tmp_path / "copy"
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*-shm"))
        return to

    return copy


def heart_rates(count: int, first: int = 0) -> list[Reading]:
    """Heart rates a second apart, none like its neighbours."""
    return [
        Reading(
            time=DAY + timedelta(seconds=n),
            kind=Kind.HEART_RATE,
            value=50 + n * 37 % 101,
            device="C0:FF:EE:00:00:01",
            sequence=n,
        )
        for n in range(first, first + count)
    ]
