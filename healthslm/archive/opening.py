"""A file that somebody wants read in: what it is, and, where it is encrypted, what is in it.

What was encrypted for a recipient is decrypted into a file without a name that is encrypted anew (veiled.py):
plain, it never touches the disk, however large it is. What is under a passphrase is decrypted in memory.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyrage

from healthslm.archive.room import see_room
from healthslm.archive.veiled import Veiled
from healthslm.errors import ImportFailedError, LockedError, UsageError
from healthslm.export.streams import Target

Identity = Any
"""Somebody's secret key, of pyrage."""
_AGE, _ARMOR, _SCRYPT = b"age-encryption.org/v1\n", b"-----BEGIN AGE", b"\n-> scrypt "
_LARGEST = 80_000_000
"""Bytes under a passphrase: what is written so has 64 MB at the most."""
_SMALL = 65_536
_KINDS = "Give an archive (.zip or .zip.age) or a Bundle (.fhir.json) that healthslm wrote."


class Form(StrEnum):
    """What a file is, by its first bytes."""

    ZIP = "zip"
    BUNDLE = "bundle"
    FOR_RECIPIENTS = "recipients"
    UNDER_PASSPHRASE = "passphrase"  # noqa: S105  the name of a form


def form_of(path: Path) -> Form:
    """Say what a file is. Raises `ImportFailedError` for what cannot be read, and for everything else."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise ImportFailedError(f"{path} is no file.", _KINDS)
        with path.open("rb") as file:
            head = file.read(200)
    except OSError as error:
        raise ImportFailedError(f"{path} cannot be read: {error.strerror or error}.", _KINDS) from error
    if head.startswith(_ARMOR):
        raise ImportFailedError(
            f"{path} is encrypted and armoured.",
            f"Decrypt it first: age --decrypt --identity KEYFILE --output archive.zip {path.name}",
        )
    if head.startswith(_AGE):
        return Form.UNDER_PASSPHRASE if _SCRYPT in head else Form.FOR_RECIPIENTS
    if head.startswith(b"PK"):
        return Form.ZIP
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return Form.BUNDLE
    raise ImportFailedError(f"{path} is neither an archive nor a Bundle.", _KINDS)


def identities_in(path: Path) -> list[Identity]:
    """Read secret keys: AGE-SECRET-KEY-1… one a line, or an SSH key without a passphrase.

    Raises `UsageError` that repeats nothing of them.
    """
    how = "Give the file that `age-keygen -o FILE` made, or an SSH key without a passphrase."
    try:
        data = path.read_bytes()[:_SMALL] if path.is_file() else b""
        lines = [line.strip() for line in data.decode("ascii", "replace").splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if keys and keys[0].startswith("-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(data)]
        found = [pyrage.x25519.Identity.from_str(key) for key in keys]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.", how) from error
    except pyrage.IdentityError:
        raise UsageError(f"{path} has no secret key that can be used.", how) from None
    if not found:
        raise UsageError(f"There is no secret key in {path}.", how)
    return found


@contextmanager
def opened(
    path: Path, form: Form, folder: Path, *, identities: Sequence[Identity] = (), passphrase: str = ""
) -> Iterator[BinaryIO]:
    """Open the plain bytes of a file, to be read anywhere; `folder` is where there is room for them.

    Raises `LockedError` for keys that do not open it, `ImportFailedError` where it is cut or changed, or
    something else than an archive was encrypted.
    """
    try:
        with path.open("rb") as file:
            if form is Form.FOR_RECIPIENTS:
                with _decrypted(path, file, folder, identities) as plain:
                    yield _archive_in(path, plain)
            elif form is Form.UNDER_PASSPHRASE:
                yield _archive_in(path, io.BytesIO(_under(path, file, passphrase)))
            else:
                yield file
    except OSError as error:
        raise ImportFailedError(
            f"{path} cannot be read: {error.strerror or error}.", "Nothing of it was stored."
        ) from error


def _archive_in(path: Path, plain: BinaryIO) -> BinaryIO:
    """Return what was encrypted, to be read from its beginning. Raises where it is no archive."""
    head = plain.read(2)
    plain.seek(0)
    if head != b"PK":
        raise ImportFailedError(f"What is encrypted in {path.name} is no archive.", _KINDS)
    return plain


@contextmanager
def _decrypted(
    path: Path, file: BinaryIO, folder: Path, identities: Sequence[Identity]
) -> Iterator[BinaryIO]:
    see_room(path.name, folder, path.stat().st_size)
    with Veiled(folder) as veiled:
        target = Target(veiled)
        try:
            pyrage.decrypt_io(file, target, list(identities))
        except pyrage.DecryptError as error:
            raise _no_key(path, error) from error
        except OSError as error:
            raise target.error or _changed(path) from error
        if target.error:  # which may go unheard on the way
            raise target.error
        veiled.seek(0)
        with io.BufferedReader(veiled) as plain:
            yield cast(BinaryIO, plain)


def _under(path: Path, file: BinaryIO, passphrase: str) -> bytes:
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ImportFailedError(
            f"{path} is larger than what healthslm writes under a passphrase.",
            f"Decrypt it first: age --decrypt --output archive.zip {path.name}",
        )
    try:
        return bytes(pyrage.passphrase.decrypt(data, passphrase))
    except pyrage.DecryptError as error:
        raise _no_key(path, error) from error
    except OSError as error:
        raise _changed(path) from error


def _no_key(path: Path, error: Exception) -> LockedError | ImportFailedError:
    said = str(error).lower()
    if "key" in said or "decryption failed" in said or "passphrase" in said:
        return LockedError(
            f"That does not open {path.name}.", "Give the key or passphrase that it was encrypted for."
        )
    return _changed(path)


def _changed(path: Path) -> ImportFailedError:
    return ImportFailedError(
        f"{path.name} is cut or was changed: it cannot be decrypted to its end.",
        "Fetch or copy it again: nothing of it was stored.",
    )


def sha256_of(file: BinaryIO) -> str:
    """Return the SHA-256 of an open file's plain bytes, in hex; its place is the beginning afterwards."""
    file.seek(0)
    digest = hashlib.sha256()
    while data := file.read(_SMALL):
        digest.update(data)
    file.seek(0)
    return digest.hexdigest()
