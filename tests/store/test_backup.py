"""A backup: whole or not there, encrypted, read back, and of one moment while others write."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.errors import DamagedError, HealthslmError, LockedError, StoreError, UsageError
from healthslm.readings import Device
from healthslm.store import CHEAPEST, Access, Store, backup, container, create, files, open_store, unlock
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates
from tests.store.test_durability import python, script

KILLED = Path(__file__).with_name("killed_restore.py")


@pytest.fixture
def access(store: Store, folder: Path) -> Access:
    """The test's store with some of everything in it, unlocked."""
    store.append(heart_rates(200))
    store.put_device(Device(address="C0:FF:EE:00:00:01", name="grandmother's strap"))
    store.put_alert("a", "raised", DAY, "{}")
    store.commit()
    return unlock(folder, PASSPHRASE)


@pytest.fixture
def file(access: Access, tmp_path: Path) -> Path:
    """A backup of it."""
    backup.write(access, tmp_path / "a.backup", clock=lambda: DAY)
    return tmp_path / "a.backup"


def test_a_backup_says_what_it_holds(file: Path, folder: Path) -> None:
    header, key, found = backup.read(file, PASSPHRASE)
    assert (found.made, found.readings, found.devices, found.alerts) == (DAY, 200, 1, 1)
    assert (found.first, found.last) == (heart_rates(1)[0].time, heart_rates(200)[-1].time)
    assert found.size == file.stat().st_size == header.total_bytes
    assert len(key) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir() if p != folder] == [file.name]


def test_the_layout_is_the_documented_one(file: Path, folder: Path) -> None:
    content = file.read_bytes()
    assert content[:16] == b"healthslm backup"
    version, database_at, length, said = (
        int.from_bytes(content[a:b], "big") for a, b in ((16, 20), (20, 24), (24, 32), (32, 36))
    )
    assert version == 1
    assert database_at % 4096 == 0
    assert len(content) == database_at + length + 32
    assert (folder / "keys.json").read_text()[:50].encode() in content[68 : 68 + said].replace(
        b'\\"', b'"'
    ).replace(b"\\n", b"\n")
    # What lies inside is the database as it is, and opens as one.
    (folder / "store.db").replace(folder / "old")
    for beside in ("store.db-wal", "store.db-shm", "store.mark"):
        files.remove(folder / beside)
    (folder / "store.db").write_bytes(content[database_at : database_at + length])
    with open_store(folder, PASSPHRASE) as again:
        assert again.count() == 200


def test_nothing_in_it_can_be_read_without_a_key(file: Path) -> None:
    content = file.read_bytes()
    for word in (b"grandmother", b"C0:FF:EE", b"heart", b"CREATE TABLE"):
        assert word not in content
    with pytest.raises(LockedError):
        backup.read(file, "another passphrase")


def test_writing_goes_on_meanwhile_and_the_backup_is_of_one_moment(
    access: Access, store: Store, tmp_path: Path
) -> None:
    store.append(heart_rates(20_000))
    store.commit()
    before = store.count()
    wrote = []

    def write_between(step: str, done: int, total: int) -> None:
        if step == "backing up" and len(wrote) < 3:
            store.append(heart_rates(100, first=30_000 + 100 * len(wrote)))
            store.commit()
            wrote.append(done)

    found = backup.write(access, tmp_path / "b.backup", progress=write_between)
    assert wrote
    assert found.readings == before
    assert store.count() == before + 100 * len(wrote)


def test_a_backup_in_a_thread_beside_a_writer(access: Access, store: Store, tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for n in range(3):
                backup.write(access, tmp_path / f"{n}.backup")
        except BaseException as error:  # to be raised where pytest sees it
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    n = 0
    while thread.is_alive():
        store.append(heart_rates(5, first=1000 + 5 * n))
        store.commit()
        n += 1
    thread.join()
    assert not failures, failures
    counts = [backup.read(tmp_path / f"{n}.backup", PASSPHRASE)[2].readings for n in range(3)]
    assert counts == sorted(counts)
    assert all((count - 200) % 5 == 0 for count in counts), "half a commit"


def test_slots_added_since_the_store_was_opened_are_in_it(
    access: Access, folder: Path, tmp_path: Path
) -> None:
    later = access.key_file.model_copy(update={"slots": access.key_file.slots[:1]})
    files.write_private(folder / "keys.json", later.to_bytes())
    backup.write(access, tmp_path / "a.backup")
    assert len(container.read_header(tmp_path / "a.backup").key_file.slots) == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Path("/dev/null"), "no plain file"),
        (Path("/nowhere at all/a.backup"), "The folder /nowhere at all is not there"),
        (Path("a.backup"), "already there"),
        (Path("."), "is a folder"),
        (Path("home/a.backup"), "inside the store's own folder"),
        (Path("link/a.backup"), "inside the store's own folder"),
        (Path("pipe"), "no plain file"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(
    access: Access, file: Path, tmp_path: Path, folder: Path, target: Path, said: str
) -> None:
    (tmp_path / "link").symlink_to(folder)
    os.mkfifo(tmp_path / "pipe")
    before = file.read_bytes()
    with pytest.raises(UsageError, match=said) as caught:
        backup.write(access, tmp_path / target)
    assert caught.value.hint
    assert file.read_bytes() == before


def test_only_a_backup_is_replaced(access: Access, store: Store, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("dear doctor")
    with pytest.raises(UsageError, match="no backup of healthslm"):
        backup.write(access, other, replace=True)
    assert other.read_text() == "dear doctor"
    store.append(heart_rates(300))
    store.commit()
    assert backup.write(access, file, replace=True).readings == 300


def test_two_backups_to_one_file_do_not_mix(access: Access, tmp_path: Path) -> None:
    target = tmp_path / "b.backup"
    said: list[str] = []

    def another(step: str, done: int, total: int) -> None:
        if not said:
            with pytest.raises(StoreError, match="at work") as caught:
                backup.write(access, target)
            said.append(caught.value.message)

    assert backup.write(access, target, progress=another).readings == 200
    assert said


def test_a_full_disk_is_said_and_leaves_nothing(access: Access, folder: Path, tmp_path: Path) -> None:
    # A limit on the size of files is the full disk that needs no disk.
    said = script(
        """
        import resource, signal, sys
        from pathlib import Path
        from healthslm.errors import StoreError
        from healthslm.store import backup, unlock

        access = unlock(Path(sys.argv[1]), sys.argv[2])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for limit in (100, 20_000, 60_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                backup.write(access, Path(sys.argv[3]))
            except StoreError as error:
                print(error.message, "/", error.hint)
        """,
        folder,
        PASSPHRASE,
        tmp_path / "full.backup",
    )
    assert said.count("is full or failed: the backup was not finished") == 3, said
    assert said.count("Free some space") == 3
    assert not list(tmp_path.glob("*full*"))


def test_a_damaged_store_gives_no_backup_and_the_old_one_stays(
    access: Access, store: Store, file: Path, folder: Path
) -> None:
    store.append(heart_rates(5000))
    store.close()
    with (folder / "store.db").open("r+b") as damaged:
        damaged.seek(20 * 4096 + 100)
        damaged.write(b"rust")
    before = file.read_bytes()
    with pytest.raises(DamagedError, match=r"store.db is damaged"):
        backup.write(access, file, replace=True)
    assert file.read_bytes() == before
    assert not list(file.parent.glob("*.part"))


def test_every_cut_is_found(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    cut = tmp_path / "cut.backup"
    for length in (0, 1, 15, 16, 20, 36, 60, 68, 500, 4095, 4096, 8192, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:length])
        with pytest.raises(DamagedError, match=r"is cut|no backup"):
            backup.read(cut, PASSPHRASE)
    cut.write_bytes(content + b"x")
    with pytest.raises(DamagedError, match="has grown"):
        backup.read(cut, PASSPHRASE)


def test_pages_put_together_from_two_backups_are_found(access: Access, store: Store, tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    backup.write(access, one, clock=lambda: DAY)
    store.put("n", 1)
    store.commit()
    backup.write(access, two, clock=lambda: DAY)
    first, second = one.read_bytes(), two.read_bytes()
    assert len(first) == len(second)
    at = container.read_header(one).database_at
    page = next(p for p in range(at, len(first) - 32, 4096) if first[p : p + 4096] != second[p : p + 4096])
    one.write_bytes(first[:page] + second[page : page + 4096] + first[page + 4096 :])
    with pytest.raises(DamagedError, match="its seal does not fit"):
        backup.read(one, PASSPHRASE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_changed_byte_is_found(file: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(file.read_bytes())
    first = data.draw(st.booleans())
    at = data.draw(st.integers(0, 3000 if first else len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    changed = tmp_path / "changed.backup"
    changed.write_bytes(content)
    with pytest.raises(HealthslmError):
        backup.read(changed, PASSPHRASE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), magic=st.booleans())
def test_any_bytes_end_in_a_sentence(tmp_path: Path, content: bytes, magic: bool) -> None:
    hostile = tmp_path / "hostile.backup"
    hostile.write_bytes((b"healthslm backup\0\0\0\1" if magic else b"") + content)
    with pytest.raises(HealthslmError):
        backup.read(hostile, PASSPHRASE)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "no plain file"), (tmp_path, "no plain file|cannot be read")):
        with pytest.raises(StoreError, match=said):
            container.read_header(path)
    with pytest.raises(StoreError, match="No such file"):
        container.read_header(tmp_path / "none")


def test_a_backup_of_a_newer_healthslm_says_so(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[19] = 2
    file.write_bytes(content)
    with pytest.raises(StoreError, match="version 2; this healthslm knows 1") as caught:
        container.read_header(file)
    assert caught.value.hint == "Update healthslm."


def test_killed_at_any_step_there_is_the_old_backup_or_none(tmp_path: Path) -> None:
    assert int(python(KILLED, "backup", tmp_path)) > 10


def test_the_key_is_in_no_repr(access: Access) -> None:
    assert access.key.hex() not in repr(access)
    assert repr(access.key) not in repr(access)


@pytest.mark.parametrize("name", ["a b?c#d%20.backup", "früh ☀.backup", "a'b\"c&at=0.backup", "no extension"])
def test_any_name_will_do(access: Access, tmp_path: Path, name: str) -> None:
    backup.write(access, tmp_path / name)
    assert backup.read(tmp_path / name, PASSPHRASE)[2].readings == 200


@pytest.mark.parametrize("cipher", ["aegis", "chacha20"])
def test_with_either_cipher(tmp_path: Path, cipher: str) -> None:
    made, words = create(tmp_path / "home", "pw", profile=CHEAPEST, cipher=cipher)
    with made:
        made.append(heart_rates(50))
    file = tmp_path / "a.backup"
    backup.write(unlock(tmp_path / "home", words), file)
    assert backup.read(file, words)[2].readings == 50


def test_what_lies_in_a_backup_is_read_and_never_written(file: Path) -> None:
    header, key, _ = backup.read(file, PASSPHRASE)
    connection = container.connect(file, header.database_at, key=key, cipher=header.key_file.cipher)
    assert connection.execute("SELECT count(*) FROM devices").get == 1
    with pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM devices")
    connection.close()
