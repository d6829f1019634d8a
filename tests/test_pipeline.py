"""The three verbs over events that were made, not radioed: tests/test_demo.py has the radio."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device import Event, Identity, LinkEvent, LinkState, Notification
from device.events import EventQueue
from device.gatt import BloodPressureMeasurement, DateTime, PlxContinuousMeasurement, TemperatureMeasurement
from healthslm.alerts import Alert, Engine, Hook, desk, parse_hooks
from healthslm.clock import utc_now
from healthslm.collector import Collector, Tally
from healthslm.errors import StoreError
from healthslm.pipeline import ask, collect, last_day, origins, review
from healthslm.readings import Device, Kind, Quality, Reading
from healthslm.slm import Audience
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.making import DAY, at

UTC = ZoneInfo("UTC")
DEVICE = "C0:FF:EE:00:00:01"


async def stream(events: Sequence[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event
        await asyncio.sleep(0)


def thermometer(clock: str, *values: float) -> list[Event]:
    return [
        Notification(
            at(clock) + timedelta(minutes=30 * i), DEVICE, "2A1C", bytes(TemperatureMeasurement(value)), 0
        )
        for i, value in enumerate(values)
    ]


def oximeter(clock: str, *values: float) -> list[Event]:
    return [
        Notification(
            at(clock) + timedelta(seconds=4 * i),
            DEVICE,
            "2A5F",
            bytes(PlxContinuousMeasurement(value, 70.0)),
            0,
        )
        for i, value in enumerate(values)
    ]


@contextlib.contextmanager
def full(store: Store) -> Iterator[None]:
    """Let the store not grow by one page."""
    pages = store._database.value("PRAGMA page_count")
    store._database.value(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        store._database.value(f"PRAGMA max_page_count = {pages * 1000}")


def hook_to(path: Path) -> list[Hook]:
    return parse_hooks(
        [{"kind": "command", "name": "file", "argv": ["tee", "-a", str(path)], "tell": "full"}]
    )


async def collected(events: Sequence[Event], store: Store, hooks: Sequence[Hook] = ()) -> Tally:
    first: datetime = getattr(events[0], "received_at", DAY)
    return await collect(stream(events), store, zone=UTC, hooks=hooks, clock=lambda: first)


def told(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_readings_are_stored_judged_and_told(store: Store, tmp_path: Path) -> None:
    tally = await collected(thermometer("12:00", 36.8, 38.4, 38.6), store, hook_to(tmp_path / "told"))
    assert (tally.notifications, tally.stored, tally.refused) == (3, 3, 0)
    (alert,) = told(tmp_path / "told")
    assert alert["title"] == "Fever"
    evidence = alert["finding"]["evidence"][0]  # type: ignore[index]
    reading = store.reading(evidence["readings"][0])
    assert reading is not None
    assert (reading.value, reading.time) == (38.4, at("12:30"))


async def test_every_notification_is_accounted_for(store: Store) -> None:
    good = thermometer("12:00", 36.8)
    broken = [Notification(at("12:10"), DEVICE, "2A1C", b"\x00", 0)]
    dropped = [LinkEvent(at("12:20"), DEVICE, LinkState.DROPPED, "too fast", 7)]
    tally = await collected([*good, *good, *broken, *dropped], store)
    assert (tally.stored, tally.duplicates, tally.refused, tally.dropped) == (1, 1, 1, 7)
    assert next(iter(tally.reasons)).startswith("2A1C: ")


async def test_a_device_says_who_it_is_and_keeps_its_name(store: Store) -> None:
    store.put_device(Device(address=DEVICE, name="mine"))
    await collected([Identity(at("12:00"), DEVICE, name="TD-1", model="T", battery=81)], store)
    assert store.device(DEVICE) == Device(address=DEVICE, name="mine", model="T")
    battery = store.latest_of(DEVICE, Kind.BATTERY)
    assert battery is not None
    assert battery.value == 81


async def test_a_restart_remembers_what_it_had_seen(store: Store, tmp_path: Path) -> None:
    """Five minutes of low oxygen, of which the program saw two and a half before it was restarted."""
    low = oximeter("12:00", *[89] * 90)
    await collected(low[:40], store, hook_to(tmp_path / "told"))
    assert told(tmp_path / "told") == []
    await collected(low[40:], store, hook_to(tmp_path / "told"))
    assert [a["severity"] for a in told(tmp_path / "told")] == ["urgent"]


async def test_a_restart_does_not_tell_again(store: Store, tmp_path: Path) -> None:
    events = thermometer("12:00", 38.4, 38.5, 38.6, 38.5)
    await collected(events[:2], store, hook_to(tmp_path / "told"))
    await collected(events[2:], store, hook_to(tmp_path / "told"))
    assert len(told(tmp_path / "told")) == 1


async def test_what_was_raised_and_not_told_is_told_after_a_restart(tmp_path: Path) -> None:
    """The program dies between raising and telling; here it simply has a hook that fails."""
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    failing = parse_hooks([{"kind": "command", "name": "file", "argv": ["false"], "tell": "title"}])
    with store:
        await asyncio.wait_for(
            collect(
                stream(thermometer("12:00", 38.4)),
                store,
                zone=UTC,
                hooks=failing,
                clock=lambda: at("12:00"),
            ),
            timeout=30,
        )
        assert store.outbox_pending() == 1
    with open_store(tmp_path / "home", "passphrase") as store:
        later = utc_now() + timedelta(hours=1)
        await collect(
            stream([LinkEvent(DAY, DEVICE, LinkState.SEARCHING)]),
            store,
            zone=UTC,
            hooks=hook_to(tmp_path / "told"),
            clock=lambda: at("13:00"),
            wall_clock=lambda: later,
        )
        assert [a["title"] for a in told(tmp_path / "told")] == ["Fever"]
        assert store.outbox_pending() == 0


async def test_an_acknowledgement_by_another_process_is_kept(tmp_path: Path) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        seen: list[Alert] = []

        async def events() -> AsyncIterator[Event]:
            for event in thermometer("12:00", 38.4):
                yield event
            store.commit()
            with open_store(tmp_path / "home", "passphrase") as other:
                (row,) = other.alerts()
                seen.append(desk.acknowledge(other, row[0], at("12:10")))
            for event in thermometer("20:00", 36.5):
                yield event

        await collect(events(), store, zone=UTC, hooks=hook_to(tmp_path / "told"), clock=lambda: at("12:00"))
        ((_, state, _, document),) = store.alerts()
        assert state == "resolved"
        assert Alert.from_json(document).acknowledged_at == at("12:10")
    assert seen


async def test_a_full_disk_keeps_no_alert_in_and_loses_no_reading(store: Store, tmp_path: Path) -> None:
    await collected(thermometer("08:00", 36.5), store)
    pages = store._database.value("PRAGMA page_count")
    store._database.value(f"PRAGMA max_page_count = {pages}")
    seen: list[int] = []

    async def events() -> AsyncIterator[Event]:
        for hour in range(9, 12):
            for event in oximeter(f"{hour:02}:00", *[97] * 300):
                yield event
        for event in thermometer("12:30", 39.5, 39.6):
            yield event
        for _ in range(100):  # the disk is still full while the alert goes out
            await asyncio.sleep(0.05)
            if len(told(tmp_path / "told")) > 1:
                break
        seen.append(len(told(tmp_path / "told")))
        store._database.value(f"PRAGMA max_page_count = {pages * 1000}")

    tally = await collect(
        events(), store, zone=UTC, hooks=hook_to(tmp_path / "told"), clock=lambda: at("09:00")
    )
    assert seen[0] >= 1
    assert {a["title"] for a in told(tmp_path / "told")} == {"Fever"}
    assert (tally.stored, tally.unsaved) == (2 * 900 + 2, 0)
    assert store.count() == 1 + 2 * 900 + 2
    store.verify()


async def test_who_stops_while_the_disk_is_full_says_what_is_lost(store: Store) -> None:
    store.commit()
    with full(store), pytest.raises(StoreError, match="is full") as said:
        await collected(oximeter("09:00", *[97] * 300), store)
    assert "Free some space" in said.value.hint


@pytest.mark.parametrize("since", ["the last second", "before"])
def test_of_what_a_full_disk_takes_away_it_is_said_how_much(store: Store, since: str) -> None:
    events = oximeter("09:00", *[97] * 300)
    collector = Collector(store, Engine(store, (), clock=utc_now), [], UTC, utc_now)
    store.commit()
    with full(store):
        collector.take(events[:200])  # still in memory, as far as SQLite is concerned
        if since == "before":
            with pytest.raises(StoreError, match="is full"):
                store.commit()
        collector.take(events[200:])
        with pytest.raises(StoreError, match="could not be kept") as said:
            collector.finish()
    if since == "before":
        assert "200 readings that waited in memory for it, and what came in the second before" in str(
            said.value
        )
        assert collector.tally.unsaved == 200
    else:
        assert "What came in the last second could not be kept" in str(said.value)


@pytest.mark.parametrize("minutes", [-60, -40, 0, 3])
async def test_a_cuff_whose_clock_is_off_still_warns(store: Store, tmp_path: Path, minutes: int) -> None:
    """An hour slow (the clocks changed), forty minutes slow, right, and three minutes fast."""
    events: list[Event] = []
    for minute in range(3):
        when = at("12:00") + timedelta(minutes=minute)
        shown = when + timedelta(minutes=minutes)
        stamp = DateTime(shown.year, shown.month, shown.day, shown.hour, shown.minute, shown.second)
        measurement = BloodPressureMeasurement(
            systolic=210.0, diastolic=130.0, mean_arterial_pressure=150.0, timestamp=stamp
        )
        events.append(Notification(when, DEVICE, "2A35", bytes(measurement), 0))
    await collected(events, store, hook_to(tmp_path / "told"))
    assert "urgent" in {a["severity"] for a in told(tmp_path / "told")}


async def test_what_was_long_ago_is_a_finding_and_no_alarm(store: Store, tmp_path: Path) -> None:
    stamp = DateTime(2026, 11, 2, 7, 0, 0)
    events: list[Event] = [
        Notification(at("19:00"), DEVICE, "2A1C", bytes(TemperatureMeasurement(39.5, timestamp=stamp)), 0)
    ]
    await collected(events, store, hook_to(tmp_path / "told"))
    assert told(tmp_path / "told") == []
    day = review(store, DAY, DAY + timedelta(days=1), zone=UTC, made_at=DAY)
    assert [f.rule for f in day.findings] == ["fever"]


async def test_whoever_watches_does_not_end_the_watch(store: Store) -> None:
    def broken(_: object) -> None:
        raise BrokenPipeError("the terminal is gone")

    tally = await collect(
        stream(thermometer("12:00", 36.8, 36.9)), store, zone=UTC, observe=broken, clock=lambda: DAY
    )
    assert tally.stored == 2


async def test_whoever_watches_has_no_alert_delivered_twice(store: Store, tmp_path: Path) -> None:
    shown: list[str] = []

    def broken(_alert: str, hook: str) -> None:
        shown.append(hook)
        raise BrokenPipeError("the terminal is gone")

    await collect(
        stream(thermometer("12:00", 38.6, 38.7)),
        store,
        zone=UTC,
        hooks=hook_to(tmp_path / "told"),
        clock=lambda: at("12:00"),
        delivered=broken,
    )
    assert len(told(tmp_path / "told")) == len(shown) == 1
    assert store.outbox_pending() == 0


async def test_a_device_that_was_forgotten_stays_forgotten(store: Store) -> None:
    store.put_device(Device(address=DEVICE))
    store.forget_device(DEVICE)
    await collected([Identity(at("12:00"), DEVICE, name="TD-1", model="T")], store)
    assert store.devices() == []


async def test_it_stops_when_it_is_told_to(store: Store) -> None:
    stop = asyncio.Event()

    async def endless() -> AsyncIterator[Event]:
        for event in thermometer("12:00", 36.8):
            yield event
        stop.set()
        await asyncio.Event().wait()

    tally = await asyncio.wait_for(collect(endless(), store, zone=UTC, stop=stop), timeout=10)
    assert tally.stored == 1


async def test_what_comes_while_it_stops_is_taken_too(store: Store) -> None:
    stop, queue = asyncio.Event(), EventQueue(10, lambda: DAY)
    first, second = (one for one in thermometer("12:00", 36.8, 36.9) if isinstance(one, Notification))
    late = [second]

    def clock() -> datetime:
        if stop.is_set() and late:  # it is asked when the end is being made
            queue.put_notification(late.pop())
        return at("12:30")

    queue.put_notification(first)
    tally = await collect(queue, store, zone=UTC, clock=clock, stop=stop, observe=lambda _: stop.set())
    assert not late
    assert (tally.notifications, tally.stored) == (2, 2)


async def test_what_ends_the_events_wrongly_is_raised_and_nothing_is_lost(tmp_path: Path) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)

    async def breaking() -> AsyncIterator[Event]:
        for event in thermometer("12:00", 36.8):
            yield event
        raise ConnectionError("the adapter is gone")

    with store, pytest.raises(ConnectionError):
        await collect(breaking(), store, zone=UTC)
    with open_store(tmp_path / "home", "passphrase") as again:
        assert again.count() == 1


async def test_a_review_tells_what_was_and_what_was_not(store: Store) -> None:
    await collected(thermometer("12:00", 36.8, 38.4), store)
    await collected(oximeter("12:00", *[97] * 100), store)
    today = review(store, DAY, DAY + timedelta(days=1), zone=UTC, made_at=DAY, audiences=tuple(Audience))
    assert [f.rule for f in today.findings] == ["fever"]
    assert today.summary is not None
    assert "38.4" in today.summary.text
    assert today.sources[Kind.SPO2] == (DEVICE,)
    named = {d.address for d in origins(store, today.summary).values()}
    assert named == {DEVICE}
    tomorrow = review(
        store,
        DAY + timedelta(days=1),
        DAY + timedelta(days=2),
        zone=UTC,
        made_at=DAY,
        audiences=tuple(Audience),
    )
    assert {f.name for f in tomorrow.features if f.value is None} >= {"temperature_latest", "spo2_mean"}
    assert tomorrow.summary is not None
    assert "no usable readings" in tomorrow.summary.text


async def test_numbers_of_the_day_say_why_they_are_not_known_where_their_kind_was_measured(
    store: Store,
) -> None:
    await collected(oximeter("02:00", *[97] * 100), store)
    day = review(store, DAY, DAY + timedelta(days=1), zone=UTC, made_at=DAY)
    by_name = {f.name: f for f in day.features}
    assert by_name["night_odi3"].value is None
    assert "h of usable recording" in by_name["night_odi3"].reason
    assert not {"resting_heart_rate", "night_rmssd_ms"} & set(by_name)  # no heart rate and no beats


async def test_asking_reads_and_writes_nothing(store: Store) -> None:
    await collected(thermometer("12:00", 36.8, 38.4), store)
    before = store.bytes_on_disk(), store.count()
    for question in ("highest temperature today", "is it going up", "was anything wrong today", "batteries"):
        assert ask(store, question, now=at("15:00"), zone=UTC).answer.text
    assert (store.bytes_on_disk(), store.count()) == before


async def test_a_bad_reading_is_kept_and_not_judged(store: Store, tmp_path: Path) -> None:
    await collected(oximeter("12:00", *[0] * 200), store, hook_to(tmp_path / "told"))
    assert told(tmp_path / "told") == []
    window = store.window(Kind.SPO2, DAY, DAY + timedelta(days=1))
    assert set(window.quality.tolist()) == {int(Quality.IMPLAUSIBLE)}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("what is my latest blood pressure", "latest blood pressure was 128 over 80 mmHg on Monday at 18:00"),
        ("highest blood pressure today", "highest systolic pressure was 150 mmHg on Monday at 12:01"),
        ("average blood pressure today", "averaged 142 over 87 mmHg"),
        ("how many times did I measure my blood pressure today", "measured 3 times"),
        ("what is my latest blood pressure", "The rules found: High blood pressure (watch)"),
    ],
)
async def test_a_number_says_which_it_is_and_what_the_rules_found(
    store: Store, question: str, words: str
) -> None:
    """An ordinary last reading must not hide the high ones of the same day, nor two inflations be mixed."""
    events: list[Event] = [
        Notification(
            at(clock),
            DEVICE,
            "2A35",
            bytes(BloodPressureMeasurement(systolic=high, diastolic=low, mean_arterial_pressure=100.0)),
            0,
        )
        for clock, high, low in (("12:00", 148.0, 92.0), ("12:01", 150.0, 90.0), ("18:00", 128.0, 80.0))
    ]
    await collected(events, store)
    assert words in ask(store, question, now=at("20:00"), zone=UTC).answer.text


async def test_an_old_value_is_told_with_its_day(store: Store) -> None:
    await collected(thermometer("12:00", 36.8), store)
    later = DAY + timedelta(days=3)
    assert "on Monday at 12:00" in ask(store, "what is my temperature", now=later, zone=UTC).answer.text


def test_a_day_that_is_not_over_ends_now(store: Store) -> None:
    now = at("10:00")
    assert last_day(store, now, UTC) == (DAY, now)
    store.append([Reading(time=at("09:00"), kind=Kind.TEMPERATURE, value=36.8, device=DEVICE)])
    assert last_day(store, now, UTC) == (DAY, now)
    assert last_day(store, now + timedelta(days=3), UTC) == (DAY, DAY + timedelta(days=1))
