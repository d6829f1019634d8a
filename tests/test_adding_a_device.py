"""The page "Adding a device" works as it stands: its blocks are entered into a copy of the tree, and run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "adding-a-device.md"
BLOCK = re.compile(r"<!-- (?P<where>[^\n]+) -->\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```", re.MULTILINE)
MODULE, INGEST = "device/vendors/thermo_patch.py", "healthslm/ingest/thermo_patch.py"
FAMILIES, MAKERS = "device/vendors/__init__.py, in FAMILIES", "healthslm/ingest/table.py, in MAKERS"


def blocks() -> dict[str, str]:
    """The page's blocks by where they belong; those of one place joined as a person would."""
    found = defaultdict(list)
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        found[block["where"]].append(block["text"])
    return {where: "\n\n".join(texts) for where, texts in found.items()}


def entered(source: Path, table: str, row: str, imports: str) -> None:
    """Put a row into a table, and an import before the others; that there is such a table the page says."""
    text = source.read_text(encoding="utf-8")
    text, rows = re.subn(rf"^({table}\b.*[({{]\n)", rf"\g<1>{row}", text, count=1, flags=re.MULTILINE)
    text, lines = re.subn(r"^(from (?!__future__))", rf"{imports}\n\g<1>", text, count=1, flags=re.MULTILINE)
    assert (rows, lines) == (1, 1), f"{source.name} has no {table} as the page says"
    source.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the device of the page entered as the page says."""
    root = tmp_path_factory.mktemp("tree")
    for package in ("device", "healthslm"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    talking = Path("tests/device/vendors/talking.py")
    (root / talking).parent.mkdir(parents=True)
    shutil.copy(ROOT / talking, root / talking)
    page = blocks()
    for name in (MODULE, INGEST, "try_it.py", "test_thermo_patch.py"):
        (root / name).write_text(page[name], encoding="utf-8")
    families, makers = (root / where.partition(",")[0] for where in (FAMILIES, MAKERS))
    entered(families, "FAMILIES", page[FAMILIES], "from device.vendors import thermo_patch")
    entered(
        makers,
        "MAKERS",
        page[MAKERS],
        "from device.vendors.thermo_patch import ThermoPatchMeasurement\n"
        "from healthslm.ingest.thermo_patch import thermo_patch",
    )
    return root


def run(tree: Path, *words: str) -> str:
    """Run Python in the copy, and nothing of the original with it."""
    result = subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_every_block_has_its_place() -> None:
    page = blocks()
    fences = len(FENCE.findall(PAGE.read_text(encoding="utf-8")))
    assert fences == 2 * len(BLOCK.findall(PAGE.read_text(encoding="utf-8"))), "a block that nothing runs"
    assert set(page) == {MODULE, FAMILIES, INGEST, MAKERS, "type", "try_it.py", "test_thermo_patch.py"}


def test_the_command_decodes_it(tree: Path) -> None:
    words = shlex.split(blocks()["type"])
    assert words[0] == "python"
    said = run(tree, *words[1:])
    assert "3656" in said
    assert "on_skin" in said


def test_the_virtual_one_becomes_a_reading(tree: Path) -> None:
    assert run(tree, "try_it.py") == "temperature: 36.56 <Quality.GOOD: 0>\n"


def test_its_tests_pass(tree: Path) -> None:
    said = run(
        tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull,
        "--rootdir", str(tree), "-o", "asyncio_mode=auto", "test_thermo_patch.py",
    )  # fmt: skip
    assert "passed" in said
