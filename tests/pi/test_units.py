"""The units as systemd judges them, and the scripts as shellcheck does; and what the installer installs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.pi.box import INSTALL

ROOT = Path(__file__).parents[2]
PI = INSTALL.parent
UNITS = ["healthslm.service", "healthslm-companion.service"]
MOST = 2.0
"""The exposure level up to which a unit is "OK" to systemd-analyze."""

analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def installed(unit: str, folder: Path) -> Path:
    """Return the unit with a command that is there: systemd looks whether it is."""
    text = (PI / unit).read_text().replace("/opt/healthslm/current/bin/healthslm", sys.executable)
    path = folder / unit
    path.write_text(text)
    return path


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_unit_says_goes_to_its_journal_and_what_it_shows_nowhere(unit: str) -> None:
    """Without the second line its errors would go where the standard output goes."""
    text = (PI / unit).read_text()
    assert "\nStandardOutput=null\n" in text
    assert "\nStandardError=journal\n" in text


@analyze
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_against_a_unit(unit: str, tmp_path: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "verify", str(installed(unit, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    # Of the other units of this machine, which it reads too, nothing is ours to mend.
    ours = [line for line in said.stderr.splitlines() if "healthslm" in line or "Unknown" in line]
    assert ours == []
    assert said.returncode == 0, said.stderr


@analyze
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_sandboxed(unit: str, tmp_path: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(installed(unit, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)
    assert found, said.stderr
    assert float(found[1]) <= MOST


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
def test_shellcheck_has_nothing_to_say_against_the_scripts() -> None:
    scripts = [INSTALL, PI / "healthslm"]
    guests = sorted((ROOT / "tests/pi/vm").glob("*.sh"))
    said = subprocess.run(
        ["shellcheck", "--external-sources", "--check-sourced", "--source-path=SCRIPTDIR", *scripts, *guests],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


def blocks(lock: Path) -> list[str]:
    """Return what a lock says, a package each, with its hashes."""
    found = re.split(r"\n(?=\S)", lock.read_text().rstrip("\n"))
    return [block for block in found if "==" in block.split("\n")[0]]


def test_a_box_gets_what_was_tested() -> None:
    assert set(blocks(PI / "requirements.lock")) < set(blocks(ROOT / "requirements.lock"))


ENVIRONMENTS: list[Environment] = [
    {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for python in ("3.11", "3.13")
    for machine in ("aarch64", "x86_64")
]


def needed(of: Requirement, environment: Environment, found: set[str]) -> None:
    """Add what a requirement needs, and what that needs."""
    name = canonicalize_name(of.name)
    for extra in ("", *of.extras):
        if f"{name}[{extra}]" in found:
            continue
        found.add(f"{name}[{extra}]")
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # not of this Python: the lock has it, or the test fails
            continue
        for line in lines:
            more = Requirement(line)
            if more.marker is None or more.marker.evaluate({**environment, "extra": extra}):
                needed(more, environment, found)


@pytest.mark.parametrize(
    "environment", ENVIRONMENTS, ids=lambda e: f"{e['python_version']}-{e['platform_machine']}"
)
def test_a_box_gets_all_that_is_needed(environment: Environment) -> None:
    locked = {canonicalize_name(block.partition("==")[0]) for block in blocks(PI / "requirements.lock")}
    found: set[str] = set()
    needed(Requirement("healthslm[hooks,model]"), environment, found)
    needed(Requirement("hatchling"), environment, found)
    names = {one.partition("[")[0] for one in found} - {"healthslm"}
    assert len(names) > 40
    assert names <= locked
