"""Hooks that are added and removed while `collect()` is at work, or between."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device import Event, LinkEvent, LinkState
from healthslm.alerts import Courier, Engine, Hook, desk, parse_hooks
from healthslm.alerts.alert import Told
from healthslm.alerts.watch import Watch
from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.pipeline import collect
from healthslm.readings import Finding, Severity
from healthslm.rounds import Rounds
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.making import DAY, at

UTC = ZoneInfo("UTC")
RULE = Watch("low_spo2", timedelta(hours=1))


def to(path: Path, **more: object) -> dict[str, object]:
    return {"kind": "command", "name": "phone", "argv": ["tee", "-a", str(path)], **more}


def low(severity: Severity = Severity.URGENT) -> Finding:
    return Finding(
        rule=RULE.name, version="1", severity=severity, title="Low oxygen", action="", source="made up",
        start=at("12:00"), end=at("12:00"), ongoing=True,
    )  # fmt: skip


def told(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def until(path: Path) -> None:
    async with asyncio.timeout(20):
        while not told(path):  # noqa: ASYNC110  a file does not say
            await asyncio.sleep(0.02)


def by_another_process(home: Path, rows: Sequence[dict[str, object]], *, removed: str = "") -> None:
    """What `healthslm hooks add` and `remove` do."""
    with open_store(home, "passphrase") as store:
        if removed:
            desk.forget_hook(store, removed)
        store.put("hooks", list(rows))
        store.commit()


async def test_a_hook_that_is_added_is_told_what_is_open_and_one_that_is_removed_nothing_more(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    store, _ = create(home, "passphrase", profile=CHEAPEST)
    with store:
        Engine(store, (), clock=utc_now).update(RULE, low(), utc_now())
        ended = asyncio.Event()

        async def events() -> AsyncIterator[Event]:
            yield LinkEvent(DAY, "C0:FF:EE:00:00:01", LinkState.SEARCHING)
            await asyncio.to_thread(by_another_process, home, [to(tmp_path / "first")])
            await until(tmp_path / "first")
            # Of the same name, but somebody else, who is to be told more.
            await asyncio.to_thread(by_another_process, home, [], removed="phone")
            await asyncio.to_thread(by_another_process, home, [to(tmp_path / "second", tell="title")])
            await until(tmp_path / "second")
            ended.set()

        def hooks_now() -> Sequence[Hook]:
            return parse_hooks(store.get("hooks", []))

        await collect(events(), store, zone=UTC, hooks_now=hooks_now, stop=ended)
    (first,), (second,) = told(tmp_path / "first"), told(tmp_path / "second")
    assert "title" not in first
    assert (second["title"], second["id"]) == ("Low oxygen", first["id"])


def test_a_hook_of_the_name_of_one_that_was_removed_is_told_anew(store: Store) -> None:
    (hook,) = parse_hooks([to(Path("x"))])
    engine = Engine(store, [hook], clock=lambda: at("12:00"))
    alert = engine.update(RULE, low(), at("12:00"))
    assert alert is not None
    engine.delivered([alert.id], "phone", store.outbox("phone")[0].id)
    desk.forget_hook(store, "phone")
    store.commit()
    assert store.outbox("phone") == []
    again = Engine(store, [hook], clock=lambda: at("12:00"))
    again.tick(at("12:01"))
    (row,) = store.outbox("phone")
    assert json.loads(row.payload)["occasion"] == "new"


def test_what_was_in_memory_alone_when_the_program_ended_is_told_anew(store: Store) -> None:
    (hook,) = parse_hooks([to(Path("x"))])
    alert = Engine(store, [], clock=lambda: at("12:00")).update(RULE, low(), at("12:00"))
    assert alert is not None

    def lost(document: str | None) -> tuple[str, object, str]:
        assert document is not None
        row = json.loads(document)
        row["told"] = {"phone": {"at": at("12:00").isoformat(), "row": -1, "times": 1}}
        return row["state"], at("12:00"), json.dumps(row)

    store.change_alert(alert.id, lost)  # type: ignore[arg-type]
    assert next(desk.alerts_in(store)).told == {"phone": Told(at=at("12:00"), row=-1)}
    Engine(store, [hook], clock=lambda: at("12:00")).tick(at("12:01"))
    assert len(store.outbox("phone")) == 1


def test_that_a_hook_takes_nothing_is_over_once_it_is_removed(store: Store) -> None:
    (phone,) = parse_hooks([to(Path("x"))])
    engine = Engine(store, [phone], clock=lambda: at("12:00"))
    row = store.outbox_add(["a"], "phone", "{}", at("12:00"))
    store.outbox_failed(row, "nobody answers")
    rounds = Rounds(store, engine, [phone], Courier(store, [phone], clock=lambda: at("12:00")))
    (alert,) = rounds.make(at("12:20"), 0)
    assert alert.rule == "undelivered:phone"
    rounds.use([])
    rounds.make(at("12:21"), 60)
    engine.tick(at("12:40"))
    assert engine.open_alerts == ()


async def test_a_hook_that_was_removed_and_is_there_again_at_once_is_told_anew(tmp_path: Path) -> None:
    """Between two looks nothing seems to be otherwise; and what was queued in between is not for it."""
    home = tmp_path / "home"
    store, _ = create(home, "passphrase", profile=CHEAPEST)
    store.put("hooks", [to(tmp_path / "told")])
    with store:
        alert = Engine(store, (), clock=utc_now).update(RULE, low(), utc_now())
        assert alert is not None
        ended = asyncio.Event()

        async def events() -> AsyncIterator[Event]:
            yield LinkEvent(DAY, "C0:FF:EE:00:00:01", LinkState.SEARCHING)
            await until(tmp_path / "told")
            await asyncio.sleep(0.2)  # until it is noted that it was taken
            (tmp_path / "told").unlink()
            rows = [to(tmp_path / "told")]
            await asyncio.to_thread(by_another_process, home, rows, removed="phone")
            await until(tmp_path / "told")
            ended.set()

        def hooks_now() -> Sequence[Hook]:
            return parse_hooks(store.get("hooks", []))

        await collect(events(), store, zone=UTC, hooks=hooks_now(), hooks_now=hooks_now, stop=ended)
    assert [one["id"] for one in told(tmp_path / "told")] == [alert.id]


async def test_hooks_that_cannot_be_read_once_are_read_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store, _ = create(home, "passphrase", profile=CHEAPEST)
    with store:
        Engine(store, (), clock=utc_now).update(RULE, low(), utc_now())
        ended = asyncio.Event()
        fails = 3

        async def events() -> AsyncIterator[Event]:
            yield LinkEvent(DAY, "C0:FF:EE:00:00:01", LinkState.SEARCHING)
            await asyncio.to_thread(by_another_process, home, [to(tmp_path / "told")])
            await until(tmp_path / "told")
            ended.set()

        def hooks_now() -> Sequence[Hook]:
            nonlocal fails
            fails -= 1
            if fails > 0:
                raise StoreError("The disk does not answer.", "Wait.")
            return parse_hooks(store.get("hooks", []))

        await collect(events(), store, zone=UTC, hooks_now=hooks_now, stop=ended)
    assert len(told(tmp_path / "told")) == 1
