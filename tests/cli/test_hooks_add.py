"""`hooks add`: what can never work is refused where it is typed, with the next step and exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.testing

from healthslm.alerts import Tell, parse_hooks
from healthslm.alerts.groups import MACHINE, group_of
from healthslm.alerts.hooks.homeassistant import HomeAssistant
from healthslm.alerts.stopped import stopped
from healthslm.alerts.watch import Watched
from healthslm.cli import app
from healthslm.clock import utc_now
from healthslm.errors import HealthslmError, UsageError
from healthslm.readings import Severity
from healthslm.store import CHEAPEST, create, open_store

# The library's own, on Python 3.11.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")
Add = Callable[..., HealthslmError | None]
SERVER = ("--server", "smtp.example.org", "--from", "me@example.org")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path / "home", "passphrase", profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    return tmp_path / "home"


@pytest.fixture
def add(home: Path) -> Add:
    def command(*arguments: str) -> HealthslmError | None:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        result = typer.testing.CliRunner().invoke(app, [*opening, "hooks", "add", *arguments])
        if result.exception is None:
            return None
        assert isinstance(result.exception, HealthslmError), result.exception
        return result.exception

    return command


def argv_of(home: Path) -> list[str]:
    with open_store(home, "passphrase") as store:
        (hook,) = store.get("hooks", [])  # type: ignore[misc]
    return list(hook["argv"])


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["ntfys://"], "goes to nobody"),
        (["ntfys://ntfy.example.org"], "goes to nobody"),
        (["ntfys://ntfy.example.org/?priority=high"], "goes to nobody"),
        (["tgram://"], "not the whole of one"),
        (["https://"], "with a host"),
        (["https:example.org"], "with a host"),
        (["https://a..b/"], "no server can be called"),
        (["https://-example.org/"], "no server can be called"),
        (["https://example.org:0/"], "with a host"),
        (["mqtts://"], "broker's address is a host"),
        (["mqtts://a..b"], "broker's address is a host"),
        (["mqtts://example.org:0"], "port"),
        (["mailto:", *SERVER], "no e-mail address"),
        (["mailto:anna", *SERVER], "no e-mail address"),
        (["mailto:anna@.", *SERVER], "no server can be called"),
        (["mailto:anna@example.org", "--server", "example.org:0", "--from", "me@example.org"], "port"),
        (["mailto:anna@example.org", "--server", "..", "--from", "me@example.org"], "no server"),
        (["desktop:somewhere"], "has no address"),
        (["--form", "fhir", "--", "true"], "tell full"),
        (["--after", "-1", "--", "true"], "after_min"),
        (["--", "no-such-program-here"], "no program"),
    ],
)
def test_what_can_never_work_is_refused(add: Add, words: list[str], what: str) -> None:
    refused = add("phone", *words)
    assert isinstance(refused, UsageError)
    assert what in refused.message
    assert refused.hint


@pytest.mark.parametrize(
    "words",
    [
        ["ntfys://ntfy.example.org/a-topic"],
        ["https://ho_st.example.org:8443/alert?x=1"],
        ["https://münchen.example/"],
        ["https://[2001:db8::1]/"],
        ["http://localhost:8000/"],
        ["mqtts://homeassistant.local/our/home"],
        ["mqtt://[::1]"],
        ["mailto:anna@example.org,ben@localhost", *SERVER],
        ["desktop:"],
    ],
)
def test_what_may_work_is_taken(add: Add, words: list[str]) -> None:
    assert add("phone", *words) is None


def test_a_program_is_named_by_its_whole_path(
    add: Add, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`healthslm run` may be started in another folder; a link stays one, for an environment's Python."""
    (tmp_path / "real").write_text("#!/bin/sh\n")
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "beep").symlink_to(tmp_path / "real")
    (tmp_path / "buzzer.py").touch()
    monkeypatch.chdir(tmp_path)
    assert add("buzzer", "--", "./beep", "buzzer.py", "real", "gpio:17") is None
    assert argv_of(home) == [str(tmp_path / "beep"), str(tmp_path / "buzzer.py"), "real", "gpio:17"]


def test_what_was_typed_wrong_ends_with_2(home: Path) -> None:
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    for words in (["add", "r", "https://"], ["test", "nobody"], ["remove", "nobody"], ["retry", "nobody"]):
        ended = subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, "hooks", *words],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (ended.returncode, ended.stdout) == (2, ""), words
        assert "Traceback" not in ended.stderr


def test_a_package_that_is_missing_was_not_typed_wrong(home: Path, tmp_path: Path) -> None:
    """It ends with 1, and with what to install."""
    (tmp_path / "apprise.py").write_text("raise ImportError")
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    ended = subprocess.run(
        [sys.executable, "-m", "healthslm", *opening, "hooks", "add", "r", "ntfys://ntfy.example.org/topic"],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "healthslm[hooks]" in ended.stderr


def test_a_hook_that_was_taken_once_is_still_read(add: Add, home: Path) -> None:
    """A stricter version must not keep `healthslm run` from starting."""
    row = {"kind": "webhook", "name": "old", "url": "https://a..b/", "secret": "x" * 20}
    with open_store(home, "passphrase") as store:
        store.put("hooks", [row])
        store.commit()
    assert add("new", "--", "true") is None
    with open_store(home, "passphrase") as store:
        assert json.dumps(store.get("hooks")).count('"name"') == 2


def test_a_hook_for_some_rules_says_that_it_hears_of_nothing_missing(home: Path, add: Add) -> None:
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]

    def said(name: str, rules: str) -> str:
        words = [*opening, "hooks", "add", name, "--rules", rules, "--", "true"]
        return typer.testing.CliRunner().invoke(app, words, catch_exceptions=False).stderr

    assert "--rules fever,engine_stopped,no_data" in said("one", "fever")
    assert "not told when something is missing" not in said("two", "fever,engine_stopped,no_data")
    refused = add("three", "--rules", "no_dta", "--", "true")
    assert isinstance(refused, UsageError)
    assert "no_data" in refused.hint
    with open_store(home, "passphrase") as store:
        one, two = parse_hooks(store.get("hooks"))
    for rule in ("engine_stopped", "no_data:C0:FF:EE:00:00:01"):
        assert not one.wants(rule, Severity.URGENT)
        assert two.wants(rule, Severity.URGENT)
    assert not two.wants("not_worn:C0:FF:EE:00:00:01", Severity.URGENT)
    assert [hook.name for hook, _ in stopped([one, two], utc_now())] == ["two"]


def test_each_watch_can_be_named_and_stands_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    for watch in Watched:
        assert group_of(watch) == MACHINE
        assert f"\n| `{watch}" in docs, watch


def test_a_watch_of_each_device_is_no_entity_of_its_own() -> None:
    """It would never be switched on: the alerts are called after the device."""
    words = HomeAssistant("homeassistant", "healthslm", Tell.TITLE, ("fever", "no_data"), (), 60)
    topics = " ".join(message.topic for message in words.everything(0))
    assert "fever" in topics
    assert "no_data" not in topics
