"""`healthslm export clinician --server`: shown first, sent on an explicit word, and only then."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from healthslm.readings import Device, Kind, Reading
from healthslm.store import CHEAPEST, create
from tests.export.fhir_server import Double, serving
from tests.making import at, series

Run = Callable[..., subprocess.CompletedProcess[str]]
DAY = ("--from", "2026-11-02", "--to", "2026-11-03", "--template", "--format", "fhir", "--plain")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    folder = tmp_path / "home"
    store, _ = create(folder, "passphrase", profile=CHEAPEST)
    with store:
        store.put_device(Device(address="C0:FF:EE:00:00:01", name="ear thermometer", model="T1"))
        rows = series(Kind.TEMPERATURE, at("12:00"), [36.8, 37.9, 38.4], every=3600)
        store.append(
            Reading(time=r.time, kind=r.kind, value=r.value, device="C0:FF:EE:00:00:01") for r in rows
        )
    (tmp_path / "passphrase").write_text("passphrase\n")
    (folder / "settings.toml").write_text('timezone = "UTC"\n')

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(folder), "--passphrase-file", str(tmp_path / "passphrase")]
        export = ["export", "clinician", "--out", str(tmp_path / "out"), *DAY]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *export, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


@pytest.fixture
def server() -> Iterator[Double]:
    with serving() as double:
        yield double


def test_without_the_word_it_is_only_shown(run: Run, server: Double) -> None:
    done = run("--server", server.base)
    assert done.returncode == 0, done.stderr
    assert f"To {server.base}, without a token:" in done.stderr
    assert "1 Composition" in done.stderr
    assert "1 Patient" in done.stderr
    assert "Nothing was sent." in done.stderr
    assert server.asked == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "no terminal to confirm at"),
        (("--confirm", "elsewhere"), "not the server's host"),
        (("--confirm", "127.0.0.1", "--patient", "42"), "no patient of a server"),
        (("--confirm", "127.0.0.1", "--token-file", "nowhere"), "cannot be read"),
    ],
)
def test_without_a_right_confirmation_nothing_is_sent(
    arguments: tuple[str, ...], why: str, run: Run, server: Double
) -> None:
    done = run("--server", server.base, "--send", *arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert server.asked == []


def test_send_needs_a_server(run: Run) -> None:
    done = run("--send")
    assert done.returncode == 2
    assert "nowhere to send it to" in done.stderr


def test_confirmed_it_is_sent_once(run: Run, server: Double, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    token.chmod(0o644)
    sent = ("--server", server.base, "--send", "--confirm", "127.0.0.1", "--token-file", str(token))
    assert "chmod 600" in run(*sent).stderr
    assert server.asked == []
    token.chmod(0o600)
    done = run(*sent)
    assert done.returncode == 0, done.stderr
    assert "t0ken" not in done.stderr + done.stdout
    assert server.headers[0]["authorization"] == "Bearer t0ken"
    assert "Made there:" in done.stderr
    assert "1 Patient" in done.stderr.split("Made there:")[1]
    again = run(*sent)
    assert "Made there: nothing." in again.stderr
    assert len(server.held["Patient"]) == 1
    spots = [o for o in server.held["Observation"] if "effectiveDateTime" in o]
    assert [o["valueQuantity"]["value"] for o in spots] == [36.8, 37.9, 38.4]


def test_what_the_server_says_is_told(run: Run, server: Double) -> None:
    said = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no such profile"}]}
    server.says = (422, json.dumps(said).encode())
    done = run("--server", server.base, "--send", "--confirm", "127.0.0.1")
    assert done.returncode == 1
    assert "answered 422: no such profile." in done.stderr
    assert "Traceback" not in done.stderr
