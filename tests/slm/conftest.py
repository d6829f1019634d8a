"""The built model for the tests that need it, and facts to tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from healthslm import settings
from healthslm.errors import ModelError
from healthslm.slm import ModelProcess, model


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The folder of the built model; without it the test fails and says what to do."""
    folder = settings.load().model
    try:
        model.load(folder)
    except ModelError as error:
        pytest.fail(f"{error} (`make test` builds it first.)", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def writer(model_folder: Path) -> Iterator[ModelProcess]:
    """One process of the model for all tests."""
    with ModelProcess(model_folder) as process:
        yield process
