"""What the processes of the week share: how they say something, and the secrets of a store for a while."""

from __future__ import annotations

import json
import os
from typing import Any

PASSPHRASE = "only for a bench"  # noqa: S105  said above
TOKEN = "only for a bench"  # noqa: S105  likewise


def say(*words: Any) -> None:
    """Say something to who started this process, at once: a kill takes no word that was said."""
    line = (json.dumps(words) + "\n").encode()
    while line:
        line = line[os.write(1, line) :]
