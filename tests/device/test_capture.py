"""A captured file gives back what went in; one that is cut, damaged or made up says where and what."""

import asyncio
import errno
import json
import logging
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device import Event, Identity, LinkEvent, LinkState, Notification, RecordError, Timings, watch
from device.capture import LONGEST_LINE, CapturedDevice, capture, replay
from device.gatt import HeartRateMeasurement
from device.records import event_of, line_of
from device.virtual import ChestStrap, VirtualRadio
from tests.device.conftest import STRAP, heard, state, until

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECOND = 1_000_000_000


def beat(second: float, rate: int = 61, *, read: bool = False) -> Notification:
    return Notification(
        received_at=NOW + timedelta(seconds=second),
        device=STRAP,
        characteristic="2A37",
        value=bytes(HeartRateMeasurement(rate)),
        monotonic_ns=int(second * SECOND),
        read=read,
    )


EVENTS: list[Event] = [
    LinkEvent(NOW, STRAP, LinkState.SEARCHING),
    Identity(NOW, STRAP, "Gürtel", "Virtual", "Chest strap", "000001", "1.0", 80),
    Identity(NOW, STRAP),
    LinkEvent(NOW, STRAP, LinkState.CONNECTED, "2A36 is only sent to a paired machine"),
    beat(1, 61, read=True),
    beat(2.5, 62),
    LinkEvent(NOW + timedelta(seconds=3), STRAP, LinkState.DROPPED, "7 are lost", 7),
    replace(beat(3), characteristic="0000fee0-0000-3512-2118-0009af100700", value=b""),
]


async def stream(events: Iterable[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def written(path: Path, events: Iterable[Event] = EVENTS) -> list[str]:
    """Capture events and return the file's lines."""
    devices = [CapturedDevice(STRAP, "Gürtel", ("Heart Rate",))]
    async with capture(
        path, stream(events), devices=devices, clock=lambda: NOW, monotonic_ns=lambda: 5
    ) as passed:
        assert [e async for e in passed] == list(events)
    return path.read_text(encoding="utf-8").splitlines()


async def read_back(path: Path) -> list[Event]:
    async with replay(path) as events:
        return [e async for e in events]


async def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    await written(path)
    assert await read_back(path) == EVENTS
    async with replay(path) as events:
        assert events.header.started == NOW
        assert events.header.devices == (CapturedDevice(STRAP, "Gürtel", ("Heart Rate",)),)


async def test_the_file_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    lines = await written(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = (Path(__file__).parents[2] / "docs" / "capture.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if line.startswith("{")]
    assert sorted(shown) == sorted(lines[n] for n in (0, 1, 2, 5, 6, 7))


def test_every_field_of_an_event_is_kept() -> None:
    """A field that is added to an event must be added to the file, too."""
    assert {f.name for f in fields(Notification)} == {
        "received_at", "device", "characteristic", "value", "monotonic_ns", "read",
    }  # fmt: skip
    assert {f.name for f in fields(LinkEvent)} == {"at", "device", "state", "why", "dropped"}
    assert {f.name for f in fields(Identity)} == {
        "at", "device", "name", "manufacturer", "model", "serial", "firmware", "battery",
    }  # fmt: skip


async def test_a_real_link_is_captured_and_played(
    tmp_path: Path, air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    path = tmp_path / "capture.jsonl"
    async with (
        watch([STRAP], radio=air.radio, timings=quick) as heard_there,
        capture(path, heard_there) as events,
    ):
        taken = await until(events, state(LinkState.CONNECTED))
        for rate in range(60, 80):
            await strap.measure(HeartRateMeasurement(rate, True, None, (1000, 1001)))
            taken += await until(events, heard)
        await strap.drop_link()
        taken += await until(events, state(LinkState.CONNECTED))
    assert await read_back(path) == taken


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text("mine")
    with pytest.raises(RecordError, match="There is already a file"):
        await written(path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError):
        await written(link)
    with pytest.raises(RecordError, match="cannot be written: No such file"):
        await written(tmp_path / "nowhere" / "capture.jsonl")
    assert path.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


async def test_a_full_disk_ends_the_capture_and_not_the_stream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "capture.jsonl"
    room = 700

    def disk(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = os.write(descriptor, data[:room])  # a disk that fills up takes a part of the line
        room -= count
        return count

    with caplog.at_level(logging.ERROR):
        async with capture(path, stream(EVENTS), write=disk) as events:
            assert [e async for e in events] == EVENTS
    [record] = caplog.records
    assert "No space left on device. The capture ends here; listening goes on." in record.getMessage()
    kept = await read_back(path)
    assert 0 < len(kept) < len(EVENTS)
    assert kept == EVENTS[: len(kept)]
    room = 0
    with pytest.raises(RecordError, match="No space left"):
        async with capture(tmp_path / "another", stream(EVENTS), write=disk):
            raise AssertionError("it cannot begin")
    assert not (tmp_path / "another").exists()


KILLED = """
import asyncio, sys
from pathlib import Path
from device.capture import capture
from tests.device.test_capture import beat, stream
async def main():
    async with capture(Path(sys.argv[1]), stream(beat(n) for n in range(100))) as events:
        async for event in events:
            if event.monotonic_ns == 50_000_000_000:
                print("now", flush=True)
                await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_kill_loses_nothing_that_was_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)
    assert asyncio.run(read_back(path)) == [beat(n) for n in range(51)]


async def test_a_cut_last_line_is_said_and_the_rest_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "capture.jsonl"
    await written(path)
    whole = path.read_bytes()
    start_of_last = whole.rindex(b"\n", 0, -1) + 1
    for size in range(start_of_last + 1, len(whole) - 1):
        path.write_bytes(whole[:size])
        caplog.clear()
        async with replay(path) as events:
            assert [e async for e in events] == EVENTS[:-1]
            assert events.cut.endswith(f"line {len(EVENTS) + 1} is cut off; all lines before it are used.")
        assert [r.getMessage() for r in caplog.records] == [events.cut]
    path.write_bytes(whole[:-1])  # only the line's end is missing
    assert await read_back(path) == EVENTS


DAMAGED = {
    "": "it is not JSON",
    "nothing": "it is not JSON",
    "[]": "it is not a JSON object",
    "[" * 50_000: "it is not JSON",
    '{"event": "link"}': "“at” is missing",
    '{"event": 7}': "“event” is missing, or no text",
    "9" * 5000: "it is not JSON",
}
BROKEN: list[tuple[dict[str, object], str]] = [
    ({"event": "weather"}, "“event” is none of notification, link, identity"),
    ({"at": "2026-11-02T09:00:00"}, "“at” does not say its offset"),
    ({"at": "0001-01-01T00:00:00+23:59"}, "“at” is not between 1970 and 2200"),
    ({"at": "9999-12-31T23:59:59-23:59"}, "“at” is not between 1970 and 2200"),
    ({"at": "yesterday"}, "“at” is no time"),
    ({"monotonic_ns": -1}, "“monotonic_ns”"),
    ({"monotonic_ns": 1.5}, "“monotonic_ns”"),
    ({"monotonic_ns": True}, "“monotonic_ns”"),
    ({"monotonic_ns": 10**30}, "“monotonic_ns”"),
    ({"device": "the strap"}, "“device” is not the address"),
    ({"characteristic": "2A37\x1b[2J"}, "“characteristic”"),
    ({"value": "0g"}, "“value” is not hexadecimal"),
    ({"value": None}, "“value” is missing"),
    ({"read": "yes"}, "“read” is neither"),
    ({"event": "link", "state": "asleep"}, "“state” is no state"),
    ({"event": "link", "state": "lost", "dropped": -1}, "“dropped”"),
    ({"event": "link", "state": "lost", "why": "x" * 5000}, "“why” is longer"),
    ({"event": "identity", "battery": 101}, "“battery”"),
    ({"event": "identity", "name": 4}, "“name”"),
]


@pytest.mark.parametrize(
    ("line", "what"), [*DAMAGED.items(), *((json.dumps(b), w) for b, w in BROKEN)], ids=lambda t: t[:40]
)
async def test_a_damaged_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "capture.jsonl"
    lines = await written(path)
    if line.startswith("{") and line not in DAMAGED:
        line = json.dumps({**json.loads(lines[6]), **json.loads(line)})
    path.write_text("\n".join([*lines[:3], line, *lines[3:]]) + "\n", encoding="utf-8")
    async with replay(path) as events:
        assert [await anext(events), await anext(events)] == EVENTS[:2]
        with pytest.raises(RecordError) as raised:
            await anext(events)
    assert raised.value.message.startswith(f"{path}, line 4: ")
    assert what in raised.value.message


HEADERS = {
    "": "there is no whole first line",
    "\n": "it is not JSON",
    "{}\n": "it is not the first line of a healthslm capture",
    '{"format": "healthslm capture"': "there is no whole first line",
    '{"format": "healthslm capture", "version": 2}\n': "version 2, and this program reads version 1",
    '{"format": "healthslm capture", "version": 1}\n': "“devices” is missing",
    '{"format": "healthslm capture", "version": 1, "devices": []}\n': "“started” is missing",
    '{"format": "healthslm capture", "version": 1, "devices": [3]}\n': "not a JSON object",
    '{"format": "healthslm capture", "version": 1, "devices": [{"address": ""}]}\n': "“address” is not",
}


@pytest.mark.parametrize(("text", "what"), HEADERS.items())
async def test_a_file_that_is_no_capture_is_refused_at_once(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(text)
    with pytest.raises(RecordError, match="line 1") as raised:
        async with replay(path):
            raise AssertionError("nothing is played")
    assert what in raised.value.message


async def test_a_file_that_is_not_there_or_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, what in (
        ("", "not a regular file"),
        ("pipe", "not a regular file"),
        ("absent", "No such file"),
    ):
        with pytest.raises(RecordError, match=what):
            async with replay(tmp_path / name):
                pass


def test_every_state_of_a_link_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "capture.md").read_text(encoding="utf-8")
    assert [s for s in LinkState if f"`{s}`" not in page] == []


async def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    await written(path)
    with path.open("ab") as file:
        file.write(b" " * (LONGEST_LINE + 1))
    with pytest.raises(RecordError, match=f"line {len(EVENTS) + 2}: it is longer than 65,536 bytes"):
        await read_back(path)


def test_any_line_is_an_event_or_a_record_error() -> None:
    dice = random.Random(3)
    lines = [line_of(event, 5)[:-1] for event in EVENTS]
    said = set()
    for _ in range(20_000):
        line = bytearray(dice.choice(lines))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(line))
            line[at : at + dice.choice((0, 1, 1, 9))] = dice.choice((b"", b"9", b"-", b'"', b"\xff", b"null"))
        try:
            event, monotonic_ns = event_of(bytes(line), "here")
        except RecordError as error:
            said.add(error.message)
        else:
            assert event_of(line_of(event, monotonic_ns), "here") == (event, monotonic_ns)
    assert all(message.startswith("here: ") for message in said)
    assert len(said) > 12, "the damage is of many kinds"


async def test_what_is_not_known_yet_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    lines = await written(path)
    path.write_text("\n".join(json.dumps({**json.loads(line), "rssi": -70}) for line in lines) + "\n")
    assert await read_back(path) == EVENTS


@pytest.mark.parametrize(("speed", "waits"), [(1.0, [0.0, 1.5, 9.0]), (10.0, [0.0, 0.15, 0.9])])
async def test_played_as_fast_as_it_was_recorded(tmp_path: Path, speed: float, waits: list[float]) -> None:
    path = tmp_path / "capture.jsonl"
    # The wall clock was set a year ahead in between: that is nothing to wait for.
    later = replace(beat(11.5), received_at=NOW + timedelta(days=365))
    await written(path, [beat(1), beat(2.5), later])
    now = 100.0
    slept = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds * 1.5  # an event loop that always wakes late

    async with replay(path, speed=speed, monotonic=lambda: now, sleep=sleep) as events:
        assert [e async for e in events] == [beat(1), beat(2.5), later]
    late = waits[1] * 0.5
    assert slept == pytest.approx([waits[0], waits[1], waits[2] - late]), "being late does not add up"


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
async def test_a_speed_is_above_nothing(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        async with replay(tmp_path / "capture.jsonl", speed=speed):
            pass


async def test_whoever_takes_slowly_loses_nothing_and_others_get_a_turn(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    await written(path, [beat(n / 100) for n in range(1000)])
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(other())
    assert len(await read_back(path)) == 1000
    assert turns > 10
    working.cancel()
