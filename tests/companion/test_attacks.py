"""What is asked in bad faith, or by accident, and what must not come of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from healthslm.alerts import AlertState, desk
from healthslm.companion import Box, views
from healthslm.companion.clients import CLIENTS, Role, clients_in, revoke
from healthslm.companion.feed import MOST_OF_ONE, Feed
from healthslm.companion.sessions import LASTS_S
from healthslm.errors import StoreError
from healthslm.store import Store, open_store
from tests.companion.conftest import NOW, Home
from tests.companion.phone import OURS, paired

PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-03T00:00:00Z"}
FIRST = {"from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"}
LAST = {"from": "9999-12-30T00:00:00Z", "to": "9999-12-31T23:59:59Z"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("readings/\N{SUPERSCRIPT TWO}", {}),
        ("readings/--5", {}),
        ("series/spo2", {**PERIOD, "points": "\N{SUPERSCRIPT TWO}"}),
        ("days/0001-01-01", {}),
        ("days/9999-12-31", {}),
        *((path, period) for path in ("series/spo2", "findings", "export.pdf") for period in (FIRST, LAST)),
        ("nothing", {}),
    ],
)
async def test_what_python_and_calendars_do_not_take_is_refused(
    home: Home, path: str, query: dict[str, str]
) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    found = await phone.get(f"/api/v1/{path}", **query)
    assert found.status_code in (404, 422)
    assert found.headers["content-type"] == "application/problem+json"


class Broken:
    """A box in which all fails, but knowing who asks."""

    def __init__(self, home: Home, error: Exception) -> None:
        self.clock, self.zone, self.writer = home.box.clock, home.box.zone, None
        self._box, self._error = home.box, error

    async def do(self, work: Callable[[Store], Any]) -> Any:
        if work is clients_in:
            return await self._box.do(work)
        raise self._error

    do_slowly = do


async def test_an_error_of_ours_tells_nobody_what_was_measured(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    error = RuntimeError(f"a pressure of {15_707 + 15_708}")
    home.app.state.doors = replace(home.app.state.doors, box=Broken(home, error))
    found = await phone.get("/api/v1/days")
    assert found.status_code == 500
    assert "31415" not in found.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["content-security-policy"].startswith("default-src 'none'")


async def test_who_hangs_up_in_the_middle_of_a_request_is_no_error(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/pair",
        "raw_path": b"/api/v1/pair",
        "query_string": b"",
        "headers": [],
        "client": ("192.168.1.66", 1),
        "server": ("192.168.1.2", 8443),
        "scheme": "https",
        "http_version": "1.1",
        "root_path": "",
    }
    with caplog.at_level(logging.WARNING):
        await home.app(scope, receive, send)
    assert not caplog.records


async def test_a_question_that_cannot_be_answered_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not break off in the middle of its answer."""

    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    busy = StoreError("Another process is writing.", "Try again.")
    home.app.state.doors = replace(home.app.state.doors, box=Broken(home, busy))
    found = await phone.post("/api/v1/questions", text="How was my temperature yesterday?")
    assert found.status_code == 503
    assert found.json()["detail"] == "Try again."


class Scripted(Feed):
    """A feed whose first look fails, and whose further ones find nothing."""

    def __init__(self, box: Box, *, failing: bool, **how: float) -> None:
        super().__init__(box, **how)
        self.failing, self.looked = failing, asyncio.Event()

    async def look(self) -> None:
        """Look."""
        if self.failing:
            self.failing = False
            raise RuntimeError("a defect")
        self.looked.set()


async def test_live_values_go_on_after_a_look_that_failed(home: Home) -> None:
    feed = Scripted(home.box, failing=True, every_s=0.01)
    feed.listeners = 1
    running = asyncio.create_task(feed.run())
    await asyncio.wait_for(feed.looked.wait(), 5)
    assert not feed.failing
    assert not running.done()
    running.cancel()


async def test_before_anything_could_be_looked_up_nothing_is_told(home: Home) -> None:
    feed = Scripted(home.box, failing=False, alive_s=0.01)
    events = feed.events()
    assert await anext(events) == b": still here\n\n"
    await events.aclose()


@pytest.mark.parametrize("why", ["revoked", "signed out", "session over", "link over", "damaged"])
async def test_who_may_look_no_more_hears_nothing_from_then_on(home: Home, why: str) -> None:
    """Not for a few seconds more either; nor does anybody where the list of phones cannot be read."""
    phone = await paired(home.app, home.store, Role.CLINICIAN, NOW)
    feed = Feed(home.box)
    request = phone.request(clients_in(home.store)[0])
    heard = views.while_allowed(feed, home.app.state.doors, request)
    assert b"event: now" in await anext(heard)
    match why:
        case "revoked":
            revoke(home.store, phone.client)
        case "signed out":
            await phone.http.delete("/api/v1/session", headers=OURS)
        case "session over":
            home.clock.seconds += LASTS_S
        case "link over":
            home.clock.now += timedelta(days=31)
        case _:
            home.store.put(CLIENTS, "nonsense")
    feed.changed()
    looking = asyncio.create_task(feed.look())
    with pytest.raises(StopAsyncIteration):
        await anext(heard)
    await looking


class Slow:
    """A model that takes a month to say that it is not tuned."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def tuned(self) -> bool:
        self._home.clock.now += timedelta(days=31)
        return False


async def test_a_link_that_ends_while_its_export_is_made_gets_none(home: Home) -> None:
    clinician = await paired(home.app, home.store, Role.CLINICIAN, NOW)
    slow: Any = Slow(home)
    home.app.state.doors = replace(home.app.state.doors, box=replace(home.box, writer=slow))
    before = len(home.store.trail())
    found = await clinician.get("/api/v1/export.pdf", **PERIOD)
    assert found.status_code == 401
    assert len(home.store.trail()) == before


async def test_an_emergency_stays_where_the_store_is_busy(alerted: Home) -> None:
    """A writer that is stuck: the phone is told, nothing is lost, and it can be said again."""
    phone = await paired(alerted.app, alerted.store, Role.CARER, NOW)
    (alert,) = desk.alerts_in(alerted.store)
    path = f"/api/v1/alerts/{alert.id}/acknowledge"
    alerted.store._patience_s = 0.1
    with open_store(alerted.box.home, "passphrase") as other:
        other.put("something", 1)
        refused = await phone.post(path)
        assert refused.status_code == 503
        assert "Another process is writing" in refused.json()["title"]
        assert (await phone.get("/api/v1/now")).json()["alerts"]  # what is read is not held up
    alerted.store._hurried_until = 0  # as after a few seconds
    assert (await phone.post(path)).json()["acknowledged_by"] == "the carer's phone"


@pytest.mark.parametrize(("kind", "least"), [("spo2", 3600), ("systolic", 86400)])
async def test_no_carer_puts_single_readings_together_from_trends(home: Home, kind: str, least: int) -> None:
    """However short the periods, and however they overlap."""
    carer = await paired(home.app, home.store, Role.CARER, NOW)
    seen = set()
    for n in range(12):
        start = NOW - timedelta(hours=3, seconds=5 * n)
        period = {"from": start.isoformat(), "to": (start + timedelta(seconds=1 + 3000 * n)).isoformat()}
        made = (await carer.get(f"/api/v1/series/{kind}", points="2000", **period)).json()
        assert made["step_s"] >= least
        assert "ids" not in made
        seen |= {(made["step_s"], time) for time in made["times"]}
    assert all((time - step / 2) % step == 0 for step, time in seen)
    assert len(seen) <= 4


async def test_one_phone_keeps_no_other_from_listening(home: Home) -> None:
    feed = Feed(home.box)
    pages = [feed.events("a") for _ in range(MOST_OF_ONE)]
    for page in pages:
        await anext(page)
    assert not feed.has_room("a")
    assert feed.has_room("b")
    await pages[0].aclose()
    assert feed.has_room("a")
    for page in pages:
        await page.aclose()
    assert feed.listeners == 0


async def test_words_of_an_emergency_are_answered_where_the_store_is_busy(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.store._patience_s = 0.1
    with open_store(home.box.home, "passphrase") as other:
        other.put("something", 1)
        told = await phone.post("/api/v1/notes", text="I can't breathe and my chest hurts")
    assert told.status_code == 503
    assert "Call the emergency number now" in told.json()["title"]
    assert "not kept" in told.json()["detail"]


async def test_what_nobody_was_told_of_cannot_be_acknowledged_away(alerted: Home) -> None:
    """By the first letter of an alert that is still to be confirmed: it would never be told."""
    carer = await paired(alerted.app, alerted.store, Role.CARER, NOW)
    (alert,) = desk.alerts_in(alerted.store)
    pending = replace(alert, state=AlertState.PENDING)
    alerted.store.change_alert(alert.id, lambda _: (pending.state, pending.raised_at, pending.to_json()))
    alerted.store.commit()
    assert (await carer.post(f"/api/v1/alerts/{alert.id[0]}/acknowledge")).status_code == 422
    (kept,) = desk.alerts_in(alerted.store)
    assert (kept.state, kept.acknowledged_at) == (AlertState.PENDING, None)
