"""The clinician's page as a file: made on the box, and noted who took it."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm.companion.access import SEES_DAYS, Doors, only
from healthslm.companion.answers import problem
from healthslm.companion.asked import one_of, period_in, queried
from healthslm.companion.box import Box
from healthslm.companion.clients import Client, may_still
from healthslm.errors import UsageError
from healthslm.export import Focus, How, Paper, report, stem
from healthslm.pipeline import review
from healthslm.slm import Audience
from healthslm.store import Store
from healthslm.store.audit import Event

_LONGEST_DAYS = 366


@only(SEES_DAYS)
async def export(request: Request) -> Response:
    """Make the clinician's page of some days; it is noted who took it."""
    doors: Doors = request.app.state.doors
    box, client = doors.box, request.state.client
    start, end = period_in(request)
    if (end - start).days > _LONGEST_DAYS:
        raise UsageError("The page is of a year at the most.", "Choose a later beginning.")
    focus = one_of(Focus, queried(request.query_params, "for", Focus.GENERAL.value))
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


ROUTES = [Route("/api/v1/export.pdf", export)]
