"""A whole store as one file, and back in: for another machine, another program, or to have it.

    archived(store, terms, ...)   the bytes of the archive, piece by piece (writing.py says what is in it)
    opened(path, form_of(path))   a file's plain bytes, decrypted where it is encrypted
    Archive(file, name)           one that is read: checked, row by row (reading.py)
    settings_in(archive)          what its person decided, to be shown before it holds here
    take_in(store, archive, at)   into a store, whole or not at all; what is here stays
    merge(store, brought, at)     the same of what a Bundle of our own brought (healthslm.importers.bundle)

A backup (`healthslm backup`) is a copy of the encrypted store, and opens with its passphrase. An archive
needs neither the store's passphrase nor healthslm to be read.
"""

from healthslm.archive.decided import settings_in
from healthslm.archive.merging import merge
from healthslm.archive.opening import Form, form_of, identities_in, opened, sha256_of
from healthslm.archive.reading import Archive
from healthslm.archive.records import Manifest
from healthslm.archive.taking_in import Outcome, take_in
from healthslm.archive.writing import archived

__all__ = [
    "Archive",
    "Form",
    "Manifest",
    "Outcome",
    "archived",
    "form_of",
    "identities_in",
    "merge",
    "opened",
    "settings_in",
    "sha256_of",
    "take_in",
]
