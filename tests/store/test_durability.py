"""Nothing acknowledged is lost: not at a kill, a full disk, a read-only folder or a second process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from healthslm.errors import LockedError, StoreError
from healthslm.readings import Kind
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.making import DAY
from tests.store.checking import roll_ups_agree
from tests.store.conftest import PASSPHRASE, heart_rates
from tests.store.workload import rates

Copy = Callable[[Path], Path]


def python(*arguments: str | Path) -> str:
    """Run Python in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def script(text: str, *arguments: str | Path) -> str:
    return python("-c", textwrap.dedent(text), *arguments)


def test_a_killed_process_loses_nothing_that_it_acknowledged(folder: Path) -> None:
    acknowledged = int(python("-m", "tests.store.killed_writer", folder, "10", "2"))
    assert acknowledged > 10, "it got somewhere before it was killed ten times"


def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_space(folder: Path) -> None:
    # A limit on the size of files is the full disk that needs no disk.
    said = script(
        """
        import resource, sys
        from pathlib import Path
        from healthslm.errors import StoreError
        from healthslm.store import CHEAPEST, create, open_store
        from tests.store.conftest import heart_rates

        folder = Path(sys.argv[1])
        store, _ = create(folder, "pw", profile=CHEAPEST)
        store.append(heart_rates(500))
        store.commit()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        acknowledged, appended = 500, 500
        troubles = []
        for n in range(40):
            try:
                appended += len(store.append(heart_rates(500, first=appended)))
                store.commit()
                acknowledged = appended
            except StoreError as error:
                troubles.append(error)
        assert len(troubles) > 10 and appended - acknowledged == 500, (len(troubles), appended, acknowledged)
        for error in troubles:
            assert type(error) is StoreError
            assert "disk under" in error.message and "acknowledged is safe" in error.hint, error
        with open_store(folder, "pw") as other:
            assert other.count() == acknowledged
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.commit()
        assert store.count() == appended, (store.count(), appended)
        store.append(heart_rates(500, first=appended))
        store.close()
        with open_store(folder, "pw") as again:
            again.verify()
            print(again.count() - appended)
        """,
        folder,
    )
    assert said == "500\n"


@pytest.mark.parametrize(
    "limit",
    [
        58 * 4096,
        58 * 4096 + 2432,  # the last page of the database is half there
    ],
)
def test_a_disk_that_is_full_while_the_journal_is_folded_in_loses_nothing(folder: Path, limit: int) -> None:
    said = script(
        """
        import resource, sys
        from pathlib import Path
        from healthslm.errors import StoreError
        from healthslm.readings import Kind
        from healthslm.store import CHEAPEST, create, open_store
        from tests.making import DAY
        from tests.store.checking import roll_ups_agree
        from tests.store.workload import rates

        folder = Path(sys.argv[1])
        store, _ = create(folder, "pw", profile=CHEAPEST)
        store.seal_after = 60
        store._database.rows("PRAGMA wal_autocheckpoint = 10")
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
        acknowledged = appended = folded = troubles = 0
        for n in range(150):
            try:
                appended += len(store.append(rates(appended, 20)))
                store.put_alert(str(n), "raised", DAY, "x" * 4000)  # something that grows
                store.commit()
                acknowledged = appended
                folded = max(folded, (folder / "store.db").stat().st_size)
            except StoreError as error:
                troubles += 1
                assert "disk under" in error.message, error
        assert troubles > 10 and folded > 150_000, (troubles, folded)
        with open_store(folder, "pw") as other:
            assert other.count() == acknowledged
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.commit()
        store.close()
        with open_store(folder, "pw") as again:
            again.verify()
            roll_ups_agree(again, Kind.HEART_RATE)
            print(again.count() - appended)
        """,
        folder,
        str(limit),
    )
    assert said == "0\n"


def test_what_a_failed_commit_kept_is_committed_later_whole(store: Store, folder: Path) -> None:
    store.commit()
    store._database.rows("PRAGMA max_page_count = 40")
    stored = store.append(heart_rates(300))
    store.put_alert("a", "raised", DAY, "{}")
    with pytest.raises(StoreError, match="full"):
        store.append(heart_rates(20_000, first=300))
    assert store.count() == 300, "the call that failed left nothing"
    store._database.rows("PRAGMA max_page_count = 100000")
    store.commit()
    with open_store(folder, PASSPHRASE) as other:
        assert other.count() == 300
        assert other.reading(stored[-1].id or 0) == stored[-1]
        assert len(other.alerts()) == 1
    assert len(store.append(heart_rates(20_000, first=300))) == 20_000


def test_a_transaction_that_an_error_rolled_back_is_done_again(store: Store, folder: Path) -> None:
    stored = store.append(heart_rates(3))
    store.put_alert("a", "raised", DAY, "{}")
    store._database.rows("ROLLBACK")  # as SQLite does by itself when the disk fails
    store.append(heart_rates(2, first=3))
    store.commit()
    with open_store(folder, PASSPHRASE) as other:
        assert other.count() == 5
        assert other.reading(1) == stored[0]
        assert len(other.alerts()) == 1


def test_a_read_only_folder_is_said_as_that() -> None:
    # Root may write everywhere, so the child becomes nobody; the folder must be where nobody may go.
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "home"
        create(folder, PASSPHRASE, profile=CHEAPEST)[0].close()
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        said = script(
            """
            import os, sys
            from pathlib import Path
            from healthslm.errors import StoreError
            from healthslm.store import CHEAPEST, create, open_store

            if os.geteuid() == 0:
                os.setegid(65534)
                os.seteuid(65534)
            for attempt in (
                lambda: open_store(Path(sys.argv[1]), sys.argv[2]),
                lambda: create(Path(sys.argv[1]) / "inner", "pw", profile=CHEAPEST),
            ):
                try:
                    attempt()
                except StoreError as error:
                    print(type(error).__name__, error)
            """,
            folder,
            PASSPHRASE,
        )
        folder.chmod(0o755)
    opened, made = said.splitlines()
    assert opened.startswith("StoreError")
    assert "store.db cannot be opened for writing. See that the folder belongs to you" in opened
    assert made.startswith("StoreError")
    assert "cannot be made: Permission denied" in made


def test_another_process_reads_what_was_committed_while_this_one_writes(store: Store, folder: Path) -> None:
    store.append(heart_rates(10))
    store.commit()
    store.append(heart_rates(10, first=10))
    said = script(
        """
        import sys
        from pathlib import Path
        from healthslm.store import open_store
        with open_store(Path(sys.argv[1]), sys.argv[2]) as store:
            print(store.count())
        """,
        folder,
        PASSPHRASE,
    )
    assert said == "10\n"
    store.commit()
    assert store.count() == 20


def test_a_second_writer_is_told_and_loses_nothing(store: Store, folder: Path) -> None:
    store.append(heart_rates(1))
    with open_store(folder, PASSPHRASE, patience_s=0.05) as second:
        with pytest.raises(StoreError, match="Another process is writing to") as caught:
            second.append(heart_rates(1, first=1))
        assert "Try again" in caught.value.hint
        store.commit()
        second.append(heart_rates(1, first=1))
    assert store.count() == 2


def test_who_waited_in_vain_does_not_wait_for_each_of_the_next_writes(store: Store, folder: Path) -> None:
    store.append(heart_rates(1))
    with open_store(folder, PASSPHRASE, patience_s=0.5) as second:
        began = time.monotonic()
        for n in range(20):
            with pytest.raises(StoreError, match="Another process is writing to"):
                second.put("n", n)
        assert time.monotonic() - began < 5  # and not twenty times as long as one wait
        store.commit()
        second.put("n", 20)


def test_who_writes_once_gets_its_turn_beside_who_always_writes(store: Store, folder: Path) -> None:
    # Without a queue this takes seconds or fails: SQLite only polls, and the lock is hardly ever free.
    ended = threading.Event()

    def stream() -> None:
        with open_store(folder, PASSPHRASE) as other:
            n = 0
            while not ended.is_set():
                other.append(heart_rates(1, first=n))
                time.sleep(0.005)  # with the lock in hand: between commit and append there is next to no time
                other.commit_if_due(n / 10)  # a second is ten readings here
                n += 1

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        for n in range(5):
            time.sleep(0.02)
            before = time.monotonic()
            store.put("n", n)
            store.commit()
            assert time.monotonic() - before < 2
    finally:
        ended.set()
        thread.join()
    assert store.count() > 5


def test_many_processes_open_what_a_killed_one_left(store: Store, folder: Path, copied: Copy) -> None:
    store.append(rates(0, 500))
    store.commit()
    left = copied(folder)
    opening = """
        import sys
        from pathlib import Path
        from healthslm.readings import Kind, Reading
        from healthslm.store import open_store
        from tests.store.workload import rates

        number = int(sys.argv[3])
        with open_store(Path(sys.argv[1]), sys.argv[2]) as store:
            found = store.count()
            store.append(rates(1000 * number, 10))
            store.commit()
            print(500 <= found < 600)
        """
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda n: script(opening, left, PASSPHRASE, str(n)), range(1, 5)))
    assert said == ["True\n"] * 4
    with open_store(left, PASSPHRASE) as again:
        assert again.count() == 540
        again.verify()


def test_of_two_that_make_a_store_at_once_one_does_and_it_is_whole(folder: Path) -> None:
    making = """
        import sys
        from pathlib import Path
        from healthslm.errors import StoreError
        from healthslm.store import CHEAPEST, create
        from tests.store.workload import rates

        try:
            store, _ = create(Path(sys.argv[1]), sys.argv[2], profile=CHEAPEST)
        except StoreError as error:
            print(error.hint != "")
        else:
            with store:
                store.append(rates(0, 10))
            print("made")
        """
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda n: script(making, folder, f"{PASSPHRASE} {n}"), range(2)))
    assert said == ["True\n", "made\n"]
    opened = 0
    for n in range(2):
        with contextlib.suppress(LockedError), open_store(folder, f"{PASSPHRASE} {n}") as store:
            assert store.count() == 10
            opened += 1
    assert opened == 1


def test_a_store_that_is_made_meanwhile_is_not_overwritten(folder: Path) -> None:
    refused: list[str] = []

    def meanwhile() -> datetime:  # the clock is read halfway
        with pytest.raises(StoreError, match="Another process is making a store") as caught:
            create(folder, "another", profile=CHEAPEST)
        refused.append(caught.value.hint)
        return DAY

    create(folder, PASSPHRASE, profile=CHEAPEST, clock=meanwhile)[0].close()
    assert refused
    open_store(folder, PASSPHRASE).close()


# Clocks


def test_a_clock_that_is_set_back_an_hour_and_forward_a_year_loses_nothing(folder: Path) -> None:
    hour, year = timedelta(hours=1), timedelta(days=365)
    half_a_second = timedelta(milliseconds=500)  # the second time through the hour is not to the millisecond
    stretches = [
        rates(0, 4000),
        rates(4000, 3000, start=half_a_second - hour),
        rates(7000, 200, start=year),
        rates(7200, 200),
    ]
    given = [one for stretch in stretches for one in stretch]
    with create(folder, PASSPHRASE, profile=CHEAPEST)[0] as store:
        store.seal_after = 900
        acknowledged = 0
        for at in range(0, len(given), 100):
            acknowledged += len(store.append(given[at : at + 100]))
            store.commit()
    assert acknowledged == len(given)
    with open_store(folder, PASSPHRASE) as again:
        window = again.window(Kind.HEART_RATE, DAY, DAY + 2 * year)
        assert window.times.astype("datetime64[us]").tolist() == sorted(
            one.time.replace(tzinfo=None) for one in given
        )
        roll_ups_agree(again, Kind.HEART_RATE)
        again.verify()


def test_a_commit_is_due_after_a_second_whatever_the_clock_does(store: Store) -> None:
    assert not store.commit_if_due(100.0), "there is nothing"
    for monotonic, due in (
        (100.0, True),
        (100.5, False),
        (101.0, True),
        (3.0, True),
        (3.5, False),
        (9e9, True),
    ):
        store.put("at", monotonic)
        assert store.commit_if_due(monotonic) is due, monotonic


def test_each_commit_is_synced_and_deletions_are_overwritten(store: Store) -> None:
    # No kill of a process can show this; only a power cut would.
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
    }
    assert {name: store._database.value(f"PRAGMA {name}") for name in pragmas} == pragmas


def test_a_store_may_be_used_from_another_thread(store: Store) -> None:
    def write() -> None:
        store.append(heart_rates(10))
        store.commit()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert len(store.window(Kind.HEART_RATE, DAY, DAY + timedelta(days=1))) == 10


def test_leaving_commits_even_when_something_was_raised(folder: Path) -> None:
    create(folder, PASSPHRASE, profile=CHEAPEST)[0].close()

    def interrupted() -> None:
        with open_store(folder, PASSPHRASE) as store:
            store.append(heart_rates(7))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with open_store(folder, PASSPHRASE) as again:
        assert again.count() == 7


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed already"):
        store.count()
    with pytest.raises(StoreError, match="was closed already"):
        store.append(heart_rates(1))
