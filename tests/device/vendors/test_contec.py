"""Contec's frames. The first is the one noted in tobiasisenberg/OxiVis issue 2; others worked out by hand."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, LinkError, decode
from device.vendors import family_of
from device.vendors.contec import (
    FAMILY,
    NOTIFY,
    PING,
    START,
    WRITE,
    ContecConversation,
    ContecMeasurement,
    command,
)
from tests.device.vendors.talking import ScriptedTalk, pieces

measurements = st.builds(
    ContecMeasurement,
    st.none() | st.integers(1, 100),
    st.none() | st.integers(1, 254),
    st.none() | st.integers(0, 2**14 - 1).filter(lambda n: n != 0x7F).map(lambda n: n / 100),
    st.integers(0, 0x7F).map(lambda n: n & ~2),
)
VALUES = bytes.fromhex("eb010453637f0025")
WAVE = bytes.fromhex("eb000627041c")  # of icefest/pulseoxdl's test data
garbage = st.binary(min_size=1, max_size=20).map(lambda b: bytes(byte & 0x7F for byte in b))


def test_the_commands_are_those_that_are_known() -> None:
    assert bytes.fromhex("9b011c") == START
    assert bytes.fromhex("9a1a") == PING


def test_values() -> None:
    value = decode(NOTIFY, VALUES)
    assert value == ContecMeasurement(99, 83, None, 0x04)
    assert isinstance(value, ContecMeasurement)
    assert value.finger_in
    assert decode("0000ff02-0000-1000-8000-00805f9b34fb", VALUES) == value


def test_a_fast_pulse_and_an_index() -> None:
    value = decode(NOTIFY, command(0xEB, 0x01, 0x06, 150 - 128, 97, 0x16, 0x02))
    assert value == ContecMeasurement(97, 150, 2.78, 0x04)  # 0x16 + 2·128 = 278


def test_no_finger() -> None:
    value = decode(NOTIFY, command(0xEB, 0x01, 0x06, 0x7F, 0x7F, 0x7F, 0x00))
    assert isinstance(value, ContecMeasurement)
    assert (value.spo2, value.pulse_rate, value.finger_in) == (None, None, False)


@pytest.mark.parametrize(
    ("why", "value"),
    [
        ("no frame of values", WAVE),
        ("it ends before", b""),
        ("it ends before", VALUES[:-1]),
        ("1 more bytes", VALUES + b"\0"),
        ("its sum is wrong", VALUES[:-1] + b"\0"),
        ("eight bits", VALUES[:3] + b"\xd3" + VALUES[4:]),
        ("an SpO2 of 101", command(0xEB, 0x01, 0x04, 83, 101, 0x7F, 0x00)),
    ],
)
def test_refused(why: str, value: bytes) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(NOTIFY, value)


@given(measurements)
def test_come_back(measurement: ContecMeasurement) -> None:
    assert decode(NOTIFY, bytes(measurement)) == measurement


@given(st.binary(max_size=12), st.lists(st.integers(0, 127), min_size=5, max_size=5))
def test_any_bytes(content: bytes, body: list[int]) -> None:
    for value in (content, command(0xEB, 0x01, *body)):
        try:
            measurement = decode(NOTIFY, value)
        except DecodeError:
            continue
        assert decode(NOTIFY, bytes(measurement)) == measurement


def heard(values: list[bytes]) -> list[bytes]:
    conversation = ContecConversation()
    return [frame for value in values for _, frame in conversation.frames(NOTIFY, value)]


@given(st.lists(measurements, min_size=1, max_size=6), st.lists(st.integers(0, 1000), max_size=20))
def test_any_split(sent: list[ContecMeasurement], cuts: list[int]) -> None:
    between = WAVE + command(0xF3, 0x01)  # a wave, and an answer of a length that is not known
    stream = b"".join(bytes(m) + between for m in sent) + VALUES
    assert heard(pieces(stream, cuts)) == [*(bytes(m) for m in sent), VALUES]


@given(
    st.lists(st.tuples(garbage, measurements), min_size=1, max_size=6),
    st.lists(st.integers(0, 1000), max_size=20),
)
def test_garbage_between(sent: list[tuple[bytes, ContecMeasurement]], cuts: list[int]) -> None:
    stream = b"".join(junk + bytes(m) for junk, m in sent)
    out = heard(pieces(stream, cuts))
    assert b"".join(out) == stream
    whole = [bytes(m) for _, m in sent]
    assert [frame for frame in out if frame in whole] == whole


def test_damaged_frames_are_counted_and_the_next_is_heard() -> None:
    wrong = VALUES[:-1] + b"\0"
    assert heard([wrong, VALUES]) == [wrong, VALUES]
    assert heard([VALUES[:5], VALUES]) == [VALUES[:5], VALUES]
    endless = b"\xf2" + bytes(60)
    assert heard([endless, VALUES]) == [endless, VALUES]


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_frames_raise_nothing(values: list[bytes]) -> None:
    heard(values)


async def test_it_starts_and_pings() -> None:
    conversation = ContecConversation(pause=lambda _: asyncio.sleep(0), most_silent=5)
    talk = ScriptedTalk(conversation, lambda *_: [(NOTIFY, VALUES)], most=6)
    with pytest.raises(LinkError, match="the link ended"):
        await conversation.talk(talk)
    assert [value for _, value in talk.written] == [START, *[PING] * 5]
    assert {name for name, _ in talk.written} == {WRITE}
    assert len(talk.heard) == 6


async def test_silence_is_asked_anew_and_then_given_up() -> None:
    conversation = ContecConversation(pause=lambda _: asyncio.sleep(0), most_silent=3)
    talk = ScriptedTalk(conversation, lambda *_: [(NOTIFY, WAVE)])
    with pytest.raises(LinkError, match="no values for 6 s"):
        await conversation.talk(talk)
    assert [value for _, value in talk.written] == [START, PING, START, START]
    assert not talk.heard


def test_recognised() -> None:
    assert family_of("SleepO2 1234", ["FF12"]) is FAMILY
    assert family_of("SpO208", []) is FAMILY
