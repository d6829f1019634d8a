"""Only the command that is asked for is loaded, and none is forgotten."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from healthslm.cli import app
from healthslm.cli.where import MODULES

FOREIGN = (
    "device",
    "healthslm.slm",
    "healthslm.pipeline",
    "healthslm.importers",
    "apprise",
    "httpx",
    "aiomqtt",
)
"""What an alert's list and a hook's have no use for; together it takes longer to load than all the rest."""


def modules_of(typed: typer.Typer) -> set[str]:
    """The modules that have a command of an app, or of a group in it."""
    own = {info.callback.__module__ for info in typed.registered_commands if info.callback}
    inner = (info.typer_instance for info in typed.registered_groups if info.typer_instance)
    return own.union(*(modules_of(one) for one in inner))


def test_every_command_is_found_with_all_its_own() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert set(group.list_commands(typer.Context(group))) == set(MODULES)
    there: dict[str, set[str]] = {}
    for info in app.registered_commands:
        assert info.callback is not None
        there[info.name or info.callback.__name__] = {info.callback.__module__}
    for inner in app.registered_groups:
        assert inner.typer_instance is not None
        there[str(inner.name)] = modules_of(inner.typer_instance)
    for name, modules in there.items():
        assert modules <= {f"healthslm.cli.{module}" for module in MODULES[name]}, name


@pytest.mark.parametrize("name", MODULES)
def test_each_command_can_be_loaded_alone(name: str) -> None:
    """Whatever was loaded before may have brought along what it needs."""
    ended = subprocess.run(
        [sys.executable, "-m", "healthslm", name, "--help"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert name in ended.stdout


@pytest.mark.parametrize("words", ["hooks list", "alerts list", "alerts ack", "people list"])
def test_what_a_command_has_no_use_for_is_not_loaded(words: str) -> None:
    code = f"""
import sys
from healthslm.cli import app
try:
    app([*{words.split()!r}, "--help"])
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert set(FOREIGN) & set(ended.stderr.split()) == set()


def test_a_command_that_is_none_is_told_with_what_was_meant() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "healthslm", "hoks"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert "hooks" in ended.stderr
