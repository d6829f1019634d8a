"""How a person wants to be warned, as it is written."""

import pytest

from healthslm.alerts.policy import Policy
from healthslm.alerts.policy_words import Known, rows, with_word, without
from healthslm.errors import UsageError
from healthslm.readings import Severity

KNOWN = Known(rules=["fever", "low_spo2"], devices={"C0:FF:EE:00:00:01": "cuff"})
WORDS = [
    "quiet=22:00-07:00,13:00-14:00",
    "quiet-spares=urgent",
    "cap=20",
    "repeat.emergency=5",
    "repeat-times.urgent=2",
    "snooze.watch=30,60",
    "spared=low_spo2",
    "confirm.fever=10",
    "at-least.fever=urgent",
    "at-most.low_spo2=watch",
    "repeat-of.fever=30",
    "expect.c0:ff:ee:00:00:01=1560",
    "paced=yes",
]


def written(policy: Policy) -> dict[str, str]:
    return {row.name: row.value for row in rows(policy) if row.own}


def test_what_is_written_is_read_as_the_same() -> None:
    policy = Policy()
    for word in WORDS:
        policy = with_word(policy, word, KNOWN)
    assert len(written(policy)) == len(WORDS)
    again = Policy()
    for name, value in written(policy).items():
        again = with_word(again, f"{name}={value}", KNOWN)
    assert again == policy
    for name in written(policy):
        policy = without(policy, name, KNOWN)
    assert policy == Policy()


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("quiet", "NAME=VALUE"),
        ("quiet=25:00-07:00", "22:00-07:00"),
        ("quiet=07:00-07:00", "22:00-07:00"),
        ("cap=0", "1 to 1000"),
        ("cap=99999999999999999999", "1 to 1000"),
        ("cap=１２", "1 to 1000"),
        ("repeat.info=5", "no level"),
        ("repeat=5", "not the whole name"),
        ("confirm.nonsense=5", "no rule"),
        ("confirm.fever=-1", "0 to 10080"),
        ("expect.AA:BB=5", "not among the wearables"),
        ("spared=nonsense", "no rule"),
        ("snooze.emergency=2000", "1 to 1440"),
        ("paced=perhaps", "yes or no"),
        ("\x1b[2J=1", "no setting"),
    ],
)
def test_what_cannot_be_is_named(word: str, what: str) -> None:
    with pytest.raises(UsageError) as refused:
        with_word(Policy(), word, KNOWN)
    assert what in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_at_least_may_not_be_more_than_at_most() -> None:
    policy = with_word(Policy(), "at-most.fever=watch", KNOWN)
    with pytest.raises(UsageError, match="at least urgent and at most watch"):
        with_word(policy, "at-least.fever=urgent", KNOWN)


def test_a_level_is_bounded_as_it_was_set() -> None:
    policy = with_word(Policy(), "at-least.fever=urgent", KNOWN)
    assert policy.level("fever", Severity.WATCH) is Severity.URGENT
    assert policy.level("fever", Severity.INFO) is Severity.INFO


def test_a_device_may_be_named_as_it_is_called() -> None:
    policy = with_word(Policy(), "expect.cuff=1560", KNOWN)
    assert policy.expect_min == {"C0:FF:EE:00:00:01": 1560}
