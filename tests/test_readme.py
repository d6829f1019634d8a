"""What the README and the docs tell a person to type and to open is there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from healthslm.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
COMMAND = re.compile(r"^(?:    )?(healthslm [^\n]+)$", re.MULTILINE)
INLINE = re.compile(r"`(healthslm [a-z][^`]*)`")


def commands() -> list[str]:
    """Every `healthslm ...` line, without its comment."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [m.split("  #")[0].strip() for m in COMMAND.findall(text)]
        found += INLINE.findall(text)
    return sorted({c for c in found if "…" not in c})


def parse(command: Any, words: list[str]) -> None:
    """Parse a command line as far as its last word, and run nothing."""
    context = command.make_context("healthslm", list(words))
    if isinstance(command, TyperGroup):
        rest = [*context._protected_args, *context.args]
        _, inner, more = command.resolve_command(context, rest)
        assert inner is not None
        if more:  # else a command is only named
            parse(inner, more)


def test_there_are_commands_to_look_at() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize("line", commands())
def test_a_command_that_is_told_to_type_can_be_typed(line: str) -> None:
    parse(typer.main.get_command(app), shlex.split(line)[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert linked == {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")}


def test_the_files_that_are_named_are_there() -> None:
    for page in PAGES:
        for name in re.findall(
            r"`((?:examples|tests|docs|healthslm|device)/[\w./-]+)`", page.read_text("utf-8")
        ):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_make_knows_the_two_commands() -> None:
    for target in ("demo", "test"):
        dry = subprocess.run(
            ["make", "-n", target, f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, check=False
        )
        assert dry.returncode == 0, dry.stderr
