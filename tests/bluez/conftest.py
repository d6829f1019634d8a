"""Real BlueZ: these run in the emulated machine of `make test-bluez`, and are skipped everywhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device import Timings
from tests.bluez.air import Air

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    # Known only where tests/bluez is named on the command line; elsewhere its default holds.
    parser.addoption("--bluez", action="store_true", help="Take over /dev/vhci and BlueZ, as root.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--bluez", default=False):
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs real BlueZ: make test-bluez"))


@pytest.fixture
async def air() -> AsyncIterator[Air]:
    async with Air() as air:
        yield air


@pytest.fixture
def timings() -> Timings:
    """The emulated machine is slow: what takes 0.1 s elsewhere may take seconds."""
    return Timings(connect=30, gatt=20, disconnect=10, first_retry=0.2, longest_retry=1, jitter=lambda: 1.0)
