"""Xiaomi's scales. Payloads are written out by hand from the layout that oliexdev/openScale reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import DateTime
from device.vendors import family_of
from device.vendors.xiaomi import (
    BODY,
    FAMILY,
    WEIGHT,
    BodyFlags,
    WeightFlags,
    WeightUnit,
    XiaomiBodyComposition,
    XiaomiConversation,
    XiaomiWeight,
)
from tests.device.vendors.talking import ScriptedTalk

TIME = "ea07 03 02 11 05 09"
WHEN = DateTime(2026, 3, 2, 17, 5, 9)


def test_weight() -> None:
    value = decode(WEIGHT, bytes.fromhex("22 443b" + TIME))  # 0x3B44 = 15172 two-hundredths
    assert isinstance(value, XiaomiWeight)
    assert (value.weight, value.unit, value.weight_kg, value.timestamp) == (
        75.86,
        WeightUnit.KILOGRAM,
        75.86,
        WHEN,
    )
    assert value.settled


@pytest.mark.parametrize(
    ("flags", "stabilised", "removed"), [(0x02, False, False), (0x22, True, False), (0xA2, True, True)]
)
def test_only_a_settled_weight_is_a_result(flags: int, stabilised: bool, removed: bool) -> None:
    for value in (
        decode(WEIGHT, bytes((flags,)) + bytes.fromhex("443b" + TIME)),
        decode(BODY, bytes((0x02, flags)) + bytes.fromhex(TIME + "c201 443b")),
    ):
        assert isinstance(value, XiaomiWeight | XiaomiBodyComposition)
        assert (value.stabilised, value.removed) == (stabilised, removed)
        assert value.settled == (stabilised and not removed)


@pytest.mark.parametrize(
    ("weight_flags", "body_flags", "unit", "kilograms"),
    [
        (0x21, "0320", WeightUnit.POUND, 68.819),  # 15172 hundredths of 0.45359237 kg
        (0x30, "0260", WeightUnit.JIN, 75.86),
        (0x20, "0220", WeightUnit.KILOGRAM, 75.86),
    ],
)
def test_units(weight_flags: int, body_flags: str, unit: WeightUnit, kilograms: float) -> None:
    for value in (
        decode(WEIGHT, bytes((weight_flags,)) + bytes.fromhex("443b" + TIME)),
        decode(BODY, bytes.fromhex(body_flags + TIME + "0000 443b")),
    ):
        assert isinstance(value, XiaomiWeight | XiaomiBodyComposition)
        assert value.unit is unit
        assert value.weight_kg == pytest.approx(kilograms, abs=0.001)


def test_body_composition_is_no_body_fat() -> None:
    value = decode(BODY, bytes.fromhex("0226" + TIME + "c201 443b"))
    assert isinstance(value, XiaomiBodyComposition)
    assert (value.weight_kg, value.impedance, value.timestamp, value.settled) == (75.86, 450, WHEN, True)
    assert not any("fat" in name for name in dir(value))


@pytest.mark.parametrize("value", ["0224" + TIME + "c201 443b", "0226" + TIME + "0000 443b"])
def test_no_impedance(value: str) -> None:
    measurement = decode(BODY, bytes.fromhex(value))
    assert isinstance(measurement, XiaomiBodyComposition)
    assert measurement.impedance is None


@pytest.mark.parametrize("name", [WEIGHT, BODY])
@pytest.mark.parametrize(
    "value", ["", "22 443b", "22 443b ea07 03 02 11 05 09 00", "0226 ea07 03 02 11 05 09 0000 44"]
)
def test_refused(name: str, value: str) -> None:
    with pytest.raises(DecodeError):
        decode(name, bytes.fromhex(value))


def test_a_clock_gone_astray_takes_no_weight_with_it() -> None:
    value = decode(WEIGHT, bytes.fromhex("22 443b ea07 0d 02 19 05 09"))
    assert isinstance(value, XiaomiWeight)
    assert (value.weight, value.timestamp.datetime) == (75.86, None)


@given(st.sampled_from((WEIGHT, BODY)), st.binary(max_size=16), st.integers(0, 0xFFFF))
def test_any_bytes(name: str, value: bytes, flags: int) -> None:
    whole = flags.to_bytes(2, "little")[: 1 if name == WEIGHT else 2]
    whole += (b"\x44\x3b" if name == WEIGHT else b"") + bytes.fromhex(TIME)
    whole += value[:4].ljust(4, b"\0") if name == BODY else b""
    for raw in (value, whole):
        try:
            measurement = decode(name, raw)
        except DecodeError:
            assert raw is value
            continue
        assert decode(name, bytes(measurement)) == measurement


weights = st.integers(0, 0xFFFF)
stamps = st.builds(
    DateTime,
    st.just(0) | st.integers(1582, 9999),
    st.integers(0, 12),
    st.integers(0, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)


@given(st.integers(0, 0xFF), weights, stamps)
def test_weights_come_back(flags: int, raw: int, stamp: DateTime) -> None:
    steps = 100 if flags & 0x11 else 200
    value = XiaomiWeight(WeightFlags(flags), raw / steps, stamp)
    assert decode(WEIGHT, bytes(value)) == value


@given(st.integers(0, 0xFFFF), weights, stamps, st.integers(1, 0xFFFF))
def test_body_compositions_come_back(flags: int, raw: int, stamp: DateTime, ohms: int) -> None:
    steps = 100 if flags & 0x4001 else 200
    value = XiaomiBodyComposition(BodyFlags(flags), raw / steps, stamp, ohms if flags & 0x0200 else None)
    assert decode(BODY, bytes(value)) == value


async def test_what_would_pass_for_the_standards_is_renamed() -> None:
    conversation = XiaomiConversation()
    assert conversation.listens == {"2A9C", "2A9D"}
    assert [*conversation.frames("2A9C", b"1")] == [(BODY, b"1")]
    assert [*conversation.frames("2A9D", b"2")] == [(WEIGHT, b"2")]
    talk = ScriptedTalk(conversation, lambda *_: [])
    await conversation.talk(talk)
    assert not talk.written


@pytest.mark.parametrize("name", ["MI_SCALE", "MI SCALE2", "MIBCS", "MIBFS"])
def test_recognised_by_name(name: str) -> None:
    assert family_of(name, ["181B", "181D"]) is FAMILY


def test_the_standards_scales_are_not() -> None:
    assert family_of("A Scale", ["181B", "181D"]) is None
