"""What the doctor says of the store, of who is told, of the phones and of what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from healthslm.absence.beat import Beat
from healthslm.alerts import Alert, AlertState, parse_hooks
from healthslm.alerts.alert import Told
from healthslm.alerts.policy import Policy, Quiet
from healthslm.board import AUTO, PROFILES, Choice
from healthslm.companion.authority import authority
from healthslm.companion.clients import Client, Role
from healthslm.doctor import program, telling, upkeep
from healthslm.doctor import store as doctor_store
from healthslm.doctor.companion import authority_in, companion
from healthslm.doctor.model import model
from healthslm.errors import ModelError, StoreError
from healthslm.readings import Finding, Kind, Severity
from healthslm.secrecy import Kept
from healthslm.store import CHEAPEST, KEYS, OutboxRow, Store, keys, schedule, slots
from healthslm.store.audit import Entry, Event
from healthslm.store.schedule import Policy as Keep
from healthslm.store.schedule import Schedule
from tests.doctor.scripted import lines, one
from tests.store.test_dense import columns

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
ID = bytes(16)


# ---- Opening and verifying


def key_file(store: Store) -> keys.KeyFile:
    return keys.KeyFile.read(store.folder / KEYS)


def without(file: keys.KeyFile, *kinds: str) -> keys.KeyFile:
    return file.model_copy(update={"slots": [slot for slot in file.slots if slot.kind not in kinds]})


def test_by_what_it_is_opened(store: Store) -> None:
    file = key_file(store)
    assert one(doctor_store.slots(file)) == ("ok", "passphrase, recovery words")
    state, said = one(doctor_store.slots(without(file, "recovery")))
    assert (state, "if that is forgotten or lost, so is everything" in said) == ("attention", True)
    carer = slots.Maker(store="a", cipher="aegis", key=bytes(32), random=bytes, now=NOW, profile=CHEAPEST)
    two = file.model_copy(
        update={"slots": [*without(file, "recovery").slots, carer.carer("their own words", "Anna")]}
    )
    state, said = one(doctor_store.slots(two))
    assert (state, "there are no recovery words" in said) == ("attention", True)


def test_when_it_was_verified_is_kept(store: Store) -> None:
    file = key_file(store)
    made = min(slot.created for slot in file.slots)
    assert doctor_store.last_verified(store, file, made + DAY).state == "ok"
    assert doctor_store.last_verified(store, file, made + 91 * DAY).state == "attention"
    assert doctor_store.verify(store, NOW, "1.2").state == "ok"
    later = doctor_store.last_verified(store, file, NOW + DAY)
    assert (later.state, later.said) == (
        "ok",
        "everything was last read and found whole on 2026-12-01, by 1.2",
    )
    assert doctor_store.last_verified(store, file, NOW + 91 * DAY).state == "attention"


def test_what_is_not_whole_is_not_kept_as_verified(store: Store) -> None:
    store.append_columns(Kind.ECG, "AA:01", columns(1000, NOW - DAY))
    store.commit()
    store._database.rows("UPDATE rollups SET summary = histogram")
    store.put("a word", "to commit")
    store.commit()
    assert doctor_store.verify(store, NOW, "1.2").state == "problem"
    assert store.get(doctor_store.VERIFIED) is None


# ---- Backups


def backups(folder: Path, *days: int) -> Schedule:
    folder.mkdir(exist_ok=True)
    for day in days:
        (folder / schedule.name_of(ID, NOW - day * DAY)).touch()
    return Schedule(folder=folder, policy=Keep(), own_disk=True)


def entry(event: Event, at: datetime, **detail: str) -> Entry:
    return Entry(id=1, at=at, event=event.value, detail=detail)


def test_whether_backups_are_made(tmp_path: Path) -> None:
    assert one(upkeep.backup(None, None, None, NOW, ID)) == (
        "attention",
        "none is made by itself; none was ever made",
    )
    by_hand = entry(Event.BACKED_UP, NOW - DAY)
    assert one(upkeep.backup(None, None, by_hand, NOW, ID))[1].endswith("the last was made on 2026-11-30")
    fresh = backups(tmp_path / "fresh", 9, 1)
    assert one(upkeep.backup(fresh, {"file": "x"}, None, NOW, ID))[0] == "ok"
    assert one(upkeep.backup(backups(tmp_path / "old", 9, 4), None, None, NOW, ID)) == (
        "attention",
        f"the newest in {tmp_path / 'old'} is 4 days old",
    )
    assert one(upkeep.backup(backups(tmp_path / "none"), None, None, NOW, ID))[0] == "problem"
    failed = {"error": "The disk is full.", "at": "x"}
    assert lines(upkeep.backup(fresh, failed, None, NOW, ID))[0] == (
        "problem",
        "the last one failed: The disk is full.",
    )
    gone = Schedule(folder=tmp_path / "gone", policy=Keep(), own_disk=True)
    assert one(upkeep.backup(gone, None, None, NOW, ID))[0] == "problem"
    same = Schedule(folder=fresh.folder, policy=Keep(), own_disk=False)
    assert [state for state, _ in lines(upkeep.backup(same, None, None, NOW, ID))] == ["ok", "attention"]


def test_whether_a_backup_was_ever_tried() -> None:
    read = entry(Event.BACKUP_READ, NOW - 3 * DAY, made="2026-11-27T03:00:00+00:00")
    restored = entry(Event.RESTORED, NOW - 200 * DAY, made="2026-05-01T03:00:00+00:00")
    assert upkeep.tried(None, None, NOW, None).state == "attention"
    found = upkeep.tried(read, restored, NOW, Path("/media/stick"))
    assert (found.state, found.said) == ("ok", "one of 2026-11-27 was read back whole on 2026-11-28")
    found = upkeep.tried(None, restored, NOW, Path("/media/stick"))
    assert (found.state, found.said) == ("attention", "one of 2026-05-01 was restored on 2026-05-15")
    assert found.next == "healthslm backup /media/stick/FILE.backup --check"


def test_that_nothing_came_for_days_is_said() -> None:
    assert lines(upkeep.newest((NOW - 9 * DAY, NOW - DAY), NOW)) == []
    assert lines(upkeep.newest(None, NOW)) == []
    assert one(upkeep.newest((NOW - 9 * DAY, NOW - 5 * DAY), NOW)) == (
        "attention",
        "the newest is 5 days old",
    )


# ---- Who is told


@dataclass
class Mail:
    """An outbox that is two lists."""

    waiting: list[OutboxRow] = field(default_factory=list)
    dead: list[OutboxRow] = field(default_factory=list)

    def outbox(self, hook: str) -> Sequence[OutboxRow]:
        return self.waiting

    def outbox_next(self, hook: str) -> OutboxRow | None:
        return next(iter(self.waiting), None)

    def outbox_dead(self, hook: str) -> Sequence[OutboxRow]:
        return self.dead


HOOKS = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"]}])


def letter(queued: datetime, error: str = "") -> OutboxRow:
    return OutboxRow(
        id=1, alert_ids=("a",), hook="bell", payload="{}", attempts=1, queued=queued, error=error
    )


def test_nobody_told_and_hooks_of_which_nothing_is_known() -> None:
    assert one(telling.hooks([], Mail(), {}, NOW))[0] == "attention"
    assert one(telling.hooks(HOOKS, Mail(), {}, NOW)) == (
        "attention",
        "bell has taken nothing yet: whether it works is not known",
    )


def test_a_hook_that_works_and_one_that_does_not() -> None:
    last = {"bell": NOW - DAY}
    assert one(telling.hooks(HOOKS, Mail(), last, NOW)) == (
        "ok",
        "bell last took a message at 2026-11-30 08:00 UTC",
    )
    fresh = Mail(waiting=[letter(NOW)])
    assert one(telling.hooks(HOOKS, fresh, last, NOW))[1].endswith("; 1 message waiting")
    stuck = Mail(waiting=[letter(NOW - timedelta(hours=1), "it said no.")])
    (check,) = telling.hooks(HOOKS, stuck, last, NOW)
    assert (check.state, check.said) == ("problem", "bell cannot be told of alerts; 1 message waiting")
    assert "it said no." in check.next
    (check,) = telling.hooks(HOOKS, Mail(dead=[letter(NOW - 4 * DAY, "no.")] * 2), last, NOW)
    assert (check.state, check.said) == ("problem", "2 alerts for bell could not be delivered")
    assert check.next.endswith("healthslm hooks retry bell")


def test_what_a_hook_took_last_is_in_the_alerts_and_the_tests() -> None:
    finding = Finding(
        rule="fever",
        version="1",
        severity=Severity.WATCH,
        title="x",
        action="",
        source="",
        start=NOW,
        end=NOW,
    )
    alert = Alert(
        id="a", rule="fever", state=AlertState.DELIVERED, severity=Severity.WATCH, finding=finding,
        raised_at=NOW, last_seen=NOW, delivered_to=("bell", "mail"), told={"bell": Told(at=NOW + DAY, row=1)},
    )  # fmt: skip
    found = telling.last_taken([alert], {"mail": NOW + 2 * DAY, "new": NOW})
    assert found == {"bell": NOW + DAY, "mail": NOW + 2 * DAY, "new": NOW}


def test_a_policy_that_disarms_is_told() -> None:
    assert one(telling.policy(Policy()))[0] == "ok"
    night = Policy(quiet=(Quiet.model_validate({"start": "22:00", "end": "07:00"}),), spared=())
    assert [state for state, _ in lines(telling.policy(night))] == ["attention", "attention"]


# ---- The phones


def phone(expires: datetime | None) -> Client:
    return Client(id="ab" * 8, name="Ann's phone", role=Role.CARER, added=NOW, expires=expires)


def test_who_may_look_and_until_when_phones_trust_the_box() -> None:
    assert one(companion([], None, NOW)) == ("ok", "no phone is paired")
    by = authority(NOW, "ab12")
    kept = authority_in({"authority": by.to_json()})
    assert authority_in({}) is None
    assert [state for state, _ in lines(companion([phone(None)], kept, NOW))] == ["ok", "ok"]
    ends = by.certificate.not_valid_after_utc
    found = lines(companion([phone(None), phone(NOW)], kept, ends - DAY))
    assert [state for state, _ in found] == ["attention", "ok", "attention"]
    assert "the time of Ann's phone (carer) is over" in found[0][1]
    assert found[1][1] == "phones and programs that may look: 1"
    assert lines(companion([], kept, ends + DAY))[1][0] == "problem"


def test_certificates_that_cannot_be_read_are_a_problem() -> None:
    for kept in ({"authority": {"key": "x", "certificate": "y"}}, {"authority": None}, {"authority": {}}):
        with pytest.raises(StoreError, match="cannot be read"):
            authority_in(kept)


# ---- What runs


def at_work(beat: Beat | None, *, running: bool, wearables: int | None = 2) -> list[tuple[str, str]]:
    return lines(program.at_work(beat, running=running, now=NOW, wearables=wearables, installed="2"))


def test_whether_it_is_at_work() -> None:
    fresh = Beat(at=NOW - timedelta(seconds=20), clean=False, since=NOW - DAY, version="2")
    assert at_work(fresh, running=True) == [("ok", "`healthslm run` is since 2026-11-30 08:00 UTC")]
    assert at_work(None, running=True)[0][0] == "ok"
    hung = Beat(at=NOW - timedelta(hours=1), clean=False, version="2")
    assert at_work(hung, running=True) == [
        ("problem", "`healthslm run` gave no sign of life for 1 h, and has not ended")
    ]
    assert at_work(hung, running=False) == [
        (
            "problem",
            "`healthslm run` is not: nothing is watched; it was last at 2026-12-01 07:00 UTC,"
            " and ended without being told to",
        )
    ]
    assert at_work(None, running=False, wearables=None)[0] == (
        "attention",
        "`healthslm run` is not: nothing is watched; it never was",
    )
    assert at_work(None, running=False, wearables=0)[0][0] == "ok"


def test_what_runs_may_be_older_than_what_is_installed_or_end_again_and_again() -> None:
    often = Beat(
        at=NOW, clean=False, version="1", starts=tuple(NOW - n * timedelta(minutes=9) for n in range(3))
    )
    assert at_work(often, running=True)[1:] == [
        ("attention", "it ended 3 times within the hour without being told to"),
        ("attention", "what runs is 1, and 2 is installed"),
    ]


def test_the_program_is_of_one_version() -> None:
    assert program.version("2", "2").state == program.version("2", None).state == "ok"
    assert program.version("2", "1").state == "problem"


def test_the_key_the_board_and_the_model() -> None:
    assert program.secrecy(Kept(dumps=True, memory=False)).state == "ok"
    assert program.secrecy(Kept(dumps=False, memory=False)).state == "attention"
    small = PROFILES[0]
    assert "small (426 MB of memory)" in program.board(small, AUTO, 426_000_000).said
    assert "small, as settings.toml says (memory not known)" in program.board(small, Choice.SMALL, None).said

    def broken() -> str:
        raise ModelError("A byte is another.", "Build it again.")

    assert model(lambda: "smollm2", 300, 200).said.startswith("smollm2 is ready")
    assert model(lambda: "smollm2", None, 200).state == "ok"
    assert "cannot start now" in model(lambda: "smollm2", 100, 200).said
    assert (model(broken, 300, 200).state, model(broken, 300, 200).next) == ("attention", "Build it again.")
