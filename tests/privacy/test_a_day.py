"""The proof: over a whole day nothing leaves but what was asked for, and nothing is left lying about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthslm import fence
from healthslm.alerts.payload import TOLD, Tell
from tests.privacy import day as days
from tests.privacy import traced
from tests.privacy.day import PLANTED, Day, payloads
from tests.privacy.traced import Line

pytestmark = [
    pytest.mark.skipif(bool(traced.why_not()), reason=traced.why_not() or "it can be traced"),
    pytest.mark.skipif(not fence.possible().whole, reason=" ".join(fence.possible().missing) or "fenced"),
    pytest.mark.timeout(400),
]
HERE = re.compile(r'sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("127\.0\.0\.1"\)')


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return days.live(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="module")
def asked(day: Day) -> list[Line]:
    """Everything that any process asked of the internet's sockets."""
    return [line for role, of in day.traces.items() for trace in of for line in traced.internet(trace, role)]


def test_every_process_of_the_day_was_traced(day: Day) -> None:
    """Else the rest shows nothing."""
    seen = {role for name, of in day.traces.items() for trace in of for role in traced.roles(trace, name)}
    expected = {"command", "replay", "run", "companion", "export", "starter", "courier", "typesetter"}
    assert expected | ({"writer"} if day.model else set()) <= seen


def test_only_the_page_and_the_courier_have_a_socket_of_the_internet(asked: list[Line]) -> None:
    assert {line.role for line in asked} == {"companion", "courier"}


def test_the_page_listens_and_is_connected_to_and_connects_to_nobody(day: Day, asked: list[Line]) -> None:
    lines = [line.call for line in asked if line.role == "companion"]
    calls = {re.split(r"[( ]", line.removeprefix("<... "))[0] for line in lines}
    assert {"socket", "bind"} <= calls <= {"socket", "bind", "accept4", "accept"}
    bound = [HERE.search(line) for line in lines if line.startswith("bind")]
    assert [found and int(found[1]) for found in bound] == [day.page]
    assert len([line for line in lines if line.startswith("socket")]) == 1


def test_the_courier_connects_to_the_hook_and_to_nothing_else(day: Day, asked: list[Line]) -> None:
    lines = [line.call for line in asked if line.role == "courier"]
    calls = {re.split(r"[( ]", line.removeprefix("<... "))[0] for line in lines}
    assert calls == {"socket", "connect"}
    connected = [HERE.search(line) for line in lines if line.startswith("connect")]
    assert connected
    assert {found and int(found[1]) for found in connected} == {day.hook.port}


def test_the_hook_is_told_the_level_and_to_look_and_nothing_else(day: Day) -> None:
    told = payloads(day.hook)
    assert told
    for one in told:
        assert one.keys() == TOLD[Tell.SEVERITY]
        assert one["message"] == "There is something to look at: open healthslm."
        assert (one["schema"], one["severity"], one["also"]) == ("healthslm.alert/1", "watch", [])
    for headers, body in day.hook.requests:
        for what, planted in PLANTED.items():
            assert planted not in headers.encode() + body, what
        assert b"blood" not in body.lower()
        assert b"193" not in body


def test_nothing_planted_lies_anywhere(day: Day) -> None:
    """The store's own files too: they are encrypted."""
    files = [path for path in day.around.rglob("*") if path.is_file()]
    assert any(path.name == "store.db" for path in files)
    assert any(path.suffix == ".backup" for path in files)
    found = [
        (what, path.relative_to(day.around))
        for path in files
        for what, planted in PLANTED.items()
        if planted in path.read_bytes()
    ]
    assert found == []


def test_what_was_planted_is_found_where_it_was_asked_for(day: Day) -> None:
    """Else nobody had it to lose."""
    shown = "".join(day.said.values())
    assert days.DEVICE in shown
    exported = b"".join(
        path.read_bytes() for path in (day.around.parent / "outside" / "page").rglob("*.json")
    )
    assert PLANTED["the name"] in exported or b"Quillfeather" in exported
    assert PLANTED["a value, as text"] in exported


def test_what_the_service_says_names_nobody(day: Day) -> None:
    """A service's words are kept in the machine's log."""
    for role in ("run", "companion"):
        for what in ("the name", "the birth date", "words of a note", "a value, as text", "the passphrase"):
            assert PLANTED[what].decode() not in day.said[role], (role, what)


def test_everything_that_was_written_lies_in_the_folders_that_were_looked_through(day: Day) -> None:
    allowed = (str(day.around), str(day.around.parent / "outside"), "/dev/", "/proc/self/", "pipe:")
    astray = {path for path in _written(day) if not path.startswith(allowed)}
    assert {path for path in astray if Path(path).is_absolute()} == set()


def _written(day: Day) -> Iterator[str]:
    for of in day.traces.values():
        for trace in of:
            yield from traced.written(trace)
