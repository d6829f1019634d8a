"""Virtual wearables in a process of their own, so that this one's CPU is only that of listening."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device import AdapterError


@contextmanager
def serving(scenario: str) -> Iterator[Path]:
    """Serve a scenario (TOML, see device/virtual/scenario.py) over a unix socket, whose path is yielded.

    Raises `AdapterError` when the other process does not begin to.
    """
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        file, socket = Path(folder) / "scenario.toml", Path(folder) / "radio.sock"
        file.write_text(scenario, encoding="utf-8")
        with begun("device.virtual", str(file), "--socket", str(socket)):
            yield socket


@contextmanager
def begun(module: str, *arguments: str) -> Iterator[None]:
    """Run a module that says `serving` once it does, as long as a block lasts. Raises `AdapterError`."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  ourselves
        try:
            if process.stdout is None or "serving" not in process.stdout.readline():
                raise AdapterError("The virtual wearables' process did not begin.", "See what it said.")
            yield
        finally:
            process.terminate()


def straps(count: int, *, every: float, flood: int = 0, after: float = 2) -> str:
    """Write a scenario of straps that measure every so many seconds, or flood whoever listens.

    The flood of so many values comes `after` so many seconds: everything should be set up by then.
    """
    parts = []
    for number in range(1, count + 1):
        parts.append(f'[[wearable]]\nkind = "strap"\naddress = "{address(number)}"\nevery = {every}\n')
        if flood:
            parts.append(f'[[wearable.event]]\nat = {after}\ndo = "flood"\ncount = {flood}\n')
    return "\n".join(parts)


def address(number: int) -> str:
    """Return the address of the strap of that number, from 1."""
    return f"C0:FF:EE:00:00:{number:02X}"
