"""Whoever has the store open is not robbed of it: nothing acknowledged goes into files set aside."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from healthslm.errors import DamagedError, LockedError, StoreError
from healthslm.readings import Kind, Reading
from healthslm.store import (
    CHEAPEST,
    backup,
    create,
    erase,
    open_store,
    open_unlocked,
    restore,
    rotation,
    unlock,
)
from healthslm.store.files import InUse
from tests.making import DAY
from tests.store.conftest import PASSPHRASE

_HOLDER = """
import sys
from datetime import timedelta
from pathlib import Path
from healthslm.readings import Kind, Reading
from healthslm.store import open_store
from tests.making import DAY
with open_store(Path(sys.argv[1]), sys.argv[2]) as store:
    print("open", flush=True)
    sys.stdin.readline()
    store.append([Reading(time=DAY + timedelta(days=1), kind=Kind.WEIGHT, value=81.0, device="scale")])
    store.commit()
    print("acknowledged", flush=True)
"""


@pytest.fixture
def kept(folder: Path) -> Path:
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append([Reading(time=DAY, kind=Kind.WEIGHT, value=80.0, device="scale")])
    return folder


@contextmanager
def held_open(folder: Path) -> Iterator[Callable[[], None]]:
    """Another process has the store open; what is yielded lets it write, and end."""
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder), PASSPHRASE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"

    def write() -> None:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "acknowledged\n"
        assert other.wait(timeout=20) == 0

    try:
        yield write
    finally:
        other.kill()
        other.communicate()


def _rotate(folder: Path) -> None:
    rotation.rotate(unlock(folder, PASSPHRASE), PASSPHRASE, profile=CHEAPEST, now=DAY)


def _restore(folder: Path) -> None:
    restore.restore(folder.parent / "kept.backup", folder, PASSPHRASE, overwrite=True)


@pytest.mark.parametrize("replacing", [_rotate, _restore, erase])
def test_who_replaces_the_store_waits_until_nobody_has_it_open(
    kept: Path, replacing: Callable[[Path], None]
) -> None:
    access = unlock(kept, PASSPHRASE)
    with open_unlocked(access) as store:
        assert store.count() == 1
    backup.write(access, kept.parent / "kept.backup")
    with held_open(kept) as write:
        with pytest.raises(StoreError, match="open elsewhere") as refused:
            replacing(kept)
        assert "Nothing was changed" in refused.value.hint
        write()
    with open_store(kept, PASSPHRASE) as store:
        assert store.window(Kind.WEIGHT, DAY, DAY + timedelta(days=2)).values.tolist() == [80.0, 81.0]
    replacing(kept)


def test_what_is_written_before_a_rotation_is_in_the_new_store(kept: Path) -> None:
    with held_open(kept) as write:
        write()
        _rotate(kept)
    with open_store(kept, PASSPHRASE) as store:
        assert store.count() == 2


def test_who_opens_it_meanwhile_waits_and_is_told(kept: Path) -> None:
    with InUse(kept, alone=True, patience_s=0), pytest.raises(StoreError, match="being replaced"):
        open_store(kept, PASSPHRASE, patience_s=0.05)
    with open_store(kept, PASSPHRASE) as store:
        assert store.count() == 1


def test_who_waited_through_a_rotation_is_told_to_open_it_again(kept: Path) -> None:
    access = unlock(kept, PASSPHRASE)
    _rotate(kept)
    with pytest.raises(LockedError, match="changed a moment ago"):
        open_unlocked(access)
    with open_store(kept, PASSPHRASE) as store:
        assert store.count() == 1


def test_damage_is_still_called_damage(kept: Path) -> None:
    access = unlock(kept, PASSPHRASE)
    content = bytearray((kept / "store.db").read_bytes())
    content[30:80] = bytes(50)
    (kept / "store.db").write_bytes(content)
    with pytest.raises(DamagedError):
        open_unlocked(access)


def test_several_may_have_it_open(kept: Path) -> None:
    with open_store(kept, PASSPHRASE) as one, open_store(kept, PASSPHRASE) as two:
        assert one.count() == two.count() == 1


def test_it_is_waited_for_as_long_as_said(kept: Path) -> None:
    held = InUse(kept, alone=True, patience_s=0)
    threading.Timer(0.2, held.close).start()
    began = time.monotonic()
    with open_store(kept, PASSPHRASE, patience_s=10):
        assert time.monotonic() - began < 5


def test_without_a_place_for_the_lock_the_store_works_all_the_same(kept: Path) -> None:
    (kept / InUse.NAME).unlink()
    (kept / InUse.NAME).mkdir()  # what cannot be opened for writing
    with open_store(kept, PASSPHRASE) as store:
        assert store.count() == 1
