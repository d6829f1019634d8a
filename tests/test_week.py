"""Two hours of everything, and that the week's own bookkeeping can find something wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device.gatt import HeartRateMeasurement
from healthslm.bench.week import longest_life, rows, slope_of
from healthslm.bench.week_account import Account, Settled
from healthslm.bench.week_child import Held
from healthslm.bench.week_plan import WORN, What, counted, plan
from healthslm.bench.week_run import Rest, play
from healthslm.readings import Kind, Reading, micro
from healthslm.store import CHEAPEST, create

STRAP, OTHER = "C0:FF:EE:00:01:01", "C0:FF:EE:00:00:FF"
START = datetime(2026, 10, 19, 8, tzinfo=UTC)
FEW = ("polar strap", "glucose sensor", "glucose meter")


async def test_two_hours_of_everything_are_accounted_for() -> None:
    worn = [one for one in WORN if one.kind in FEW]
    week = await play(plan(1 / 12, seed=3, worn=worn, stops=[(0.5, What.KILL)]))
    settled, account = week.settled, week.account
    assert settled is not None
    assert (settled.missing, settled.wrong, settled.extra) == ((), (), ())
    assert settled.stored > 100
    assert account.life == 2, "it was killed once"
    assert account.dropped == account.unheard == account.unsaved == 0
    assert week.summaries
    assert set(week.looks) == {200}
    assert week.waiting == week.alerts_lost == week.untold == 0
    said = " ".join(week.complaints)
    assert "did not read or write" in said, "the disk was full"
    assert week.rests[-1].temporary == 0
    doubtful = [one for one in rows(week) if "doubt" in one.name or "dropped" in one.name]
    assert [one.met for one in doubtful] == [True, True]


class Book:
    """An account of a strap's heart rates, and the store that it is compared with."""

    def __init__(self, folder: Path) -> None:
        self.store, _ = create(folder / "store", "only for a test", profile=CHEAPEST)
        self.account = Account(ZoneInfo("UTC"))
        self.account.begin()

    def hear(self, rate: int, second: int, at: float = 0.0) -> None:
        value = bytes(HeartRateMeasurement(rate, True)).hex()
        when = micro(START + timedelta(seconds=second))
        self.account.hear(["delivered", STRAP, "2A37", value], at)
        self.account.hear(["heard", when, STRAP, "2A37", value, False, 1, []], at)

    def store_one(self, rate: float, second: int, device: str = STRAP) -> None:
        when = START + timedelta(seconds=second)
        self.store.append([Reading(time=when, kind=Kind.HEART_RATE, value=rate, device=device)])

    def settled(self) -> Settled:
        self.store.commit()
        return self.account.settled(self.store)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_what_came_and_is_stored_is_in_order(book: Book) -> None:
    for second in range(5):
        book.hear(60 + second, second)
        book.store_one(60 + second, second)
    book.account.begin()  # a restart, after which the strap sends its last value again
    book.hear(64, 4)
    found = book.settled()
    assert (found.readings, found.stored, found.duplicates, found.in_doubt) == (6, 5, 1, 0)


def test_one_that_is_not_stored_is_missing(book: Book) -> None:
    book.hear(60, 0)
    book.hear(61, 1)
    book.store_one(60, 0)
    assert [one.value for one in book.settled().missing] == [61]


def test_one_with_another_value_is_wrong(book: Book) -> None:
    book.hear(60, 0)
    book.store_one(61, 0)
    assert [one.value for one in book.settled().wrong] == [60]


def test_one_that_never_came_is_from_nowhere(book: Book) -> None:
    book.hear(60, 0)
    book.store_one(60, 0)
    book.store_one(70, 1)
    book.store_one(70, 1, OTHER)  # of another time
    assert [key[1:] for key in book.settled().extra] == [(STRAP, micro(START + timedelta(seconds=1)))]


def test_a_kill_explains_what_came_before_it_and_says_how_long(book: Book) -> None:
    book.hear(60, 0, at=10.0)
    book.hear(61, 1, at=12.5)
    book.store_one(60, 0)
    book.account.ended(13.0, START, [STRAP])
    book.account.begin()
    book.hear(62, 2, at=20.0)
    found = book.settled()
    assert found.lost == (0.5,)
    assert [one.value for one in found.missing] == [62], "a later life was not killed"


def test_what_was_handed_over_and_not_heard_of_again_is_said(book: Book) -> None:
    book.account.hear(["delivered", STRAP, "2A37", "0048"], 1.0)
    book.account.ended(None, START, [STRAP])
    assert book.account.unheard == 1


def test_a_plan_comes_of_its_seed_and_ends_with_the_end_of_summer_time() -> None:
    week = plan(7, 5)
    assert week == plan(7, 5)
    assert week != plan(7, 6)
    offsets = {week.at(hour * 3600).utcoffset() for hour in range(7 * 24)}
    assert offsets == {timedelta(hours=1), timedelta(hours=2)}
    happened = counted(week)
    assert min(happened.values()) >= 1, "everything happens"
    assert happened[What.HOUR] == 7 * 24
    moments = [at for at, _ in week.measuring()]
    assert moments == sorted(moments)
    assert {who for _, due in week.measuring() for who in due} == {w.address for w in WORN if not w.visits}


def test_growth_is_seen_in_the_longest_life_and_after_the_first_day() -> None:
    rests = [_rest(day, life=1 if day < 2 else 2, memory=100 + 3 * day) for day in range(8)]
    found = longest_life(rests)
    assert [one.day for one in found] == [3, 4, 5, 6, 7]
    assert slope_of([(one.day, one.box.memory) for one in found]) == pytest.approx(3)
    assert slope_of([(1.0, 5.0), (2.0, 9.0)]) == 0, "two days say nothing"


def _rest(day: float, life: int, memory: float) -> Rest:
    held = Held(int(memory), 10, 3)
    return Rest(
        day=day, life=life, box=held, courier=held, page=held, files=8, temporary=0, backups=1, size=1,
        outbox=0, alerts=0,
    )  # fmt: skip
