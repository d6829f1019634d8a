"""A cut file, a changed byte, a foreign file: never silently other data."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from healthslm.errors import DamagedError, MissingError, StoreError
from healthslm.readings import Kind
from healthslm.store import CHEAPEST, Store, create, database, open_store
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

Copy = Callable[[Path], Path]
WHOLE = [r.value for r in heart_rates(900)]


@pytest.fixture(params=["aegis", "chacha20"])
def crashed(request: pytest.FixtureRequest, folder: Path, copied: Copy) -> Path:
    """A store whose process was killed: 600 readings in the database, 300 in the journal, by 30 commits."""
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST, cipher=request.param)
    store.append(heart_rates(600))
    store.close()
    with open_store(folder, PASSPHRASE) as store:
        for first in range(600, 900, 10):
            store.append(heart_rates(10, first=first))
            store.commit()
        assert store._database.value("PRAGMA freelist_count") == 0, "every page is in use"
        return copied(folder)


def values(folder: Path) -> list[float]:
    """Everything that a reader of the store would see, after it was verified."""
    with open_store(folder, PASSPHRASE) as store:
        found = store.window(Kind.HEART_RATE, DAY, DAY + timedelta(days=1)).values.tolist()
        store.verify()
        return found


def flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1 << position % 8
    return bytes(changed)


def places(size: int, count: int, seed: int) -> list[int]:
    """All of the header, then positions all over the file, the same ones each time."""
    chosen = random.Random(seed)
    return [*range(0, 112, 3), *(chosen.randrange(size) for _ in range(count))]


def test_a_killed_process_loses_nothing(crashed: Path) -> None:
    assert values(crashed) == WHOLE


def test_a_changed_byte_in_the_database_is_damage(crashed: Path) -> None:
    values(crashed)  # folds the journal in
    path = crashed / "store.db"
    whole = path.read_bytes()
    for position in places(len(whole), 90, seed=1):
        path.write_bytes(flipped(whole, position))
        with pytest.raises(DamagedError, match=r"store\.db") as caught:
            values(crashed)
        assert caught.value.hint
    path.write_bytes(whole)
    assert values(crashed) == WHOLE


def test_a_changed_byte_in_the_journal_is_damage_and_nothing_is_thrown_away(crashed: Path) -> None:
    before = {p.name: p.read_bytes() for p in crashed.iterdir()}
    path = crashed / "store.db-wal"
    for position in places(len(before[path.name]), 60, seed=2):
        path.write_bytes(flipped(before[path.name], position))
        with pytest.raises(DamagedError, match=r"lacks the last \d+ of \d+ acknowledged commits") as caught:
            values(crashed)
        assert "store.mark" in caught.value.hint
        assert path.read_bytes() == flipped(before[path.name], position), "what is there is left for repair"
        assert (crashed / "store.db").read_bytes() == before["store.db"]
    path.write_bytes(before[path.name])
    assert values(crashed) == WHOLE


def test_a_journal_that_was_cut_or_lost_is_damage_until_that_is_accepted(crashed: Path) -> None:
    path = crashed / "store.db-wal"
    whole = path.read_bytes()
    for size in (0, 20, 32, 5000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedError, match="acknowledged commits"):
            values(crashed)
    path.unlink()
    with pytest.raises(DamagedError, match="acknowledged commits"):
        values(crashed)
    (crashed / "store.mark").unlink()
    assert values(crashed) == WHOLE[:600]


def test_a_power_cut_within_a_commit_is_no_damage(folder: Path, copied: Copy) -> None:
    # The last commit was on its way: its frames are half there, and the mark speaks of the one before.
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(heart_rates(10))
        store.commit()
        mark = (folder / "store.mark").read_bytes()
        acknowledged = (folder / "store.db-wal").stat().st_size
        store.append(heart_rates(10, first=10))
        store.commit()
        whole = (folder / "store.db-wal").read_bytes()
        for size in range(acknowledged, len(whole), 1000):
            copy = copied(folder)
            (copy / "store.mark").write_bytes(mark)
            (copy / "store.db-wal").write_bytes(whole[:size] + b"\xa5" * 100)
            assert values(copy) == WHOLE[:10]


@pytest.mark.parametrize("mark", [b"", b"HSLM", b"\xff" * 16, b"x" * 100, bytes(16)])
def test_a_garbled_mark_is_no_obstacle(store: Store, folder: Path, mark: bytes) -> None:
    store.append(heart_rates(3))
    store.close()
    (folder / "store.mark").write_bytes(mark)
    assert values(folder) == WHOLE[:3]
    (folder / "store.mark").unlink()
    (folder / "store.mark").mkdir()
    assert values(folder) == WHOLE[:3]


def test_a_cut_database_is_damage(crashed: Path) -> None:
    values(crashed)
    path = crashed / "store.db"
    whole = path.read_bytes()
    for size in (0, 1, 15, 16, 24, 100, 4095, 4096, 5000, 8192, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedError, match=r"store\.db"):
            values(crashed)
    path.unlink()
    with pytest.raises(MissingError, match=r"store\.db is missing"):
        values(crashed)


def test_pages_that_changed_places_are_damage(crashed: Path) -> None:
    values(crashed)
    path = crashed / "store.db"
    whole = path.read_bytes()
    pages = [whole[n : n + 4096] for n in range(0, len(whole), 4096)]
    pages[5], pages[6] = pages[6], pages[5]
    path.write_bytes(b"".join(pages))
    with pytest.raises(DamagedError):
        values(crashed)


def test_damage_while_the_store_is_open_is_noticed(folder: Path) -> None:
    create(folder, PASSPHRASE, profile=CHEAPEST)[0].close()
    with open_store(folder, PASSPHRASE) as store:
        store.append(heart_rates(2000))
    with open_store(folder, PASSPHRASE) as store:
        with (folder / "store.db").open("r+b") as file:
            for page in range(1, (folder / "store.db").stat().st_size // 4096):
                file.seek(page * 4096 + 1000)
                file.write(b"\x00" * 8)
        with pytest.raises(DamagedError):
            store.window(Kind.HEART_RATE, DAY, DAY + timedelta(days=1))
        with pytest.raises(DamagedError):
            store.verify()


def test_a_foreign_file_is_said_as_that(store: Store, folder: Path) -> None:
    store.close()
    path = folder / "store.db"
    whole = path.read_bytes()
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE steps (n)")
    connection.close()
    with pytest.raises(DamagedError, match="a plain SQLite database"):
        open_store(folder, PASSPHRASE)
    for foreign in (b"hello", b"\x00" * 8192, b"PK\x03\x04" * 4096):
        path.write_bytes(foreign)
        with pytest.raises(DamagedError):
            open_store(folder, PASSPHRASE)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError):
        open_store(folder, PASSPHRASE)
    path.rmdir()
    path.write_bytes(whole)
    open_store(folder, PASSPHRASE).close()


def test_an_encrypted_database_of_another_program_is_said_as_that(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    connection = apsw.Connection(str(path))
    connection.pragma("cipher", "aegis")
    connection.pragma("hexkey", (b"raw:" + bytes(48)).hex())
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE steps (n)")
    connection.close()
    with pytest.raises(DamagedError, match="not a database of healthslm"):
        database.connect(path, key=bytes(32), store_id=bytes(16), cipher="aegis", patience_s=0)
