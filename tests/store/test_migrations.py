"""A store of every version before this one opens with everything in it, or stays as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from healthslm.errors import StoreError
from healthslm.readings import Kind
from healthslm.store import CHEAPEST, backup, create, database, keys, open_store, restore, schema, unlock
from healthslm.store.rows import KIND_CODES, micros
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

DATA = Path(__file__).parent.parent / "data" / "store"
FROZEN = sorted(DATA.glob("tables-*.sql"), key=lambda path: int(path.stem.removeprefix("tables-")))
COPY = "before-update.backup"


def test_what_was_released_never_changes() -> None:
    assert len(FROZEN) >= 2
    for sql, frozen in zip(schema.MIGRATIONS, FROZEN, strict=False):
        assert sql.strip() == frozen.read_text(encoding="utf-8").strip(), (
            f"{frozen.name} is in stores out there"
        )


def old_store(folder: Path, version: int) -> Path:
    """Make a store as that version did: 500 heart rates, an alert, a setting, a device."""
    folder.mkdir(mode=0o700)
    made = keys.make(
        PASSPHRASE, cipher="chacha20", profile=CHEAPEST, random=lambda n: bytes(range(n)), now=DAY
    )
    (folder / "keys.json").write_bytes(made.file.to_bytes())
    (folder / "store.db").touch(0o600)
    connection = apsw.Connection(str(folder / "store.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("page_size", database.PAGE)
    database.unlock(connection, made.key + made.file.store_id, "chacha20")
    connection.pragma("journal_mode", "wal")
    connection.pragma("application_id", schema.APPLICATION_ID)
    for frozen in FROZEN[:version]:
        connection.execute(frozen.read_text(encoding="utf-8"))
    connection.pragma("user_version", version)
    connection.execute("INSERT INTO devices (id, address, added, name) VALUES (1, 'AA:01', 1, 'strap')")
    context = ", NULL" if version > 1 else ""
    connection.executemany(
        f"INSERT INTO readings VALUES (?, ?, 1, ?, ?, 0, NULL, ?{context})",  # noqa: S608
        (
            (n, KIND_CODES[Kind.HEART_RATE], micros(one.time), one.value, one.sequence)
            for n, one in enumerate(heart_rates(500), start=1)
        ),
    )
    connection.execute("INSERT INTO alerts VALUES ('a', 'raised', 1, '{}')")
    connection.execute("INSERT INTO settings VALUES ('person', '{}')")
    connection.execute("UPDATE ledger SET commits = 9, last_reading = 500")
    connection.close()
    return folder


VERSIONS = range(1, len(FROZEN) + 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_every_version_opens_with_everything_in_it(folder: Path, version: int) -> None:
    old_store(folder, version)
    with open_store(folder, PASSPHRASE) as store:
        store.verify()
        window = store.window(Kind.HEART_RATE, DAY, DAY.replace(day=3))
        assert window.values.tolist() == [one.value for one in heart_rates(500)]
        assert store.devices()[0].name == "strap"
        assert [alert[0] for alert in store.alerts()] == ["a"]
        assert store.get("person") == {}
        assert store._database.value("PRAGMA user_version") == len(schema.MIGRATIONS)
        assert len(store.append(heart_rates(10, first=500))) == 10
    assert not (folder / COPY).exists()
    with open_store(folder, PASSPHRASE) as store:
        assert store.count() == 510


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backup_of_every_version_is_restored(folder: Path, tmp_path: Path, version: int) -> None:
    access = unlock(old_store(folder, version), PASSPHRASE)
    found = backup.write(access, tmp_path / "old.backup")
    assert (found.tables, found.readings, found.commits) == (version, 500, 9)
    assert found.first == heart_rates(1)[0].time
    shutil.rmtree(folder)
    assert restore.restore(tmp_path / "old.backup", folder, PASSPHRASE).contents.readings == 500
    with open_store(folder, PASSPHRASE) as store:
        assert store.count() == 500


def stumbling(folder: Path) -> None:
    """Put something into an old store that a migration stumbles over: a table that it wants to make."""
    access = unlock(folder, PASSPHRASE)
    connection = database.connect(
        folder / "store.db",
        key=access.key,
        store_id=access.key_file.store_id,
        cipher=access.key_file.cipher,
        patience_s=1,
    )
    connection.execute("CREATE TABLE segments (x)")
    connection.close()


def test_a_migration_that_fails_leaves_the_store_and_a_copy(folder: Path, tmp_path: Path) -> None:
    old_store(folder, 2)
    stumbling(folder)
    for _ in range(2):
        with pytest.raises(StoreError, match="could not be brought up to date") as caught:
            open_store(folder, PASSPHRASE)
        assert str(folder / COPY) in caught.value.hint
        assert "restore" in caught.value.hint
    found = backup.read(folder / COPY, PASSPHRASE)[2]
    assert (found.tables, found.readings) == (2, 500)
    kept = shutil.copy(folder / COPY, tmp_path)
    done = restore.restore(Path(kept), tmp_path / "elsewhere", PASSPHRASE)
    assert done.contents.readings == 500


def test_without_room_for_the_copy_nothing_is_migrated(folder: Path) -> None:
    old_store(folder, 2)
    (folder / f".{COPY}.part").mkdir()  # stands for a disk that takes nothing
    before = (folder / "store.db").read_bytes()
    with pytest.raises(StoreError, match=r"no copy of it could be kept meanwhile.*cannot be written"):
        open_store(folder, PASSPHRASE)
    assert (folder / "store.db").read_bytes() == before


def test_an_outcome_that_was_not_verified_is_verified_at_the_next_opening(folder: Path) -> None:
    # As if the process had ended after the last step and before the look at what came of it.
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(heart_rates(20_000))
    access = unlock(folder, PASSPHRASE)
    backup.write_beside(access, COPY)
    open_store(folder, PASSPHRASE).close()
    assert not (folder / COPY).exists()
    backup.write_beside(access, COPY)
    with (folder / "store.db").open("r+b") as file:
        file.seek((folder / "store.db").stat().st_size - 4096 + 50)
        file.write(b"rust")
    with pytest.raises(StoreError, match="damaged"):
        open_store(folder, PASSPHRASE)
    assert (folder / COPY).exists()
    restore.restore(folder / COPY, folder, PASSPHRASE, overwrite=True)
    with open_store(folder, PASSPHRASE) as again:
        assert again.count() == 20_000


def test_each_step_is_a_transaction(folder: Path) -> None:
    old_store(folder, 1)
    access = unlock(folder, PASSPHRASE)
    path = folder / "store.db"
    connection = database.connect(
        path, key=access.key, store_id=access.key_file.store_id, cipher=access.key_file.cipher, patience_s=1
    )
    with pytest.raises(apsw.SQLError):
        schema.migrate(
            connection, path, (*schema.MIGRATIONS[:2], "CREATE TABLE one (x); CREATE TABLE devices (x)")
        )
    assert connection.pragma("user_version") == 2
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'one'").get == 0
    connection.close()


def test_a_store_of_a_newer_version_is_left_alone(folder: Path, tmp_path: Path) -> None:
    with create(folder, PASSPHRASE, profile=CHEAPEST)[0] as store:
        store._database.rows(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer healthslm"):
        open_store(folder, PASSPHRASE)
    with pytest.raises(StoreError, match="newer healthslm"):
        backup.write(unlock(folder, PASSPHRASE), tmp_path / "a.backup")
