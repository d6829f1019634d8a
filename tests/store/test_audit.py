"""The audit trail: it only grows, and shows where it was changed."""

from datetime import timedelta

import apsw
import pytest

from healthslm.errors import DamagedError
from healthslm.readings import Kind, Reading
from healthslm.store import Store
from healthslm.store.audit import Event
from tests.making import DAY

CHANGES = [
    "UPDATE audit SET detail = '{}' WHERE id = 2",
    "UPDATE audit SET at = at + 1 WHERE id = 3",
    "UPDATE audit SET chain = zeroblob(32) WHERE id = 1",
    "DELETE FROM audit WHERE id = 2",
]


def noted(store: Store) -> None:
    for n in range(4):
        store.note_event(Event.OPENED, DAY + timedelta(minutes=n), slot="passphrase", number=n)
    store.commit()


def test_what_was_noted_is_told_in_order(store: Store) -> None:
    noted(store)
    trail = store.trail()
    assert [entry.id for entry in trail] == [1, 2, 3, 4]
    assert [entry.detail["number"] for entry in store.trail(2)] == [2, 3]
    assert (trail[0].event, trail[0].at) == (Event.OPENED, DAY)
    assert store.verify_trail() == 4


@pytest.mark.parametrize("change", CHANGES)
def test_the_tables_themselves_let_nothing_be_changed(store: Store, change: str) -> None:
    noted(store)
    with pytest.raises(apsw.ConstraintError):
        store._database._connection.execute(change)


@pytest.mark.parametrize("change", CHANGES)
def test_who_goes_around_that_is_found(store: Store, change: str) -> None:
    noted(store)
    for trigger in ("audit_is_not_changed", "audit_is_not_shortened"):
        store._database.rows(f"DROP TRIGGER {trigger}")
    store._database.rows(change)
    with pytest.raises(DamagedError, match="entry"):
        store.verify_trail()


def test_a_correction_and_a_deletion_are_noted_with_their_reason(store: Store) -> None:
    one, other = store.append(
        [
            Reading(time=DAY + n * timedelta(hours=1), kind=Kind.WEIGHT, value=80, device="scale")
            for n in (0, 1)
        ]
    )
    store.correct(one.id or 0, 79.0, "typed wrongly", DAY)
    store.delete(other.id or 0, "somebody else's", DAY)
    store.commit()
    told = [(entry.event, entry.detail["reason"]) for entry in store.trail()]
    assert told == [("reading corrected", "typed wrongly"), ("reading deleted", "somebody else's")]


def test_an_entry_is_undone_with_what_it_tells_of(store: Store) -> None:
    noted(store)
    store.note_event(Event.EXPORTED, DAY, to="somewhere")
    store._database.rows("ROLLBACK")  # as a full disk does
    store.note_event(Event.OPENED, DAY)
    store.commit()
    assert [entry.event for entry in store.trail(2)] == ["exported", "opened"]
    assert store.verify_trail() == 6
