"""Run by test_restore: a process is killed at every step of a backup or a restore, one after the other.

`python killed_restore.py backup|restore FOLDER`. A child is killed as it is about to do its first change to
the file system, then another at its second, and so on until one comes through. After each the parent opens
what is there. Ends with how many were killed; an assertion ends it with a traceback.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from healthslm.store import CHEAPEST, backup, create, open_store, restore, unlock
from tests.store.conftest import heart_rates

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "open"}
OLD, NEW, BACKED_UP = 300, 500, 200


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that is killed before its nth change; returns whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, _: object) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed"
    return False


def fill(home: Path, count: int) -> None:
    with open_store(home, "pw") as store:
        store.append(heart_rates(count))


def backups(folder: Path) -> int:
    home, target = folder / "home", folder / "a.backup"
    create(home, "pw", profile=CHEAPEST)[0].close()
    fill(home, OLD)
    access = unlock(home, "pw")
    killed = 0
    while killed_at(killed + 1, lambda: backup.write(access, target)):
        killed += 1
        if target.exists():  # killed when it had its name already
            assert backup.read(target, "pw")[2].readings == OLD
            target.unlink()
    assert backup.read(target, "pw")[2].readings == OLD
    first = killed
    fill(home, NEW)
    while killed_at(killed - first + 1, lambda: backup.write(access, target, replace=True)):
        killed += 1
        assert backup.read(target, "pw")[2].readings in (OLD, NEW)
    assert backup.read(target, "pw")[2].readings == NEW
    assert sorted(p.name for p in folder.iterdir()) == ["a.backup", "home"]
    return killed


def restores(folder: Path) -> int:
    made, file = folder / "made", folder / "a.backup"
    create(made, "pw", profile=CHEAPEST)[0].close()
    fill(made, BACKED_UP)
    backup.write(unlock(made, "pw"), file)
    fill(made, NEW)
    killed, seen = 0, set()
    while True:
        home = folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(made, home)
        was_killed = killed_at(
            killed + 1, lambda: restore.restore(file, folder / "home", "pw", overwrite=True)
        )
        with open_store(home, "pw") as store:
            store.verify()
            seen.add(store.count())
            replaced = store.count() == BACKED_UP
        asides = list(home.glob("replaced-*"))
        assert len(asides) == replaced, asides
        assert not (home / "restore.new").exists()
        for aside in asides:
            with open_store(aside, "pw") as store:
                store.verify()
                assert store.count() == NEW, "what was replaced is kept"
        if not was_killed:
            break
        killed += 1
    assert replaced
    assert seen == {BACKED_UP, NEW}, seen
    return killed


if __name__ == "__main__":
    print({"backup": backups, "restore": restores}[sys.argv[1]](Path(sys.argv[2])))
