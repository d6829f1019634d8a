"""Run by test_durability: a process that writes to a store is killed, again and again.

`python killed_writer.py FOLDER ROUNDS SEED`. Each round a child opens the store, appends, commits, and only
then says through a pipe what it committed; the parent kills it at a random moment and looks for everything
that was said. Ends with the number of readings that were acknowledged; an assertion ends it with a traceback.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from healthslm.readings import Kind, Reading
from healthslm.store import CHEAPEST, create, open_store

START = datetime(2026, 11, 2, tzinfo=UTC)
BATCH = 40


def batch(first: int) -> list[Reading]:
    return [
        Reading(time=START + timedelta(seconds=n), kind=Kind.HEART_RATE, value=n, device="strap")
        for n in range(first, first + BATCH)
    ]


def write_for_ever(folder: Path, say: int) -> None:
    with open_store(folder, "pw") as store:
        last = store.latest(Kind.HEART_RATE)
        first = 0 if last is None else int(last.value) + 1
        while True:
            store.append(batch(first))
            store.put_alert("a", "raised", START, str(first) * 500)
            store.commit()
            first += BATCH
            os.write(say, b"%d\n" % first)


def killed_round(folder: Path, wait_s: float) -> int:
    """Let a child write, kill it, return the last number that it acknowledged (0 when it came to none)."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder, say)
        finally:
            os._exit(1)
    os.close(say)
    time.sleep(wait_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child ended by itself"
    with os.fdopen(hear, "rb") as said:
        lines = said.read().split(b"\n")[:-1]
    return int(lines[-1]) if lines else 0


def main(folder: Path, rounds: int, seed: int) -> None:
    create(folder, "pw", profile=CHEAPEST)[0].close()
    moments = random.Random(seed)
    acknowledged = 0
    for _ in range(rounds):
        acknowledged = max(acknowledged, killed_round(folder, moments.uniform(0.02, 0.3)))
        with open_store(folder, "pw") as store:
            window = store.window(Kind.HEART_RATE, START, START + timedelta(days=3000))
            assert len(window) >= acknowledged, f"{len(window)} of {acknowledged} acknowledged readings"
            assert len(window) % BATCH == 0, "half a commit"
            assert window.values.tolist() == list(range(len(window)))
            store.verify()
    print(acknowledged)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
