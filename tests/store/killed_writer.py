"""A process that writes to a store is killed, again and again; `make kills` does it 500 times.

`python -m tests.store.killed_writer FOLDER ROUNDS SEED`. Each round a child opens the store, does the steps
of the workload, commits each, and only then says its number through a pipe. The parent kills it at a random
moment. Then the store must say the very same as one that did as many steps undisturbed: those that were
acknowledged, and at most the one that was being committed. Ends with the number of steps that were
acknowledged; an assertion ends it with a traceback.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from healthslm.readings import Kind
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.store.checking import roll_ups_agree, said
from tests.store.workload import Call, steps

MOST = 100_000
ROUNDS_A_STORE = 25


def settled(store: Store) -> Store:
    """Seal and fold the journal in often: an hour's work in a second."""
    store.seal_after = 30
    store._database.rows("PRAGMA wal_autocheckpoint = 40")
    return store


def done(store: Store) -> int:
    """How many steps the store has seen."""
    return int(store.get("round", -1)) + 1


def do(store: Store, calls: list[Call]) -> None:
    for call in calls:
        call(store)
    store.commit()


def write_for_ever(folder: Path, seed: int, say: int) -> None:
    with open_store(folder, "pw") as store:
        settled(store)
        first = done(store)
        for number, calls in enumerate(islice(steps(MOST, seed), first, None), start=first + 1):
            do(store, calls)
            os.write(say, b"%d\n" % number)


def killed_round(folder: Path, seed: int, wait_s: float) -> int:
    """Let a child write, kill it, return the last number that it acknowledged (0 when it came to none)."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder, seed, say)
        finally:
            os._exit(1)
    os.close(say)
    time.sleep(wait_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child ended by itself"
    with os.fdopen(hear, "rb") as heard:
        lines = heard.read().split(b"\n")[:-1]
    return int(lines[-1]) if lines else 0


def rounds(folder: Path, count: int, seed: int, moments: random.Random) -> int:
    """Kill the writer of one store so many times; returns how many steps were acknowledged."""
    create(folder / "killed", "pw", profile=CHEAPEST)[0].close()
    create(folder / "whole", "pw", profile=CHEAPEST)[0].close()
    calls: Iterator[list[Call]] = steps(MOST, seed)
    acknowledged = seen = 0
    for _ in range(count):
        acknowledged = max(acknowledged, killed_round(folder / "killed", seed, moments.uniform(0.01, 0.25)))
        with (
            open_store(folder / "killed", "pw") as store,
            open_store(folder / "whole", "pw") as whole,
        ):
            found = done(store)
            assert acknowledged <= found <= acknowledged + 1, f"{found} of {acknowledged} acknowledged steps"
            settled(whole)
            for some in islice(calls, found - seen):
                do(whole, some)
            seen = found
            acknowledged = found  # opened and seen, so it stays
            assert said(store) == said(whole)
            store.verify()
            for kind in (Kind.HEART_RATE, Kind.RR_INTERVAL, Kind.SPO2):
                roll_ups_agree(store, kind)
    return acknowledged


def main(folder: Path, count: int, seed: int) -> None:
    moments = random.Random(seed)
    total = 0
    for number, first in enumerate(range(0, count, ROUNDS_A_STORE)):
        total += rounds(folder / str(number), min(ROUNDS_A_STORE, count - first), seed + number, moments)
    sys.stdout.write(f"{total}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
