"""Viatom's oximeters. The contents are those noted in MackeyStingray/o2r, from a ring; framed by hand."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, LinkError, decode
from device.vendors import family_of
from device.vendors.framing import crc8
from device.vendors.viatom import (
    FAMILY,
    NOTIFY,
    REAL_TIME,
    SERVICE,
    WRITE,
    BatteryState,
    ViatomConversation,
    ViatomMeasurement,
)
from tests.device.vendors.talking import ScriptedTalk, pieces

uint8 = st.integers(0, 255)
measurements = st.builds(
    ViatomMeasurement,
    st.none() | st.integers(1, 100),
    st.none() | st.integers(1, 0xFFFE),
    st.integers(0, 2**32 - 1),
    uint8,
    uint8.map(lambda n: BatteryState(n) if n <= 2 else n),
    uint8,
    uint8.map(lambda n: n / 10),
    uint8,
    st.none() | uint8,
    st.integers(0, 0xFFFF),
)
# Without 55, nothing in it can be taken for the beginning of an answer.
garbage = st.binary(min_size=1, max_size=30).map(lambda b: b.replace(b"\x55", b"\x54"))


def framed(content: str, status: int = 0) -> bytes:
    body = bytes.fromhex(content)
    head = bytes((0x55, status, status ^ 0xFF, 0, 0, len(body), 0)) + body
    return head + bytes((crc8(head),))


def test_the_request_is_the_one_that_is_known() -> None:
    assert bytes.fromhex("aa17e8000000001b") == REAL_TIME  # as in ecostech/viatom-ble


def test_worn() -> None:
    value = decode(NOTIFY, framed("624200000000006100920a0100"))
    assert isinstance(value, ViatomMeasurement)
    assert (value.spo2, value.pulse_rate, value.battery, value.motion) == (98, 66, 97, 146)
    assert (value.perfusion_index, value.worn, value.countdown) == (1.0, True, 0)
    assert value.battery_state is BatteryState.IN_USE


def test_not_worn() -> None:
    value = decode(NOTIFY, framed("ffffff00000000600005000000"))
    assert isinstance(value, ViatomMeasurement)
    assert (value.spo2, value.pulse_rate, value.worn, value.battery) == (None, None, False, 96)


def test_charging() -> None:
    value = decode(NOTIFY, framed("ffffff00000000620100000000"))
    assert isinstance(value, ViatomMeasurement)
    assert (value.battery, value.battery_state, value.worn) == (98, BatteryState.CHARGING, False)


def test_still_searching_and_counting_down() -> None:
    searching = decode(NOTIFY, framed("000000000000006100000001"))
    assert isinstance(searching, ViatomMeasurement)
    assert (searching.spo2, searching.pulse_rate, searching.worn, searching.alarms) == (
        None,
        None,
        True,
        None,
    )
    off = decode(NOTIFY, framed("ffffff000000006100000090 00"))
    assert isinstance(off, ViatomMeasurement)
    assert (off.worn, off.countdown) == (False, 9)


@pytest.mark.parametrize(
    ("why", "value"),
    [
        ("the device refuses", framed("", 1)),
        ("not live values", framed("00")),
        ("an SpO2 of 101", framed("654200000000006100920a0100")),
        ("its CRC is wrong", framed("624200000000006100920a0100")[:-1] + b"\0"),
        ("and has 12", framed("624200000000006100920a0100")[:-1]),
        ("begin like an answer", b"\xaa" + framed("624200000000006100920a0100")[1:]),
        ("do not match", b"\x55\0\0" + framed("624200000000006100920a0100")[3:]),
        ("it ends before", b""),
    ],
)
def test_refused(why: str, value: bytes) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(NOTIFY, value)


@given(measurements)
def test_come_back(measurement: ViatomMeasurement) -> None:
    assert decode(NOTIFY, bytes(measurement)) == measurement


@given(st.binary(max_size=40))
def test_any_bytes(content: bytes) -> None:
    for value in (content, framed(content.hex())):
        try:
            measurement = decode(NOTIFY, value)
        except DecodeError:
            continue
        assert decode(NOTIFY, bytes(measurement)) == measurement


def heard(values: list[bytes]) -> list[bytes]:
    conversation = ViatomConversation()
    return [frame for value in values for _, frame in conversation.frames(NOTIFY, value)]


@given(st.lists(measurements, min_size=1, max_size=6), st.lists(st.integers(0, 1000), max_size=20))
def test_any_split(sent: list[ViatomMeasurement], cuts: list[int]) -> None:
    assert heard(pieces(b"".join(map(bytes, sent)), cuts)) == [bytes(m) for m in sent]


@given(
    st.lists(st.tuples(garbage, measurements), min_size=1, max_size=6),
    st.lists(st.integers(0, 1000), max_size=20),
)
def test_garbage_between(sent: list[tuple[bytes, ViatomMeasurement]], cuts: list[int]) -> None:
    stream = b"".join(junk + bytes(m) for junk, m in sent)
    out = heard(pieces(stream, cuts))
    assert b"".join(out) == stream, "no byte is swallowed, or comes twice"
    whole = [bytes(m) for _, m in sent]
    assert [frame for frame in out if frame in whole] == whole
    for frame in out:
        if frame not in whole:
            with pytest.raises(DecodeError):
                decode(NOTIFY, frame)


def test_a_damaged_frame_is_counted_and_the_next_is_heard() -> None:
    good = framed("624200000000006100920a0100")
    damaged = good[:9] + b"\x40" + good[10:]
    assert heard([damaged, good]) == [damaged, good]
    assert heard([good[:12], good, good]) == [good[:12], good, good], "the end of one was lost on the way"


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_frames_raise_nothing(values: list[bytes]) -> None:
    stream = b"".join(values)
    assert stream.startswith(b"".join(heard(values)))


async def test_it_asks_for_ever() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    good = framed("624200000000006100920a0100")
    conversation = ViatomConversation(pause=pause, most_unanswered=3)
    talk = ScriptedTalk(conversation, lambda *_: [(NOTIFY, good[:8]), (NOTIFY, good[8:])], most=10)
    with pytest.raises(LinkError, match="the link ended"):
        await conversation.talk(talk)
    assert talk.written == [(WRITE, REAL_TIME)] * 10
    assert talk.heard == [(NOTIFY, good)] * 10
    assert pauses == [1.0] * 10


async def test_one_that_never_answers_is_given_up() -> None:
    conversation = ViatomConversation(pause=lambda _: asyncio.sleep(0), most_unanswered=3)
    talk = ScriptedTalk(conversation, lambda *_: [(NOTIFY, b"garbage")])
    with pytest.raises(LinkError, match="did not answer 3 times"):
        await conversation.talk(talk)
    assert len(talk.written) == 3
    assert talk.heard == [(NOTIFY, b"garbage")] * 3


def test_other_characteristics_are_left_alone() -> None:
    assert list(ViatomConversation().frames("2A19", b"\x55")) == [("2A19", b"\x55")]


def test_recognised() -> None:
    assert family_of("O2Ring 1234", [SERVICE]) is FAMILY
