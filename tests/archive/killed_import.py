"""Takes an archive in and dies on the way: `python killed_import.py HOME ARCHIVE READINGS`."""

import os
import signal
import sys
from pathlib import Path

from healthslm.archive import Archive, take_in
from healthslm.clock import utc_now
from healthslm.store import open_store


def main() -> None:
    home, file, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

    def die(_what: str, done: int, _total: int) -> None:
        if done >= most:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_store(home, "passphrase") as store, file.open("rb") as opened:
        take_in(store, Archive(opened, file.name), utc_now(), file=file.name, sha256="", progress=die)


if __name__ == "__main__":
    main()
