"""A backup comes back, here and elsewhere, and nothing is lost over it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from healthslm.errors import DamagedError, LockedError, StoreError
from healthslm.store import CHEAPEST, backup, create, exists, open_store, restore, unlock
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates
from tests.store.test_backup import KILLED
from tests.store.test_durability import python, script


@pytest.fixture
def words(folder: Path) -> str:
    """The recovery words of a store with 100 readings, closed."""
    store, said = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(heart_rates(100))
    return said


@pytest.fixture
def file(words: str, folder: Path, tmp_path: Path) -> Path:
    """A backup of it; then 100 more readings."""
    assert words
    backup.write(unlock(folder, PASSPHRASE), tmp_path / "a.backup", clock=lambda: DAY)
    with open_store(folder, PASSPHRASE) as store:
        store.append(heart_rates(200))
    return tmp_path / "a.backup"


def count(folder: Path, secret: str = PASSPHRASE) -> int:
    with open_store(folder, secret) as store:
        store.verify()
        return store.count()


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_on_another_machine_the_recovery_words_are_enough(file: Path, folder: Path, words: str) -> None:
    shutil.rmtree(folder)
    elsewhere = folder.parent / "elsewhere" / "home"
    done = restore.restore(file, elsewhere, words)
    assert done.aside is None
    assert done.contents.readings == 100
    assert (done.contents.first, done.contents.last) == (heart_rates(1)[0].time, heart_rates(100)[-1].time)
    assert count(elsewhere, words) == count(elsewhere, PASSPHRASE) == 100
    assert sorted(content(elsewhere)) == ["keys.json", "store.db", "store.lock", "store.mark"]
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert (elsewhere / "store.db").stat().st_mode & 0o777 == 0o600


def test_a_restored_store_goes_on(file: Path, folder: Path, words: str) -> None:
    restore.restore(file, folder.parent / "new", words)
    with open_store(folder.parent / "new", PASSPHRASE) as store:
        assert len(store.append(heart_rates(150))) == 50
    assert count(folder.parent / "new") == 150


def test_newer_data_is_left_alone_unless_told(file: Path, folder: Path) -> None:
    before = content(folder)
    with pytest.raises(StoreError, match=r"is newer than the backup of 2026-11-02 00:00 UTC") as caught:
        restore.restore(file, folder, PASSPHRASE)
    assert "--overwrite" in caught.value.hint
    assert before.items() <= content(folder).items(), "looking at it left an empty journal at most"
    assert count(folder) == 200
    done = restore.restore(file, folder, PASSPHRASE, overwrite=True, clock=lambda: DAY)
    assert done.aside == folder / "replaced-20261102T000000Z"
    assert count(folder) == 100
    assert count(done.aside) == 200, "what was replaced is kept and opens"


def test_what_the_backup_has_too_is_replaced_without_asking_and_kept(file: Path, folder: Path) -> None:
    restore.restore(file, folder, PASSPHRASE, overwrite=True, clock=lambda: DAY)
    done = restore.restore(file, folder, PASSPHRASE, clock=lambda: DAY)
    assert done.aside == folder / "replaced-20261102T000000Z-2"
    assert count(folder) == 100


def test_another_persons_store_is_left_alone(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    create(other, "another passphrase", profile=CHEAPEST)[0].close()
    before = content(other)
    with pytest.raises(StoreError, match="another store") as caught:
        restore.restore(file, other, PASSPHRASE)
    assert "--overwrite" in caught.value.hint
    assert content(other) == before


def test_a_damaged_store_is_replaced_when_told(file: Path, folder: Path) -> None:
    damaged = (folder / "store.db").read_bytes()[:5000]
    (folder / "store.db").write_bytes(damaged)
    with pytest.raises(StoreError, match="cannot be compared with the backup"):
        restore.restore(file, folder, PASSPHRASE)
    done = restore.restore(file, folder, PASSPHRASE, overwrite=True)
    assert count(folder) == 100
    assert done.aside is not None
    assert (done.aside / "store.db").read_bytes() == damaged


@pytest.mark.parametrize("missing", ["keys.json", "store.db"])
def test_half_a_store_is_replaced_when_told(file: Path, folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(StoreError, match="cannot be compared"):
        restore.restore(file, folder, PASSPHRASE)
    restore.restore(file, folder, PASSPHRASE, overwrite=True)
    assert count(folder) == 100


def test_a_journal_of_the_old_store_does_not_get_into_the_new(file: Path, folder: Path) -> None:
    # As a power cut leaves it: what came last is in the journal only.
    with open_store(folder, PASSPHRASE) as store:
        store.append(heart_rates(300))
        store.commit()
        left = {p.name: p.read_bytes() for p in folder.glob("store.*") if not p.name.endswith("-shm")}
    assert "store.db-wal" in left
    for name, had in left.items():
        (folder / name).write_bytes(had)
    done = restore.restore(file, folder, PASSPHRASE, overwrite=True)
    assert count(folder) == 100
    assert done.aside is not None
    assert count(done.aside) == 300


@pytest.mark.parametrize("at", [0, 100, 5000, 20_000, -20])
def test_a_damaged_backup_changes_nothing(file: Path, folder: Path, at: int) -> None:
    changed = bytearray(file.read_bytes())
    changed[at] ^= 1
    file.write_bytes(changed)
    before = content(folder)
    with pytest.raises((DamagedError, LockedError)):
        restore.restore(file, folder, PASSPHRASE, overwrite=True)
    assert content(folder) == before
    assert [p.name for p in folder.iterdir() if p.is_dir()] == []


def test_a_wrong_passphrase_changes_nothing(file: Path, folder: Path) -> None:
    before = content(folder)
    with pytest.raises(LockedError, match="does not open"):
        restore.restore(file, folder, "something else", overwrite=True)
    assert content(folder) == before


def test_it_is_told_before_anything_is_moved(file: Path, folder: Path) -> None:
    seen = []

    def decided(store_id: bytes) -> None:
        seen.append(store_id)
        assert not list(folder.glob("replaced-*"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore.restore(file, folder, PASSPHRASE, overwrite=True, decided=decided)
    assert seen == [unlock(folder, PASSPHRASE).key_file.store_id]
    assert count(folder) == 200


def test_killed_at_any_step_the_old_store_is_there_or_the_new(tmp_path: Path) -> None:
    assert int(python(KILLED, "restore", tmp_path)) > 20


def test_a_store_that_is_being_restored_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "restore.new").mkdir()
    assert exists(tmp_path), "no new one may be made over it"
    restore.finish(tmp_path)
    assert not exists(tmp_path)


def test_what_a_killed_restore_left_undecided_is_cleared_away(folder: Path, words: str) -> None:
    assert words
    (folder / "restore.part").mkdir()
    (folder / "restore.part" / "store.db").write_bytes(b"half")
    assert restore.copies(folder) == [folder / "restore.part"]
    assert count(folder) == 100
    assert not (folder / "restore.part").exists()


def test_all_copies_of_the_key_are_known(file: Path, folder: Path) -> None:
    done = restore.restore(file, folder, PASSPHRASE, overwrite=True)
    backup.write_beside(unlock(folder, PASSPHRASE), "before-update.backup")
    assert restore.copies(folder) == [folder / "before-update.backup", done.aside]


def test_a_foreign_folder_in_place_of_a_restore_moves_nothing(folder: Path, words: str) -> None:
    assert words
    (folder / "restore.new").mkdir()
    (folder / "restore.new" / "store.db").write_bytes(b"x")
    (folder / "restore.new" / "aside").write_text("../../somewhere")
    with pytest.raises(DamagedError, match="not what a restore left"):
        open_store(folder, PASSPHRASE)
    shutil.rmtree(folder / "restore.new")
    assert count(folder) == 100


def test_a_full_disk_changes_nothing(file: Path, folder: Path) -> None:
    # A limit on the size of files is the full disk that needs no disk.
    before = content(folder)
    said = script(
        """
        import resource, sys
        from pathlib import Path
        from healthslm.errors import StoreError
        from healthslm.store import restore

        file, folder, secret = sys.argv[1:]
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        try:
            restore.restore(Path(file), Path(folder), secret, overwrite=True)
        except StoreError as error:
            print(error)
        """,
        file,
        folder,
        PASSPHRASE,
    )
    assert "could not be written while restoring: File too large" in said
    assert "What was there is kept" in said
    assert content(folder) == before
    assert [p.name for p in folder.iterdir() if p.is_dir()] == []
    assert count(folder) == 200
