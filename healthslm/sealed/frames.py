r"""The format of a sealed file: a key of its own for each, and one encrypted frame after the other.

    healthslm sealed 1\n | 32 bytes: the file's public key | frames
    frame: 4 bytes, the length of what follows, big endian | ChaCha20-Poly1305 of lines, with its 16-byte tag

The file's key pair is made for it and the private half forgotten as soon as the common key is known: the
X25519 agreement with the store's key, through HKDF-SHA256 with both public keys as salt (RFC 7748, 5869). The
nonce counts the frames (RFC 8439), so none can be left out, doubled or moved; its first byte says that a
frame is the last one, so a file that was cut off can be told from one that was ended.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from healthslm.errors import DamagedError

MAGIC = b"healthslm sealed 1\n"
KEY_BYTES = 32
HEAD = len(MAGIC) + KEY_BYTES
LONGEST = 1 << 20
"""Bytes of a frame."""
_INFO = b"healthslm sealed readings 1"


class Frames:
    """Encrypts or decrypts the frames of one file, in their order."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._number = 0

    def seal(self, lines: bytes, *, last: bool = False) -> bytes:
        """Return the next frame."""
        sealed = self._cipher.encrypt(self._nonce(last), lines, None)
        self._number += 1
        return len(sealed).to_bytes(4, "big") + sealed

    def open(self, sealed: bytes) -> tuple[bytes, bool]:
        """Return the lines of the next frame, and whether it is the last. Raises `DamagedError`."""
        for last in (False, True):
            try:
                lines = self._cipher.decrypt(self._nonce(last), sealed, None)
            except InvalidTag:
                continue
            self._number += 1
            return lines, last
        raise DamagedError(f"Its frame {self._number + 1} is not as it was written.")

    def _nonce(self, last: bool) -> bytes:
        return bytes([last]) + self._number.to_bytes(11, "big")


def begin(to: X25519PublicKey, own: X25519PrivateKey) -> tuple[bytes, Frames]:
    """Return the head of a new file, and what seals its frames; `own` was made for this file alone."""
    head = MAGIC + own.public_key().public_bytes_raw()
    return head, Frames(_common(own.exchange(to), own.public_key(), to))


def opened(head: bytes, mine: X25519PrivateKey) -> Frames:
    """Return what opens a file's frames. Raises `DamagedError` for another head."""
    if len(head) != HEAD or not head.startswith(MAGIC):
        raise DamagedError("It is no sealed file of this version.")
    theirs = X25519PublicKey.from_public_bytes(head[len(MAGIC) :])
    try:
        common = mine.exchange(theirs)
    except ValueError as error:
        raise DamagedError("Its key is none.") from error
    return Frames(_common(common, theirs, mine.public_key()))


def _common(agreed: bytes, of_file: X25519PublicKey, of_store: X25519PublicKey) -> bytes:
    salt = of_file.public_bytes_raw() + of_store.public_bytes_raw()
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=_INFO).derive(agreed)
