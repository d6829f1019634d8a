"""What the page and programs may ask for: now, alerts, days, charts, findings, readings, notes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from healthslm.alerts import desk
from healthslm.alerts.policy import policy_of
from healthslm.companion import days
from healthslm.companion.access import ALL, SEES_ALERTS, SEES_DAYS, WEARER, Doors, only
from healthslm.companion.answers import Json, Words, answer, body, problem, takes
from healthslm.companion.asked import day_in, number_in, one_of, period_in
from healthslm.companion.box import Box
from healthslm.companion.clients import Role
from healthslm.companion.feed import Feed
from healthslm.companion.now import alert_json, now_of
from healthslm.errors import StoreError
from healthslm.pipeline import at_once, noted
from healthslm.readings import Kind
from healthslm.slm import Audience
from healthslm.store import Store
from healthslm.store.audit import Event

_SAME_NOTE = timedelta(seconds=10)
"""The same words written within this time are the same note, sent again."""


class Snoozing(BaseModel):
    """For how many minutes an alert is not to be told; without a number the first that its level allows."""

    model_config = ConfigDict(extra="forbid")

    minutes: int | None = Field(default=None, ge=1, le=24 * 60)


class Noted(Words):
    """A note that was written `age_s` seconds ago: a phone away from home sends it when it is back."""

    age_s: int = Field(default=0, ge=0, le=366 * 24 * 3600)


def _box(request: Request) -> Box:
    found: Box = request.app.state.doors.box
    return found


def _feed(request: Request) -> Feed:
    found: Feed = request.app.state.feed
    return found


@only(SEES_ALERTS)
async def now(request: Request) -> Response:
    """Say how things are just now."""
    box = _box(request)
    return answer(await box.do(lambda store: now_of(box, store)))


@only(SEES_ALERTS)
async def live(request: Request) -> Response:
    """Send how things are, whenever that changes, until the phone hangs up."""
    feed = _feed(request)
    if not feed.has_room(request.state.client.id):
        return problem(503, "Too many devices listen.", "Close the page on another one.")
    return StreamingResponse(
        while_allowed(feed, request.app.state.doors, request),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def while_allowed(feed: Feed, doors: Doors, request: Request) -> AsyncIterator[bytes]:
    """Send events until the phone hangs up, or may look no more.

    Who is revoked or signs out gets none from then on. When the session is over the page connects again.
    """
    async with contextlib.aclosing(feed.events(request.state.client.id)) as events:
        async for event in events:
            if not await doors.still(request):
                return
            yield event


@only(SEES_ALERTS)
async def acknowledge(request: Request) -> Response:
    """Say that somebody has seen an alert: in whose name is the client's."""
    box, client = _box(request), request.state.client

    def work(store: Store) -> Json:
        at = box.clock()
        before = desk.find(store, request.path_params["alert"])
        if before.acknowledged_at is None:
            before = desk.acknowledge(store, before.id, at, client.name)
            store.note_event(
                Event.ALERT_ACKNOWLEDGED, at, alert=before.id[:8], title=before.finding.title, by=client.name
            )
            store.commit()
        return alert_json(before, policy_of(store))

    return await _changed(request, work)


@takes(Snoozing)
@only(SEES_ALERTS)
async def snooze(request: Request) -> Response:
    """Ask that nobody is told of an alert for a while."""
    box, given = _box(request), await body(request, Snoozing)

    def work(store: Store) -> Json:
        at, policy = box.clock(), policy_of(store)
        snoozed = desk.snooze(store, request.path_params["alert"], given.minutes, policy, at)
        store.note_event(Event.ALERT_SNOOZED, at, alert=snoozed.id[:8], title=snoozed.finding.title)
        store.commit()
        return alert_json(snoozed, policy)

    return await _changed(request, work)


async def _changed(request: Request, work: Callable[[Store], Json], *, slowly: bool = False) -> Response:
    """Do what changes something, and let everybody who listens see it."""
    box = _box(request)
    made = await (box.do_slowly(work) if slowly else box.do(work))
    feed = _feed(request)
    feed.changed()
    await feed.look()
    return answer(made)


@only(ALL)
async def span(request: Request) -> Response:
    """Say which days there are."""
    box = _box(request)
    return answer(await box.do(lambda store: days.span_of(box, store)))


@only(SEES_DAYS)
async def one_day(request: Request) -> Response:
    """Tell a day."""
    box, client = _box(request), request.state.client
    day = day_in(request.path_params["day"])
    audience = Audience.CLINICIAN if client.role is Role.CLINICIAN else Audience.WEARER
    return answer(await box.do_slowly(lambda store: days.day_of(box, store, day, audience)))


@only(ALL)
async def series(request: Request) -> Response:
    """Give a chart's points; to a carer trends alone."""
    box, trend = _box(request), request.state.client.role is Role.CARER
    kind = one_of(Kind, request.path_params["kind"])
    start, end = period_in(request)
    points = number_in(request, "points", days.POINTS)
    made = await box.do(lambda store: days.series_of(box, store, kind, start, end, points, trend=trend))
    return answer(made)


@only(SEES_DAYS)
async def findings(request: Request) -> Response:
    """List what the rules found in a period."""
    box = _box(request)
    start, end = period_in(request)
    return answer(await box.do_slowly(lambda store: days.findings_of(box, store, start, end)))


@only(SEES_DAYS)
async def reading(request: Request) -> Response:
    """Give a single reading: where a number comes from."""
    text = request.path_params["reading"]
    number = int(text) if re.fullmatch("-?[0-9]{1,19}", text) else None

    def work(store: Store) -> Json | None:
        found = store.reading(number) if number is not None else None
        return days.reading_of(store, found) if found else None

    found = await _box(request).do(work)
    return answer(found) if found else problem(404, "There is no such reading.")


@takes(Noted)
@only(WEARER)
async def note(request: Request) -> Response:
    """Keep a note in the wearer's own words; answers with how soon to act on it."""
    box, given = _box(request), await body(request, Noted)
    at = box.clock() - timedelta(seconds=given.age_s)
    urgent = at_once(given.text, now=at, zone=box.zone)

    def work(store: Store) -> Json:
        there = store.notes(at - _SAME_NOTE, at + _SAME_NOTE)
        # A phone whose answer was lost on the way sends it again.
        again = next((one for one in there if one.text == given.text), None)
        reader = None if urgent else box.writer
        found = again or noted(store, given.text, now=at, zone=box.zone, reader=reader)
        return {
            "level": found.level,
            "reason": found.reason,
            "origin": found.origin,
            "notice": urgent.answer.text if urgent else "",
        }

    try:
        # Words of an emergency need no model, and wait for no question that is answered just now.
        return await _changed(request, work, slowly=urgent is None)
    except StoreError as error:
        if urgent is None:
            raise
        # Help does not wait for a store that is busy or full.
        return problem(503, urgent.answer.text, f"The note was not kept. {error.message}")


ROUTES = [
    Route("/api/v1/now", now),
    Route("/api/v1/live", live),
    Route("/api/v1/alerts/{alert}/acknowledge", acknowledge, methods=["POST"]),
    Route("/api/v1/alerts/{alert}/snooze", snooze, methods=["POST"]),
    Route("/api/v1/days", span),
    Route("/api/v1/days/{day}", one_day),
    Route("/api/v1/series/{kind}", series),
    Route("/api/v1/findings", findings),
    Route("/api/v1/readings/{reading}", reading),
    Route("/api/v1/notes", note, methods=["POST"]),
]
