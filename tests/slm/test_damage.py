"""A damaged or foreign model and too little memory: said with file, hashes and next step; words stay."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from healthslm.errors import ModelError
from healthslm.slm import ModelProcess, checked, model
from healthslm.slm.source import GGUF_SHA256
from healthslm.slm.weights import open_adapter
from tests.emulated import EMULATED
from tests.slm.test_model import made, silent
from tests.slm.test_process import READY

ABC, ABD = "ba7816bf", "a52d159f"  # how the SHA-256 of b"abc" and of b"abd" begin
WEIGHTS = "model.onnx.data"


def replace_quietly(path: Path, content: bytes) -> None:
    """Change a file and put its times back."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(path: Path, content: bytes) -> None:
    """Put another file in its place."""
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


@pytest.mark.parametrize("damage", [Path.write_bytes, replace_quietly, swap])
@pytest.mark.parametrize("seen", [True, False])
def test_a_changed_byte_is_found_before_the_model_is_started(
    tmp_path: Path, damage: Callable[[Path, bytes], object], seen: bool
) -> None:
    folder = made(tmp_path / "m")
    if seen:
        ModelProcess(folder)
    damage(folder / WEIGHTS, b"abd")
    with pytest.raises(ModelError, match=rf"{WEIGHTS} .*expected SHA-256 {ABC}.*, found {ABD}") as caught:
        ModelProcess(folder)
    assert "healthslm model build" in caught.value.hint


def test_a_file_is_hashed_once_and_again_only_when_something_changed(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    model.trusted(folder)
    record = folder / checked.RECORD
    first = record.stat().st_ino
    model.trusted(folder)
    assert record.stat().st_ino == first  # nothing was new, so nothing was written
    os.utime(folder / WEIGHTS, ns=(1, 1))
    model.trusted(folder)
    assert record.stat().st_ino != first


def test_what_the_record_says_is_not_believed_by_the_full_check(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    (folder / WEIGHTS).write_bytes(b"abd")
    found = (folder / WEIGHTS).stat()
    manifest = json.loads((folder / model.MANIFEST).read_text())
    state = [manifest["files"][WEIGHTS]["sha256"], found.st_size, found.st_ino, found.st_mtime_ns]
    (folder / checked.RECORD).write_text(json.dumps({WEIGHTS: [*state, found.st_ctime_ns]}))
    model.trusted(folder)  # who may write both gets through the cheap check, as its docstring says
    with pytest.raises(ModelError, match=ABD):
        model.verify(folder)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"model.onnx.data": 3}', '{"model.onnx.data": [1]}'])
def test_a_garbled_record_only_costs_time(tmp_path: Path, record: str) -> None:
    folder = made(tmp_path / "m")
    (folder / checked.RECORD).write_text(record)
    assert model.trusted(folder).name == "M"


def test_a_folder_that_cannot_be_written_remembers_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    (folder / f".{checked.RECORD}.{os.getpid()}").mkdir()
    model.trusted(folder)
    assert not (folder / checked.RECORD).exists()


def changed(folder: Path, key: str, value: object) -> None:
    path = folder / model.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_a_model_of_other_weights_is_refused_by_hash(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    changed(folder, "source_sha256", "12" * 32)
    with pytest.raises(ModelError, match=f"{GGUF_SHA256}, found 1212") as caught:
        ModelProcess(folder)
    assert "model build" in caught.value.hint


def test_a_manifest_that_leaves_out_a_file_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    files = json.loads((folder / model.MANIFEST).read_text())["files"]
    changed(folder, "files", {name: files[name] for name in files if name != "genai_config.json"})
    with pytest.raises(ModelError, match=r"does not name genai_config\.json"):
        model.load(folder)


PAIR = {
    "blk.0.attn_q.up": np.ones((576, 2), dtype=np.float16),
    "blk.0.attn_q.down": np.ones((2, 576), dtype=np.float16),
}


@pytest.mark.parametrize(
    ("matrices", "why"),
    [
        ({"lora.x": np.ones((2, 2), dtype=np.float16)}, "'lora.x' is no layer of it"),
        ({**PAIR, "blk.0.attn_q.up": np.ones((576, 3), dtype=np.float16)}, "no pair"),
        ({"blk.0.attn_q.up": PAIR["blk.0.attn_q.up"]}, "no pair"),
        ({**PAIR, "blk.0.attn_q.up": np.full((576, 2), np.nan, dtype=np.float16)}, "finite"),
        ({**PAIR, "blk.0.attn_q.down": np.ones((2, 576), dtype=np.int8)}, "finite"),
        ({"blk.0.attn_q.up": np.ones(3, dtype=np.float32)}, "not a matrix"),
        ({}, "nothing in it"),
    ],
)
def test_a_foreign_adapter_is_refused_by_hash(
    tmp_path: Path, matrices: dict[str, np.ndarray], why: str
) -> None:
    path = tmp_path / "a.safetensors"
    save_file(matrices, path)
    with pytest.raises(ModelError, match=rf"SHA-256 [0-9a-f]{{64}}\) is no adapter .*{why}"):
        open_adapter(path)


def test_an_adapter_is_looked_at_before_anything_is_fetched(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\xff" * 500)
    with pytest.raises(ModelError, match="cannot be read as an adapter"):
        model.install(tmp_path / "m", silent, adapter=path)
    save_file(PAIR, path)
    record = path.with_suffix(".json")
    for said, why in (
        ("{", "cannot be read as an adapter's record"),
        ('{"sha256": "00", "base_sha256": "00"}', "expected SHA-256 00, found [0-9a-f]{64}"),
    ):
        record.write_text(said)
        with pytest.raises(ModelError, match=why):
            model.install(tmp_path / "m", silent, adapter=path)
    assert not (tmp_path / "m").exists()


def test_too_little_memory_is_said_before_the_process_is_started(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    said = r"too little memory.*100 MB are free, and it needs 210 MB"
    with (
        ModelProcess(folder, command=("/bin/false",), free=lambda: 100_000_000) as process,
        pytest.raises(ModelError, match=said),
    ):
        process.start()
    with ModelProcess(folder, command=(sys.executable, "-c", READY), free=lambda: None) as process:
        process.start()


def test_a_process_that_the_system_kills_had_most_likely_too_much_memory(tmp_path: Path) -> None:
    script = READY + "sys.stdin.readline(); os.kill(os.getpid(), 9)"
    with (
        ModelProcess(made(tmp_path / "m"), command=(sys.executable, "-c", script)) as process,
        pytest.raises(ModelError, match="most likely because memory ran out"),
    ):
        process((("user", "x"),), numbers=())


@pytest.mark.model
@pytest.mark.skipif(EMULATED, reason="QEMU keeps a program to no limit of its memory")
@pytest.mark.parametrize("megabytes", [300, 400])
def test_the_real_process_says_that_memory_ran_out(model_folder: Path, megabytes: int) -> None:
    limit = megabytes * 1_000_000
    result = subprocess.run(
        [sys.executable, "-m", "healthslm.slm.worker", str(model_folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert result.returncode != 0
    # Now and then it is a thread that finds none: glibc then ends the program itself, in these words.
    assert "too little memory" in result.stdout or "cannot allocate memory" in result.stderr


@pytest.mark.model
def test_with_a_damaged_model_a_question_is_answered_all_the_same(model_folder: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "m"
    home.mkdir()
    shutil.copytree(model_folder, folder)
    (home / "settings.toml").write_text(f'model = "{folder}"\n')
    with (folder / WEIGHTS).open("r+b") as file:
        file.seek(40_000_000)
        byte = file.read(1)[0]
        file.seek(40_000_000)
        file.write(bytes([byte ^ 1]))
    result = subprocess.run(
        [sys.executable, "-m", "healthslm", "--home", str(home), "ask", "--plan", "pulse today"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(result.stdout)["tool"] == "value"
    assert f"{folder / WEIGHTS} is not the one that was checked: expected SHA-256" in result.stderr
    assert "The text is the template's. Build it again: healthslm model build." in result.stderr
