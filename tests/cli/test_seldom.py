"""A device that keeps failing does not fill the screen, and what is new is said at once."""

from datetime import timedelta

from healthslm.cli.screen import Seldom
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
