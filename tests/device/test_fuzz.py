"""100,000 payloads on each run; `python -m tests.fuzz` does ten million."""

from device import DecodeError
from device.gatt import HeartRateMeasurement
from tests import fuzz


def test_any_payload_is_a_measurement_or_a_decode_error() -> None:
    report = fuzz.payloads(100_000, seed=1)
    assert report.failures == []
    assert report.count == 100_000
    # A decoder that nothing gets into is not tested: give tests/fuzz.py a valid payload of it to begin with.
    assert [name for name in fuzz.KINDS if not report.decoded[name]] == []
    assert [name for name in fuzz.KINDS if not report.refused[name]] == []


def test_any_chunk_in_a_conversation_is_frames_that_decode_or_are_refused() -> None:
    report = fuzz.conversations(5_000, seed=1)
    assert report.failures == []


def test_every_first_byte_is_tried() -> None:
    report = fuzz.flags(seed=1)
    assert report.failures == []
    assert report.count == 3 * 256 * len(fuzz.KINDS)


def test_what_leaks_is_noticed() -> None:
    class Leaky(HeartRateMeasurement):
        @classmethod
        def from_bytes(cls, value: bytes) -> "Leaky":
            if len(value) > 3:
                raise IndexError
            if len(value) == 3:
                return cls(value[0])
            raise DecodeError("2A37", value, "too short")

    assert "IndexError" in fuzz.broken("2A37", b"\x00" * 4, Leaky)[1]
    assert "does not survive" in fuzz.broken("2A37", b"\x00" * 3, Leaky)[1]
    assert fuzz.broken("2A37", b"", Leaky) == (False, "")
