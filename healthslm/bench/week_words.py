"""What the processes of the week share: how they speak with who started them, and the secrets of a store."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

PASSPHRASE = "only for a bench"  # noqa: S105  said above
TOKEN = "only for a bench"  # noqa: S105  likewise


async def words_told() -> AsyncIterator[dict[str, Any]]:
    """Yield what standard input says, word by word, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        yield json.loads(line)


def say(*words: Any) -> None:
    """Say something to who started this process, at once: a kill takes no word that was said."""
    line = (json.dumps(words) + "\n").encode()
    while line:
        line = line[os.write(1, line) :]
