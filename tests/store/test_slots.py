"""Slots of carers and machines, added and removed; another data key, and an end that cannot be undone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from healthslm.errors import DamagedError, LockedError, MissingError, UsageError
from healthslm.store import (
    CHEAPEST,
    create,
    database,
    files,
    keys,
    open_store,
    restore,
    rotation,
    slots,
    unlock,
)
from healthslm.store.slots import Maker
from tests.store.conftest import PASSPHRASE, heart_rates

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def words(folder: Path) -> str:
    """A store with a hundred readings, closed; its recovery words."""
    store, said = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(heart_rates(100))
    return said


def with_slot(folder: Path, make: Callable[[Maker], slots.AnySlot]) -> slots.AnySlot:
    access = unlock(folder, PASSPHRASE)
    file = access.key_file
    maker = Maker(
        store=file.store, cipher=file.cipher, key=access.key, random=os.urandom, now=NOW, profile=CHEAPEST
    )
    slot = make(maker)
    files.write_private(folder / "keys.json", keys.added(file, slot).to_bytes())
    return slot


def count(folder: Path, secret: str) -> int:
    with open_store(folder, secret) as store:
        return store.count()


def test_a_carer_and_a_machine_open_it_too(folder: Path, words: str) -> None:
    secret = os.urandom(32)
    with_slot(folder, lambda maker: maker.carer("a carer's own words", "Anna"))
    with_slot(folder, lambda maker: maker.machine(secret, "the Pi"))
    assert {
        count(folder, s) for s in (PASSPHRASE, words, "a carer's own words", slots.credential(secret))
    } == {100}
    assert unlock(folder, "a carer's own words").slot == "Anna"
    with pytest.raises(LockedError, match="does not open"):
        open_store(folder, slots.credential(os.urandom(32)))
    with pytest.raises(LockedError, match="cut or changed"):
        open_store(folder, slots.credential(secret)[:-5])
    assert keys.KeyFile.read(folder / "keys.json").version == 2


def test_two_slots_have_two_labels_and_there_is_an_end_of_them(folder: Path, words: str) -> None:
    with_slot(folder, lambda maker: maker.machine(bytes(32), "0"))
    with pytest.raises(UsageError, match="already"):
        with_slot(folder, lambda maker: maker.machine(bytes(32), "0"))
    for n in range(1, 14):
        with_slot(folder, lambda maker, n=n: maker.machine(bytes(32), str(n)))  # type: ignore[misc]
    with pytest.raises(UsageError, match="no room for more"):
        with_slot(folder, lambda maker: maker.machine(bytes(32), "one too many"))


def test_the_last_slot_is_not_removed_by_accident(folder: Path, words: str) -> None:
    machine = with_slot(folder, lambda maker: maker.machine(bytes(32), "the Pi"))
    file = keys.KeyFile.read(folder / "keys.json")
    file, gone = keys.removed(file, "passphrase")
    assert gone.label == "passphrase"
    with pytest.raises(UsageError, match="last slot that a person can type"):
        keys.removed(file, "recovery words")
    file, _ = keys.removed(file, "recovery words", only_machines=True)
    with pytest.raises(UsageError, match="last slot: without it nobody"):
        keys.removed(file, machine.id, only_machines=True)
    with pytest.raises(MissingError):
        keys.removed(file, "nobody")


def rotated(folder: Path, secret: str = PASSPHRASE) -> rotation.Rotated:
    return rotation.rotate(unlock(folder, secret), secret, profile=CHEAPEST, now=NOW)


def test_another_key_keeps_every_reading_and_the_old_one_opens_nothing(folder: Path, words: str) -> None:
    with_slot(folder, lambda maker: maker.carer("a carer's own words", "Anna"))
    before, old = unlock(folder, PASSPHRASE), (folder / "keys.json").read_bytes()
    done = rotated(folder)
    assert [slot.label for slot in done.dropped] == ["Anna"]
    assert count(folder, PASSPHRASE) == count(folder, done.words) == 100
    for secret in (words, "a carer's own words"):
        with pytest.raises(LockedError):
            open_store(folder, secret)
    with pytest.raises(DamagedError):
        database.connect(
            folder / "store.db",
            key=before.key,
            store_id=before.key_file.store_id,
            cipher=before.key_file.cipher,
            patience_s=1,
        )
    files.write_private(folder / "keys.json", old)  # as from an old copy
    with pytest.raises(DamagedError):
        open_store(folder, PASSPHRASE)
    assert sorted(path.name for path in folder.iterdir()) == [
        "keys.json",
        "store.db",
        "store.lock",
        "store.mark",
    ]


def test_the_recovery_words_can_change_it_too_and_stay(folder: Path, words: str) -> None:
    done = rotated(folder, words)
    assert done.words == words
    assert [slot.label for slot in done.dropped] == ["passphrase"]
    assert count(folder, words) == 100


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from healthslm.store import CHEAPEST, rotation, unlock
folder, secret, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seen = 0
def watch(event, arguments):
    global seen
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate"):
        if str(folder) in str(arguments[0]) or event != "open":
            seen += 1
            if seen > steps:
                os.kill(os.getpid(), signal.SIGKILL)
access = unlock(folder, secret)
sys.addaudithook(watch)
rotation.rotate(access, secret, profile=CHEAPEST, now=datetime(2026, 11, 2, tzinfo=UTC))
"""


def test_killed_anywhere_it_is_the_old_store_or_the_new_one(folder: Path, words: str, tmp_path: Path) -> None:
    program = tmp_path / "rotate.py"
    program.write_text(KILLED)
    old = unlock(folder, PASSPHRASE).key
    outcomes = []
    for steps in range(0, 200, 3):
        done = subprocess.run([sys.executable, program, folder, PASSPHRASE, str(steps)], check=False)
        assert done.returncode in (0, -signal.SIGKILL)
        assert count(folder, PASSPHRASE) == 100
        with open_store(folder, PASSPHRASE) as store:
            store.verify()
        key = unlock(folder, PASSPHRASE).key
        outcomes.append(key != old)
        old = key
        assert restore.copies(folder) == [], "nothing of the old key is left beside"
        if done.returncode == 0:
            break
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert len(outcomes) > 5


def test_what_is_destroyed_is_overwritten_first(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    secret = folder / "inner" / "secret"
    secret.write_bytes(b"secret" * 1000)
    other = tmp_path / "the same cells"
    os.link(secret, other)
    files.destroy(folder)
    assert not folder.exists()
    assert other.read_bytes() == bytes(6000)
    files.destroy(folder)


def test_no_repr_shows_a_key_or_words(folder: Path, words: str) -> None:
    access = unlock(folder, PASSPHRASE)
    file = access.key_file
    maker = Maker(
        store=file.store, cipher=file.cipher, key=access.key, random=os.urandom, now=NOW, profile=CHEAPEST
    )
    done = rotated(folder)
    with open_store(folder, PASSPHRASE) as store:
        shown = " ".join(map(repr, (access, maker, done, done.access, store, store._database)))
    for key in (access.key, done.access.key):
        assert key.hex() not in shown
        assert repr(key) not in shown
    assert done.words not in shown
