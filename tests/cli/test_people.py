"""A household: one store each, one service for all, and nothing of one with the other."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from pypdf import PdfReader
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from device.gatt.heart_rate import HeartRateMeasurement
from device.virtual import ChestStrap, VirtualRadio
from healthslm.alerts import Engine
from healthslm.cli import app
from healthslm.cli.chores import Served, beside
from healthslm.cli.household import listen_for_all, owners
from healthslm.cli.locking import EXIT
from healthslm.cli.running import only_one
from healthslm.clock import utc_now
from healthslm.collector import Tally, Update
from healthslm.errors import HealthslmError, StoreError, UsageError
from healthslm.people import FIRST, current, folder_of, members, switch
from healthslm.readings import Device, Kind
from healthslm.rules import RULES, scan_all
from healthslm.store import CHEAPEST, Store, backup, create, open_store, open_unlocked, schedule, unlock
from healthslm.store.audit import Event
from tests.cli.saying import said_by
from tests.cli.test_listening import line_with, process
from tests.making import at, series

ZONE = ZoneInfo("UTC")
STRAPS = {"first": "C0:FF:EE:00:00:0A", "bee": "C0:FF:EE:00:00:0B"}
NAMES = {"first": "Ada", "bee": "Bertha"}
SECRETS = {"first": "the first one's words", "bee": "what bee alone knows"}
TEMPERATURES = {"first": 38.61, "bee": 39.93}
Run = Callable[..., Result]


@pytest.fixture
def household(tmp_path: Path) -> Path:
    """Two people with the same kinds of devices, a fever each, and an alert each."""
    home = tmp_path / "home"
    for label, address in STRAPS.items():
        folder = folder_of(home, label)
        store, _ = create(folder, SECRETS[label], profile=CHEAPEST)
        with store:
            store.put("person", {"name": NAMES[label], "birth_date": ""})
            store.put_device(Device(address=address, name=f"{label} strap", serial=f"serial of {label}"))
            rows = series(Kind.TEMPERATURE, at("12:00"), [TEMPERATURES[label]] * 3, every=1800)
            rows += series(Kind.HEART_RATE, at("12:00"), [71 if label == "first" else 113] * 600)
            store.append(replace(row, device=address) for row in rows)
            windows = {Kind.TEMPERATURE: store.window(Kind.TEMPERATURE, at("00:00"), at("14:00"))}
            fever = next(rule for rule in RULES if rule.name == "fever")
            (found,) = scan_all([fever], windows)
            Engine(store, [], clock=lambda: at("13:00")).update(fever, found, at("13:00"))
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / label).write_text(SECRETS[label] + "\n")
    (home / "settings.toml").write_text('timezone = "UTC"\n')
    return home


@pytest.fixture
def run(household: Path) -> Run:
    def command(label: str | None, *arguments: str, secret: str | None = None) -> Result:
        opening = ["--home", str(household)]
        opening += ["--person", label] if label else []
        file = household.parent / "secrets" / (secret or label or FIRST)
        return CliRunner().invoke(app, [*opening, "--passphrase-file", str(file), *arguments])

    return command


@pytest.fixture
def served(household: Path) -> Iterator[list[Served]]:
    with ExitStack() as stack:
        found = []
        for member in members(household):
            access = unlock(member.folder, SECRETS[member.label])
            store = stack.enter_context(open_unlocked(access))
            found.append(Served(label=member.label, access=access, store=store))
        yield found


PERIOD = ("--from", "2026-11-02", "--to", "2026-11-03")
NOW = ("--now", "2026-11-03T09:00")
COMMANDS = [
    ("findings", *PERIOD),
    ("findings", *PERIOD, "--json"),
    ("summary", *PERIOD, "--template"),
    ("summary", *PERIOD, "--template", "--json"),
    ("ask", "What was my highest temperature yesterday?", *NOW, "--template", "--json"),
    ("ask", "What was my mean heart rate yesterday?", *NOW, "--template", "--json"),
    ("ask", "Anything wrong yesterday?", *NOW, "--template"),
    ("ask", "Is the strap still connected?", *NOW, "--template"),
    ("backup", "--list", "--json"),
]


def lists() -> Iterator[tuple[str, ...]]:
    """Everything that lists or shows, also what is yet to be written."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    context = Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if name in ("doctor", "audit"):
            yield (name,)
        for inner in {"list", "show"} & getattr(command, "commands", {}).keys():
            yield (name, inner)
            yield (name, inner, "--json")


MARKS = {
    "first": (NAMES["first"], STRAPS["first"], "38.6", "serial of first", "first strap"),
    "bee": (NAMES["bee"], STRAPS["bee"], "39.9", "serial of bee", "bee strap"),
}


DOCTOR = ("doctor",)
TIME = re.compile(r"T\d\d:\d\d:\d\d(\.\d+)?")


def said(result: Result, *codes: int) -> str:
    assert result.exit_code in (0, *codes), (result.output, result.exception)
    return result.output


@pytest.mark.parametrize(("mine", "theirs"), [("first", "bee"), ("bee", "first")])
def test_no_command_says_anything_of_anybody_else(run: Run, tmp_path: Path, mine: str, theirs: str) -> None:
    everything = "".join(said(run(mine, *command)) for command in (*COMMANDS, *lists()) if command != DOCTOR)
    everything += said(run(mine, *DOCTOR), 1)  # nothing listens to their straps here
    out = tmp_path / mine
    said(run(mine, "export", "clinician", *PERIOD, "--out", str(out), "--template", "--plain"))
    everything += "".join(path.read_text() for path in out.glob("*.json"))
    everything += "".join(page.extract_text() for path in out.glob("*.pdf") for page in PdfReader(path).pages)
    everything = TIME.sub("", everything)  # its seconds may look like a temperature
    for mark in MARKS[theirs]:
        assert mark not in everything, mark
    for mark in MARKS[mine]:
        assert mark in everything, mark


def test_nobodys_passphrase_opens_another_store(run: Run) -> None:
    for label, other in (("first", "bee"), ("bee", "first")):
        result = run(label, "findings", secret=other)
        assert type(result.exception).__name__ == "LockedError"


def test_who_is_meant_is_said_or_switched_or_the_first(run: Run, household: Path) -> None:
    assert "first strap" in said(run(None, "devices", "list", "--json"))
    said(run(None, "people", "switch", "bee"))
    assert current(household) == "bee"
    assert "bee strap" in said(run(None, "devices", "list", "--json", secret="bee"))
    assert "first strap" in said(run("first", "devices", "list", "--json"))
    listed = json.loads(said(run(None, "people", "list", "--json")))
    assert [(row["label"], row["current"], row["listening"]) for row in listed] == [
        ("first", False, False),
        ("bee", True, False),
    ]


def test_a_store_that_was_there_alone_stays_where_it_is(tmp_path: Path) -> None:
    create(tmp_path, "pw", profile=CHEAPEST)[0].close()
    assert [(m.label, m.folder) for m in members(tmp_path)] == [(FIRST, tmp_path)]
    assert not (tmp_path / "people").exists()


def test_somebody_is_added_with_words_and_a_key_of_their_own(run: Run, household: Path) -> None:
    words = household.parent / "words"
    (household.parent / "secrets" / "c").write_text("the third passphrase\n")
    result = run(None, "people", "add", "c", "--name", "Cleo", "--recovery-file", str(words), secret="c")
    assert "healthslm --person c devices scan" in said(result)
    with open_store(folder_of(household, "c"), words.read_text()) as store:
        assert store.get("person")["name"] == "Cleo"
    assert [m.label for m in members(household)] == ["first", "bee", "c"]
    keys = {(m.folder / "keys.json").read_text() for m in members(household)}
    assert len(keys) == 3
    again = run(None, "people", "add", "c", secret="c")
    assert isinstance(again.exception, UsageError)
    on_disk = "".join(str(p) for p in household.rglob("*"))
    assert not any(name in on_disk for name in ("Cleo", "Ada", "Bertha"))


def test_the_first_to_be_added_is_meant(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a long passphrase")
    opening = ["--home", str(tmp_path / "home"), "--passphrase-file", str(tmp_path / "secret")]
    words = ["--recovery-file", str(tmp_path / "words")]
    said(CliRunner().invoke(app, [*opening, "people", "add", "gran", *words]))
    assert current(tmp_path / "home") == "gran"
    assert "No wearable yet" in said(CliRunner().invoke(app, [*opening, "devices", "list"]))


def test_somebody_comes_back_from_a_backup_on_a_new_machine(
    run: Run, household: Path, tmp_path: Path
) -> None:
    said(run("bee", "backup", str(tmp_path / "bee.backup")))
    shutil.rmtree(household)
    said(run("bee", "restore", str(tmp_path / "bee.backup")))
    assert [m.label for m in members(household)] == ["bee"]
    assert "bee strap" in said(run("bee", "devices", "list", "--json"))


@pytest.mark.parametrize("label", ["", "..", "a/b", "../a", "Ada", "a b", "-a", "x" * 33, "ä", "a\n"])
def test_a_label_leads_nowhere_else(household: Path, label: str) -> None:
    with pytest.raises(UsageError, match="no label") as caught:
        folder_of(household, label)
    assert "need not be a name" in caught.value.hint


def test_who_is_not_there_is_said(run: Run, household: Path) -> None:
    result = run("nobody", "findings", secret="first")
    assert isinstance(result.exception, HealthslmError)
    assert "There is no store of nobody" in str(result.exception)
    with pytest.raises(UsageError, match="There are: first, bee"):
        switch(household, "nobody")
    (household / "people.json").write_text("[")
    with pytest.raises(UsageError, match="Delete it"):
        current(household)


# One service for all


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110  the condition has no event
            await asyncio.sleep(0.01)


def beats(one: Served) -> list[float]:
    now = utc_now()
    window = one.store.window(Kind.HEART_RATE, now - timedelta(hours=1), now + timedelta(hours=1))
    return [float(value) for value in window.values]


async def test_each_gets_what_their_own_devices_say(served: list[Served]) -> None:
    first, bee = served
    seen: dict[str, list[Update]] = {"first": [], "bee": []}
    stop = asyncio.Event()
    async with VirtualRadio() as air:
        straps = {label: ChestStrap(address) for label, address in STRAPS.items()}
        for strap in straps.values():
            await air.add(strap)
        observe = {label: updates.append for label, updates in seen.items()}
        listening = asyncio.create_task(listen_for_all(served, ZONE, observe, stop, radio=air.radio))
        await until(lambda: all(strap.subscribed for strap in straps.values()))
        for n in range(10):
            await straps["first"].measure(HeartRateMeasurement(60 + n))
            await straps["bee"].measure(HeartRateMeasurement(140 + n))
        await until(lambda: len(beats(first)) == len(beats(bee)) == 10)
        stop.set()
        tallies = await listening
    assert beats(first) == [60 + n for n in range(10)]
    assert beats(bee) == [140 + n for n in range(10)]
    assert {label: tally.notifications for label, tally in tallies.items()} == {"first": 10, "bee": 10}
    for label, updates in seen.items():
        assert {u.event.device for u in updates if u.event is not None} == {STRAPS[label]}


async def test_a_device_on_two_lists_is_nobodys(
    served: list[Served], capsys: pytest.CaptureFixture[str]
) -> None:
    served[1].store.put_device(Device(address=STRAPS["first"], name="stolen"))
    assert {address: one.label for address, (one, _) in owners(served, set()).items()} == {
        STRAPS["bee"]: "bee"
    }
    told = capsys.readouterr().err
    assert STRAPS["first"] in told
    assert f"--person bee devices forget {STRAPS['first']}" in told


async def test_what_goes_wrong_with_one_store_ends_nobody_elses(
    served: list[Served], capsys: pytest.CaptureFixture[str]
) -> None:
    first, bee = served
    stop = asyncio.Event()
    async with VirtualRadio() as air:
        straps = {label: ChestStrap(address) for label, address in STRAPS.items()}
        for strap in straps.values():
            await air.add(strap)
        observe: dict[str, Callable[[Update], None]] = {"first": lambda _: None, "bee": lambda _: None}
        listening = asyncio.create_task(listen_for_all(served, ZONE, observe, stop, radio=air.radio))
        await until(lambda: all(strap.subscribed for strap in straps.values()))
        first.store.close()
        await straps["first"].measure(HeartRateMeasurement(66))
        await straps["bee"].measure(HeartRateMeasurement(144))
        await until(lambda: beats(bee) == [144])
        stop.set()
        tallies = await listening
    assert tallies["bee"].notifications == 1
    assert "first is not served any more" in capsys.readouterr().err


async def test_the_backup_of_the_day_is_made_beside(served: list[Served], tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    for one in served:
        chosen = schedule.chosen(folder, one.access.folder, schedule.Policy())
        one.store.put(schedule.SETTING, chosen.to_json())
        one.store.commit()

    def both() -> bool:
        return len(list(folder.glob("*.backup"))) == 2

    async def work() -> str:
        await until(both)
        await asyncio.sleep(0.1)
        return "done"

    assert await beside(work(), served, every_s=0.01) == "done"
    for one in served:
        (path,) = schedule.listed(folder, one.access.key_file.store_id).values()
        assert backup.read(path, SECRETS[one.label])[2].readings == 603
        assert one.store.get("last scheduled backup")["file"] == str(path)
        noted = [entry.detail for entry in one.store.trail() if entry.event == Event.BACKED_UP]
        assert noted == [{"file": str(path), "readings": 603}]


async def test_a_backup_that_fails_is_said_once_and_tried_again(
    served: list[Served], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    first = served[0]
    first.store.put(
        schedule.SETTING, schedule.chosen(folder, first.access.folder, schedule.Policy()).to_json()
    )
    folder.rmdir()
    await beside(asyncio.sleep(0.2), [first], every_s=0.01)
    assert capsys.readouterr().err.count("cannot be read: No such file") == 1
    assert "No such file" in first.store.get("last scheduled backup")["error"]
    folder.mkdir()
    await beside(until(lambda: bool(list(folder.glob("*.backup")))), [first], every_s=0.01)


@pytest.fixture
async def air(tmp_path: Path) -> AsyncIterator[Path]:
    """Everybody's strap, behind a socket."""
    scenario, socket = tmp_path / "straps.toml", tmp_path / "radio"
    scenario.write_text(
        "\n".join(f'[[wearable]]\nkind = "strap"\naddress = "{a}"\nevery = 0.05\n' for a in STRAPS.values())
    )
    async with process("device.virtual", str(scenario), "--socket", str(socket)):
        await until(socket.exists)
        yield socket


def heard(household: Path, label: str) -> tuple[str, ...]:
    with open_store(folder_of(household, label), SECRETS[label]) as store:
        now = utc_now()
        return tuple(store.sources(Kind.HEART_RATE, now - timedelta(hours=1), now))


async def test_the_command_serves_whose_store_opens(
    run: Run, household: Path, tmp_path: Path, air: Path
) -> None:
    third = folder_of(household, "third")
    create(third, "nobody knows", profile=CHEAPEST)[0].close()
    async with process(
        "healthslm", "--home", str(household), "run", "--virtual", str(air),
        "--passphrases", str(tmp_path / "secrets"),
    ) as running:  # fmt: skip
        assert running.stderr is not None
        told = ""
        async with asyncio.timeout(30):
            while told.count(": connected") < 2:
                line = (await running.stderr.readline()).decode()
                assert line, told
                told += line
            with pytest.raises(HealthslmError, match="already listening"), only_one(third):
                pass
            file = str(tmp_path / "bee.backup")
            assert "read back and whole" in said(await asyncio.to_thread(run, "bee", "backup", file))
            await asyncio.sleep(0.3)
            running.send_signal(signal.SIGINT)
            told += (await running.stderr.read()).decode()
        assert await running.wait() == 0, told
    assert "third is left out. No passphrase was given." in told
    assert "first: first strap: connected" in told
    for label, address in STRAPS.items():
        assert f"{label}: stopped." in told
        assert heard(household, label) == (address,)


async def test_whoever_is_unlocked_later_is_served_from_then_on(run: Run, household: Path, air: Path) -> None:
    """As a service waits for everybody of a household after a power cut, and when somebody locks theirs."""
    command = "healthslm", "--home", str(household), "run", "--virtual", str(air), "--wait"
    async with process(*command) as running:
        await line_with(running, "--person first unlock")
        for label in ("bee", "first"):
            assert "run: unlocked" in said(await asyncio.to_thread(run, label, "unlock"))
            if label == "first":
                await line_with(running, "bee: goes on in a moment")
                await line_with(running, "bee: bee strap: connected")
            else:
                await line_with(running, "bee: bee strap: connected")
        await until(lambda: heard(household, "first") == (STRAPS["first"],))
        assert heard(household, "bee") == (STRAPS["bee"],)
        assert "nothing at work has the key" in said(await asyncio.to_thread(run, "bee", "lock"))
        await line_with(running, "Locked")
        assert await running.wait() == EXIT
    secrets = "--passphrase-file", str(household.parent / "secrets" / "first")
    async with process(command[0], *secrets, *command[1:]) as running:  # as it is started again
        await line_with(running, "bee waits. The store was locked by hand")
        await line_with(running, "first: first strap: connected")
        # Somebody whom it does not serve: nothing has their key.
        assert "nothing at work has the key" in said(await asyncio.to_thread(run, "bee", "lock"))
        running.send_signal(signal.SIGTERM)
        assert "first: stopped" in await line_with(running, "stopped")
        assert await running.wait() == 0


async def test_a_services_credential_is_the_first_persons_whoever_is_meant(
    run: Run, household: Path, air: Path
) -> None:
    said(run(None, "people", "switch", "bee"))
    secrets = "--passphrase-file", str(household.parent / "secrets" / "first")
    command = "--home", str(household), "run", "--virtual", str(air), "--wait"
    async with process("healthslm", *secrets, *command) as running:
        await line_with(running, "bee waits.")
        await line_with(running, "first: first strap: connected")
        running.send_signal(signal.SIGTERM)
        assert "first: stopped" in await line_with(running, "stopped")


def test_when_nobody_can_be_served_any_more_it_ends_in_an_error(
    household: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a service manager starts it again."""

    async def each_ended_in_an_error(*_: object, **__: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr("healthslm.cli.serving.listen_for_all", each_ended_in_an_error)
    secrets = household.parent / "secrets"
    ended = said_by(["--home", str(household), "run", "--passphrases", str(secrets)])
    assert ended.code == 1
    assert "Nobody is served any more" in ended.stderr


def test_what_is_sealed_for_one_and_cannot_be_taken_in_keeps_nobody_from_being_served(
    household: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []

    async def listening(who: list[Served], *_: object, **__: object) -> dict[str, Tally]:
        served.extend(one.label for one in who)
        return {one.label: Tally() for one in who}

    def refused(store: Store, *_: object) -> None:
        if store.folder == household:
            raise StoreError("It cannot be removed.", "See that the disk can be written.")

    monkeypatch.setattr("healthslm.cli.serving.listen_for_all", listening)
    monkeypatch.setattr("healthslm.cli.serving.take_in", refused)
    secrets = household.parent / "secrets"
    ended = said_by(["--home", str(household), "run", "--passphrases", str(secrets)])
    assert ended.code == 0
    assert "first: what was sealed is taken in another time. It cannot be removed." in ended.stderr
    assert served == ["first", "bee"]
