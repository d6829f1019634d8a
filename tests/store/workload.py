"""Some weeks in the life of a store, in steps that each end acknowledged."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np

from healthslm.readings import Kind, Quality, Reading
from healthslm.store import Store
from healthslm.store.codec import Columns
from tests.making import DAY

Call = Callable[[Store], object]
"""One call of a store's methods: it is done as a whole or not at all."""
STRAP, OTHER, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02", "C0:FF:EE:00:00:03"
SECOND = timedelta(seconds=1)
HOUR, BEFORE = timedelta(hours=1), -timedelta(days=1)


def rates(first: int, count: int, device: str = STRAP, start: timedelta = timedelta(0)) -> list[Reading]:
    """Heart rates a second apart; every ninth without contact."""
    return [
        Reading(
            time=DAY + start + n * SECOND,
            kind=Kind.HEART_RATE,
            value=float(50 + n * 37 % 101),
            device=device,
            quality=Quality.NO_CONTACT if n % 9 == 0 else Quality.GOOD,
        )
        for n in range(first, first + count)
    ]


def intervals(first: int, count: int) -> list[Reading]:
    """RR intervals, each at its end."""
    return [
        Reading(time=DAY + n * 0.8 * SECOND, kind=Kind.RR_INTERVAL, value=800 + n % 7, device=STRAP)
        for n in range(first, first + count)
    ]


def sparse(number: int) -> list[Reading]:
    """A glucose with everything that a meter says, and a weight."""
    time = DAY + number * timedelta(hours=5)
    own = time.replace(tzinfo=None)
    return [
        Reading(
            time=time, kind=Kind.GLUCOSE, value=90.0 + number, device=METER, device_time=own,
            sequence=number, context="fasting",
        ),
        Reading(time=time, kind=Kind.WEIGHT, value=80 + number / 10, device=OTHER),
    ]  # fmt: skip


def columns(first: int, count: int, days: int) -> Columns:
    """An oximeter's values, a second apart, on another day."""
    begin = round((DAY + timedelta(days=days)).timestamp() * 1e6)
    n = np.arange(first, first + count)
    return Columns(begin + n * 1_000_000, 94.0 + n % 5, np.zeros(count, np.int16))


def correct_one(store: Store) -> None:
    """Correct the newest heart rate."""
    one = store.latest(Kind.HEART_RATE)
    assert one is not None
    store.correct(one.id or 0, one.value + 1, "typed wrongly", DAY)


def delete_one(store: Store) -> None:
    """Delete the newest glucose."""
    one = store.latest(Kind.GLUCOSE)
    assert one is not None
    store.delete(one.id or 0, "a test strip", DAY)


def steps(count: int, seed: int) -> Iterator[list[Call]]:
    """Yield steps, each a few calls that are committed together."""
    dice = random.Random(seed)
    at = 0
    for number in range(count):
        size = dice.randrange(1, 12)
        some: list[Call] = [
            lambda store, at=at, size=size: store.append(rates(at, size)),
            lambda store, number=number: store.put("round", number),
        ]
        if dice.random() < 0.5:
            some.append(lambda store, at=at, size=size: store.append(intervals(at, size)))
        if dice.random() < 0.3:
            some.append(lambda store, number=number: store.append(sparse(number)))
        if dice.random() < 0.2:  # late: of yesterday, and of before what is there
            late = dice.randrange(1000)
            some.append(
                lambda store, late=late: store.append(
                    rates(late, 20, OTHER, -timedelta(days=1, seconds=late))
                )
            )
        if dice.random() < 0.2:
            days = dice.randrange(3)
            some.append(
                lambda store, number=number, days=days: store.append_columns(
                    Kind.SPO2, OTHER, columns(number * 50, 60, days)
                )
            )
        if dice.random() < 0.15:
            some.append(correct_one)
        if dice.random() < 0.15 and number > 20:
            some.append(lambda store, number=number: store.append(sparse(number)))
            some.append(delete_one)
        if dice.random() < 0.1:
            some.append(lambda store, number=number: store.put_alert("a", "raised", DAY, "{}" + " " * 5000))
        if dice.random() < 0.05:
            some.append(lambda store, n=number: store.forget_before(Kind.SPO2, DAY + n * HOUR, DAY))
        yield some
        at += size
