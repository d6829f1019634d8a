"""The lists of phones and offers, written by two processes: the server, and a command at the box."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from healthslm.companion import pairing
from healthslm.companion.clients import CLIENTS, Client, Role, add, clients_in, revoke, seen
from healthslm.errors import UsageError
from healthslm.readings import Kind, Reading
from healthslm.store import Store, open_store
from tests.companion.conftest import NOW, OXIMETER, Home


@pytest.fixture
def command(home: Home) -> Iterator[Store]:
    """The same store as another process has it."""
    with open_store(home.box.home, "passphrase") as opened:
        yield opened


def test_a_revoked_phone_is_not_brought_back_by_who_notes_that_it_was_here(
    home: Home, command: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server read the list, and waits to write it while the command revokes."""
    for digit in "ab":
        add(home.store, Client(id=digit * 16, name=digit, role=Role.WEARER, added=NOW))
    command.put("something", 1)  # holds the store

    def note() -> None:
        seen(home.store, "b" * 16, NOW)
        home.store.commit()

    noting = threading.Thread(target=note)
    noting.start()
    time.sleep(0.2)
    revoke(command, "a" * 16)
    noting.join()
    assert [one.id for one in clients_in(home.store)] == ["b" * 16]
    assert clients_in(home.store)[0].seen == NOW


def test_two_offers_at_once_are_both_good(home: Home, command: Store) -> None:
    command.put("something", 1)
    made: list[str] = []
    offering = threading.Thread(
        target=lambda: made.append(pairing.offer(home.store, Role.WEARER, NOW, os.urandom)[0].id)
    )
    offering.start()
    time.sleep(0.2)
    other, _ = pairing.offer(command, Role.CARER, NOW, os.urandom)
    offering.join()
    for one in (*made, other.id):
        assert pairing.find(home.store, one, NOW) is not None


def test_what_is_refused_keeps_nobody_from_writing(home: Home, command: Store) -> None:
    with pytest.raises(UsageError):
        pairing.confirm(home.store, "none", NOW, os.urandom)
    command.append([Reading(time=NOW, kind=Kind.HEART_RATE, value=71, device=OXIMETER)])
    command.commit()


async def test_a_write_that_was_begun_and_not_ended_keeps_nobody_from_writing(
    home: Home, command: Store
) -> None:
    def broken(store: Store) -> None:
        store.put(CLIENTS, [])
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        await home.box.do(broken)
    command.append([Reading(time=NOW, kind=Kind.HEART_RATE, value=71, device=OXIMETER)])
    command.commit()
