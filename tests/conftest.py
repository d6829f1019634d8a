from collections.abc import Iterator
from pathlib import Path

import pytest

from healthslm.store import CHEAPEST, Store, create


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store; its passphrase is `passphrase`."""
    made, _words = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made:
        yield made
