"""Rules as a clinician uses them: looked at, set and signed, tried on history; every finding explained."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from healthslm.cli.explain import finding_named
from healthslm.history import History
from healthslm.readings import Kind, Reading
from healthslm.rulebook import in_force
from healthslm.store import CHEAPEST, create
from tests.making import DAY, at, series

Run = Callable[..., subprocess.CompletedProcess[str]]
FEVER = "fever-20261102T140000Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    store, _ = create(folder, "passphrase", profile=CHEAPEST)
    with store:
        rows = series(Kind.TEMPERATURE, at("12:00"), [36.8, 37.9, 38.4, 38.7, 38.2], every=3600)
        store.append(Reading(time=r.time, kind=r.kind, value=r.value, device=r.device) for r in rows)
    (tmp_path / "passphrase").write_text("passphrase\n")
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def test_a_finding_is_explained(run: Run) -> None:
    listed = run("findings", "--from", "2026-11-02", "--to", "2026-11-03")
    assert FEVER in listed.stdout
    shown = run("findings", "--explain", FEVER)
    assert shown.returncode == 0, shown.stderr
    for word in ("fever, version", "NHS", "38 Cel", "38.7 °C", "could not see", "next step"):
        assert word in shown.stdout, word
    (explained,) = [json.loads(run("findings", "--explain", FEVER, "--json").stdout)]
    assert {t["name"] for t in explained["thresholds"]} == {"fever", "high"}
    assert explained["evidence"][0]["readings"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fever", "not the id"),
        ("fever-20261102T999999Z", "not the id"),
        ("flu-20261102T140000Z", "no rule"),
        ("fever-20261102T120000Z", "nothing begins"),
    ],
)
def test_what_is_no_finding_is_said_to_be_none(run: Run, name: str, said: str) -> None:
    result = run("findings", "--explain", name)
    assert result.returncode == 2
    assert said in result.stderr


def test_a_threshold_is_tried_set_signed_and_taken_back(run: Run) -> None:
    tried = json.loads(run("alerts", "replay", "--rule", "fever", "--set", "fever=38.6", "--json").stdout)
    assert (tried["as_it_is"]["episodes"], tried["with"]["episodes"]) == (1, 1)
    assert tried["as_it_is"]["findings"][0]["start"] < tried["with"]["findings"][0]["start"]
    none = json.loads(run("alerts", "replay", "--rule", "fever", "--set", "fever=38.8", "--json").stdout)
    assert none["with"]["episodes"] == 0

    signed = ("--by", "Dr. Stein", "--why", "always runs warm")
    assert run("rules", "set", "fever", "fever", "38.6", *signed).returncode == 0
    (rule,) = json.loads(run("rules", "list", "fever", "--json").stdout)
    (own,) = [t for t in rule["thresholds"] if t["by"]]
    assert (own["name"], own["value"], own["usual"], own["by"]) == ("fever", 38.6, 38.0, "Dr. Stein")
    (finding,) = json.loads(run("findings", "--from", "2026-11-02", "--to", "2026-11-03", "--json").stdout)
    assert finding["start"] == "2026-11-02T15:00:00+00:00"
    assert "set by Dr. Stein" in run("findings", "--explain", finding["id"]).stdout
    assert "rule changed" in run("audit").stdout

    assert run("rules", "reset", "fever").returncode == 0
    (back,) = json.loads(run("findings", "--from", "2026-11-02", "--to", "2026-11-03", "--json").stdout)
    assert back["id"] == FEVER
    assert run("rules", "reset").returncode == 2


def test_a_slip_is_named(run: Run) -> None:
    for arguments, said in (
        (("rules", "set", "fever", "fever", "60", "--by", "A", "--why", "b"), "37.2 to 39"),
        (("rules", "guideline", "aha-1997", "--by", "A"), "aha-2017, esc-2024"),
        (("rules", "guideline", "aha-2017"), "--by NAME"),
        (("rules", "set", "fever", "hot", "38", "--by", "A", "--why", "b"), "It has: fever, high"),
        (("rules", "set", "fever", "fever", "38.5", "--by", " ", "--why", "b"), "--by NAME"),
        (("alerts", "replay", "--set", "fever=38"), "--rule"),
        (("alerts", "replay", "--rule", "fever", "--set", "fever"), "NAME=NUMBER"),
    ):
        result = run(*arguments)
        assert result.returncode == 2, arguments
        assert said in result.stderr, result.stderr


def test_the_guideline_of_pressure_is_chosen_and_noted(run: Run) -> None:
    assert "esc-2024" in run("rules", "guideline").stdout
    assert run("rules", "guideline", "aha-2017", "--by", "Dr. Stein").returncode == 0
    assert "aha-2017" in run("rules", "guideline").stdout
    assert "Dr. Stein" in run("audit", "--json").stdout


@pytest.mark.parametrize("begun", [0, 1])
def test_an_episode_of_days_is_explained_as_it_was_listed(tmp_path: Path, begun: int) -> None:
    store, _ = create(tmp_path / "days", "passphrase", profile=CHEAPEST)
    with store:
        rows = series(
            Kind.TEMPERATURE, at("12:00"), [36.5] * 3 + [38.5] * 70 + [39.0] + [36.5] * 20, every=3600
        )
        store.append(Reading(time=r.time, kind=r.kind, value=r.value, device=r.device) for r in rows)
        zone = ZoneInfo("Europe/Berlin")
        start = DAY + timedelta(days=begun)
        (listed,) = History(store, zone).findings(in_force(store), start, DAY + timedelta(days=6))
        explained = finding_named(store, listed.id, zone)
        assert explained == listed
        assert explained.evidence[0].value == 39.0
        inside = finding_named(
            store, "fever-20261104T120000Z", zone
        )  # an id of before beginnings were joined
        assert inside == listed
