"""What somebody finds who takes the disk."""

from __future__ import annotations

import sqlite3
import struct
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from healthslm.readings import Device, Kind, Reading
from healthslm.store import CHEAPEST, create, database, open_store
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

PLANTED = "Wilhelmine Plantagenet"
PLANTED_VALUE = 123.456789012345


@pytest.mark.parametrize("cipher", ["aegis", "chacha20"])
def test_nothing_planted_is_found_in_any_file(folder: Path, cipher: str) -> None:
    store, words = create(folder, PASSPHRASE, profile=CHEAPEST, cipher=cipher)

    def look() -> None:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert "store.db" in files
        for name, content in files.items():
            for secret in (
                PLANTED,
                PASSPHRASE,
                words,
                "heart_rate",
                "CREATE TABLE",
                "SQLite format",
                PLANTED[::2],
            ):
                assert secret.encode() not in content, (name, secret)
                assert secret.encode("utf-16-le") not in content, (name, secret)
            for packed in (struct.pack(">d", PLANTED_VALUE), struct.pack("<d", PLANTED_VALUE)):
                assert packed not in content, name

    with store:
        store.put("person", {"name": PLANTED})
        store.put_device(Device(address="C0:FF:EE:00:00:01", name=PLANTED))
        store.put_alert("a", "raised", DAY, PLANTED * 1000)
        store.outbox_add("a", PLANTED, PLANTED, DAY)
        for n in range(20):
            store.append(
                [Reading(time=DAY + timedelta(n), kind=Kind.TEMPERATURE, value=PLANTED_VALUE, device=PLANTED)]
            )
            store.commit()
        look()
        assert (folder / "store.db-wal").stat().st_size > 4096
    assert not (folder / "store.db-wal").exists()
    look()


@pytest.mark.parametrize("cipher", ["aegis", "chacha20"])
def test_plain_sqlite_cannot_open_it(folder: Path, cipher: str) -> None:
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST, cipher=cipher)
    store.close()
    connection = sqlite3.connect(folder / "store.db")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connection.execute("SELECT count(*) FROM readings")
    connection.close()


@pytest.mark.parametrize("cipher", ["aegis", "chacha20"])
def test_the_data_key_is_the_key_itself_and_nothing_near_it_opens(folder: Path, cipher: str) -> None:
    key = bytes(range(32))
    feed = iter([key])
    store, _ = create(
        folder, PASSPHRASE, profile=CHEAPEST, cipher=cipher, random=lambda n: next(feed, b"\x07" * n)
    )
    store.close()

    def opens(secret: bytes) -> bool:
        connection = apsw.Connection(str(folder / "store.db"))
        try:
            connection.pragma("cipher", cipher)
            connection.pragma("hexkey", secret.hex())
            return bool(connection.execute("SELECT count(*) FROM sqlite_schema").get)
        except apsw.NotADBError:
            return False
        finally:
            connection.close()

    assert opens(b"raw:" + key)
    assert not opens(b"raw:" + key[:-1] + b"\x00")
    assert not opens(key), "as a passphrase it would go through another key derivation"
    assert not opens(PASSPHRASE.encode())


def test_two_stores_of_one_passphrase_have_nothing_in_common(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        store, _ = create(tmp_path / name, PASSPHRASE, profile=CHEAPEST)
        with store:
            store.append(heart_rates(100))
        contents.append((tmp_path / name / "store.db").read_bytes())
    one, two = ({c[n : n + 16] for n in range(32, len(c), 16)} for c in contents)
    assert not one & two


def test_a_forgotten_device_leaves_no_trace_of_its_name(folder: Path) -> None:
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.put_device(Device(address="A0", name=PLANTED))
        store.commit()
        assert PLANTED.encode() in store._database._connection.serialize("main"), "decrypted, it can be found"
        store.forget_device("A0")
    with open_store(folder, PASSPHRASE) as store:
        assert PLANTED.encode() not in store._database._connection.serialize("main")


@pytest.mark.parametrize(
    ("cpuinfo", "cipher"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 aes avx\n", "aegis"),
        ("processor\t: 0\nflags\t\t: fpu sse2 avx\n", "chacha20"),
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 crc32\n", "aegis"),  # Raspberry Pi 5
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nModel\t: Raspberry Pi 4\n", "chacha20"),
        ("model name\t: aes\n", "chacha20"),
        ("", "chacha20"),
        (None, "chacha20"),
    ],
)
def test_the_cipher_suits_the_cpu(tmp_path: Path, cpuinfo: str | None, cipher: str) -> None:
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert database.suitable_cipher(tmp_path / "cpuinfo") == cipher
