"""What the bench measures is right; how fast it is, is for `healthslm bench` to say."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from healthslm.bench import (
    alerts_cost,
    alerts_events,
    alerts_healthy,
    alerts_kills,
    alerts_latency,
    archive,
    companion,
    cost,
    decoding,
    latency,
    llama,
)
from healthslm.bench.alerts_events import Event
from healthslm.bench.alerts_healthy import Group
from healthslm.bench.alerts_receiver import Arrived
from healthslm.bench.alerts_replay import Message, Person, told
from healthslm.bench.bandwidth import gigabytes_per_s
from healthslm.bench.bluetooth import soaked
from healthslm.bench.rows import row
from healthslm.bench.soak import soak
from healthslm.errors import UsageError
from healthslm.readings import Kind, Reading, Severity
from healthslm.store import CHEAPEST, create


async def test_thirty_losses_lose_nothing_and_leave_nothing_behind() -> None:
    result = await soak(30, seed=3)
    assert result.losses == len(result.back) == 30
    assert result.attempts > 0, "some returns failed on the way"
    assert result.missed > 0, "some was measured while nobody was there"
    assert result.delivered > 30
    assert result.unaccounted == 0
    assert (result.tally.refused, result.tally.dropped, result.tally.unsaved) == (0, 0, 0)
    assert result.descriptors == 0
    assert [r.met for r in soaked(result) if "unaccounted" in r.name or "descriptors" in r.name] == [True] * 2


@pytest.mark.speed
def test_both_ways_hear_all_of_it() -> None:
    rows = {r.name: r for r in cost.share(1, values=4000, after=1)}
    assert rows["rate of the bare callback"].value > 0
    many = {r.name.split(": ")[-1]: r for r in cost.together(1, count=3, seconds=1)}
    assert many["values lost"].value == 0


def test_decoding_is_of_what_devices_send() -> None:
    assert [r.unit for r in decoding.run(1, seconds=0.001)] == ["frames/s"] * 4


def test_a_row_says_whether_it_is_reached() -> None:
    slow = row("speed", "m/s", [1, 2, 9], least=3)
    assert (slow.value, slow.reach, slow.met) == (2, "≥ 3", False)
    assert row("size", "m", [1.5], 1, most=3).met is True
    assert row("size", "m", [1.5]).met is None


def test_an_alert_is_decided_in_the_bench_as_in_use() -> None:
    assert all(milliseconds > 0 for milliseconds in latency.decisions(2))


def test_the_memory_is_read_faster_than_a_disk() -> None:
    assert gigabytes_per_s(1, rounds=1) > 0


def test_llama_is_left_out_where_it_is_not() -> None:
    assert "healthslm[llama]" in llama.MISSING
    assert isinstance(llama.is_there(), bool)


# Alerts


def test_alerts_go_all_the_way_from_the_radio_to_both_hooks(tmp_path: Path) -> None:
    rows = alerts_latency.run(tmp_path / "no model", 1, count=4)
    assert len(rows) == 4
    assert all(row.value > 0 and row.met is not None for row in rows)
    assert all("without a language model" in row.name for row in rows)


def test_killed_again_and_again_no_alert_is_lost() -> None:
    killed = alerts_kills.kill(alerts=60, kills=5, seed=3)
    assert (killed.lost, killed.foreign, killed.late) == (0, 0, 0)
    assert killed.kills in (5, 6)  # the last round may kill who carries for it before itself
    assert killed.alerts >= 60
    assert [row.met for row in alerts_kills.rows(killed)] == [True, True, None, True, None]


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("a1 b2 c3", (0, 0, 0, 0, 0)),
        ("a1 c3", (1, 0, 0, 0, 0)),
        ("a1 b2 b2 c3", (0, 0, 1, 0, 0)),
        ("a1 b2 c3 b9", (0, 1, 0, 0, 0)),
        ("a1 c3 b2", (0, 0, 0, 1, 0)),
        ("a1 b2 d4 c3", (0, 0, 0, 0, 1)),
    ],
)
def test_what_the_kills_did_is_counted(came: str, expected: tuple[int, ...]) -> None:
    heard = [Arrived(0, "webhook", word[0], word) for word in came.split()]
    killed = alerts_kills.judged("abc", heard, 1)
    assert (killed.lost, killed.foreign, killed.again, killed.late, killed.more) == expected


def test_a_bench_of_kills_in_which_one_is_lost_says_so() -> None:
    lost = alerts_kills.rows(alerts_kills.judged(["a"], [], 1))
    assert lost[0].met is False


def test_what_deciding_costs_and_all_that_a_notification_takes_are_both_measured() -> None:
    spent = alerts_cost.measure(devices=4, minutes=0.5)
    assert spent.deciding > 0
    assert spent.all > 0
    assert spent.alerts == 0, "everybody was well"


NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def measured(kind: Kind, values: Sequence[float], every_s: float) -> Person:
    times = np.datetime64("2026-11-02T12:00", "us") + (np.arange(len(values)) * every_s * 1e6).astype(
        "m8[us]"
    )
    return Person(name="one", weeks=0.5, columns={kind: (times, np.array(values, dtype=np.float64))})


def test_a_fever_that_nobody_acknowledges_is_told_by_its_level() -> None:
    messages = told(measured(Kind.TEMPERATURE, [36.7, 38.5, 39.5, 39.6], 600))
    assert [(m.at - NOON, m.severity.word, m.occasion) for m in messages[:2]] == [
        (timedelta(minutes=10), "watch", "new"),
        (timedelta(minutes=30), "urgent", "worse"),
    ]
    assert {m.occasion for m in messages[2:]} == {"again"}
    assert all(m.rules == ("fever",) for m in messages)


def test_false_alarms_are_counted_by_the_week_and_the_level() -> None:
    well = measured(Kind.TEMPERATURE, [36.7] * 5, 600)
    ill = measured(Kind.TEMPERATURE, [36.7, 38.5], 600)
    rows = {r.name: r.value for r in alerts_healthy.run([Group(name="some", people=(well, ill))])}
    what = "false alarms, some (2 recordings), 1.00 person-weeks: "
    assert (rows[what + "all"], rows[what + "of these watch"], rows[what + "of these urgent"]) == (1, 1, 0)


def test_an_event_is_noticed_in_time_and_at_its_level_or_not_at_all() -> None:
    event = Event(
        what="low",
        person=measured(Kind.SPO2, [82] * 9, 1),
        rule="low_spo2",
        due=Severity.URGENT,
        start=NOON,
        end=NOON + timedelta(minutes=5),
    )

    def message(minutes: float, severity: Severity, rule: str = "low_spo2") -> Message:
        return Message(at=NOON + timedelta(minutes=minutes), rules=(rule,), severity=severity, occasion="new")

    assert event.noticed([message(1, Severity.WATCH), message(3, Severity.URGENT)]) == timedelta(minutes=3)
    assert event.noticed([message(-1, Severity.URGENT), message(6, Severity.URGENT)]) is None
    assert event.noticed([message(1, Severity.URGENT, "fever")]) is None


def test_events_are_the_same_each_time_and_are_told(tmp_path: Path) -> None:
    first, again = (next(alerts_events.events(tmp_path)) for _ in range(2))
    assert first.start == again.start
    assert first.noticed(told(first.person)) is not None


def test_a_folder_without_anybody_is_said(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no recording of anybody"):
        alerts_healthy.groups(tmp_path)


@pytest.mark.speed
def test_an_archive_is_measured_on_a_way_out_and_back_in(tmp_path: Path) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        store.append(
            [Reading(time=datetime(2026, 1, 1, tzinfo=UTC), kind=Kind.WEIGHT, value=70, device="scale")]
        )
    found = archive.run(tmp_path / "home", "passphrase", "a day", repeat=1)
    assert {one.unit for one in found} == {"s", "MB"}
    assert all(one.value > 0 for one in found)
    assert all(one.met for one in found if one.reach)


def test_every_phone_of_the_bench_gets_what_changes() -> None:
    """More of them than pages that one phone may have open; it raises where states do not come."""
    rows = {r.name: r for r in companion.run(repeat=1, phones=10, seconds=6)}
    assert rows["of a core, 10 phones look at live values"].value > 0
    assert len(rows["a year's chart, from asking to having it"].runs) == 5
