"""Questions in words: the answer is told sentence by sentence, as each stands, and then what it stands on.

A line of JSON each: `sentence` with its `numbers`, `urgent` where it is one of an emergency; `done` with the
evidence, last. `anew` says that what was
told before does not count, `problem` that it could not be told to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from healthslm import as_json
from healthslm.as_json import Ids
from healthslm.companion.access import WEARER, Doors, only
from healthslm.companion.answers import Json, Words, body, dumped, takes
from healthslm.companion.box import Box
from healthslm.errors import HealthslmError
from healthslm.pipeline import Answered, ask, at_once
from healthslm.readings import Sentence
from healthslm.store import Store

_MEDIA = "application/x-ndjson"


@takes(Words)
@only(WEARER)
async def question(request: Request) -> Response:
    """Answer a question: a line of JSON for each sentence as soon as it stands, and one for the evidence."""
    doors: Doors = request.app.state.doors
    box, given = doors.box, await body(request, Words)
    at = box.clock()
    urgent = at_once(given.text, now=at, zone=box.zone)
    if urgent is not None:  # before the store is asked, which may be busy
        said: list[Json] = [{"sentence": one.text, "urgent": True} for one in urgent.answer.sentences]
        lines = [*said, {"done": True, "tool": urgent.call.tool, "evidence": []}]
        return Response(b"".join(map(_line, lines)), media_type=_MEDIA)
    told = answered(box, given.text, at)
    first = await anext(told)  # of what goes wrong before anything is told a problem is the answer
    return StreamingResponse(_lines(first, told), media_type=_MEDIA)


async def _lines(first: Json, others: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    yield _line(first)
    try:
        async for one in others:
            yield _line(one)
    except HealthslmError as error:
        yield _line({"problem": {"title": error.message, "detail": error.hint}})


def _line(value: Json) -> bytes:
    return dumped(value) + b"\n"


async def answered(box: Box, text: str, at: datetime) -> AsyncIterator[Json]:
    """Yield the lines of an answer. Raises what `ask` does."""
    loop = asyncio.get_running_loop()
    early: asyncio.Queue[Sentence | None] = asyncio.Queue()

    def work(store: Store) -> Answered:
        def said(sentence: Sentence) -> None:
            loop.call_soon_threadsafe(early.put_nowait, sentence)

        return ask(store, text, now=at, zone=box.zone, writer=box.writer, said=said)

    def over(asking: asyncio.Task[Answered]) -> None:
        early.put_nowait(None)
        if not asking.cancelled():
            asking.exception()  # who asked may have gone: nobody takes it then

    asking = asyncio.create_task(box.do_slowly(work))
    asking.add_done_callback(over)
    told: list[Sentence] = []
    while (sentence := await early.get()) is not None:
        told.append(sentence)
        yield _sentence(sentence)
    made = await asking
    sentences = list(made.answer.sentences)
    if sentences[: len(told)] != told:  # another text took its place
        yield {"anew": True}
        told = []
    for sentence in sentences[len(told) :]:
        yield _sentence(sentence)
    yield {
        "done": True,
        "tool": made.call.tool,
        "evidence": [as_json.feature(one, Ids.TEXT) for one in made.features],
        "findings": [as_json.finding(one, Ids.TEXT) for one in made.findings],
    }


def _sentence(one: Sentence) -> Json:
    made = as_json.sentence(one, Ids.TEXT)
    return {"sentence": made["text"], "numbers": made["numbers"], "origin": made["origin"]}


ROUTES = [Route("/api/v1/questions", question, methods=["POST"])]
