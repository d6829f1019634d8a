"""The virtual radio, quick timings, and what tests of a link ask of its events."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from device import Event, LinkEvent, LinkState, Notification, Timings
from device.virtual import ChestStrap, VirtualRadio

RHYTHM = Path(__file__).parent.parent / "data" / "rr" / "afdb-04126-first-2h.csv.gz"
STRAP = "C0:FF:EE:00:00:01"


@pytest.fixture
async def air() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


@pytest.fixture
async def strap(air: VirtualRadio) -> ChestStrap:
    wearable = ChestStrap(STRAP)
    await air.add(wearable)
    return wearable


@pytest.fixture
def quick() -> Timings:
    """Nobody waits in a test."""
    return Timings(connect=5, gatt=5, first_retry=0.02, longest_retry=0.1, jitter=lambda: 1.0)


@pytest.fixture
def rhythm_file() -> Path:
    return RHYTHM


async def until(
    events: AsyncIterator[Event], wanted: Callable[[Event], bool], seconds: float = 10
) -> list[Event]:
    """Take events up to and including the first that is wanted."""
    taken = []
    async with asyncio.timeout(seconds):
        async for event in events:
            taken.append(event)
            if wanted(event):
                return taken
    raise AssertionError(f"the events ended: {taken}")


def state(*states: LinkState) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, LinkEvent) and event.state in states


def heard(event: Event) -> bool:
    return isinstance(event, Notification)


async def settled(condition: Callable[[], bool]) -> bool:
    """Give the other side a second to come to this; says whether it did."""
    for _ in range(200):
        if condition():
            return True
        await asyncio.sleep(0.005)
    return condition()


@pytest.fixture
def dbus(tmp_path: Path) -> Iterator[str]:
    """A D-Bus of this test's own."""
    if sys.platform != "linux" or shutil.which("dbus-daemon") is None:
        pytest.skip("needs dbus-daemon")
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={tmp_path}/bus"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()
