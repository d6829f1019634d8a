"""Boxes with odd names, addresses and clocks."""

import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from healthslm.companion import authority as ca
from healthslm.companion import server
from healthslm.errors import StoreError
from tests.companion.conftest import NOW, Home

HERE = ca.addresses_of(["127.0.0.1"])
EPOCH = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["", "büro", "a" * 64, "-", "two words", "evil.example\0", "x_y", "ÿ", "*", "\udcff"]
)
def test_a_machine_may_be_called_what_it_likes(home: Home, name: str) -> None:
    names = server.names_of(name)
    made = server.certificates(home.store, HERE, NOW, os.urandom, names)
    ca.context(made.authority, made.server)
    assert server.certificates(home.store, HERE, NOW, os.urandom, names).server.pem == made.server.pem


def test_a_machine_that_is_called_otherwise_has_another_certificate(home: Home) -> None:
    first, second = (
        server.certificates(home.store, HERE, NOW, os.urandom, server.names_of(name))
        for name in ("first", "second")
    )
    assert second.server.pem != first.server.pem
    assert second.authority.pem == first.authority.pem


def test_what_is_made_while_the_clock_is_in_1970_is_good_later(home: Home) -> None:
    made = server.certificates(home.store, HERE, EPOCH, os.urandom)
    assert made.authority.certificate.not_valid_before_utc <= ca.BEGAN
    later = server.certificates(home.store, HERE, NOW, os.urandom)
    assert later.authority.pem == made.authority.pem
    assert later.server.certificate.not_valid_after_utc > NOW + timedelta(days=60)


def test_a_clock_that_is_in_1970_again_changes_nothing(home: Home) -> None:
    made = server.certificates(home.store, HERE, NOW, os.urandom)
    again = server.certificates(home.store, HERE, EPOCH, os.urandom)
    assert (again.authority.pem, again.server.pem) == (made.authority.pem, made.server.pem)


def test_an_authority_whose_time_is_over_is_renewed_by_who_runs_the_box(home: Home) -> None:
    """Not by a clock that is wrong."""
    first = server.certificates(home.store, HERE, NOW, os.urandom)
    far = NOW + timedelta(days=4000)
    with pytest.raises(StoreError, match="or its clock is wrong"):
        server.certificates(home.store, HERE, far, os.urandom)
    assert server.certificates(home.store, HERE, NOW, os.urandom).authority.pem == first.authority.pem
    server.renew(home.store)
    assert server.certificates(home.store, HERE, far, os.urandom).authority.pem != first.authority.pem


@pytest.mark.parametrize(
    ("here", "host"),
    [
        (["192.168.1.7", "127.0.0.1"], "192.168.1.7"),
        (["fd00::7", "::1"], "[fd00::7]"),
        (["fe80::7%eth0", "fd00::7"], "[fd00::7]"),
        (["fe80::7%eth0", "::1", "127.0.0.1"], "box.local"),
        ([], "box.local"),
    ],
)
def test_a_phone_is_sent_where_it_can_reach_the_box(here: list[str], host: str) -> None:
    assert server.reached_at(ca.addresses_of(here), server.names_of("box")) == host


def test_everywhere_is_both_sorts_of_addresses() -> None:
    opened = server.listening(server.EVERYWHERE, 0)
    for one in opened:
        one.close()
    families = [one.family for one in opened]
    assert families[0] is socket.AF_INET
    if socket.has_dualstack_ipv6():
        assert families == [socket.AF_INET, socket.AF_INET6]
