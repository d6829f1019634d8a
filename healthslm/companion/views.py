"""What the page and programs may ask for: now, days, charts, questions, notes, alerts, the export."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from healthslm.alerts import desk
from healthslm.alerts.policy import policy_of
from healthslm.companion import days
from healthslm.companion.access import ALL, SEES_ALERTS, SEES_DAYS, WEARER, Doors, only
from healthslm.companion.answers import Json, Words, answer, body, problem, queried, takes
from healthslm.companion.box import Box
from healthslm.companion.clients import Client, Role, may_still
from healthslm.companion.feed import Feed
from healthslm.companion.now import alert_json, now_of
from healthslm.errors import StoreError, UsageError
from healthslm.export import Focus, How, Paper, report, stem
from healthslm.pipeline import at_once, noted, review
from healthslm.readings import Kind
from healthslm.slm import Audience
from healthslm.store import Store
from healthslm.store.audit import Event

_E = TypeVar("_E", Kind, Focus)
_LONGEST_EXPORT = 366
_SAME_NOTE = timedelta(seconds=10)
"""The same words written within this time are the same note, sent again."""
_YEARS = range(1900, 2200)
"""Beyond them calendars end, and what is usual before a day has no days."""


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
    day = _date(request.path_params["day"])
    audience = Audience.CLINICIAN if client.role is Role.CLINICIAN else Audience.WEARER
    return answer(await box.do_slowly(lambda store: days.day_of(box, store, day, audience)))


@only(ALL)
async def series(request: Request) -> Response:
    """Give a chart's points; to a carer trends alone."""
    box, trend = _box(request), request.state.client.role is Role.CARER
    kind = _one_of(Kind, request.path_params["kind"])
    start, end = _period(request)
    points = _number(request, "points", days.POINTS)
    made = await box.do(lambda store: days.series_of(box, store, kind, start, end, points, trend=trend))
    return answer(made)


@only(SEES_DAYS)
async def findings(request: Request) -> Response:
    """List what the rules found in a period."""
    box = _box(request)
    start, end = _period(request)
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
        found = again or noted(store, given.text, now=at, zone=box.zone, reader=box.writer)
        return {
            "level": found.level,
            "reason": found.reason,
            "origin": found.origin,
            "notice": urgent.answer.text if urgent else "",
        }

    try:
        return await _changed(request, work, slowly=True)
    except StoreError as error:
        if urgent is None:
            raise
        # Help does not wait for a store that is busy or full.
        return problem(503, urgent.answer.text, f"The note was not kept. {error.message}")


@only(SEES_DAYS)
async def export(request: Request) -> Response:
    """Make the clinician's page of some days; it is noted who took it."""
    box, client = _box(request), request.state.client
    start, end = _period(request)
    if (end - start).days > _LONGEST_EXPORT:
        raise UsageError("The page is of a year at the most.", "Choose a later beginning.")
    focus = _one_of(Focus, queried(request.query_params, "for", Focus.GENERAL.value))
    how = How(
        focus=focus,
        paper=Paper.LETTER if queried(request.query_params, "paper", "a4") == "letter" else Paper.A4,
        appendix=queried(request.query_params, "appendix", "0") == "1",
    )

    def work(store: Store) -> tuple[str, bytes] | None:
        return _page(box, store, client, start, end, how)

    made = await box.do_slowly(work)
    if made is None:
        return problem(401, "The time of this link is over.", "Ask for another one.")
    name, pdf = made
    return Response(
        pdf,
        media_type="application/pdf",
        headers={"content-disposition": f'attachment; filename="{name}.pdf"'},
    )


def _page(
    box: Box, store: Store, client: Client, start: datetime, end: datetime, how: How
) -> tuple[str, bytes] | None:
    """Make the page, and note who took it; `None` for who may look no more by the time that it is made."""
    made = review(
        store,
        start,
        end,
        zone=box.zone,
        made_at=box.clock(),
        writer=box.writer,
        audiences=(Audience.WEARER, Audience.CLINICIAN),
    )
    pdf = report(made, focus=how.focus, paper=how.paper, source=store if how.appendix else None)
    name = stem(made)
    if not may_still(store, client.id, box.clock()):  # that took a while
        return None
    store.note_event(
        Event.EXPORTED,
        box.clock(),
        to=f"companion: {client.name}",
        files=f"{name}.pdf",
        formats="pdf",
        start=start.isoformat(),
        end=end.isoformat(),
        to_whom=client.name,
    )
    store.commit()
    return name, pdf


def _date(text: str) -> date:
    with contextlib.suppress(ValueError):
        found = date.fromisoformat(text)
        if found.year in _YEARS:
            return found
    raise UsageError(f"{text[:40]!r} is no day of {_YEARS[0]} to {_YEARS[-1]}.", "Write it like 2026-11-02.")


def _period(request: Request) -> tuple[datetime, datetime]:
    """Read `from` and `to`: times with an offset, or seconds since 1970."""
    start, end = (_time(queried(request.query_params, name)) for name in ("from", "to"))
    if end <= start:
        raise UsageError("The period ends before it begins.", "Ask for a later end.")
    return start, end


def _time(text: str) -> datetime:
    try:
        if text.lstrip("-").replace(".", "", 1).isdigit():
            found = datetime.fromtimestamp(float(text), UTC)
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is not None and found.year in _YEARS:
            return found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise UsageError(f"{text[:40]!r} is no time with an offset.", "Write it like 2026-11-02T00:00:00Z.")


def _number(request: Request, name: str, default: int) -> int:
    text = queried(request.query_params, name, str(default))
    if not re.fullmatch("[0-9]{1,6}", text):  # not `isdigit`, which takes what `int` does not
        raise UsageError(f"{name} is a whole number.", "Leave it away for the usual one.")
    return int(text)


def _one_of(values: type[_E], text: str) -> _E:
    try:
        return values(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:40]!r} is not known.", f"Known are: {', '.join(one.value for one in values)}."
        ) from error


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
    Route("/api/v1/export.pdf", export),
]
