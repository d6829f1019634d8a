"""What is heard while the store is locked: sealed to its public key, and taken in once it is open.

    chosen(folder)              what the person chose: the public key, and which wearables are listened to
    Sealer(folder, choice)      writes events that nobody reads before the store is open
    sealed_in(folder), read     the files, oldest first, and the events of one

Sealed files are neither judged nor told: nobody is warned while the store is locked.
"""

from healthslm.sealed.choice import (
    Choice,
    Keys,
    chosen,
    collect_while_locked,
    file_in,
    keep_current,
    keys_in,
    stop_collecting,
)
from healthslm.sealed.reading import DAMAGED, damaged_in, read, sealed_in
from healthslm.sealed.writing import Sealer

__all__ = [
    "DAMAGED",
    "Choice",
    "Keys",
    "Sealer",
    "chosen",
    "collect_while_locked",
    "damaged_in",
    "file_in",
    "keep_current",
    "keys_in",
    "read",
    "sealed_in",
    "stop_collecting",
]
