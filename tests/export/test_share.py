"""The hand-over: one file that its recipients open with standard tools, and nobody else."""

import hashlib
import io
import json
import os
import pty
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyrage
import pytest

from healthslm.errors import ExportError, UsageError
from healthslm.export import made as made_of
from healthslm.export import share
from healthslm.export.files import filled, filling, staged
from healthslm.export.share import Terms, pack, recipient, recipients_in, sealed
from healthslm.readings import Review

TERMS = Terms(to_whom="Dr. Example", purpose="the visit in April", expires=date(2026, 4, 30))
needs_age = pytest.mark.skipif(not shutil.which("age"), reason="the tool `age` is not installed")


def made(review: Review, formats: Iterable[str] = ("pdf", "fhir")) -> list[tuple[str, bytes]]:
    """The files of an export with their bytes."""
    return [(name, filled(fill)) for name, fill in made_of(review, formats)]


@pytest.fixture(scope="module")
def reader() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def archive(sick: Review) -> bytes:
    return pack(sick, made(sick, ["fhir"]), TERMS)


def public(identity: pyrage.x25519.Identity) -> str:
    return str(identity.to_public())


def ssh_key(folder: Path, kind: str) -> tuple[str, bytes]:
    """An SSH key as ssh-keygen makes it: the public line and the private file."""
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    path = folder / kind
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "me@home", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(), path.read_bytes()


def test_the_archive_has_the_files_and_what_they_are(sick: Review) -> None:
    files = made(sick)
    packed = zipfile.ZipFile(io.BytesIO(pack(sick, files, TERMS)))
    assert packed.namelist() == [
        "READ-ME.txt", "about.json", "healthslm-2026-03-14.pdf", "healthslm-2026-03-14.fhir.json",
    ]  # fmt: skip
    assert {name: packed.read(name) for name, _ in files} == dict(files)
    about = json.loads(packed.read("about.json"))
    assert [about[name] for name in ("to_whom", "purpose", "expires")] == [
        "Dr. Example", "the visit in April", "2026-04-30",
    ]  # fmt: skip
    assert about["period"] == {
        "start": "2026-03-14T00:00:00+01:00",
        "end": "2026-03-15T00:00:00+01:00",
        "timezone": "Europe/Berlin",
    }
    assert about["made_at"] == "2026-03-15T00:12:00+01:00"
    assert [file["sha256"] for file in about["files"]] == [hashlib.sha256(d).hexdigest() for _, d in files]
    read_me = packed.read("READ-ME.txt").decode()
    for said in (
        "Dr. Example",
        "the visit in April",
        "until 2026-04-30",
        "Nothing enforces",
        "medical device",
    ):
        assert said in read_me
    for file in about["files"]:
        assert file["sha256"] in read_me


def test_what_was_not_said_is_not_there(sick: Review) -> None:
    packed = zipfile.ZipFile(io.BytesIO(pack(sick, [], Terms())))
    about = json.loads(packed.read("about.json"))
    assert (about["to_whom"], about["purpose"], about["expires"]) == (None, None, None)
    assert "delete" not in packed.read("READ-ME.txt").decode()


def test_the_same_hand_over_packs_to_the_same_bytes(sick: Review) -> None:
    """Its times are those of the review, not of the machine that packs it."""
    files = [("a.txt", b"a" * 1000), ("b.txt", b"b")]
    assert pack(sick, files, TERMS) == pack(sick, files, TERMS)
    assert pack(sick, files, TERMS) != pack(sick, files[::-1], TERMS)
    packed = zipfile.ZipFile(io.BytesIO(pack(sick, files, TERMS)))
    assert {member.date_time for member in packed.infolist()} == {(2026, 3, 15, 0, 12, 0)}


def test_a_clock_before_zip_began_stops_nothing(sick: Review) -> None:
    early = replace(sick, made_at=datetime(1970, 1, 1, 12, tzinfo=UTC))
    packed = zipfile.ZipFile(io.BytesIO(pack(early, [], TERMS)))
    assert packed.testzip() is None
    assert packed.infolist()[0].date_time[0] == 1980


def test_what_is_too_large_is_refused_before_it_is_packed(sick: Review) -> None:
    half = b"\0" * (share.LARGEST // 2)
    assert pack(sick, [("a", half), ("b", half)], TERMS)
    with pytest.raises(ExportError, match="shorter period"):
        pack(sick, [("a", half), ("b", half + b"\0")], TERMS)


def test_each_recipient_opens_it_and_nobody_else(archive: bytes, reader: pyrage.x25519.Identity) -> None:
    second, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    file = sealed(archive, [recipient(public(reader)), recipient(public(second))])
    assert file.startswith(b"age-encryption.org/v1\n")
    assert pyrage.decrypt(file, [reader]) == pyrage.decrypt(file, [second]) == archive
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(file, [stranger])


def test_no_two_files_are_the_same_and_a_changed_one_does_not_open(
    archive: bytes, reader: pyrage.x25519.Identity
) -> None:
    key = [recipient(public(reader))]
    file = sealed(archive, key)
    assert file != sealed(archive, key)
    places = random.Random(1).sample(range(len(file)), 40)
    for at in (*places, len(file) - 1):
        changed = bytearray(file)
        changed[at] ^= 1
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(bytes(changed), [reader])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(file[:-1], [reader])


def test_a_passphrase_opens_it_and_another_does_not(archive: bytes) -> None:
    file = sealed(archive, "four plain words hère")
    assert pyrage.passphrase.decrypt(file, "four plain words hère") == archive
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(file, "four plain words")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_opens_it(archive: bytes, tmp_path: Path, kind: str) -> None:
    line, private = ssh_key(tmp_path, kind)
    assert line.split()[2] == "me@home"
    file = sealed(archive, [recipient(line)])
    assert pyrage.decrypt(file, [pyrage.ssh.Identity.from_buffer(private)]) == archive
    assert recipient(line).short == f"ssh-{kind} …{line.split()[1][-12:]}"


def test_nothing_of_the_files_can_be_read_in_it(sick: Review, reader: pyrage.x25519.Identity) -> None:
    file = sealed(pack(sick, made(sick), TERMS), [recipient(public(reader))])
    for word in (
        b"healthslm",
        b"%PDF",
        b"PK\x03\x04",
        b"resourceType",
        b"Dr. Example",
        public(reader).encode(),
    ):
        assert word not in file


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "age1",
        "age1qqqq",
        "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
        "ssh-rsa AAAA",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY",
        "age1\u202e\0",
    ],
)
def test_what_is_no_recipient_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is no recipient") as caught:
        recipient(text)
    assert "age-keygen" in caught.value.hint
    assert "\u202e" not in str(caught.value)
    if text.isprintable():
        assert repr(text) in str(caught.value)


def test_one_wrong_letter_is_no_recipient(reader: pyrage.x25519.Identity) -> None:
    key = public(reader)
    wrong = key[:20] + ("q" if key[20] != "q" else "p") + key[21:]
    with pytest.raises(UsageError, match=wrong):
        recipient(wrong)
    assert recipient(f"  {key}\n").text == key


def test_a_secret_key_is_refused_and_not_repeated(reader: pyrage.x25519.Identity, tmp_path: Path) -> None:
    secret = str(reader)
    file = tmp_path / "key.txt"
    file.write_text(f"# public key: {public(reader)}\n{secret}\n")
    for call in (
        lambda: recipient(secret),
        lambda: recipient(secret.lower()),
        lambda: recipient("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn"),
        lambda: recipients_in(file),
    ):
        with pytest.raises(UsageError, match="secret key") as caught:
            call()
        said = str(caught.value).lower()
        assert secret[16:].lower() not in said
        assert "b3blbn" not in said
        assert "age-keygen -y" in said


def test_a_file_of_recipients_is_read_as_age_reads_it(reader: pyrage.x25519.Identity, tmp_path: Path) -> None:
    key, other = public(reader), public(pyrage.x25519.Identity.generate())
    file = tmp_path / "recipients.txt"
    file.write_text(f"# the practice\n{key}\n\n  # the hospital\r\n{other}\r\n")
    assert [one.text for one in recipients_in(file)] == [key, other]
    file.write_text(f"{key}\nnobody\n")
    with pytest.raises(UsageError, match=r"recipients\.txt, line 2: 'nobody' is no recipient"):
        recipients_in(file)
    file.write_text("# nobody yet\n")
    with pytest.raises(UsageError, match="There is no recipient in"):
        recipients_in(file)
    file.write_bytes(b"\xff\xfe\0")
    with pytest.raises(UsageError, match="not text"):
        recipients_in(file)
    with pytest.raises(UsageError, match="cannot be read"):
        recipients_in(tmp_path)


def test_a_short_key_tells_keys_apart_and_is_not_all_of_it(reader: pyrage.x25519.Identity) -> None:
    keys = [recipient(public(pyrage.x25519.Identity.generate())) for _ in range(200)]
    assert len({key.short for key in keys}) == 200
    assert all(len(key.short) < 20 for key in keys)
    assert recipient(public(reader)).short[:10] == public(reader)[:10]


def test_what_the_block_does_not_finish_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "file.age"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with staged([(path, filling(b"new"))]):
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with staged([(path, filling(b"new"))]):
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@needs_age
def test_the_tool_age_opens_it_with_a_key(archive: bytes, tmp_path: Path) -> None:
    """A key that the tool made, a second one, and an SSH key: the tool opens the file with each."""
    lines = []
    for name in ("one", "two"):
        subprocess.run(["age-keygen", "-o", str(tmp_path / name)], check=True, capture_output=True)
        shown = subprocess.run(
            ["age-keygen", "-y", str(tmp_path / name)], check=True, capture_output=True, text=True
        )
        lines.append(shown.stdout.strip())
    lines.append(ssh_key(tmp_path, "ed25519")[0])
    file = tmp_path / "file.zip.age"
    file.write_bytes(sealed(archive, [recipient(line) for line in lines]))
    for name in ("one", "two", "ed25519"):
        opened = subprocess.run(
            ["age", "--decrypt", "--identity", str(tmp_path / name), str(file)],
            capture_output=True,
            check=True,
        )
        assert opened.stdout == archive, name
    subprocess.run(["age-keygen", "-o", str(tmp_path / "stranger")], check=True, capture_output=True)
    refused = subprocess.run(
        ["age", "--decrypt", "--identity", str(tmp_path / "stranger"), str(file)],
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0
    assert refused.stdout == b""


TYPED = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)  # the tool asks its controlling terminal
os.execvp(sys.argv[2], sys.argv[2:])
"""


@needs_age
@pytest.mark.parametrize(("typed", "opens"), [("four plain words", True), ("four plain wrods", False)])
def test_the_tool_age_opens_it_with_the_passphrase(
    archive: bytes, tmp_path: Path, typed: str, opens: bool
) -> None:
    file, out = tmp_path / "file.zip.age", tmp_path / "file.zip"
    file.write_bytes(sealed(archive, "four plain words"))
    ours, its = pty.openpty()
    age = ["age", "--decrypt", "--output", str(out), str(file)]
    with subprocess.Popen(
        [sys.executable, "-c", TYPED, str(its), *age], pass_fds=[its], stderr=its
    ) as process:
        os.close(its)
        said = b""
        while b"passphrase" not in said.lower():
            said += os.read(ours, 1000)
        os.write(ours, typed.encode() + b"\n")
        assert (process.wait(timeout=60) == 0) is opens
    os.close(ours)
    assert (out.exists() and out.read_bytes() == archive) is opens


@needs_age
def test_what_age_makes_is_what_we_make(archive: bytes, reader: pyrage.x25519.Identity) -> None:
    """The other way round: a recipient as we take it is one to the tool as well."""
    made_by_tool = subprocess.run(
        ["age", "--recipient", recipient(public(reader)).text], input=archive, capture_output=True, check=True
    )
    assert pyrage.decrypt(made_by_tool.stdout, [reader]) == archive
