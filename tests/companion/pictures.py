"""Takes pictures of every view, light and dark: to look at, and two of them for the docs.

.venv/bin/python -m tests.companion.pictures FOLDER [LANGUAGE]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from device import LinkEvent, LinkState
from healthslm.companion import Role
from healthslm.links import Links
from healthslm.readings import Kind, Reading
from healthslm.store import HEARTBEAT, Store
from tests.companion import month
from tests.companion.served import Served, Told, a_month, play

DOCS = Path(__file__).parents[2] / "docs"
KEPT = {"now-light": "picture-companion-now", "yesterday-light": "picture-companion-day"}


def main(folder: Path, language: str = "en") -> None:
    """Serve a box at work, and have a browser look at it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        with a_month(home) as served:
            served.do(connected)
            over = threading.Event()
            working = threading.Thread(target=work, args=(served, home, over))
            working.start()
            try:
                for scheme in ("light", "dark"):
                    for role in Role:
                        told = play(
                            served,
                            "pictures",
                            role,
                            hands=hands(served),
                            longest_s=600,
                            folder=str(folder),
                            scheme=scheme,
                            language=language,
                        )
                        print(scheme, role, told["wrong"], told["elsewhere"])
            finally:
                over.set()
                working.join()
    if language == "en":
        for taken, name in KEPT.items():
            shutil.copy(folder / f"{taken}.png", DOCS / f"{name}.png")


def hands(served: Served) -> dict[str, Callable[[Told], None]]:
    """What the box does while a picture is taken: it is locked, or out of reach, and is there again."""
    open_again = ExitStack()

    def leave(_step: Told) -> None:
        served.stop()
        open_again.callback(served.start)

    def lock(_step: Told) -> None:
        open_again.enter_context(served.locked())

    def come_back(_step: Told) -> None:
        open_again.close()

    return {"locked": lock, "away": leave, "back": come_back}


def connected(store: Store) -> None:
    """Have all wearables but the cuff, which is off most of the time, connected."""
    links, now = Links(store), datetime.now(UTC)
    for device in month.DEVICES:
        state = LinkState.SEARCHING if device.address == month.CUFF else LinkState.CONNECTED
        links.note(LinkEvent(at=now, device=device.address, state=state))
    store.commit()


def work(served: Served, home: Path, over: threading.Event) -> None:
    """Do as `healthslm run` does: leave a sign of life, and a reading each second."""
    second = 0
    while not over.wait(1):
        now = datetime.now(UTC)
        (home / HEARTBEAT).write_text(json.dumps({"at": now.isoformat(), "clean": False}), encoding="ascii")
        second += 1
        served.do(partial(measure, now=now, second=second))


def measure(store: Store, now: datetime, second: int) -> None:
    """Append a second's readings."""
    store.append(
        [
            Reading(time=now, kind=Kind.HEART_RATE, value=84.0 + second % 4, device=month.STRAP),
            Reading(time=now, kind=Kind.SPO2, value=88.0 + second % 2, device=month.OXIMETER),
        ]
    )
    store.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
