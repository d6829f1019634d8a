"""What is let go of is read again when it is looked at."""

from __future__ import annotations

import mmap
from pathlib import Path

from healthslm.slm.pages import let_go


def test_a_mapped_file_says_the_same_after_it_was_let_go_of(tmp_path: Path) -> None:
    file = tmp_path / "a file.data"
    file.write_bytes(b"abc" * 10_000)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        before = bytes(mapped)
        let_go(file)
        assert bytes(mapped) == before
    let_go(tmp_path / "nothing")
