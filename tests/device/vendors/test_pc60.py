"""The PC-60FW. The first payload is the example in sza2/viatom_pc60fw; its CRC was computed by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.vendors import family_of
from device.vendors.framing import crc8_maxim
from device.vendors.pc60 import (
    FAMILY,
    NOTIFY,
    Pc60Battery,
    Pc60Conversation,
    Pc60Frame,
    Pc60Measurement,
    Pc60Status,
)
from tests.device.vendors.talking import ScriptedTalk, pieces

measurements = st.builds(
    Pc60Measurement,
    st.none() | st.integers(1, 100),
    st.none() | st.integers(1, 0xFFFF),
    st.none() | st.integers(1, 255).map(lambda n: n / 10),
    st.integers(0, 255).map(Pc60Status),
    st.integers(0, 255),
)
frames = measurements | st.builds(Pc60Battery, st.integers(0, 3))
garbage = st.binary(min_size=1, max_size=30).map(lambda b: b.replace(b"\xaa", b"\xab"))


def framed(body: str) -> bytes:
    frame = bytes.fromhex("aa55" + body)
    return frame + bytes((crc8_maxim(frame),))


VALUES = framed("0f 08 01 60 3e00 50 00 c0")
WAVE = framed("0f 07 02 3b 38 35 32 2f")
STATE = framed("0f 06 21 02 00 00 00")


def test_the_checksum_is_maxims() -> None:
    assert crc8_maxim(b"123456789") == 0xA1  # the check value of CRC-8/MAXIM-DOW


def test_values() -> None:
    value = decode(NOTIFY, VALUES)
    assert value == Pc60Measurement(96, 62, 8.0, Pc60Status(0), 0xC0)
    assert isinstance(value, Pc60Measurement)
    assert value.finger_in


def test_no_finger() -> None:
    value = decode(NOTIFY, framed("0f 08 01 00 0000 00 02 c0"))
    assert isinstance(value, Pc60Measurement)
    assert (value.spo2, value.pulse_rate, value.perfusion_index) == (None, None, None)
    assert not value.finger_in


def test_battery() -> None:
    assert decode(NOTIFY, framed("f0 03 03 03")) == Pc60Battery(3)


@pytest.mark.parametrize(
    ("why", "value"),
    [
        ("no frame with values", WAVE),
        ("no frame with values", b""),
        ("its CRC is wrong", VALUES[:-1] + b"\0"),
        ("and has 7", VALUES[:-1]),
        ("an SpO2 of 101", framed("0f 08 01 65 3e00 50 00 c0")),
        ("not the 12", framed("0f 07 01 60 3e00 50 00")),
        ("no level", framed("f0 03 03 04")),
        ("does not begin", b"\xab" + VALUES[1:]),
    ],
)
def test_refused(why: str, value: bytes) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(NOTIFY, value)


@given(frames)
def test_come_back(frame: Pc60Frame) -> None:
    assert decode(NOTIFY, bytes(frame)) == frame


@given(st.binary(max_size=20), st.sampled_from(("", "0f0801", "f00303")))
def test_any_bytes(content: bytes, begin: str) -> None:
    for value in (content, framed(begin + content.hex())):
        try:
            frame = decode(NOTIFY, value)
        except DecodeError:
            continue
        assert decode(NOTIFY, bytes(frame)) == frame


def heard(values: list[bytes]) -> list[bytes]:
    conversation = Pc60Conversation()
    return [frame for value in values for _, frame in conversation.frames(NOTIFY, value)]


@given(st.lists(frames, min_size=1, max_size=6), st.lists(st.integers(0, 1000), max_size=20))
def test_any_split(sent: list[Pc60Frame], cuts: list[int]) -> None:
    assert heard(pieces(b"".join(map(bytes, sent)), cuts)) == [bytes(m) for m in sent]


@given(
    st.lists(st.tuples(garbage, frames), min_size=1, max_size=6), st.lists(st.integers(0, 1000), max_size=20)
)
def test_garbage_between(sent: list[tuple[bytes, Pc60Frame]], cuts: list[int]) -> None:
    stream = b"".join(junk + bytes(m) for junk, m in sent)
    out = heard(pieces(stream, cuts))
    assert b"".join(out) == stream
    whole = [bytes(m) for _, m in sent]
    assert [frame for frame in out if frame in whole] == whole


def test_wave_and_state_are_passed_over_and_a_damaged_wave_is_not() -> None:
    damaged = WAVE[:-1] + bytes((WAVE[-1] ^ 1,))
    assert heard([WAVE + VALUES[:3], VALUES[3:] + STATE, damaged, VALUES]) == [VALUES, damaged, VALUES]


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_frames_raise_nothing(values: list[bytes]) -> None:
    heard(values)


async def test_it_says_nothing() -> None:
    conversation = Pc60Conversation()
    talk = ScriptedTalk(conversation, lambda *_: [])
    await conversation.talk(talk)
    assert not talk.written


def test_recognised_by_name_only() -> None:
    assert family_of("PC-60F_SN123456", []) is FAMILY
    assert family_of("Some UART", ["6e400001-b5a3-f393-e0a9-e50e24dcca9e"]) is None
