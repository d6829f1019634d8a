"""What is heard while locked: only the store opens it, all of it comes back, what was changed is known."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from device import Event, Identity, LinkEvent, LinkState, Notification
from healthslm import sealed
from healthslm.errors import DamagedError
from healthslm.readings import Device
from healthslm.sealed import frames
from healthslm.sealed.choice import FILE
from healthslm.store import CHEAPEST, Store, create
from healthslm.wearables import MOST, LinkSettings, add, forget

STRAP, CUFF = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:03"
NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)
BEAT = b"\x00\x48"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made:
        made.put_device(Device(address=STRAP, name="strap"))
        made.commit()
        yield made


def beat(second: int) -> Notification:
    return Notification(
        received_at=NOW + timedelta(seconds=second),
        device=STRAP,
        characteristic="2A37",
        value=BEAT,
        monotonic_ns=0,
    )


def back(store: Store) -> list[Event]:
    keys = sealed.keys_in(store)
    return [event for path in sealed.sealed_in(store.folder) for event in sealed.read(path, keys)]


def test_what_was_sealed_comes_back_as_it_was_heard(store: Store) -> None:
    choice = sealed.collect_while_locked(store, os.urandom)
    heard: list[Event] = [
        Identity(NOW, STRAP, name="Polar H10", battery=80),
        *map(beat, range(100)),
        LinkEvent(at=NOW, device=STRAP, state=LinkState.DROPPED, why="3 were lost", dropped=3),
    ]
    with sealed.Sealer(store.folder, choice) as sealer:
        for event in heard[:50]:
            sealer.add(event)
        sealer.flush()
        sealer.add(LinkEvent(at=NOW, device=STRAP, state=LinkState.LOST))  # how links stand is for now alone
        for event in heard[50:]:
            sealer.add(event)
    assert (sealer.sealed, sealer.lost) == (100, 0)
    assert back(store) == heard
    (path,) = sealed.sealed_in(store.folder)
    assert path.stat().st_mode & 0o777 == 0o600
    assert STRAP.encode() not in path.read_bytes()
    assert b"2A37" not in path.read_bytes()


def test_no_other_key_opens_it_and_two_files_have_two_keys(store: Store) -> None:
    choice = sealed.collect_while_locked(store, os.urandom)
    for _ in range(2):
        with sealed.Sealer(store.folder, choice) as sealer:
            sealer.add(beat(1))
    one, other = (path.read_bytes() for path in sealed.sealed_in(store.folder))
    assert one[frames.HEAD :] != other[frames.HEAD :]
    for path in sealed.sealed_in(store.folder):
        with pytest.raises(DamagedError, match="None of the store's keys opens it"):
            list(sealed.read(path, [X25519PrivateKey.generate()]))


def test_a_file_of_the_first_version_is_read_for_ever() -> None:
    """Sealed with key bytes 1 … 32 to 33 … 64; made by this code on the day it was written."""
    mine = X25519PrivateKey.from_private_bytes(bytes(range(33, 65)))
    head, sealing = frames.begin(mine.public_key(), X25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
    made = head + sealing.seal(b"first\n") + sealing.seal(b"", last=True)
    assert made.hex() == VECTOR


VECTOR = (
    "6865616c7468736c6d207365616c656420310a07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
    "000000160713a0f9127d1814a683ed047cf7ffde4270c4ac6d87"
    "0000001028bf23fe3284f15b661383651bb0370d"
)


@pytest.mark.parametrize("cut", [0, 10, frames.HEAD, frames.HEAD + 2, frames.HEAD + 30])
def test_a_file_that_was_cut_off_gives_what_came_before(store: Store, cut: int) -> None:
    choice = sealed.collect_while_locked(store, os.urandom)
    with sealed.Sealer(store.folder, choice) as sealer:
        for second in range(3):
            sealer.add(beat(second))
            sealer.flush()
    (path,) = sealed.sealed_in(store.folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    assert back(store) == []
    size = len(whole)
    for length, count in ((size - 1, 3), (size - 20, 3), (size - 21, 2)):
        path.write_bytes(whole[:length])
        assert len(back(store)) == count, length


def test_every_changed_byte_is_known(store: Store) -> None:
    choice = sealed.collect_while_locked(store, os.urandom)
    with sealed.Sealer(store.folder, choice) as sealer:
        for second in range(3):
            sealer.add(beat(second))
            sealer.flush()
    (path,) = sealed.sealed_in(store.folder)
    whole, heard = path.read_bytes(), back(store)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        came: list[Event] = []
        with suppress(DamagedError):
            came.extend(sealed.read(path, sealed.keys_in(store)))
        assert came == heard[: len(came)]
        assert len(came) < len(heard) or at >= len(whole) - 20, "the last frame alone may go unread"


@given(st.binary(max_size=400))
def test_whatever_lies_there_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / "00000001.sealed"
    for content in (junk, frames.MAGIC + junk, frames.MAGIC + bytes(32) + junk):
        path.write_bytes(content)
        try:
            assert list(sealed.read(path, [X25519PrivateKey.generate()])) == []
        except DamagedError:
            continue


class Disk:
    """Takes so many bytes, then none, then all again."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, content: bytes) -> int:
        if len(content) > self.room:
            part = content[: self.room]
            self.room = 0
            if part:
                return os.write(descriptor, part)
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(content)
        return os.write(descriptor, content)


@pytest.mark.parametrize("room", [0, 10, 51, 60, 300, 1000])
def test_a_full_disk_loses_nothing_once_there_is_room(store: Store, room: int) -> None:
    choice, disk = sealed.collect_while_locked(store, os.urandom), Disk(room)
    with sealed.Sealer(store.folder, choice, write=disk.write) as sealer:
        for second in range(20):
            sealer.add(beat(second))
            sealer.flush()
        disk.room = 1 << 20
    assert sealer.lost == 0
    assert back(store) == [beat(second) for second in range(20)]


def test_what_memory_cannot_hold_is_counted(store: Store) -> None:
    choice, disk = sealed.collect_while_locked(store, os.urandom), Disk(0)
    with sealed.Sealer(store.folder, choice, write=disk.write, most=5) as sealer:
        for second in range(8):
            sealer.add(beat(second))
            sealer.flush()
    assert sealer.lost == 8, "three had no room, and five were never taken"


def test_the_list_of_wearables_is_kept_up_and_says_nothing_more(store: Store) -> None:
    assert sealed.chosen(store.folder) is None
    sealed.keep_current(store)  # not chosen: no file
    assert not (store.folder / FILE).exists()
    sealed.collect_while_locked(store, os.urandom)
    add(store, CUFF, "Greta's cuff", NOW, LinkSettings(paired=True, streams=("ecg",)))
    add(store, "C0:FF:EE:00:00:04", "", NOW)
    forget(store, STRAP, NOW)
    sealed.keep_current(store)
    choice = sealed.chosen(store.folder)
    assert choice is not None
    assert {(one.address, one.paired, one.streams) for one in choice.wearables} == {
        (CUFF, True, ("ecg",)),
        ("C0:FF:EE:00:00:04", False, ()),
    }
    assert "Greta" not in (store.folder / FILE).read_text()
    assert (store.folder / FILE).stat().st_mode & 0o777 == 0o600
    sealed.stop_collecting(store)
    assert sealed.chosen(store.folder) is None
    assert sealed.keys_in(store), "what is sealed already can still be opened"


def test_of_more_wearables_than_are_listened_to_the_first_are(store: Store) -> None:
    """An import brings as many as it has; that ends no `run`."""
    for number in range(60):
        store.put_device(Device(address=f"C0:FF:EE:00:02:{number:02X}"))
    assert len(sealed.collect_while_locked(store, os.urandom).wearables) == MOST
    sealed.keep_current(store)
    choice = sealed.chosen(store.folder)
    assert choice is not None
    assert len(choice.wearables) == MOST


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-5],
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda _text: '{"version": 1, "key": "' + "00" * 32 + '"}',
        lambda text: text.replace(STRAP, "../../etc/passwd"),
        lambda _text: "\xff",
    ],
)
def test_a_choice_that_was_changed_is_refused(store: Store, change: Callable[[str], str]) -> None:
    sealed.collect_while_locked(store, os.urandom)
    path = store.folder / FILE
    path.write_text(change(path.read_text()), encoding="latin-1")
    with pytest.raises(DamagedError, match="while-locked collect"):
        sealed.chosen(store.folder)
    sealed.keep_current(store)  # the next start with the store open mends it
    assert sealed.chosen(store.folder) is not None
