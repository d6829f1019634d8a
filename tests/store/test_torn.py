"""Power cuts: at every write, what was not synced is cut, dropped, reordered; nothing acknowledged is lost.

`python -m tests.store.test_torn [STEPS] [SEED]` looks at every write (`make torn`), the test at some.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from healthslm.errors import StoreError
from healthslm.readings import Kind
from healthslm.store import (
    CHEAPEST,
    DATABASE,
    MARK,
    Access,
    Store,
    create,
    database,
    files,
    open_unlocked,
    unlock,
)
from healthslm.store.database import Database
from tests.store.checking import roll_ups_agree, said
from tests.store.disk import ON_TOP, Acknowledged, Disk, Event, PowerCut, Sync, Write, watched
from tests.store.workload import Call, rates, steps

PASSPHRASE = "correct horse battery staple"


def made(folder: Path) -> Access:
    create(folder, PASSPHRASE, profile=CHEAPEST)[0].close()
    return unlock(folder, PASSPHRASE)


def over_the_disk(access: Access) -> Store:
    """Open a store whose every write the disk sees; it seals and folds its journal in often."""
    path = access.folder / DATABASE
    mark = files.Mark(access.folder / MARK, access.key_file.store_id)
    connection = database.connect(
        path,
        key=access.key,
        store_id=access.key_file.store_id,
        cipher=access.key_file.cipher,
        patience_s=1,
        vfs=ON_TOP,
    )
    database.check_acknowledged(connection, path, mark)
    connection.pragma("wal_autocheckpoint", 40)
    store = Store(Database(connection, path), mark, 1)
    store.seal_after = 30
    return store


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


class Cuts:
    """A workload over a watched disk, and what a store that lived through a cut must say."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.access = made(folder)
        self.before = contents(folder)
        self._mark = folder / MARK
        with watched() as disk:
            store = over_the_disk(self.access)
            self.said = [said(store)]
            for number, calls in enumerate(steps(count, seed), start=1):
                for call in calls:
                    call(store)
                store.commit()
                disk.log.append(Acknowledged(number, self._mark.read_bytes()))
                self.said.append(said(store))
                if number % 25 == 0:  # the journal is folded in, deleted, and begun again
                    store.close()
                    store = over_the_disk(self.access)
            store.close()
            self.log: list[Event] = disk.log
        self._again = folder.with_name("again")

    def look(self, cut: PowerCut, how: str, dice: random.Random) -> None:
        """Open what a cut leaves, and see that it says what was acknowledged, and works."""
        self._again.mkdir(exist_ok=True)
        for path in self._again.iterdir():
            path.unlink()
        for name, content in cut.leaves(how, dice).items():
            (self._again / name).write_bytes(content)
        with open_unlocked(replace(self.access, folder=self._again)) as store:
            found = said(store)
            allowed = self.said[cut.acknowledged : cut.acknowledged + 2]
            assert found in allowed, f"not what was acknowledged by step {cut.acknowledged}"
            store.verify()
            roll_ups_agree(store, Kind.HEART_RATE)
            store.append(rates(100_000, 3))
            store.commit()
            assert len(store.window(Kind.HEART_RATE, *_AFTER)) == 3

    def run(self, chosen: Callable[[int], bool], seed: int) -> int:
        """Cut the power after each chosen event, in every way; returns how often."""
        cut = PowerCut(self.before, MARK)
        dice = random.Random(seed)
        count = 0
        for number, event in enumerate(self.log):
            cut.follow(event)
            if not chosen(number):
                continue
            for how in PowerCut.HOW:
                try:
                    self.look(cut, how, dice)
                except (AssertionError, StoreError) as error:
                    raise AssertionError(f"event {number} of {len(self.log)}, {how}: {error}") from error
                count += 1
        return count


_AFTER = (rates(100_000, 1)[0].time, rates(200_000, 1)[0].time)


def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    cuts = Cuts(tmp_path / "home", 60, seed=1)
    kinds = {type(event).__name__ for event in cuts.log}
    assert kinds == {"Write", "Truncate", "Delete", "Sync", "Acknowledged"}, "it was a full life"
    assert any(isinstance(e, Write) and e.file == DATABASE for e in cuts.log), "the journal was folded in"
    dice = random.Random(21)
    chosen = set(dice.sample(range(len(cuts.log)), 25))
    assert cuts.run(lambda number: number in chosen, seed=4) == 125


def test_the_cuts_would_be_noticed(tmp_path: Path) -> None:
    """Were the syncs left out, the same cuts would lose something."""
    cuts = Cuts(tmp_path / "home", 12, seed=1)
    cuts.log = [e for e in cuts.log if not isinstance(e, Sync)]
    with pytest.raises(AssertionError):
        cuts.run(lambda number: number > len(cuts.log) - 20, seed=4)


@pytest.mark.parametrize("noise", ["zeros", "random", "sector"])
def test_a_first_page_that_was_torn_while_the_journal_was_folded_in_comes_from_there(
    tmp_path: Path, noise: str
) -> None:
    cuts = Cuts(tmp_path / "home", 60, seed=1)
    cut = PowerCut(cuts.before, MARK)
    for event in cuts.log:
        cut.follow(event)
        if isinstance(event, Write) and (event.file, event.offset) == (DATABASE, 0):
            break
    page = {"zeros": bytes(4096), "random": random.Random(1).randbytes(4096), "sector": bytes(512)}[noise]
    cut.follow(Write(DATABASE, 0, page))
    cuts.look(cut, "all", random.Random(1))
    with open_unlocked(replace(cuts.access, folder=tmp_path / "again")) as store:  # once more, on its own
        store.verify()


# A disk that fails


def full(_event: Event) -> None:
    raise apsw.FullError


def read_only(_event: Event) -> None:
    raise apsw.ReadOnlyError


def failing(_event: Event) -> None:
    raise apsw.IOError


class Trouble:
    """A fault of the journal's file that begins with a certain write or sync and lasts for some attempts.

    Not of the database's own: what fails while the journal is folded in, SQLite keeps to itself, which an
    exception of a VFS in Python is not. A limit on the size of files does that in test_durability.
    """

    def __init__(self, begin: int, fault: Callable[[Event], None]) -> None:
        self._left = begin
        self._fault = fault
        self.on = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, Acknowledged) or event.file == DATABASE:
            return
        self._left -= 1
        self.on = self.on or self._left == 0
        if self.on:
            self._fault(event)


def through(
    disk: Disk, access: Access, calls: list[list[Call]], trouble: Trouble
) -> tuple[dict[str, Any], int]:
    """Do all the steps, what failed again; return what is stored then, and how often it failed."""
    store = over_the_disk(access)
    disk.fault = trouble
    said_so: list[StoreError] = []

    def until_done(call: Call) -> None:
        for attempt in range(5):
            try:
                call(store)
            except StoreError as error:
                said_so.append(error)
                trouble.on = trouble.on and attempt < 2  # then there is space again
            else:
                return
        raise AssertionError("it does not work again")

    for some in calls:
        for call in some:
            until_done(call)
        until_done(Store.commit)
    disk.fault = lambda _event: None
    store.close()
    assert all(error.message and error.hint for error in said_so)
    with open_unlocked(access) as again:
        again.verify()
        roll_ups_agree(again, Kind.HEART_RATE)
        return said(again, ids=False), len(said_so)


@pytest.mark.parametrize("fault", [full, read_only, failing])
def test_a_disk_that_fails_anywhere_loses_nothing_and_goes_on(
    tmp_path: Path, fault: Callable[[Event], None]
) -> None:
    assert troubles(tmp_path, 12, fault, every=15, seed=7) >= 6


def troubles(folder: Path, count: int, fault: Callable[[Event], None], every: int, seed: int) -> int:
    """Let the disk fail from every so manieth write on; returns how many of these failures were noticed."""
    calls = list(steps(count, seed))
    with watched() as disk:
        wanted, none = through(disk, made(folder / "whole"), calls, Trouble(-1, fault))
        assert none == 0
        events = sum(not isinstance(e, Acknowledged) and e.file != DATABASE for e in disk.log)
    noticed = 0
    for begin in range(1, events, every):
        with watched() as disk:
            found, failures = through(disk, made(folder / str(begin)), calls, Trouble(begin, fault))
        assert found == wanted, f"failing from write {begin} on"
        noticed += failures > 0
    return noticed


def main(count: int, seed: int) -> None:
    """Cut the power at every write, and let the disk fail at every third."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cuts = Cuts(folder / "home", count, seed)
        looked = cuts.run(lambda _number: True, seed)
        sys.stdout.write(f"{looked} power cuts over {len(cuts.log)} writes, syncs and deletions\n")
        for fault in (full, read_only, failing):
            (folder / fault.__name__).mkdir()
            noticed = troubles(folder / fault.__name__, 25, fault, 3, seed)
            sys.stdout.write(f"{noticed} failures of a disk that is {fault.__name__}\n")


if __name__ == "__main__":
    main(*(int(given) for given in (sys.argv[1:] or ("120", "1"))))
