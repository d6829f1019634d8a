"""The seam to the machine: the files in which the kernel tells of itself, and programs that can be asked.

A test hands over a folder that stands for `/`, and a function for the programs.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 5.0
_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotKnown(Exception):  # noqa: N818  an answer, not an error
    """Something cannot be known here; the message says why, and needs no stop at its end."""


def ask_program(argv: Sequence[str]) -> str:
    """Run a program of the system and return what it printed. Raises `NotKnown`."""
    name = argv[0]
    try:
        done = subprocess.run(  # noqa: S603  a fixed list of programs, no shell
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": _PLACES, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise NotKnown(f"{name} is not installed") from None
    except subprocess.TimeoutExpired:
        raise NotKnown(f"{name} did not answer within {_PATIENCE_S:g} s") from None
    except OSError as error:
        raise NotKnown(f"{name} cannot be run: {error.strerror}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotKnown(f"{name} failed" + (f": {said[-1]}" if said else ""))
    return done.stdout


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)), and room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def clock_error_us() -> int:
    """Return how far the clock is off at most, as the kernel counts, in microseconds. Raises `NotKnown`.

    It grows by half a second in a thousand until somebody sets the clock by the network.
    """
    if not sys.platform.startswith("linux"):
        raise NotKnown("only Linux says so")
    timex = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        raise NotKnown(f"the kernel does not say ({os.strerror(ctypes.get_errno())})")
    return int(timex.maxerror)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The one that this runs on, or a folder that stands for one. Paths are like `sys/class/rtc`."""

    root: Path = Path("/")
    ask: Callable[[Sequence[str]], str] = ask_program
    clock_error_us: Callable[[], int] = clock_error_us

    def text(self, path: str) -> str:
        """Return what a small file says, without white space around it. Raises `NotKnown`."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")
        except FileNotFoundError:
            raise NotKnown(f"this system has no /{path}") from None
        except OSError as error:
            raise NotKnown(f"/{path} cannot be read: {error.strerror}") from None

    def number(self, path: str) -> int:
        """Return the whole number in a file, decimal or like 0x1f. Raises `NotKnown`."""
        text = self.text(path)
        try:
            return int(text, 0)
        except ValueError:
            raise NotKnown(f"/{path} says {text[:40]!r}, which is no number") from None

    def has(self, path: str) -> bool:
        """Say whether there is such a file or folder."""
        return (self.root / path).exists()

    def names(self, folder: str, pattern: str) -> list[str]:
        """Return the names in a folder that fit, in order; none where there is no such folder."""
        return sorted(path.name for path in (self.root / folder).glob(pattern))

    def model(self) -> str:
        """Return what a board calls itself, like `Raspberry Pi Zero 2 W Rev 1.0`. Raises `NotKnown`."""
        return self.text("proc/device-tree/model")
