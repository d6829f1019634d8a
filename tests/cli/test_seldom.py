"""A device that keeps failing does not fill the screen, and what is new is said at once."""

import logging
from datetime import timedelta

from healthslm.cli.seldom import Seldom, SeldomLogged
from tests.making import DAY


def test_the_same_again_is_said_ever_more_seldom() -> None:
    seldom = Seldom()
    said = [
        second for second in range(0, 6 * 3600, 10) if seldom.say("lost", DAY + timedelta(seconds=second))
    ]
    assert said[:5] == [0, 60, 180, 420, 900]
    assert 9 <= len(said) <= 14  # and from an hour on once an hour


def test_what_is_new_or_long_ago_is_said_at_once() -> None:
    seldom = Seldom()
    assert seldom.say(("strap", "lost", ""), DAY)
    assert not seldom.say(("strap", "lost", ""), DAY + timedelta(seconds=20))
    assert seldom.say(("strap", "lost", "refused"), DAY + timedelta(seconds=20))
    assert seldom.say(("cuff", "lost", ""), DAY + timedelta(seconds=20))
    later = DAY + timedelta(hours=5)
    assert seldom.say(("strap", "lost", ""), later)
    assert seldom.say(("strap", "lost", ""), later + timedelta(seconds=61))
    assert seldom.say(("strap", "lost", ""), later - timedelta(days=1))  # the clock was set back


def test_a_line_of_the_log_that_comes_again_and_again_is_written_now_and_then() -> None:
    now = [DAY]
    seldom = SeldomLogged(lambda: now[0])
    full, other = (
        logging.LogRecord("healthslm", logging.ERROR, "", 0, "The disk under %s is full.", (folder,), None)
        for folder in ("/home", "/mnt")
    )
    written = 0
    for _ in range(6 * 3600):
        now[0] += timedelta(seconds=1)
        written += seldom.filter(full)
    assert 6 <= written <= 12, "six hours of a full disk"
    assert seldom.filter(other), "what is new is written at once"
