from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from healthslm.live import Live
from healthslm.readings import Kind, Window
from tests.making import DAY, reading

REACH = timedelta(hours=1)


@given(st.lists(st.integers(0, 7200), max_size=300))
def test_live_windows_equal_those_made_at_once(seconds: list[int]) -> None:
    """In whatever order readings come, early, late or twice at one time."""
    rows = [reading(Kind.SPO2, DAY + timedelta(seconds=s), s % 50 + 50) for s in seconds]
    live = Live({Kind.SPO2: REACH})
    now = DAY
    for row in rows:
        now = max(now, row.time)
        live.add([row], now)
    got = live.windows([Kind.SPO2], now, REACH)[Kind.SPO2]
    want = Window.of(Kind.SPO2, got.start, got.end, rows)
    assert got.times.tolist() == want.times.tolist()
    assert sorted(got.values.tolist()) == sorted(want.values.tolist())


def test_memory_does_not_grow_with_time() -> None:
    live = Live({Kind.SPO2: timedelta(minutes=5)})
    for second in range(20_000):
        now = DAY + timedelta(seconds=second)
        live.add([reading(Kind.SPO2, now, 97)], now)
    assert len(live._columns[Kind.SPO2]._times) <= 2048
    assert len(live.windows([Kind.SPO2], now, timedelta(minutes=5))[Kind.SPO2]) == 301


def test_a_kind_that_never_came_has_an_empty_window() -> None:
    assert len(Live({Kind.SPO2: REACH}).windows([Kind.TEMPERATURE], DAY, REACH)[Kind.TEMPERATURE]) == 0


def test_a_restart_goes_on_from_what_the_store_has() -> None:
    rows = [reading(Kind.SPO2, DAY + timedelta(seconds=s), 97) for s in range(3000)]
    now = rows[-1].time
    live = Live({Kind.SPO2: REACH})
    live.load(Window.of(Kind.SPO2, DAY, now + timedelta(seconds=1), rows))
    live.add([reading(Kind.SPO2, now + timedelta(seconds=1), 90)], now + timedelta(seconds=1))
    got = live.windows([Kind.SPO2], now + timedelta(seconds=1), REACH)[Kind.SPO2]
    assert len(got) == 3001
    assert got.values[-1] == 90
