"""Who can open a store, who cannot, and what they are told."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.errors import DamagedError, HealthslmError, LockedError, MissingError, StoreError, UsageError
from healthslm.store import CHEAPEST, INTERACTIVE, create, exists, keys, open_store
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

Json = dict[str, Any]


@pytest.fixture
def locked(folder: Path) -> tuple[Path, str]:
    """A store with ten readings, closed, and its recovery words."""
    store, words = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(heart_rates(10))
    return folder, words


def counting() -> Callable[[int], bytes]:
    """Randomness that can be foreseen: 32 bytes of 0, 32 of 1, and so on."""
    numbers: Iterator[int] = iter(range(256))
    return lambda size: bytes([next(numbers)]) * size


def rewrite(folder: Path, change: Callable[[Json], object], *, checksum: bool = True) -> None:
    """Change `keys.json`, as somebody would who knows how it is made."""
    path = folder / "keys.json"
    fields = json.loads(path.read_text())
    fields.pop("check")
    change(fields)
    path.write_text(json.dumps({**fields, "check": keys._check(fields) if checksum else "0" * 64}))


def test_the_profiles_are_what_their_source_says() -> None:
    assert (INTERACTIVE.memory_kib, INTERACTIVE.passes, INTERACTIVE.lanes) == (65536, 3, 4)


def test_the_default_profile_is_the_dear_one(folder: Path) -> None:
    create(folder, PASSPHRASE)[0].close()
    slot = json.loads((folder / "keys.json").read_text())["slots"][0]
    assert (slot["memory_kib"], slot["passes"], slot["lanes"]) == (65536, 3, 4)
    open_store(folder, PASSPHRASE).close()


def test_the_passphrase_and_the_words_open_it(locked: tuple[Path, str]) -> None:
    folder, words = locked
    assert len(words.split()) == 24
    typed = "\n".join(f"{n}. {word.upper()}," for n, word in enumerate(words.split(), start=1))
    for secret in (PASSPHRASE, words, typed):
        with open_store(folder, secret) as store:
            assert store.count() == 10


def test_the_same_letters_from_another_keyboard_are_the_same_passphrase(folder: Path) -> None:
    create(folder, "Schlüssel", profile=CHEAPEST)[0].close()
    open_store(folder, "Schlu\u0308ssel").close()


def test_nothing_but_the_given_randomness_and_clock_goes_into_the_key_file(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        store, words = create(
            tmp_path / name,
            PASSPHRASE,
            profile=CHEAPEST,
            random=counting(),
            clock=lambda: DAY,
            cipher="aegis",
        )
        store.close()
        made.append(((tmp_path / name / "keys.json").read_text(), words))
    assert made[0] == made[1]
    assert made[0][1].split()[0] == "absurd", "BIP-39 of 32 bytes of 1"
    assert made[0][0].count("2026-11-02T00:00:00Z") == 2


@pytest.mark.parametrize(
    "secret", ["wrong", "", PASSPHRASE + " ", PASSPHRASE.upper(), "\ud800", "x" * 100_000]
)
def test_a_wrong_passphrase_stays_outside(locked: tuple[Path, str], secret: str) -> None:
    with pytest.raises(LockedError, match="This passphrase does not open the store") as caught:
        open_store(locked[0], secret)
    assert "recovery words" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_mistyped_word_is_named_with_the_nearest(locked: tuple[Path, str]) -> None:
    folder, words = locked
    given_ = words.split()
    given_[6] = "gardn"
    with pytest.raises(LockedError, match="Recovery word 7, “gardn”") as caught:
        open_store(folder, " ".join(given_))
    assert "garden" in caught.value.hint
    given_[6] = "xqzzx"
    with pytest.raises(LockedError) as caught:
        open_store(folder, " ".join(given_))
    assert caught.value.hint == "Compare it with what you wrote down."


def test_missing_swapped_and_foreign_words_are_told_apart(locked: tuple[Path, str], tmp_path: Path) -> None:
    folder, words = locked
    given_ = words.split()
    with pytest.raises(LockedError, match="These are 23 recovery words; there must be 24"):
        open_store(folder, " ".join(given_[:-1]))
    swapped = next(
        swap
        for n in range(23)
        if not keys.words._BIP39.check(
            " ".join(swap := [*given_[:n], given_[n + 1], given_[n], *given_[n + 2 :]])
        )
    )
    with pytest.raises(LockedError, match="their checksum fails"):
        open_store(folder, " ".join(swapped))
    other, foreign = create(tmp_path / "other", "p", profile=CHEAPEST)
    other.close()
    with pytest.raises(LockedError, match="belong to another store"):
        open_store(folder, foreign)


def test_a_passphrase_may_look_like_words(folder: Path) -> None:
    passphrase = " ".join(["garden", "absurd", "zoo"] * 4)
    create(folder, passphrase, profile=CHEAPEST)[0].close()
    open_store(folder, passphrase).close()


@pytest.mark.parametrize("passphrase", ["", "   ", "\n"])
def test_an_empty_passphrase_makes_nothing(folder: Path, passphrase: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        create(folder, passphrase, profile=CHEAPEST)
    assert not folder.exists()


def test_no_store_is_said_as_that(tmp_path: Path, locked: tuple[Path, str]) -> None:
    with pytest.raises(MissingError, match="no store in") as caught:
        open_store(tmp_path / "nowhere", PASSPHRASE)
    assert "healthslm init" in caught.value.hint
    (locked[0] / "keys.json").unlink()
    with pytest.raises(MissingError, match=r"keys\.json is missing"):
        open_store(locked[0], PASSPHRASE)
    with pytest.raises(StoreError, match="There is a store in"):
        create(locked[0], PASSPHRASE, profile=CHEAPEST)


def test_a_store_is_never_made_over_another(locked: tuple[Path, str]) -> None:
    before = {p.name: p.read_bytes() for p in locked[0].iterdir()}
    with pytest.raises(StoreError, match="it was left as it is"):
        create(locked[0], "another", profile=CHEAPEST)
    assert {p.name: p.read_bytes() for p in locked[0].iterdir()} == before


def test_only_the_owner_may_read(locked: tuple[Path, str]) -> None:
    with open_store(locked[0], PASSPHRASE) as store:
        store.append(heart_rates(1, first=50))
        store.commit()
        modes = {path.name: path.stat().st_mode & 0o777 for path in locked[0].iterdir()}
    assert set(modes) >= {"keys.json", "store.db", "store.db-wal", "store.mark"}
    assert set(modes.values()) == {0o600}
    assert locked[0].stat().st_mode & 0o777 == 0o700


def test_keys_and_secrets_are_in_no_text(folder: Path) -> None:
    made = keys.make(PASSPHRASE, cipher="aegis", profile=CHEAPEST, random=counting(), now=datetime.now(UTC))
    store, words = create(folder, PASSPHRASE, profile=CHEAPEST, random=counting())
    texts = [repr(made), str(made), repr(store), repr(store._database), repr(vars(store))]
    store.close()
    for secret in ("wrong horse", words.replace("absurd", "absurdd", 1)):
        try:
            open_store(folder, secret)
        except LockedError as error:
            texts.append("".join(traceback.format_exception(error)))
    for text in texts:
        assert PASSPHRASE not in text
        assert "wrong horse" not in text.replace('open_store(folder, "wrong horse")', "")
        assert ("00" * 32) not in text
        assert repr(bytes(32)) not in text
        assert words not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.update(extra=1), "extra: Extra inputs"),
        (lambda f: f.update(version=0), "version"),
        (lambda f: f.update(version="1"), "version"),
        (lambda f: f.update(format="age"), "format"),
        (lambda f: f.update(cipher="rot13"), "cipher"),
        (lambda f: f.update(store="../../etc"), "store"),
        (lambda f: f.update(slots=[]), "slots"),
        (lambda f: f.update(slots=f["slots"] * 9), "slots"),
        (lambda f: f["slots"][0].update(kind="telepathy"), "kind"),
        (lambda f: f["slots"][0].update(memory_kib=2**31), "memory_kib"),
        (lambda f: f["slots"][0].update(memory_kib=31), "8 KiB a lane"),
        (lambda f: f["slots"][0].update(passes=10**9), "passes"),
        (lambda f: f["slots"][0].update(lanes=0), "lanes"),
        (lambda f: f["slots"][0].update(salt="AAAA"), "salt"),
        (lambda f: f["slots"][0].update(nonce="!" * 16), "nonce"),
        (lambda f: f["slots"][1].update(sealed="A" * 63), "sealed"),
        (lambda f: f["slots"][1].update(created="yesterday"), "created"),
        (lambda f: f["slots"][1].pop("id"), "id"),
    ],
)
def test_a_hostile_key_file_is_refused_before_it_costs_anything(
    locked: tuple[Path, str], change: Callable[[Json], object], says: str
) -> None:
    rewrite(locked[0], change)
    with pytest.raises(DamagedError, match=r"keys\.json is damaged") as caught:
        open_store(locked[0], PASSPHRASE)
    assert says in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"version": 1}',
        b"[" * 50_000,
        b'{"version": NaN}',
        b"x" * 70_000,
    ],
)
def test_what_is_no_key_file_at_all_is_refused(locked: tuple[Path, str], content: bytes) -> None:
    (locked[0] / "keys.json").write_bytes(content)
    with pytest.raises(DamagedError, match=r"keys\.json"):
        open_store(locked[0], PASSPHRASE)


def test_a_pipe_is_not_waited_on(locked: tuple[Path, str]) -> None:
    (locked[0] / "keys.json").unlink()
    os.mkfifo(locked[0] / "keys.json")
    with pytest.raises(DamagedError, match="no plain file"):
        open_store(locked[0], PASSPHRASE)


def test_a_newer_key_file_asks_for_an_update(locked: tuple[Path, str]) -> None:
    rewrite(locked[0], lambda f: f.update(version=3))
    with pytest.raises(StoreError, match="version 3") as caught:
        open_store(locked[0], PASSPHRASE)
    assert caught.value.hint == "Update healthslm."


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_in_the_key_file_is_noticed_or_harmless(
    locked: tuple[Path, str], data: st.DataObject
) -> None:
    path = locked[0] / "keys.json"
    whole = path.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[position] = data.draw(st.integers(0, 255))
    path.write_bytes(changed)
    said = ""
    try:
        with open_store(locked[0], PASSPHRASE) as store:  # white space may change without meaning anything
            assert store.count() == 10
    except StoreError as error:  # a changed byte is no wrong passphrase, so no LockedError
        said = error.message
    finally:
        path.write_bytes(whole)
    assert not said or "keys.json" in said


def test_a_slot_carried_over_opens_nothing(locked: tuple[Path, str], tmp_path: Path) -> None:
    create(tmp_path / "other", PASSPHRASE, profile=CHEAPEST)[0].close()
    foreign = json.loads((tmp_path / "other" / "keys.json").read_text())["slots"]
    rewrite(locked[0], lambda f: f.update(slots=foreign))
    with pytest.raises(LockedError):
        open_store(locked[0], PASSPHRASE)


def test_key_files_of_two_stores_swapped_are_noticed(locked: tuple[Path, str], tmp_path: Path) -> None:
    create(tmp_path / "other", PASSPHRASE, profile=CHEAPEST)[0].close()
    (tmp_path / "other" / "keys.json").replace(locked[0] / "keys.json")
    with pytest.raises(DamagedError, match="belong to different stores"):
        open_store(locked[0], PASSPHRASE)


def test_a_creation_that_was_cut_short_can_be_done_again(tmp_path: Path, locked: tuple[Path, str]) -> None:
    # keys.json is there, the database not yet under its name: nobody has been told the words.
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "keys.json").write_bytes((locked[0] / "keys.json").read_bytes())
    (unfinished / "store.db.part").write_bytes(b"half a page")
    made, _ = create(unfinished, "another", profile=CHEAPEST)
    made.close()
    open_store(unfinished, "another").close()
    assert sorted(p.name for p in unfinished.iterdir()) == [
        "keys.json",
        "store.db",
        "store.lock",
        "store.mark",
    ]


def test_a_folder_that_cannot_be_made_is_said_as_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(HealthslmError, match="cannot be made"):
            create(folder, PASSPHRASE, profile=CHEAPEST)
    assert not exists(tmp_path)
