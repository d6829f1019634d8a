import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthslm.store import CHEAPEST, Store, create
from tests import emulated

if emulated.EMULATED:
    emulated.be_patient()


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands note how far a store has come in the user's state folder: not in that of whoever tests."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store; its passphrase is `passphrase`."""
    made, _words = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made:
        yield made
