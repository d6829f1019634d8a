"""Memory of a mapped file that is not needed any more."""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path


def let_go(file: Path) -> None:
    """Give the system back the pages of a mapped file; what is looked at again is read again.

    The runtime packs the weights anew and then keeps the file's scales mapped, which it does not look at
    again: 19 MB. Only on Linux; elsewhere, or when the system will not, nothing happens.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return
    name = str(file.resolve())
    for line in lines:
        fields = line.split(maxsplit=5)
        # Private and never written: such a page is the file's, so that letting go loses nothing.
        if len(fields) == 6 and fields[5] == name:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)
