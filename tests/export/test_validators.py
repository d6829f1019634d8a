"""The Bundles against npm's validators: HL7's JSON schema, and Medplum with the profiles of vital signs."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "validators"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "@medplum" / "core").is_dir(),
        reason="npm's validators are not installed: make test-fhir",
    ),
]


def held(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(HERE / "run.mjs"), str(folder)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    found = dict(json.loads(done.stdout))
    assert (done.returncode == 1) == bool(found["issues"])
    return found


def test_no_validator_finds_anything(bundles: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in bundles.items():
        (tmp_path / f"{name}.json").write_bytes(data)
    found = held(tmp_path)
    assert found["issues"] == []
    assert found["counts"]["bundles"] == len(bundles) >= 10
    profiles = {url.rsplit("/", 1)[1] for url in found["counts"]["profiles"]}
    assert profiles == {"heartrate", "oxygensat", "bodytemp", "bp", "bodyweight", "resprate"}


@pytest.mark.parametrize(
    ("before", "after", "by"),
    [
        (b'"status":"final"', b'"status":"done"', "schema"),
        (b'"code":"8310-5"', b'"code":"8310-0"', "medplum"),
        (b'"resourceType":"Patient"', b'"resourceType":"Patient","colour":"blue"', "schema"),
    ],
)
def test_what_is_wrong_is_found(
    before: bytes, after: bytes, by: str, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    broken = bundles["page beside"].replace(before, after)
    assert broken != bundles["page beside"]
    (tmp_path / "broken.json").write_bytes(broken)
    assert by in {issue["by"] for issue in held(tmp_path)["issues"]}
