"""What alerts are about: of the body by the rule, and everything that is watched besides."""

import pytest

from healthslm.alerts.groups import MACHINE, group_of
from healthslm.alerts.watch import Watched, device_of, is_watched
from healthslm.rules import RULES, Rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_about_something_of_the_body(rule: Rule) -> None:
    assert group_of(rule.name) not in (rule.name, MACHINE)
    assert not is_watched(rule.name)


@pytest.mark.parametrize("watched", Watched)
@pytest.mark.parametrize("whose", ["", ":C0:FF:EE:00:00:01", ":bell"])
def test_every_watch_is_about_the_machine(watched: Watched, whose: str) -> None:
    assert group_of(f"{watched}{whose}") == MACHINE


def test_what_nobody_knows_is_about_itself() -> None:
    assert group_of("somebodys_own") == "somebodys_own"


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("no_data:C0:FF:EE:00:00:01", "C0:FF:EE:00:00:01"),
        ("clock_wrong:AA", "AA"),
        ("clock_wrong", ""),
        ("disk_full", ""),
        ("undelivered:bell", ""),
        ("fever", ""),
    ],
)
def test_a_watch_of_a_device_names_it(name: str, device: str) -> None:
    assert device_of(name) == device
