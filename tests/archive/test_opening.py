"""Encrypted on the way out, decrypted on the way in; what is plain is never on the disk."""

import errno
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from healthslm.archive import Archive, Form, form_of, identities_in, opened, room
from healthslm.archive.veiled import Veiled
from healthslm.errors import ExportError, ImportFailedError, LockedError, UsageError
from healthslm.export.files import staged
from healthslm.export.share import recipient, sealing
from healthslm.store import Store
from tests.archive.everything import archive_of, fill

PLAIN = b"PK" + bytes(range(256)) * 1000


def pieces(data: bytes = PLAIN) -> Iterator[bytes]:
    return (data[at : at + 70_001] for at in range(0, len(data), 70_001))


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# created: today\n\n{identity}\n")
    return tmp_path / "key", str(identity.to_public())


def sealed_file(folder: Path, public: str, data: bytes = PLAIN) -> Path:
    path = folder / "a.zip.age"
    with staged([(path, sealing(pieces(data), [recipient(public)]))]):
        pass
    return path


def read_back(path: Path, folder: Path, keyfile: Path) -> bytes:
    with opened(path, form_of(path), folder, identities=identities_in(keyfile)) as plain:
        return plain.read()


def test_for_a_recipient_and_back(tmp_path: Path, key: tuple[Path, str]) -> None:
    path = sealed_file(tmp_path, key[1])
    assert form_of(path) is Form.FOR_RECIPIENTS
    assert read_back(path, tmp_path, key[0]) == PLAIN


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not here")
def test_age_itself_opens_and_writes_it(tmp_path: Path, key: tuple[Path, str], store: Store) -> None:
    fill(store)
    data = archive_of(store)
    path = sealed_file(tmp_path, key[1], data)
    out = tmp_path / "out.zip"
    subprocess.run(["age", "-d", "-i", str(key[0]), "-o", str(out), str(path)], check=True, timeout=60)
    assert out.read_bytes() == data
    again = tmp_path / "again.zip.age"
    subprocess.run(["age", "-r", key[1], "-o", str(again), str(out)], check=True, timeout=60)
    with opened(again, form_of(again), tmp_path, identities=identities_in(key[0])) as plain:
        Archive(plain, "again").check()
    subprocess.run(["age", "-a", "-r", key[1], "-o", str(again), str(out)], check=True, timeout=60)
    with pytest.raises(ImportFailedError, match="armoured"):
        form_of(again)


def test_with_an_ssh_key(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    form = (serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    (tmp_path / "id").write_bytes(private.private_bytes(serialization.Encoding.PEM, *form))
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    path = sealed_file(tmp_path, public.decode())
    assert read_back(path, tmp_path, tmp_path / "id") == PLAIN


def test_under_a_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "a.zip.age"
    with staged([(path, sealing(pieces(), "a few good words"))]):
        pass
    assert form_of(path) is Form.UNDER_PASSPHRASE
    with opened(path, form_of(path), tmp_path, passphrase="a few good words") as plain:
        assert plain.read() == PLAIN
    with (
        pytest.raises(LockedError, match="does not open"),
        opened(path, form_of(path), tmp_path, passphrase="others"),
    ):
        pass


def test_another_key_and_a_cut_file(tmp_path: Path, key: tuple[Path, str]) -> None:
    path = sealed_file(tmp_path, key[1])
    other = tmp_path / "other"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(LockedError, match="does not open"):
        read_back(path, tmp_path, other)
    data = path.read_bytes()
    for cut in (data[:-1], data[:-20_000], data[:190], data[:-30] + bytes(30)):
        path.write_bytes(cut)
        with pytest.raises(ImportFailedError, match="cut or was changed"):
            read_back(path, tmp_path, key[0])


@pytest.mark.parametrize(
    "text", ["", "hello", "AGE-SECRET-KEY-1OOPS", "-----BEGIN OPENSSH PRIVATE KEY-----\nx"]
)
def test_what_is_no_key_is_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError) as raised:
        identities_in(tmp_path / "key")
    assert not text or text not in str(raised.value)
    with pytest.raises(UsageError):
        identities_in(tmp_path / "missing")


def test_what_is_neither(tmp_path: Path) -> None:
    for data in (b"", b"hello", b"\x89PNG", b"SQLite format 3\x00"):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(ImportFailedError, match="neither an archive nor a Bundle"):
            form_of(tmp_path / "x")
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ImportFailedError):
            form_of(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImportFailedError, match="is no file"):
        form_of(tmp_path / "pipe")


def test_no_plain_byte_is_on_the_disk(tmp_path: Path) -> None:
    with Veiled(tmp_path) as veiled:
        for piece in (PLAIN[:5], PLAIN[5:1000], PLAIN[1000:]):
            veiled.write(piece)
        on_disk = os.pread(veiled._file.fileno(), len(PLAIN), 0)
        assert len(on_disk) == len(PLAIN)
        assert not any(PLAIN[at : at + 8] in on_disk for at in range(0, 5000, 8))
        assert list(tmp_path.iterdir()) == []
        for at, size in ((0, 10), (7, 33), (16, 16), (999, 5000), (len(PLAIN) - 3, 10)):
            veiled.seek(at)
            assert veiled.read(size) == PLAIN[at : at + size]
        veiled.seek(-5, io.SEEK_END)
        assert veiled.read() == PLAIN[-5:]


class Full(io.BytesIO):
    def write(self, data: object, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_and_a_failing_store_are_heard(tmp_path: Path, key: tuple[Path, str]) -> None:
    to = [recipient(key[1])]
    with pytest.raises(OSError, match="No space"):
        sealing(pieces(), to)(Full())

    def failing() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise ExportError("the store failed")

    good = tmp_path / "good.zip"
    for way in (to, (), "a passphrase"):
        good.write_bytes(b"good")
        with pytest.raises(ExportError, match="the store failed"), staged([(good, sealing(failing(), way))]):
            pass
        assert good.read_bytes() == b"good"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["good.zip", "key"]


def test_too_much_for_a_passphrase() -> None:
    with pytest.raises(ExportError, match="the most"):
        sealing(pieces(), "a passphrase", most=1000)(io.BytesIO())


def test_no_room_for_what_is_encrypted(
    tmp_path: Path, key: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_file(tmp_path, key[1])
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 1000}))
    with pytest.raises(ImportFailedError, match="has 0 MB left"):
        read_back(path, tmp_path, key[0])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip.age", "key"]


def test_something_else_that_was_encrypted(tmp_path: Path, key: tuple[Path, str]) -> None:
    path = sealed_file(tmp_path, key[1], b'{"resourceType": "Bundle"}')
    with pytest.raises(ImportFailedError, match=r"encrypted in a\.zip\.age is no archive"):
        read_back(path, tmp_path, key[0])
    with staged([(path, sealing(pieces(b""), "a few good words"))]):
        pass
    with (
        pytest.raises(ImportFailedError, match="is no archive"),
        opened(path, form_of(path), tmp_path, passphrase="a few good words"),
    ):
        pass
