"""An old copy of the store, put back in place of the new, is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from healthslm.errors import DamagedError, RolledBackError
from healthslm.store import CHEAPEST, Store, backup, create, database, files, open_store, restore, unlock
from healthslm.store.witness import EVERY_S, Seen, WatchedMark, Witness
from tests.store.conftest import PASSPHRASE, heart_rates


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def home(folder: Path) -> Path:
    create(folder, PASSPHRASE, profile=CHEAPEST)[0].close()
    return folder


def opened(home: Path, state: Path | None) -> Store:
    return open_store(home, PASSPHRASE, state=state)


def write(home: Path, state: Path | None, first: int) -> None:
    with opened(home, state) as store:
        store.append(heart_rates(10, first=first))


def put_back(copy: Path, home: Path) -> None:
    shutil.rmtree(home)
    shutil.copytree(copy, home)


def witness_of(home: Path, state: Path) -> Witness:
    return Witness(state, home, unlock(home, PASSPHRASE).key_file.store_id)


def test_an_old_copy_of_the_whole_folder_is_noticed(home: Path, state: Path, tmp_path: Path) -> None:
    write(home, state, 0)
    shutil.copytree(home, tmp_path / "old")
    write(home, state, 10)
    write(home, state, 20)
    put_back(tmp_path / "old", home)
    with pytest.raises(RolledBackError, match=r"lacks the last 2 of 3 commits") as caught:
        opened(home, state)
    witness = witness_of(home, state)
    assert f"delete {witness.path}" in caught.value.hint
    with pytest.raises(RolledBackError):
        opened(home, state)
    witness.path.unlink()  # what the hint says
    with opened(home, state) as store:
        assert store.count() == 10
    opened(home, state).close()


def test_nothing_else_is_taken_for_that(home: Path, state: Path, tmp_path: Path) -> None:
    for first in (0, 10, 20):
        write(home, state, first)
    shutil.copytree(home, tmp_path / "copy")
    for first in (30, 40):
        write(home, state, first)
    write(tmp_path / "copy", state, 30)  # a copy elsewhere is a copy
    write(home, None, 50)  # written by what looks after no state
    write(home, state, 60)
    shutil.rmtree(state)  # a state folder that is gone
    write(home, state, 70)


def test_a_restore_goes_back_knowingly(home: Path, state: Path, tmp_path: Path) -> None:
    write(home, state, 0)
    backup.write(unlock(home, PASSPHRASE), tmp_path / "a.backup")
    write(home, state, 10)
    restore.restore(
        tmp_path / "a.backup",
        home,
        PASSPHRASE,
        overwrite=True,
        decided=lambda store_id: Witness(state, home, store_id).forget(),
    )
    with opened(home, state) as store:
        assert store.count() == 10


def test_another_past_with_as_many_commits_is_noticed(home: Path, state: Path, tmp_path: Path) -> None:
    def audited(chain: bytes, commits: int) -> None:
        with opened(home, None) as store:
            store._database.rows("INSERT INTO audit VALUES (1, 0, 'opened', '{}', ?)", (chain,))
            for n in range(commits):
                store.put("n", n)
                store.commit()

    shutil.copytree(home, tmp_path / "old")
    audited(b"one past", 2)
    opened(home, state).close()
    put_back(tmp_path / "old", home)
    audited(b"another past", 20)
    with pytest.raises(RolledBackError, match="audit trail is not the one"):
        opened(home, state)


def test_of_many_commits_few_are_noted(home: Path, state: Path) -> None:
    access = unlock(home, PASSPHRASE)
    store_id, key_file = access.key_file.store_id, access.key_file
    noted: list[int] = []

    class Counting(Witness):
        def note(self, seen: Seen) -> None:
            noted.append(seen.commits)
            super().note(seen)

    now = [0.0]
    path = home / "store.db"
    connection = database.connect(
        path, key=access.key, store_id=store_id, cipher=key_file.cipher, patience_s=1
    )
    watching = Counting(state, home, store_id)
    mark = WatchedMark(home / "store.mark", store_id, watching, connection, monotonic=lambda: now[0])
    with Store(database.Database(connection, path), mark, 1) as store:
        for n in range(7200):
            now[0] = float(n)
            if n % 60 == 0:
                store.put("n", n)
                store.commit()
        assert noted == [61], "once an hour"
    assert noted == [61, 120], "and at closing"
    assert watching.read() == Seen(commits=120)
    assert EVERY_S == 3600


def test_what_was_not_committed_is_not_noted(home: Path, state: Path) -> None:
    store = opened(home, state)
    store.append(heart_rates(10))
    store._mark.close()  # as when the commit at closing fails: the transaction is still open
    store._database.close()
    seen = witness_of(home, state).read()
    assert seen is not None
    assert seen.commits == 0
    opened(home, state).close()


def test_opening_without_writing_writes_nothing(home: Path, state: Path) -> None:
    write(home, state, 0)
    witness = witness_of(home, state)
    before = witness.path.stat()
    opened(home, state).close()
    after = witness.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_journal_that_was_lost_is_still_said_as_that(home: Path, state: Path) -> None:
    write(home, state, 0)
    with opened(home, state) as store:
        for first in (10, 20, 30):
            store.append(heart_rates(10, first=first))
            store.commit()
        left = {name: (home / name).read_bytes() for name in ("store.db", "store.mark")}
    for name, had in left.items():
        (home / name).write_bytes(had)
    with pytest.raises(DamagedError, match=r"journal store.db-wal is damaged, cut or missing"):
        opened(home, state)


@pytest.mark.parametrize("content", [b"", b"x", b"HSLW" + bytes(52), bytes(5000)])
def test_a_garbled_note_says_nothing(home: Path, state: Path, content: bytes) -> None:
    opened(home, state).close()
    witness = witness_of(home, state)
    witness.path.write_bytes(content)
    assert witness.read() is None
    write(home, state, 0)
    assert witness.read() == Seen(commits=1)


def test_each_note_says_what_it_was_told(home: Path, state: Path) -> None:
    witness = witness_of(home, state)
    assert witness.read() is None
    seen = Seen(commits=2**40, audits=7, chain=bytes(range(32)))
    witness.note(seen)
    assert witness.read() == seen
    assert witness.path.stat().st_mode & 0o777 == 0o600
    witness.forget()
    witness.forget()
    assert witness.read() is None


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("no folder")
    return tmp_path / "file" / "state"


def test_without_a_place_for_it_the_store_works(home: Path, blocked: Path) -> None:
    write(home, blocked, 0)
    write(home, blocked, 10)
    assert files.read_bounded(home / "store.mark", 100)
