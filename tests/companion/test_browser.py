"""The page in a real browser: what a person does with it, from pairing to being away from home.

Needs Chromium, Node, and what drives them: `npm ci --ignore-scripts` in browser/ (or `make test-page`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from device import Notification
from device.events import EventQueue
from healthslm.alerts import desk
from healthslm.alerts.policy import policy_of
from healthslm.companion import Role, clients_in, revoke
from healthslm.readings import Kind, Reading, micro
from healthslm.store import Store
from healthslm.store.codec import Columns
from tests.companion import month
from tests.companion.served import Listening, Served, a_month, browser, play

pytestmark = pytest.mark.skipif(browser() is None, reason="needs Chromium, Node, and `make test-page` once")
BLUETOOTH = "Unrecognized feature: 'bluetooth'"
"""Chromium says so on Linux, where Web Bluetooth is behind a switch."""
REFUSED = "status of 401"
"""A browser tells of each refusal, also of the one after which the page signs in."""
CUT_OFF = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE", "ERR_EMPTY")
FIRST_VIEW_BYTES = 150_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with a_month(tmp_path_factory.mktemp("served") / "home") as here:
        yield here


def clean(told: dict[str, Any], *expected: str) -> None:
    """Nothing went wrong in the browser, and nobody but the box was asked."""
    wrong = [one for one in told["wrong"] if not any(known in one for known in (BLUETOOTH, *expected))]
    assert wrong == []
    assert told["elsewhere"] == []


def test_a_phone_is_paired_and_forgets_all_when_it_is_revoked(served: Served) -> None:
    hands = {"revoke": lambda step: served.do(lambda store: bool(revoke(store, step["client"]))) and {}}
    told = play(served, "pairing", hands=hands)
    assert told["same"], "the page and the box make other digits"
    assert told["name"] == "my Linux" or told["name"].startswith("my ")
    assert told["extractable"] is False
    assert told["address"] == f"{served.base}/"  # the secret is in no address any more
    assert told["first"] == told["again"] == ["Now", "Days", "Ask", "More"]
    assert (told["german"], told["lang"]) == (["Jetzt", "Tage", "Fragen", "Mehr"], "de")
    assert told["left"] == 0
    clean(told, REFUSED)


def test_now_is_live_and_an_alert_can_be_acted_on(served: Served) -> None:
    def measure(_step: object) -> None:
        one = Reading(time=datetime.now(UTC), kind=Kind.HEART_RATE, value=171, device=month.STRAP)

        def work(store: Store) -> None:
            store.append([one])
            store.commit()

        served.do(work)

    told = play(served, "live", hands={"measure": measure})
    assert told["before"] == "84"
    assert told["ages"][0] != told["ages"][1]
    assert "no contact" in told["worn"]
    assert told["severity"] == "Urgent"
    assert told["said"] == "Low oxygen saturation"
    assert not told["badge"]
    (alert,) = served.do(lambda store: list(desk.alerts_in(store)))
    assert alert.acknowledged_by in {one.name for one in served.do(clients_in)}
    assert alert.snoozed_until is not None
    assert "171 bpm" in told["reading"]
    assert "Polar H10" in told["reading"]
    assert "oxygen saturation was" in told["answer"]
    assert "emergency number" in told["loud"]
    clean(told)


def test_a_number_opens_its_reading_and_a_chart_is_moved(served: Served) -> None:
    told = play(served, "days")
    assert "Oximeter, Nonin 3230" in told["evidence"]
    day, moved, pinched, week = told["periods"]
    assert "–" not in day
    assert "–" in moved
    assert ":" in pinched, "a part of a day is told with its times"
    assert week not in (day, moved)
    assert told["asked"] >= 2
    assert "bpm" in told["told"]
    assert told["drawn"]
    assert told["label"].startswith("Heart rate: ")
    assert "#days/" in told["url"]
    clean(told)


def test_away_from_home_the_last_state_is_there_with_its_age(served: Served) -> None:
    told = play(served, "away", hands={"leave": lambda _: served.stop(), "return": lambda _: served.start()})
    assert "out of reach" in told["banner"]
    assert "ago" in told["banner"]
    assert told["vitals"] >= 5
    assert "Out of reach" in told["top"]
    assert "heart rate" in told["day"]
    assert "will be sent" in told["waits"]
    now = datetime.now(UTC)
    notes = served.do(lambda store: list(store.notes(now - timedelta(minutes=5), now)))
    assert told["sent"] >= 2
    assert [one.text for one in notes] == ["Walked up the hill", "Came down again"]
    clean(told, *CUT_OFF, REFUSED, "ERR_FAILED")


def test_a_locked_box_says_so_and_a_note_waits_for_it(served: Served) -> None:
    with ExitStack() as stack:
        hands = {
            "lock": lambda _: stack.enter_context(served.locked()),
            "unlock": lambda _: stack.close(),
        }
        told = play(served, "locked", hands=hands)
    for banner in (told["banner"], told["again"]):
        assert "locked" in banner
        assert "ago" in banner
    assert told["vitals"] >= 5
    assert "Locked" in told["top"]
    assert "healthslm unlock" in told["asked"]
    now = datetime.now(UTC)
    notes = served.do(lambda store: [one.text for one in store.notes(now - timedelta(minutes=5), now)])
    assert "Crushing chest pain since noon" in notes
    assert "call the emergency number now" in told["waits"]
    assert "emergency number" in told["told"]
    assert "Emergency" in told["noted"]
    assert "chest" not in told["noted"], "a carer sees it too"
    clean(
        told, "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE", "ERR_EMPTY", "423", REFUSED
    )


def test_a_wearable_is_added_and_taken_off_again(served: Served) -> None:
    told = play(served, "adding")
    strap, meter = (next(text for text in told["near"] if name in text) for name in ("H10", "Contour"))
    assert "near" in strap
    assert "paired with first" not in strap
    assert "devices add C0:FF:EE:00:00:0A --pair" in meter
    assert "far" in meter
    assert "healthslm run" in told["added"], "nobody is at work who could listen"
    (gone,) = [one.detail for one in served.do(lambda store: store.trail()[-1:])]
    assert gone == {"forgotten": "C0:FF:EE:00:00:09"}
    clean(told)


@pytest.mark.parametrize(
    ("role", "tabs"),
    [
        (Role.WEARER, ["Now", "Days", "Ask", "More"]),
        (Role.CARER, ["Now", "Trends", "More"]),
        (Role.CLINICIAN, ["Days", "More"]),
    ],
)
def test_a_role_is_offered_what_it_may(served: Served, role: Role, tabs: list[str]) -> None:
    told = play(served, "roles", role)
    assert told["names"] == tabs
    assert all("failed" not in text and "may not see" not in text for text in told["views"].values())
    more = told["views"]["more"]
    assert ("Make the page" in more) is (role is not Role.CARER)
    assert ("Wearables" in more) is (role is not Role.CLINICIAN)
    assert (told["opens"] > 0) is (role is Role.WEARER), "nobody else opens a reading from there"
    assert told["file"].endswith(".pdf") is (role is not Role.CARER)
    assert told["left"] == 0
    clean(told)


def test_nothing_is_cut_off_on_a_narrow_phone_with_large_text(served: Served) -> None:
    told = play(served, "narrow", languages=["en", "de", "es", "fr", "zh"])
    assert told["wide"] == [], "\n".join(told["wide"])
    clean(told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_does_not_see_or_hear_well_can_use_it(served: Served, scheme: str) -> None:
    told = play(served, "access", scheme=scheme)
    assert told["found"] == [], "\n".join(told["found"])
    clean(told)


def test_the_first_view_is_light(served: Served) -> None:
    told = play(served, "weight", times=5)
    assert told["bytes"] <= FIRST_VIEW_BYTES, told["files"]
    content = sorted(one["content"] for one in told["times"])
    assert len(content) == 5
    assert content[0] > 0
    print(f"first view: {told['bytes']} bytes, {content} ms")
    clean(told, "registration blocked")


def test_a_phone_that_knows_bluetooth_is_a_radio_and_settings_are_set(served: Served) -> None:
    """With a stand-in of the browser's Bluetooth: its emulation knows no notifications yet."""
    queue = EventQueue(100_000, lambda: datetime.now(UTC))
    listening = Listening(served, queue)
    listening.start()
    other = served.add_client("somebody else's phone")
    told = play(
        served,
        "hearing",
        hands={"gone": lambda _: listening.stop(), "back": lambda _: listening.start()},
        expected=["status of 503"],
    )
    listening.stop()
    beats = [event for event in queue.take(100_000) if isinstance(event, Notification)]
    assert told["asked"] == 4
    assert {event.value for event in beats} == {b"\x00\x48"}
    times = [event.received_at for event in beats]
    # What was taken in the moment that the listening ended is sent once more: the store knows it by its time.
    assert len(set(times)) > 20
    # None is lost while nobody took them: they come every 200 ms, on a slow machine every second.
    assert max(b - a for a, b in pairwise(sorted(times))) < timedelta(seconds=2)
    assert "not at work" not in told["waits"]
    assert (told["left"], told["took"]) == (0, 1)
    assert other not in {one.id for one in served.do(clients_in)}
    assert served.do(policy_of).quiet
    clean(told)


def test_a_years_charts_are_drawn_after_the_tap(served: Served) -> None:
    """All of them together; a year of a heart rate every minute. The figure is in docs/companion.md."""
    minutes = np.arange(335 * 24 * 60, dtype=np.int64) * 60_000_000
    begin = micro(datetime.now(UTC) - timedelta(days=366))
    columns = Columns(begin + minutes, 60 + 10 * np.sin(minutes / 4e9), np.zeros(len(minutes), np.int16))
    served.do(lambda store: store.append_columns(Kind.HEART_RATE, month.STRAP, columns))
    served.do(lambda store: store.commit())
    told = play(served, "year")
    spent = sorted(told["spent"])
    print(f"a year's charts: {[round(one) for one in spent]} ms")
    assert spent[0] > 0
    clean(told)
