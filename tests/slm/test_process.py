"""The model's process: it starts when needed, keeps its time limits, and starts again after it died."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from healthslm import fence
from healthslm.bench.figures import measure
from healthslm.errors import ModelError
from healthslm.slm import ModelProcess
from healthslm.slm.protocol import Measure, Write, request, told
from tests.slm.test_model import made

READY = "import sys, json, time, os\nprint(json.dumps({'ready': 'm'}), flush=True)\n"
ASKED = (("user", "Say something."),)


def process(
    tmp_path: Path, script: str, *, start_s: float = 20, answer_s: float = 20, idle_s: float = 60
) -> ModelProcess:
    """A process that runs a script instead of the model."""
    folder = tmp_path / "m"
    command = (sys.executable, "-c", script)
    return ModelProcess(
        folder if folder.exists() else made(folder),
        start_s=start_s,
        answer_s=answer_s,
        idle_s=idle_s,
        command=command,
    )


def test_without_a_model_there_is_no_process(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no language model"):
        ModelProcess(tmp_path)


def test_a_sentence_comes_back(tmp_path: Path) -> None:
    echo = (
        READY
        + "for line in sys.stdin: print(json.dumps({'text': json.loads(line)['messages'][0][1]}), flush=True)"
    )
    with process(tmp_path, echo) as writer:
        assert writer(ASKED, numbers=()) == "Say something."
        assert writer((("user", "ümläut\nand line"),), numbers=("1",)) == "ümläut\nand line"


def test_the_request_carries_the_numbers_and_later_attempts_are_drawn(tmp_path: Path) -> None:
    echo = READY + "for line in sys.stdin: print(json.dumps({'text': line}), flush=True)"
    with process(tmp_path, echo) as writer:
        first = json.loads(writer(ASKED, numbers=("72", "54")))
        assert (first["numbers"], first.get("temperature")) == (["54", "72"], None)  # none: the usual one
        assert json.loads(writer(ASKED, numbers=(), attempt=1))["temperature"] > 0


def test_one_that_does_not_answer_is_ended_within_its_limit(tmp_path: Path) -> None:
    with process(tmp_path, READY + "time.sleep(60)", answer_s=0.3) as writer:
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"did not answer within 0\.3 seconds"):
            writer(ASKED, numbers=())
        assert time.monotonic() - started < 10


def test_one_that_does_not_start_is_ended_within_its_limit(tmp_path: Path) -> None:
    with (
        process(tmp_path, "import time; time.sleep(60)", start_s=0.3) as writer,
        pytest.raises(ModelError, match=r"did not answer within 0\.3 seconds"),
    ):
        writer.start()


def test_one_that_dies_is_reported_with_its_last_words_and_started_again(tmp_path: Path) -> None:
    once = tmp_path / "died"
    script = READY + (
        f"for line in sys.stdin:\n"
        f"    if not os.path.exists({str(once)!r}):\n"
        f"        open({str(once)!r}, 'w').close(); print('out of memory', file=sys.stderr); os._exit(9)\n"
        f"    print(json.dumps({{'text': 'again'}}), flush=True)"
    )
    with process(tmp_path, script) as writer:
        with pytest.raises(ModelError, match="process ended: out of memory"):
            writer(ASKED, numbers=())
        assert writer(ASKED, numbers=()) == "again"


@pytest.mark.parametrize("said", ["no json", "[1]", '{"text": 3}', '{"text": "x", "more": 1}', "\\xff\\xfe"])
def test_what_is_no_answer_is_not_taken_for_one(tmp_path: Path, said: str) -> None:
    script = (
        READY
        + f"sys.stdin.readline(); sys.stdout.buffer.write(b'''{said}\\n'''); "
        + "sys.stdout.flush(); time.sleep(9)"
    )
    with process(tmp_path, script) as writer, pytest.raises(ModelError, match="something that is no answer"):
        writer(ASKED, numbers=())


def test_an_endless_line_is_not_read_for_ever(tmp_path: Path) -> None:
    script = READY + "sys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)"
    with process(tmp_path, script) as writer, pytest.raises(ModelError, match="something that is no answer"):
        writer(ASKED, numbers=())


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    writer = ModelProcess(made(tmp_path / "m"), command=(str(tmp_path / "nothing"),))
    with pytest.raises(ModelError, match="could not be started"):
        writer.start()


def test_the_process_gets_nothing_of_the_parents_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHSLM_PASSPHRASE", "secret")
    echo = READY + "for line in sys.stdin: print(json.dumps({'text': repr(sorted(os.environ))}), flush=True)"
    with process(tmp_path, echo) as writer:
        assert "HEALTHSLM" not in writer(ASKED, numbers=())


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"do": "write", "messages": [["user", "x"]], "numbers": ["seventy"]}', "numbers"),
        ('{"do": "write", "messages": [["root", "x"]], "numbers": []}', "messages"),
        ('{"do": "write", "messages": [], "numbers": []}', "messages"),
        ('{"do": "write", "messages": [["user", "x"]], "numbers": [], "max_tokens": 999}', "max_tokens"),
        ('{"do": "weigh", "messages": [["user", "x"]], "options": ["one"]}', "options"),
        ('{"do": "measure", "deeply": true}', "TypeError"),
        ('{"do": "erase"}', "KeyError"),
        ("[]", "TypeError"),
        ("{", "Expecting"),
    ],
)
def test_a_request_is_checked_at_the_border(line: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        request(line)


@pytest.mark.parametrize(
    "asked",
    [
        Write(messages=(("user", "x"),), numbers=("38.9", "14:20"), seed=2),
        Write(messages=(("user", "x"),), numbers=None, guessing=False),
        Measure(fill=True),
    ],
)
def test_a_request_arrives_as_it_was_sent(asked: Write | Measure) -> None:
    again = request(told(asked))
    assert told(again) == told(asked)
    assert type(again) is type(asked)


@pytest.mark.model
def test_the_real_process_writes_under_the_mask_and_ends(writer: ModelProcess) -> None:
    text = writer([("user", "heart rate: average 72 bpm. Say it.")], numbers=("72",))
    assert text
    assert set(filter(str.isdigit, text)) <= {"7", "2"}
    with pytest.raises(ModelError, match="The prompt has"):
        writer([("user", "word " * 1500)], numbers=())


@pytest.mark.model
def test_a_broken_line_is_answered_not_fatal(model_folder: Path) -> None:
    from healthslm.slm import worker  # noqa: PLC0415  imports the runtime
    from healthslm.slm.runtime import Engine  # noqa: PLC0415  likewise

    out = io.StringIO()
    worker.serve(Engine(model_folder), ["{", "[]", '{"do": "measure", "x": 1}', '{"messages": []}'], out)
    replies = [json.loads(line) for line in out.getvalue().splitlines()]
    assert "ready" in replies[0]
    assert all("cannot be read" in reply["error"] for reply in replies[1:])
    assert len(replies) == 5


@pytest.mark.model
def test_figures_of_this_machine(model_folder: Path) -> None:
    figures = measure(model_folder)
    assert min(figures.prefill_tokens_per_s, figures.decode_tokens_per_s, figures.first_token_s) > 0
    assert figures.peak_bytes is None or 100e6 < figures.peak_bytes < 500e6


ECHO = READY + "for line in sys.stdin: print(json.dumps({'text': 'x'}), flush=True)"


def until(holds: Callable[[], bool]) -> bool:
    """Wait up to ten seconds for something to hold."""
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def test_an_idle_process_ends_and_starts_again_when_it_is_wanted(tmp_path: Path) -> None:
    with process(tmp_path, ECHO, idle_s=0.05) as writer:
        assert not writer.running
        for _ in range(3):
            assert writer(ASKED, numbers=()) == "x"
            assert until(lambda: not writer.running)
    assert not writer.running


def test_a_process_in_use_is_not_ended(tmp_path: Path) -> None:
    slow = READY + "for line in sys.stdin: time.sleep(0.3); print(json.dumps({'text': 'x'}), flush=True)"
    with process(tmp_path, slow, idle_s=0.05) as writer:
        for _ in range(3):
            assert writer(ASKED, numbers=()) == "x"
    with process(tmp_path, ECHO, idle_s=30) as writer:
        writer.start()
        time.sleep(0.1)
        assert writer.running


def test_whoever_closes_it_leaves_nobody_looking_after_it(tmp_path: Path) -> None:
    before = set(threading.enumerate())  # others may end meanwhile: those of tests before this one
    with process(tmp_path, ECHO, idle_s=60) as writer:
        writer(ASKED, numbers=())
        (watching,) = set(threading.enumerate()) - before
    assert until(lambda: not watching.is_alive())
    assert writer(ASKED, numbers=()) == "x", "it starts again when it is used again"
    writer.close()


@pytest.mark.model
def test_the_real_process_is_behind_its_fence_and_keeps_no_record_for_others(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime's libraries would keep a database of what they tell their maker in the cache's folder."""
    if not fence.possible().whole:
        pytest.skip(" ".join(fence.possible().missing))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with ModelProcess(model_folder, strict=True) as process:
        assert process.draft([("user", "Say hello.")], numbers=None).text
        assert process.pid is not None
        status = Path(f"/proc/{process.pid}/status").read_text()
        opened = [os.readlink(one) for one in Path(f"/proc/{process.pid}/fd").iterdir()]
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert not [one for one in opened if one.endswith((".db", ".db-wal")) or one.startswith("socket:")]
    assert list(tmp_path.iterdir()) == []


def test_without_a_fence_it_does_not_load_a_model_in_strict_mode(tmp_path: Path) -> None:
    script = """
import sys
from healthslm.fence import Fenced
from healthslm.slm.worker import main
none = Fenced(calls=False, landlock=0, missing=("This kernel cannot refuse calls.",))
sys.exit(main(["/nowhere", "--strict"], fenced=lambda _: none))
"""
    with process(tmp_path, script) as one, pytest.raises(ModelError, match="This kernel cannot refuse calls"):
        one.start()
