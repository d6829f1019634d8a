"""The process that sets the page: what it refuses it says, and the caller's memory stays its own."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import pytest

SCRIPT = str(files("healthslm.export").joinpath("typesetter.py"))


def run(**changes: Any) -> subprocess.CompletedProcess[bytes]:
    job = {
        "template": "hello",
        "data": "{}",
        "format": "pdf",
        "standards": [],
        "timestamp": 0,
        "ppi": None,
        "system_fonts": False,
    }
    text = json.dumps({**job, **changes}).encode()
    return subprocess.run([sys.executable, "-P", SCRIPT], input=text, capture_output=True, check=False)


def test_it_sets_a_page() -> None:
    done = run()
    assert done.returncode == 0
    assert done.stdout.startswith(b"%PDF-")


@pytest.mark.parametrize("template", ['#panic("no")', '#read("/etc/passwd")', "#("])
def test_what_cannot_be_set_is_refused_with_the_reason(template: str) -> None:
    done = run(template=template)
    assert done.returncode == 3
    assert done.stderr
    assert done.stdout == b""


def test_more_than_one_picture_is_refused() -> None:
    done = run(template="a #pagebreak() b", format="png")
    assert done.returncode == 3
    assert b"more than one" in done.stderr


def test_typst_is_not_loaded_by_who_exports() -> None:
    code = "import sys, healthslm.export; print('typst' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
