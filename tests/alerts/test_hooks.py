import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from healthslm.alerts import Courier, Hook, parse_hooks
from healthslm.alerts.courier import LAST_RETRY, REFUSED, back_off
from healthslm.alerts.hooks import sign
from healthslm.clock import utc_now
from healthslm.errors import HookError
from healthslm.store import Store

SECRET = "sixteen letters and more"


def command(*argv: str, name: str = "command") -> Hook:
    (hook,) = parse_hooks([{"kind": "command", "name": name, "argv": list(argv)}])
    return hook


def python(code: str) -> Hook:
    return command(sys.executable, "-c", code)


class Receiver(HTTPServer):
    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.requests: list[tuple[dict[str, str], bytes]] = []

    @property
    def hook(self) -> Hook:
        address = f"http://127.0.0.1:{self.server_port}/"
        (hook,) = parse_hooks([{"kind": "webhook", "name": "web", "url": address, "secret": SECRET}])
        return hook


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers.items()), body))
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    server = Receiver(*answers)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_command_gets_the_payload_on_its_standard_input(tmp_path: Path) -> None:
    await command("tee", str(tmp_path / "got")).call('{"a": "; rm -rf /"}')
    assert (tmp_path / "got").read_text() == '{"a": "; rm -rf /"}\n'


async def test_no_shell_looks_at_a_command(tmp_path: Path) -> None:
    with pytest.raises(HookError, match="cannot be started"):
        await command(f"touch {tmp_path}/made").call("{}")
    assert not (tmp_path / "made").exists()


async def test_a_command_sees_nothing_of_our_environment_that_it_does_not_need(tmp_path: Path) -> None:
    os.environ["HEALTHSLM_TEST_SECRET"] = "hush"
    try:
        out = str(tmp_path / "env")
        await python(f"import os; open({out!r}, 'w').write(str(dict(os.environ)))").call("{}")
    finally:
        del os.environ["HEALTHSLM_TEST_SECRET"]
    seen = (tmp_path / "env").read_text()
    assert "PATH" in seen
    assert "hush" not in seen


async def test_a_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(HookError, match=r"ended with 3\. out of paper"):
        await python("import sys; sys.stderr.write('out of paper'); sys.exit(3)").call("{}")


async def test_a_command_that_prints_a_megabyte_does_no_harm() -> None:
    with pytest.raises(HookError) as caught:
        await python("import sys; sys.stderr.write('x' * 1_000_000); sys.exit(1)").call("{}")
    assert len(str(caught.value)) < 1000


async def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    hook = command("sh", "-c", f"sleep 60 & echo $! > {started}; wait")
    with pytest.raises(HookError, match="took more than"):
        await hook.call("{}", limit=0.5)
    child = int(started.read_text())
    for _ in range(100):  # it is ended at once, but its adoption takes a moment
        if not Path(f"/proc/{child}").exists() or "(sleep) Z" in Path(f"/proc/{child}/stat").read_text():
            return
        await asyncio.sleep(0.02)
    pytest.fail("what the hook started is still running")


async def test_a_webhook_is_signed_with_its_time() -> None:
    with receiver() as server:
        await server.hook.call('{"x": 1}', key="abc-1")
    ((headers, body),) = server.requests
    assert json.loads(body) == {"x": 1}
    assert headers["Idempotency-Key"] == "abc-1"
    assert headers["X-Healthslm-Signature"] == sign(SECRET, headers["X-Healthslm-Timestamp"], body)
    assert abs(int(headers["X-Healthslm-Timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("code", [302, 400, 500])
async def test_anything_but_a_yes_is_a_failure_and_no_redirect_is_followed(code: int) -> None:
    with receiver(code) as server, pytest.raises(HookError, match=f"answered {code}"):
        await server.hook.call("{}")
    assert len(server.requests) == 1


async def test_nobody_there_is_said() -> None:
    with receiver() as server:
        hook = server.hook
    with pytest.raises(HookError, match="cannot be reached"):
        await hook.call("{}")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"kind": "webhook", "name": "w", "url": "http://example.org/", "secret": SECRET}, "https"),
        ({"kind": "webhook", "name": "w", "url": "file:///etc/passwd", "secret": SECRET}, "no http"),
        ({"kind": "webhook", "name": "w", "url": "https://example.org/", "secret": "short"}, "16"),
        ({"kind": "command", "name": "c", "argv": []}, "argv"),
        ({"kind": "command", "name": "a b", "argv": ["x"]}, "name"),
        ({"kind": "command", "name": "c", "argv": ["x"], "shell": True}, "shell"),
        ({"kind": "pigeon", "name": "c"}, "kind"),
        ("nonsense", "hook"),
    ],
)
def test_a_hook_that_cannot_work_is_refused_by_name(row: object, what: str) -> None:
    with pytest.raises(HookError, match=what):
        parse_hooks([row])


def test_what_is_shown_of_a_webhook_hides_its_secrets() -> None:
    (hook,) = parse_hooks(
        [{"kind": "webhook", "name": "w", "url": "https://u:pw@example.org/in?token=hush", "secret": SECRET}]
    )
    assert hook.target == "https://example.org/…"
    assert "hush" not in repr(hook)
    assert SECRET not in repr(hook)


async def test_the_courier_brings_what_is_due_in_order(store: Store) -> None:
    for number in range(5):
        store.outbox_add(f"a{number}", "web", json.dumps({"n": number}), utc_now())
    with receiver() as server:
        async with Courier(store, [server.hook], clock=utc_now) as courier:
            assert await courier.drain(5)
    assert [json.loads(body)["n"] for _, body in server.requests] == [0, 1, 2, 3, 4]
    assert store.outbox_pending() == 0


async def test_after_a_failure_nothing_overtakes_and_the_key_stays(store: Store) -> None:
    for number in range(3):
        store.outbox_add("a", "web", json.dumps({"n": number}), utc_now())
    with receiver(500) as server:
        courier = Courier(store, [server.hook], clock=utc_now, jitter=lambda: 1.0)
        await courier.deliver(server.hook)
        assert len(server.requests) == 1
        await courier.deliver(server.hook)
        assert len(server.requests) == 1  # left alone for a while: the others wait too
        courier.wake("web")  # something new was raised, and does not wait for an old failure
        await courier.deliver(server.hook)
    bodies = [json.loads(body)["n"] for _, body in server.requests]
    assert bodies == [0, 0, 1, 2]
    keys = [headers["Idempotency-Key"] for headers, _ in server.requests]
    assert keys[0] == keys[1] != keys[2]


async def test_a_clock_that_was_a_year_ahead_does_not_hold_up_what_it_queued(store: Store) -> None:
    store.outbox_add("a", "web", "{}", utc_now() + timedelta(days=365))
    with receiver() as server:
        await Courier(store, [server.hook], clock=utc_now).deliver(server.hook)
    assert len(server.requests) == 1


async def test_a_command_that_leaves_a_child_behind_has_taken_the_alert(tmp_path: Path) -> None:
    began = time.monotonic()
    await command("sh", "-c", "sleep 60 & exit 0").call("{}")
    assert time.monotonic() - began < 30, "it was waited for"


async def test_a_grandchild_that_keeps_every_pipe_open_holds_nothing_up(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stays = (
        "import subprocess; p = subprocess.Popen(['sleep', '60'], start_new_session=True);"
        f"open({str(note)!r}, 'w').write(str(p.pid))"
    )
    await python(stays).call("x" * 300_000)
    os.kill(int(note.read_text()), signal.SIGKILL)  # raises if it had ended: then the call waited for it
    gc.collect()  # a pipe left open would warn here, and a warning is an error


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(HookError, match="url"):
        parse_hooks([{"kind": "webhook", "name": "w", "url": "https://example.org:99999/", "secret": SECRET}])


async def test_one_hook_that_hangs_does_not_hold_up_the_others(store: Store) -> None:
    slow = command("sleep", "5", name="slow")
    with receiver() as server:
        for hook in (slow, server.hook):
            store.outbox_add("a", hook.name, "{}", utc_now())
        async with Courier(store, [slow, server.hook], clock=utc_now):
            for _ in range(200):
                if server.requests and store.outbox_pending() == 1:
                    break
                await asyncio.sleep(0.02)
    assert len(server.requests) == 1
    assert store.outbox_pending() == 1  # the slow one's is still there


async def test_what_was_not_delivered_is_delivered_after_a_restart(store: Store) -> None:
    store.outbox_add("a", "web", "{}", utc_now())
    store.commit()
    with receiver() as server:
        async with Courier(store, [server.hook], clock=utc_now) as courier:
            await courier.drain(5)
    assert len(server.requests) == 1


def test_back_off_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [back_off(n, 1.0).total_seconds() for n in range(30)]
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == LAST_RETRY.total_seconds()
    assert back_off(1000, 0.0) == LAST_RETRY / 2


async def test_a_payload_that_is_refused_for_what_it_says_holds_up_no_other(store: Store) -> None:
    """The hook takes all but one: the others are delivered in order, and that one is tried on."""
    for number in range(4):
        store.outbox_add("a", "web", json.dumps({"n": number}), utc_now(), first=True)
    told: list[int] = []

    async def carry(hook: Hook, payload: str, _key: str) -> None:
        if (number := json.loads(payload)["n"]) == 1:
            raise hook.failed("it answered 422.")
        told.append(number)

    with receiver() as server:
        courier = Courier(store, [server.hook], clock=utc_now, carry=carry)
        for _ in range(REFUSED):
            assert len(told) <= 1
            courier.wake("web")
            await courier.deliver(server.hook)
    assert told == [0, 2, 3]
    (row,) = store.outbox("web")
    assert row.attempts == REFUSED


async def test_while_a_hook_is_down_nothing_overtakes_however_long(store: Store) -> None:
    for number in range(4):
        store.outbox_add("a", "web", json.dumps({"n": number}), utc_now(), first=True)
    told: list[int] = []
    down = True

    async def carry(hook: Hook, payload: str, _key: str) -> None:
        if down:
            raise hook.failed("nobody answers.")
        told.append(json.loads(payload)["n"])

    with receiver() as server:
        courier = Courier(store, [server.hook], clock=utc_now, carry=carry)
        for _ in range(4 * REFUSED):
            courier.wake("web")
            await courier.deliver(server.hook)
        down = False
        courier.wake("web")
        await courier.deliver(server.hook)
    assert told == [0, 1, 2, 3]


async def test_a_fault_nobody_foresaw_is_a_try_in_vain_like_any_other(store: Store) -> None:
    store.outbox_add("a", "web", "{}", utc_now())

    async def carry(_hook: Hook, _payload: str, _key: str) -> None:
        raise ZeroDivisionError

    with receiver() as server:
        await Courier(store, [server.hook], clock=utc_now, carry=carry).deliver(server.hook)
    (row,) = store.outbox("web")
    assert row.attempts == 1
    assert "ZeroDivisionError" in row.error


async def test_a_clock_that_leaps_a_year_gives_nothing_up(store: Store) -> None:
    store.outbox_add("a", "web", "{}", utc_now() - timedelta(days=365))
    with receiver(500) as server:
        await Courier(store, [server.hook], clock=utc_now).deliver(server.hook)
    assert store.outbox_pending() == 1
    assert store.outbox_dead("web") == []


async def test_several_refused_emergencies_hold_up_nothing_milder(store: Store) -> None:
    for number in range(4):
        store.outbox_add("a", "web", json.dumps({"n": number}), utc_now(), first=number < 3)
    told: list[int] = []

    async def carry(hook: Hook, payload: str, _key: str) -> None:
        if (number := json.loads(payload)["n"]) < 3:
            raise hook.failed("it answered 422.")
        told.append(number)

    with receiver() as server:
        courier = Courier(store, [server.hook], clock=utc_now, carry=carry)
        for _ in range(3 * REFUSED):
            courier.wake("web")
            await courier.deliver(server.hook)
    assert told == [3]


@pytest.mark.parametrize("waiting", [1, 3])
async def test_a_hook_that_is_down_is_tried_seldom_however_often_it_failed(
    store: Store, waiting: int
) -> None:
    """Four hours of a hook that takes nothing are a few tries, not thousands."""
    for _ in range(waiting):
        store.outbox_add("a", "web", "{}", utc_now(), first=True)
    tries = clock = 0.0

    async def carry(hook: Hook, _payload: str, _key: str) -> None:
        nonlocal tries
        tries += 1
        raise hook.failed("nobody answers.")

    with receiver() as server:
        courier = Courier(
            store, [server.hook], clock=utc_now, carry=carry, jitter=lambda: 1.0, monotonic=lambda: clock
        )
        for _ in range(4 * 3600):
            clock += 1  # it looks by itself once a second
            await courier.deliver(server.hook)
    assert 10 < tries < 60


async def test_what_is_refused_is_tried_on_but_seldom(store: Store) -> None:
    store.outbox_add("a", "web", json.dumps({"n": 0}), utc_now(), first=True)
    tries = clock = 0.0

    async def carry(hook: Hook, payload: str, _key: str) -> None:
        nonlocal tries
        if json.loads(payload)["n"] == 0:
            tries += 1
            raise hook.failed("it answered 422.")

    with receiver() as server:
        courier = Courier(
            store, [server.hook], clock=utc_now, carry=carry, jitter=lambda: 1.0, monotonic=lambda: clock
        )
        for second in range(4 * 3600):
            if second % 60 == 0:  # others come and are taken
                store.outbox_add("b", "web", json.dumps({"n": 1}), utc_now())
            clock += 1
            await courier.deliver(server.hook)
        assert await courier.drain(1)  # it does not hold up the end
    assert [json.loads(row.payload)["n"] for row in store.outbox("web")] == [0]
    assert 10 < tries < 40


async def test_once_a_hook_answers_again_what_waited_alone_is_not_overtaken(store: Store) -> None:
    store.outbox_add("a", "web", json.dumps({"n": 0}), utc_now(), first=True)
    told: list[int] = []
    clock = 0.0

    async def carry(hook: Hook, payload: str, _key: str) -> None:
        if clock < 3600:
            raise hook.failed("nobody answers.")
        told.append(json.loads(payload)["n"])

    with receiver() as server:
        courier = Courier(
            store, [server.hook], clock=utc_now, carry=carry, jitter=lambda: 1.0, monotonic=lambda: clock
        )
        while clock < 3600:
            clock += 1
            await courier.deliver(server.hook)
        store.outbox_add("b", "web", json.dumps({"n": 1}), utc_now(), first=True)
        courier.wake("web")
        await courier.deliver(server.hook)
    assert told == [0, 1]
