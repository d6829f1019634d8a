"""What holds for every family, and for the bytes that they are put together from."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import gatt
from device.decoding import decode
from device.errors import DecodeError
from device.gatt import short_uuid
from device.vendors import CHARACTERISTICS, FAMILIES, Family, dexcom, family_of
from device.vendors.framing import Reassembly, crc8, crc8_maxim, sum7

CONVERSING = [family for family in FAMILIES if family.converse is not None]


def test_no_name_is_used_twice() -> None:
    names = [name for family in FAMILIES for name in family.characteristics]
    assert len(names) == len(set(names)) == len(CHARACTERISTICS)
    assert not set(names) & set(gatt.CHARACTERISTICS)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_no_service_belongs_to_two() -> None:
    services = [service for family in FAMILIES for service in family.services]
    assert len(services) == len(set(services))
    assert all(service == short_uuid(service) for service in services)
    assert not set(services) & set(gatt.SERVICES), "a standard's service makes no vendor"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_each_is_recognised_and_of_use_or_refused(family: Family) -> None:
    assert family.services or family.names
    assert (family.converse is None) == bool(family.refuses)
    assert bool(family.characteristics) == (family.converse is not None)
    for service in family.services:
        assert family_of("", [service]) is family
    for name in family.names:
        assert family_of(f"{name} 12", []) is family
    if family.streams:
        assert family.converse is not None
        assert family.converse(()).listens != family.converse(tuple(family.streams)).listens


@pytest.mark.parametrize("family", CONVERSING, ids=lambda f: f.name)
@given(values=st.lists(st.binary(max_size=40), max_size=20))
def test_whatever_comes_out_is_decoded_or_refused(family: Family, values: list[bytes]) -> None:
    assert family.converse is not None
    conversation = family.converse(tuple(family.streams))
    for value in values:
        for characteristic in sorted(conversation.listens):
            for name, frame in conversation.frames(characteristic, value):
                assert name in family.characteristics
                with suppress(DecodeError):
                    decode(name, frame)


@pytest.mark.parametrize("family", CONVERSING, ids=lambda f: f.name)
def test_two_connections_share_nothing(family: Family) -> None:
    assert family.converse is not None
    first, second = family.converse(("ecg",)), family.converse(("ecg",))
    for name in first.listens:
        half = list(second.frames(name, b"\x55\x00\xff")), list(first.frames(name, b"\x55\x00\xff"))
        assert half[0] == half[1]


def test_dexcom_is_refused_in_one_sentence() -> None:
    for name, services in (("DexcomAB", []), ("DXCMxy", []), ("", ["FEBC"])):
        assert family_of(name, services) is dexcom.FAMILY
    assert dexcom.FAMILY.refuses.count(".") == 1


def test_check_values_of_the_sums() -> None:
    """The published check values of CRC-8/SMBUS and CRC-8/MAXIM-DOW over "123456789"."""
    assert crc8(b"123456789") == 0xF4
    assert crc8_maxim(b"123456789") == 0xA1
    assert sum7(bytes((0x9B, 0x7F))) == 0x1A


@given(st.lists(st.binary(max_size=10), max_size=30))
def test_no_byte_is_lost_or_doubled(values: list[bytes]) -> None:
    """Frames here: a 1, a length of up to 4, so many bytes; whole when the last is even."""

    def length(stream: bytes) -> int | None:
        if stream[0] != 1:
            return 0
        if len(stream) < 2:
            return None
        return stream[1] + 2 if 1 <= stream[1] <= 4 else 0

    stream = Reassembly(length, lambda frame: frame[-1] % 2 == 0)
    out = [piece for value in values for piece in stream.feed(value)]
    assert b"".join(values).startswith(b"".join(piece for _, piece in out))
    assert len(b"".join(values)) - len(b"".join(piece for _, piece in out)) < 6
    assert all(piece[0] == 1 and len(piece) == piece[1] + 2 for whole, piece in out if whole)
