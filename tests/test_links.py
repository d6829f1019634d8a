"""What became of the links, kept in the store: state, since when, why, and what was lost."""

from datetime import timedelta

from device import LinkEvent, LinkState
from healthslm.links import Links, losses, standing
from healthslm.readings import Severity
from healthslm.store import Store
from tests.making import DAY, at

STRAP = "C0:FF:EE:00:00:01"


def told(store: Store, *states: tuple[str, LinkState, str]) -> Links:
    links = Links(store)
    for clock, state, why in states:
        links.note(LinkEvent(at=at(clock), device=STRAP, state=state, why=why))
    return links


def test_since_when_and_why(store: Store) -> None:
    told(store, ("09:00", LinkState.SEARCHING, ""), ("09:01", LinkState.CONNECTED, "2A1C was refused"))
    link = standing(store)[STRAP]
    assert (link.state, link.since, link.why) == ("connected", at("09:01"), "2A1C was refused")


def test_a_lost_device_stays_lost_since_it_was_while_it_is_looked_for(store: Store) -> None:
    told(
        store,
        ("09:00", LinkState.CONNECTED, ""),
        ("09:10", LinkState.LOST, "the link ended."),
        ("09:10", LinkState.SEARCHING, ""),
        ("09:20", LinkState.CONNECTING, ""),
        ("09:21", LinkState.LOST, "connecting took longer than 20 s."),
    )
    link = standing(store)[STRAP]
    assert (link.state, link.since) == ("lost", at("09:10"))
    assert link.why == "connecting took longer than 20 s."
    told(store, ("09:30", LinkState.CONNECTED, ""))
    assert standing(store)[STRAP].since == at("09:30")


def test_an_adapter_that_went_away_takes_the_place_of_a_lost_link(store: Store) -> None:
    told(store, ("09:00", LinkState.LOST, "gone"), ("09:05", LinkState.NO_ADAPTER, "switched off"))
    assert standing(store)[STRAP].state == "no adapter"


def test_stored_records_change_no_state(store: Store) -> None:
    told(store, ("09:00", LinkState.CONNECTED, ""), ("09:01", LinkState.FETCHED, "12 stored records came"))
    assert standing(store)[STRAP].state == "connected"


def test_what_was_lost_unread_is_a_finding(store: Store) -> None:
    links = Links(store)
    for clock, count in (("09:00", 5), ("09:02", 7), ("10:00", 1)):
        links.note(LinkEvent(at=at(clock), device=STRAP, state=LinkState.DROPPED, dropped=count))
    found = list(losses(store, DAY, DAY + timedelta(days=1)))
    assert [f.title.split()[0] for f in found] == ["12", "1"]
    assert found[0].severity is Severity.WATCH
    assert (found[0].start, found[0].end) == (at("09:00"), at("09:02") + timedelta(seconds=1))
    assert not list(losses(store, DAY + timedelta(days=1), DAY + timedelta(days=2)))
    assert len(list(losses(store, at("09:01"), at("09:30")))) == 1
