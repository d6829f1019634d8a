"""Install what requirements.lock pins, with one progress bar. Standard library only: it runs first."""

import re
import subprocess
import sys
from pathlib import Path

LOCK = Path("requirements.lock")
WIDTH = 30


def show(done: int, total: int, what: str) -> None:
    """Draw the bar on a terminal; stay silent elsewhere."""
    if sys.stderr.isatty():
        filled = WIDTH * done // total
        sys.stderr.write(
            f"\rInstalling  {'━' * filled}{'─' * (WIDTH - filled)} {done}/{total}  {what[:30]:30}"
        )
        sys.stderr.flush()


def main() -> int:
    """Run pip; on failure print what it said."""
    total = len(re.findall(r"^\S+==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command = [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)]
    said = []
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603  our own arguments
        for line in process.stdout or ():
            said.append(line)
            if found := re.match(r"(?:Collecting|Requirement already satisfied:|Ignoring) ([\w.-]+)", line):
                done = min(done + 1, total)
                show(done, total, found[1])
            elif line.startswith("Installing collected packages"):
                show(total, total, "unpacking")
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 100 + "\r")
    if process.returncode:
        sys.stderr.write("".join(said[-30:]))
        sys.stderr.write(
            "\nThe packages could not be installed; the lines above say why. Is there a network?\n"
        )
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
