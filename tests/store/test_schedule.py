"""A backup a day, and which of the older ones stay."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import StoreError
from healthslm.store import CHEAPEST, Access, backup, create, schedule, unlock
from healthslm.store.schedule import Policy, Schedule, is_due, to_delete
from tests.store.conftest import PASSPHRASE, heart_rates

KEEP = Policy(daily=7, weekly=4, monthly=12)
START = datetime(2026, 1, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENTS = st.integers(0, 40 * 365 * 24).map(
    lambda hours: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
)


def lived(days: range, kept: set[datetime] | None = None) -> set[datetime]:
    """What is left when there is a backup on each of these days, some minutes later or earlier."""
    kept = set() if kept is None else kept
    late = random.Random(4)
    for day in days:
        now = START + day * DAY + timedelta(minutes=late.randrange(90))
        kept.add(now)
        kept -= set(to_delete(kept, now, KEEP))
    return kept


def test_after_a_year_of_days_there_are_seven_days_four_weeks_and_twelve_months() -> None:
    kept = lived(range(365))
    days = sorted({t.date() for t in kept}, reverse=True)
    today = START.date() + timedelta(days=364)
    assert days[:7] == [today - timedelta(days=n) for n in range(7)]
    weeks = {t.isocalendar()[:2]: t for t in sorted(kept)}
    assert len(weeks) >= 4
    sundays = [t.date() for t in sorted(kept) if t.weekday() == 6]
    assert [s.isoformat() for s in sundays if s >= today - timedelta(days=28)] == [
        "2026-12-13",
        "2026-12-20",
        "2026-12-27",
    ]
    ends = [t.date() for t in sorted(kept) if (t + DAY).month != t.month]
    assert [e.month for e in ends] == list(range(1, 13)), "the last day of each month"
    assert len(kept) == 7 + 2 + 11, "today and 27 December count as day and as week, December's end as month"


def test_there_are_never_more_however_long_it_runs() -> None:
    kept: set[datetime] = set()
    for year in range(3):
        kept = lived(range(year * 365, year * 365 + 365), kept)
        assert len(kept) <= 7 + 4 + 12


def test_a_clock_a_year_ahead_for_a_week_costs_no_history() -> None:
    kept = lived(range(200))
    wrong = lived(range(565, 572), set(kept))
    assert {t for t in wrong if t > START + 400 * DAY} != set()
    back = lived(range(200, 230), wrong)
    never = lived(range(230))
    months = {(t.year, t.month) for t in never if t < START + 200 * DAY}
    assert months - {(2026, 1)} <= {(t.year, t.month) for t in back if t < START + 200 * DAY}


def test_a_clock_that_begins_in_the_past_deletes_nothing_of_the_present() -> None:
    # A Raspberry Pi without a network knows no time.
    kept = lived(range(365))
    now = datetime(2020, 1, 1, tzinfo=UTC)
    assert to_delete({*kept, now}, now, KEEP) == []
    for _ in range(60):
        now += DAY
        assert not set(to_delete({*kept, now}, now, KEEP)) & kept


def test_time_that_passes_deletes_nothing() -> None:
    kept = lived(range(365))
    assert to_delete(kept, START + 4000 * DAY, KEEP) == []


def test_many_on_one_day_are_one() -> None:
    hours = [START + timedelta(hours=n) for n in range(5)]
    assert to_delete(hours, hours[-1], KEEP) == hours[:-1]


def test_policies_are_data() -> None:
    kept = lived(range(100))
    assert to_delete(kept, START + 101 * DAY, Policy(daily=0, weekly=0, monthly=0)) == sorted(kept)[:-1]
    assert len(to_delete(kept, START + 101 * DAY, Policy(daily=2, weekly=0, monthly=0))) == len(kept) - 2


@given(times=st.lists(MOMENTS, max_size=60), now=MOMENTS)
def test_it_holds_for_any_times(times: list[datetime], now: datetime) -> None:
    gone = set(to_delete(times, now, KEEP))
    kept = set(times) - gone
    assert gone <= set(times)
    assert to_delete(kept, now, KEEP) == [], "twice is once"
    for group in ([t for t in times if t <= now], [t for t in times if t > now]):
        assert not group or max(group) in kept, "the newest stays"
    assert len(kept) <= 2 * (7 + 4 + 12)


def test_when_a_backup_is_due() -> None:
    assert is_due([], START)
    assert not is_due([START], START)
    assert not is_due([START], START + timedelta(hours=22))
    assert is_due([START], START + timedelta(hours=23))
    assert is_due([START + DAY], START), "one from the future says nothing of today"


@pytest.fixture
def access(tmp_path: Path) -> Access:
    home = tmp_path / "home"
    with create(home, PASSPHRASE, profile=CHEAPEST)[0] as store:
        store.append(heart_rates(30))
    (tmp_path / "stick").mkdir()
    return unlock(home, PASSPHRASE)


def test_a_setting_survives_being_written_down(access: Access, tmp_path: Path) -> None:
    chosen = schedule.chosen(tmp_path / "stick", access.folder, Policy(daily=3, weekly=2, monthly=1))
    assert chosen.own_disk is False
    assert Schedule.from_json(chosen.to_json()) == chosen
    assert Schedule.from_json(None) is None
    with pytest.raises(StoreError, match="no folder"):
        schedule.chosen(tmp_path / "nothing", access.folder, KEEP)


def test_old_ones_go_and_other_files_stay(access: Access, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    chosen = schedule.chosen(stick, access.folder, Policy(daily=3, weekly=0, monthly=0))
    others = ["letter.txt", "healthslm-00000000-20260101T030000Z.backup", "healthslm-x.backup"]
    others.append(f"healthslm-{access.key_file.store_id[:4].hex()}-99991231T235959Z.backup")
    others.append(f"healthslm-{access.key_file.store_id[:4].hex()}-20269901T030000Z.backup")
    for name in others:
        (stick / name).write_text("mine")
    unfinished = stick / f".{schedule.name_of(access.key_file.store_id, START)}{backup.PART}"
    unfinished.write_text("of a killed one")
    for day in range(6):
        made, contents = schedule.carry_out(access, chosen, clock=lambda day=day: START + day * DAY)
        assert made.name.endswith(f"2026010{1 + day}T030000Z.backup")
        assert contents.readings == 30
    found = schedule.listed(stick, access.key_file.store_id)
    assert list(found) == [START + day * DAY for day in (3, 4, 5)]
    assert backup.read(found[START + 5 * DAY], PASSPHRASE)[2].made == START + 5 * DAY
    assert sorted(p.name for p in stick.iterdir()) == sorted([*others, *(p.name for p in found.values())])


def test_a_disk_that_is_not_connected_is_said_and_not_written_beside(access: Access, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    chosen = Schedule(folder=stick, policy=KEEP, own_disk=True)
    with pytest.raises(StoreError, match="is not connected"):
        schedule.carry_out(access, chosen)
    assert list(stick.iterdir()) == []
    stick.rmdir()
    with pytest.raises(StoreError, match="cannot be read: No such file") as caught:
        schedule.carry_out(access, chosen)
    assert "Connect its disk" in caught.value.hint
