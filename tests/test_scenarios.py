"""The scenarios of tests/scenarios: each from a complaint that users of such software filed."""

from pathlib import Path

import pytest

from tests.scenarios.stage import Stage

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 15


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_scenario(path: Path, tmp_path: Path) -> None:
    stage = Stage(path, tmp_path)
    assert stage.script["complaint"]
    await stage.play()
