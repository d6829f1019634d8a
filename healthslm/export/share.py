"""The hand-over: the files of an export as one encrypted file, in the age format (age-encryption.org/v1).

    recipient("age1…")                whom it is for; an SSH key (ed25519, RSA) is one too
    pack(review, files, terms)        the archive: the files, READ-ME.txt, about.json
    sealed(archive, recipients)       the bytes of the encrypted file; or with a passphrase in their place
    sealing(pieces, recipients)       the same for more than fits into memory, piece by piece

The archive is a ZIP: Windows, macOS, Linux and phones open one without installing anything, which is not so
of tar. Its order, times and permissions are those of the review, so the same hand-over packs to the same
bytes. Encrypting draws a fresh key each time, so the encrypted files differ.

All of it happens in memory, `sealing` a piece at a time: nothing that is not encrypted touches the disk.
Exports are smaller than 1 MB as a rule; what is larger than `LARGEST` is refused, because packing takes about
three times that in memory.

What this does not do: an expiry is a request to the reader, and nothing enforces it; whoever can open the
file can keep what is in it for ever, and pass it on. The file tells how many it is for, not who they are,
except that an SSH key can be told by who has that public key already.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import pyrage

from healthslm import __version__
from healthslm.errors import ExportError, UsageError
from healthslm.export import words
from healthslm.export.files import Fill, filled
from healthslm.export.streams import Source, Target
from healthslm.readings import Review

LARGEST = 64_000_000
"""Bytes that one hand-over may have before packing."""
ABOUT = "about.json"
"""The member that says what a hand-over is; no other file of ours has it."""
DISCLAIMER = "Not a medical device. Findings are prompts to act, not diagnoses."
_SECRET = ("AGE-SECRET-KEY-", "AGE-PLUGIN-", "-----BEGIN")
"""What secret keys begin with: never to be given away, and never to be repeated on a screen."""
_TAKEN = (
    "Use age1… as `age-keygen` shows it, ssh-ed25519 … or ssh-rsa …, or a file of those; not a plugin's key."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is said with a hand-over, each in one line. `expires` is the last day on which it may be used."""

    to_whom: str = ""
    purpose: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody's public key, as `recipient` has checked it."""

    text: str
    key: pyrage.x25519.Recipient | pyrage.ssh.Recipient

    @property
    def short(self) -> str:
        """Return enough of the key to tell it from others, like `age1nw4t4c…qqse5ld`."""
        kind, _, rest = self.text.partition(" ")
        return f"{kind} …{rest[-12:]}" if rest else f"{kind[:10]}…{kind[-7:]}"


def recipient(text: str) -> Recipient:
    """Read a public key: `age1…`, `ssh-ed25519 …` or `ssh-rsa …` with or without its comment.

    Raises `UsageError` that names what is none. A secret key is refused without being repeated.
    """
    text = " ".join(text.split())
    if text.upper().startswith(_SECRET):
        raise UsageError(
            "That is a secret key: whoever has it can read what is sealed for it. Nothing was written.",
            "Give its public key, which begins with age1 (age-keygen -y FILE shows it) or with ssh-.",
        )
    try:
        if text.startswith("ssh-"):
            key = " ".join(text.split(" ")[:2])
            return Recipient(key, pyrage.ssh.Recipient.from_str(key))
        return Recipient(text, pyrage.x25519.Recipient.from_str(text))
    except pyrage.RecipientError as error:
        raise UsageError(f"{words.clean(text, 80)!r} is no recipient.", _TAKEN) from error


def recipients_in(path: Path) -> list[Recipient]:
    """Read a file of recipients as age does: one a line; empty lines and those with # are left out.

    Raises `UsageError` that names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{path} cannot be read: {why}.", _TAKEN) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found.append(recipient(line))
            except UsageError as error:
                raise UsageError(f"{path}, line {number}: {error.message}", error.hint) from error
    if not found:
        raise UsageError(f"There is no recipient in {path}.", _TAKEN)
    return found


def pack(review: Review, files: Sequence[tuple[str, bytes]], terms: Terms) -> bytes:
    """Return a ZIP of the files with READ-ME.txt and about.json; the same for the same arguments.

    Raises `ExportError` where the files are larger than `LARGEST` together.
    """
    size = sum(len(data) for _, data in files)
    if size > LARGEST:
        raise ExportError(
            f"The files have {size / 1e6:.0f} MB; one hand-over takes {LARGEST / 1e6:.0f} MB at the most.",
            "Choose a shorter period or fewer formats.",
        )
    about = _about(review, files, terms)
    texts = [
        ("READ-ME.txt", _read_me(review, files, terms).encode()),
        (ABOUT, (json.dumps(about, ensure_ascii=False, indent=2) + "\n").encode()),
    ]
    made = review.made_at.astimezone(words.zone(review))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in [*texts, *files]:
            packed.writestr(member_of(name, made), data)
    return archive.getvalue()


def member_of(name: str, made_at: datetime) -> zipfile.ZipInfo:
    """Return the head of a ZIP's member, deflated, by the clock of `made_at`'s zone: the same everywhere."""
    # No years before 1980 in a ZIP; a clock that is that wrong shall not stop the export.
    member = zipfile.ZipInfo(name, (max(made_at.year, 1980), *made_at.timetuple()[1:6]))
    member.create_system = 3  # Unix, wherever this runs: the permissions below are of its kind
    member.external_attr = 0o600 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def sealed(archive: bytes, key: Sequence[Recipient] | str) -> bytes:
    """Encrypt for each of the recipients, or with a passphrase (scrypt; takes a second, and memory for it).

    Raises `ExportError` where it cannot be done.
    """
    try:
        if isinstance(key, str):
            return bytes(pyrage.passphrase.encrypt(archive, key))
        return bytes(pyrage.encrypt(archive, [one.key for one in key]))
    except pyrage.EncryptError as error:
        raise _not_sealed(error) from error


def sealing(pieces: Iterator[bytes], key: Sequence[Recipient] | str, most: int = LARGEST) -> Fill:
    """Return what fills a file with the pieces, encrypted as `sealed` does; with neither key, as they are.

    For recipients piece by piece, however many there are. Under a passphrase all is in memory at once, so it
    raises `ExportError` for more than `most` bytes.
    """

    def whole(file: BinaryIO) -> None:
        for piece in pieces:  # one by one: `writelines` of a file in memory passes by its limit
            file.write(piece)

    def fill(file: BinaryIO) -> None:
        if not key:
            whole(file)
        elif isinstance(key, str):
            file.write(sealed(filled(whole, most), key))
        else:
            source, target = Source(pieces), Target(file)
            try:
                pyrage.encrypt_io(source, target, [one.key for one in key])
            except (pyrage.EncryptError, OSError) as error:
                raise source.error or target.error or _not_sealed(error) from error
            if source.error or target.error:  # which may go unheard on the way
                raise source.error or target.error or AssertionError

    return fill


def _not_sealed(error: Exception) -> ExportError:
    return ExportError(f"The export could not be encrypted: {error}.", "Nothing was written.")


def _about(review: Review, files: Sequence[tuple[str, bytes]], terms: Terms) -> dict[str, object]:
    return {
        "made_by": f"healthslm {__version__}",
        "made_at": _local(review, review.made_at).isoformat(),
        "period": {
            "start": _local(review, review.start).isoformat(),
            "end": _local(review, review.end).isoformat(),
            "timezone": review.timezone,
        },
        "to_whom": terms.to_whom or None,
        "purpose": terms.purpose or None,
        "expires": terms.expires.isoformat() if terms.expires else None,
        "files": [
            {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files
        ],
        "warning": DISCLAIMER,
    }


def _read_me(review: Review, files: Sequence[tuple[str, bytes]], terms: Terms) -> str:
    made, start, end = (_local(review, time) for time in (review.made_at, review.start, review.end))
    lines = [
        f"Made by healthslm {__version__} on {made:%Y-%m-%d %H:%M} ({review.timezone})",
        f"Period: {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({review.timezone})",
    ]
    if terms.to_whom:
        lines.append(f"For: {terms.to_whom}")
    if terms.purpose:
        lines.append(f"Purpose: {terms.purpose}")
    if terms.expires:
        lines += [
            f"Please use these files until {terms.expires} and delete them after that day.",
            "Nothing enforces this: it is the wish of the person whose readings they are.",
        ]
    lines += ["", "Files, and the SHA-256 of each:"]
    lines += [f"  {name}\n    {hashlib.sha256(data).hexdigest()}" for name, data in files]
    return "\n".join([*lines, "", DISCLAIMER, ""])


def _local(review: Review, time: datetime) -> datetime:
    return time.astimezone(words.zone(review))
