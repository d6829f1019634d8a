"""Polar's frames and control point. "Of the SDK" are facts of polarofficial/polar-ble-sdk's own tests."""

import asyncio
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, LinkError, decode
from device.vendors import FAMILIES, family_of
from device.vendors.polar import (
    CONTROL,
    DATA,
    FAMILY,
    SERVICE,
    Acceleration,
    AccFrame,
    EcgFrame,
    PmdFeatures,
    PmdFrame,
    PmdResponse,
    PmdStatus,
    PmdType,
    PolarConversation,
    PpiFlags,
    PpiFrame,
    PulseInterval,
    choose,
    interval_offsets,
    parse_settings,
    sample_offsets,
)
from device.vendors.polar_control import PmdControlPoint, PmdSetting, PmdStopped, encode_settings
from tests.device.vendors.talking import ScriptedTalk

AT = "0094357700000000"  # 2,000,000,000 ns
stamps = st.integers(0, 2**64 - 1)
sint24 = st.integers(-(2**23), 2**23 - 1)


def hexed(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


def axes(bits: int) -> st.SearchStrategy[Acceleration]:
    one = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.builds(Acceleration, one, one, one)


acc_frames = st.one_of(
    *(
        st.builds(
            AccFrame,
            stamps,
            st.lists(axes(bits), min_size=1, max_size=20).map(tuple),
            st.just(kind),
            st.just(False),
        )
        for kind, bits in ((0, 8), (1, 16), (2, 24))
    ),
    st.builds(
        AccFrame,
        stamps,
        st.lists(axes(16), min_size=1, max_size=20).map(tuple),
        st.sampled_from((0, 1)),
        st.just(True),
    ),
)
intervals = st.builds(
    PulseInterval,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 255).map(PpiFlags),
)
frames = st.one_of(
    st.builds(EcgFrame, stamps, st.lists(sint24, min_size=1, max_size=80).map(tuple)),
    acc_frames,
    st.builds(PpiFrame, stamps, st.lists(intervals, min_size=1, max_size=20).map(tuple)),
)
messages = st.one_of(
    st.builds(
        PmdResponse,
        st.integers(0, 255),
        st.integers(0, 255),
        st.just(PmdStatus.SUCCESS),
        st.booleans(),
        st.binary(max_size=30),
    ),
    st.builds(PmdResponse, st.integers(0, 255), st.integers(0, 255), st.sampled_from(list(PmdStatus)[1:])),
    st.builds(PmdStopped, st.lists(st.integers(0, 255), max_size=5).map(tuple)),
    st.builds(PmdFeatures, st.integers(0, 65535), st.binary(max_size=5)),
)


def test_ecg_of_the_sdk() -> None:
    frame = decode(DATA, hexed("00", AT, "00", "0280ff", "028000"))
    assert frame == EcgFrame(2_000_000_000, (-32766, 32770))


def test_raw_acceleration_of_the_sdk() -> None:
    frame = decode(DATA, hexed("02", AT, "01", "f7ff ffff e703", "f8ff feff e503"))
    assert frame == AccFrame(2_000_000_000, (Acceleration(-9, -1, 999), Acceleration(-8, -2, 997)))


def test_compressed_acceleration_of_the_sdk() -> None:
    frame = decode(DATA, hexed("02", "6500000000000000", "81", "f1ff 1400 f003", "06 01", "7b0f08"))
    samples = (Acceleration(-15, 20, 1008), Acceleration(-20, 17, 1008))
    assert frame == AccFrame(101, samples, 1, True)


def test_differences_of_ten_bits_of_the_sdk() -> None:
    """The beginning of its long block, with two of the 56 differences and the padding cleared."""
    packed = 0b00_1011_1110 | 0b11_1001_0111 << 10 | 0b11_1010_1011 << 20
    block = packed.to_bytes(4, "little")
    assert block[:3] == hexed("be5cbe")
    frame = decode(DATA, hexed("02", AT, "80", "7107 f06a 9e8d", "0a 01") + block)
    assert isinstance(frame, AccFrame)
    assert frame.samples == (
        Acceleration(1905, 27376, -29282),
        Acceleration(1905 + 190, 27376 - 105, -29282 - 85),
    )


def test_pulse_intervals_of_the_sdk() -> None:
    frame = decode(DATA, hexed("03", "0000000000000000", "00", "8080808080ff", "000100010000"))
    assert isinstance(frame, PpiFrame)
    first, second = frame.samples
    assert (first.heart_rate, first.interval, first.error_estimate) == (128, 32896, 32896)
    assert (first.valid, first.skin_contact) == (False, True)
    assert (second.heart_rate, second.interval, second.error_estimate) == (0, 1, 1)
    assert (second.valid, second.skin_contact) == (True, None)


@pytest.mark.parametrize(
    ("why", "value"),
    [
        ("empty", b""),
        ("another type", hexed("05", AT, "00", "000000000000")),
        ("cut in the timestamp", hexed("00", "009435")),
        ("no samples", hexed("00", AT, "00")),
        ("a cut sample", hexed("00", AT, "00", "0280")),
        ("another ECG layout", hexed("00", AT, "01", "028000")),
        ("compressed ECG", hexed("00", AT, "80", "028000")),
        ("another acceleration layout", hexed("02", AT, "03", "000000000000")),
        ("compressed 24-bit acceleration", hexed("02", AT, "82", "000000000000")),
        ("a block without its count", hexed("02", AT, "81", "000000000000", "06")),
        ("a block that is cut", hexed("02", AT, "81", "000000000000", "06 02", "7b0f08")),
        ("differences of no bits", hexed("02", AT, "81", "000000000000", "00 01")),
        ("no differences", hexed("02", AT, "81", "000000000000", "06 00")),
        ("another PPI layout", hexed("03", AT, "01", "000000000000")),
        ("a cut interval", hexed("03", AT, "00", "0000000000")),
    ],
)
def test_refused(why: str, value: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(DATA, value)
    assert caught.value.why, why


@given(frames)
def test_frames_come_back(frame: PmdFrame) -> None:
    assert decode(DATA, bytes(frame)) == frame


@given(messages)
def test_control_messages_come_back(message: PmdControlPoint) -> None:
    assert decode(CONTROL, bytes(message)) == message


@given(
    st.sampled_from((DATA, CONTROL)),
    st.binary(max_size=80),
    st.sampled_from((b"", b"\0", b"\2", b"\3", b"\xf0")),
)
def test_any_bytes(name: str, value: bytes, first: bytes) -> None:
    try:
        frame = decode(name, first + value)
    except DecodeError:
        return
    assert decode(name, bytes(frame)) == frame


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_compressed_acceleration(width: int, value: bytes) -> None:
    try:
        frame = decode(DATA, hexed("02", AT, "81", "000000000000") + bytes((width % 40,)) + value)
    except DecodeError:
        return
    assert decode(DATA, bytes(frame)) == frame


def test_settings_of_the_sdk() -> None:
    offers = parse_settings(hexed("00 01 3400", "01 01 1000", "02 04 f500 f401 e803 d007", "04 01 03"))
    assert offers == {
        PmdSetting.SAMPLE_RATE: (52,),
        PmdSetting.RESOLUTION: (16,),
        PmdSetting.RANGE: (245, 500, 1000, 2000),
        PmdSetting.CHANNELS: (3,),
    }
    assert parse_settings(encode_settings(offers)) == offers


@pytest.mark.parametrize("parameters", ["09 01 00", "00 02 3400", "00"])
def test_settings_that_are_not_understood(parameters: str) -> None:
    with pytest.raises(DecodeError):
        parse_settings(hexed(parameters))


@pytest.mark.parametrize(
    ("rates", "ranges", "expected"),
    [
        ((200, 100, 50, 25), (2, 4, 8), (25, 8)),
        ((50, 100), (2, 4, 8), (50, 8)),
        ((416, 52, 104), (2, 4), (52, 4)),
    ],
)
def test_the_choice_of_acceleration(
    rates: tuple[int, ...], ranges: tuple[int, ...], expected: tuple[int, int]
) -> None:
    choice = choose(PmdType.ACC, {PmdSetting.SAMPLE_RATE: rates, PmdSetting.RANGE: ranges})
    assert (choice[PmdSetting.SAMPLE_RATE], choice[PmdSetting.RANGE]) == expected


def test_the_choice_of_ecg() -> None:
    offers = {PmdSetting.SAMPLE_RATE: (130,), PmdSetting.RESOLUTION: (14,), PmdSetting.FACTOR: (1,)}
    assert choose(PmdType.ECG, offers) == {PmdSetting.SAMPLE_RATE: 130, PmdSetting.RESOLUTION: 14}


def test_the_factor_is_a_float() -> None:
    bits = struct.pack("<f", 0.000244)
    assert PmdResponse(2, 2, PmdStatus.SUCCESS, False, b"\x05\x01" + bits).factor == pytest.approx(0.000244)
    assert PmdResponse(2, 2, PmdStatus.SUCCESS).factor is None
    assert PmdResponse(2, 2, PmdStatus.SUCCESS, False, b"\x05").factor is None


def test_when_samples_were_taken() -> None:
    assert sample_offsets(3, 130) == pytest.approx((-2 / 130, -1 / 130, 0))
    assert sample_offsets(0, 130) == ()
    beats = [PulseInterval(60, 1000, 5), PulseInterval(60, 900, 5), PulseInterval(60, 800, 5)]
    assert interval_offsets(beats) == pytest.approx((-1.7, -0.8, 0))


SETTINGS = {
    PmdType.ECG: hexed("00 01 8200", "01 01 0e00"),
    PmdType.ACC: hexed("00 04 c800 6400 3200 1900", "01 01 1000", "02 03 0200 0400 0800"),
}


class Strap:
    """Answers as an H10 does; `refuses` gives the status of a start, by type, for as many starts."""

    def __init__(self, refuses: dict[PmdType, list[PmdStatus]] | None = None, *, split: bool = False) -> None:
        self.refuses = refuses or {}
        self.split = split

    def __call__(self, characteristic: str, request: bytes) -> Iterable[tuple[str, bytes]]:
        assert characteristic == CONTROL
        opcode, kind = request[0], PmdType(request[1])
        if opcode == 1:
            settings = SETTINGS[kind]
            cut = len(settings) // 2 if self.split else 0
            if cut:
                yield CONTROL, bytes(PmdResponse(1, kind, PmdStatus.SUCCESS, True, settings[:cut]))
            yield CONTROL, bytes(PmdResponse(1, kind, PmdStatus.SUCCESS, False, settings[cut:]))
        elif opcode == 2:
            left = self.refuses.get(kind, [])
            status = left.pop(0) if left else PmdStatus.SUCCESS
            yield CONTROL, bytes(PmdResponse(2, kind, status))
            if status is PmdStatus.SUCCESS and kind is PmdType.ECG:
                yield DATA, bytes(EcgFrame(1, (1, 2, 3)))
        else:
            yield CONTROL, bytes(PmdResponse(3, kind, PmdStatus.SUCCESS))


FEATURES = {CONTROL: hexed("0f 0d 00")}  # ECG, acceleration, PPI
START_ECG = hexed("02 00", "00 01 8200", "01 01 0e00")
START_ACC = hexed("02 02", "00 01 1900", "01 01 1000", "02 01 0800")


async def talked(wanted: set[str], strap: Strap) -> ScriptedTalk:
    talk = ScriptedTalk(PolarConversation(wanted, patience=0.05), strap, reads=FEATURES)
    await talk.conversation.talk(talk)
    return talk


async def test_what_is_wanted_is_negotiated_and_started() -> None:
    talk = await talked({"ecg", "acc", "ppi"}, Strap())
    assert [value for _, value in talk.written] == [
        hexed("01 00"), START_ECG, hexed("01 02"), START_ACC, hexed("02 03"),
    ]  # fmt: skip
    assert (DATA, bytes(EcgFrame(1, (1, 2, 3)))) in talk.heard
    assert [type(decode(*heard)) for heard in talk.heard].count(
        PmdResponse
    ) == 5  # kept for who reads a capture
    assert isinstance(talk.conversation, PolarConversation)
    assert talk.conversation.choices[PmdType.ECG][PmdSetting.SAMPLE_RATE] == 130


async def test_nothing_wanted_nothing_done() -> None:
    talk = await talked(set(), Strap())
    assert not talk.written
    assert not talk.conversation.listens


async def test_settings_in_two_answers() -> None:
    talk = await talked({"ecg"}, Strap(split=True))
    assert talk.written[-1] == (CONTROL, START_ECG)


async def test_a_refusal_is_named_and_the_rest_is_started() -> None:
    strap = Strap({PmdType.ECG: [PmdStatus.DEVICE_IN_CHARGER]})
    talk = ScriptedTalk(PolarConversation({"ecg", "acc"}), strap, reads=FEATURES)
    with pytest.raises(LinkError, match="refuses ECG: device in charger"):
        await talk.conversation.talk(talk)
    assert talk.written[-1] == (CONTROL, START_ACC)


async def test_a_stream_left_running_is_started_anew() -> None:
    talk = await talked({"ecg"}, Strap({PmdType.ECG: [PmdStatus.ALREADY_IN_STATE]}))
    assert [value for _, value in talk.written] == [hexed("01 00"), START_ECG, hexed("03 00"), START_ECG]


async def test_a_stream_that_it_does_not_have() -> None:
    talk = ScriptedTalk(PolarConversation({"ecg", "ppi"}), Strap(), reads={CONTROL: hexed("0f 05 00")})
    with pytest.raises(LinkError, match="it has no PPI"):
        await talk.conversation.talk(talk)
    assert talk.written[-1] == (CONTROL, START_ECG)


async def test_no_answer_ends_in_time() -> None:
    talk = ScriptedTalk(PolarConversation({"ecg"}, patience=0.02), lambda *_: [], reads=FEATURES)
    with pytest.raises(LinkError, match="did not answer to 'get measurement settings'"):
        await asyncio.wait_for(talk.conversation.talk(talk), 1)


async def test_answers_to_others_are_no_answer() -> None:
    def mixed(name: str, request: bytes) -> Iterable[tuple[str, bytes]]:
        yield name, bytes(PmdResponse(2, 3, PmdStatus.INVALID_STATE))
        yield name, b"\xf0garbage"
        yield from Strap()(name, request)

    talk = ScriptedTalk(PolarConversation({"ecg"}, patience=0.05), mixed, reads=FEATURES)
    await talk.conversation.talk(talk)
    assert (CONTROL, b"\xf0garbage") in talk.heard


@given(st.lists(st.binary(max_size=30), max_size=50))
def test_frames_raise_nothing(values: list[bytes]) -> None:
    conversation = PolarConversation({"ecg"})
    for value in values:
        assert list(conversation.frames(CONTROL, value)) == [(CONTROL, value)]


def test_recognised() -> None:
    assert family_of("Polar H10 12345678", ["180D", SERVICE]) is FAMILY
    assert FAMILY in FAMILIES
    assert family_of("Polar H7 12345678", ["180D"]) is None
