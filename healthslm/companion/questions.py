"""Questions in words: the answer is told sentence by sentence, as each stands, and then what it stands on.

A line of JSON each: `sentence` with its `numbers`, `urgent` where it is one of an emergency; `done` with the
evidence, last. `anew` says that what was told before does not count, `problem` that it could not be told to
its end. Who goes away, or may look no more, gets none from then on, and what is still to be written for them
is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from healthslm import as_json
from healthslm.as_json import Ids
from healthslm.companion.access import WEARER, Doors, only
from healthslm.companion.answers import Json, Words, body, dumped, problem, takes
from healthslm.companion.box import Box
from healthslm.companion.clients import may_still
from healthslm.errors import HealthslmError
from healthslm.pipeline import Answered, ask, at_once
from healthslm.readings import Sentence
from healthslm.store import Store

MOST = 4
"""Questions that are answered or wait for it: they come one after the other, and each takes a while."""
_MEDIA = "application/x-ndjson"
_OVER = ("This device may look no more.", "Open the page again, or pair this device.")


@dataclass(slots=True)
class Asked:
    """How many questions are being answered, or wait for it."""

    now: int = 0


class _GoneError(Exception):
    """Nobody is there any more to be told."""


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
    asked: Asked = request.app.state.asked
    if asked.now >= MOST:
        return problem(429, "Other questions are still being answered.", "Ask again in a minute.", wait_s=60)
    told = answered(box, given.text, at, asked)
    first = await anext(told)  # of what goes wrong before anything is told a problem is the answer
    if not await _may_still(request):
        await told.aclose()
        return problem(401, *_OVER)
    return StreamingResponse(_lines(first, told, request), media_type=_MEDIA)


async def _lines(first: Json, others: AsyncGenerator[Json], request: Request) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(others):
        yield _line(first)
        try:
            async for one in others:
                if not await _may_still(request):  # revoked while it was written
                    yield _line({"problem": {"title": _OVER[0], "detail": _OVER[1]}})
                    return
                yield _line(one)
        except HealthslmError as error:
            yield _line({"problem": {"title": error.message, "detail": error.hint}})


async def _may_still(request: Request) -> bool:
    """Say whether who asked may still be told. The end of a session alone cuts no answer."""
    box, client = request.app.state.doors.box, request.state.client
    try:
        return bool(await box.do(lambda store: may_still(store, client.id, box.clock())))
    except HealthslmError:
        return False


def _line(value: Json) -> bytes:
    return dumped(value) + b"\n"


async def answered(box: Box, text: str, at: datetime, asked: Asked | None = None) -> AsyncGenerator[Json]:
    """Yield the lines of an answer; ending it early leaves the rest unwritten. Raises what `ask` does."""
    loop, asked = asyncio.get_running_loop(), asked or Asked()
    early: asyncio.Queue[Sentence | None] = asyncio.Queue()
    gone = threading.Event()

    def work(store: Store) -> Answered:
        def said(sentence: Sentence) -> None:
            if gone.is_set():
                raise _GoneError
            loop.call_soon_threadsafe(early.put_nowait, sentence)

        return ask(store, text, now=at, zone=box.zone, writer=box.writer, said=said)

    def over(asking: asyncio.Task[Answered]) -> None:
        early.put_nowait(None)
        if not asking.cancelled():
            asking.exception()  # who asked may have gone: nobody takes it then

    asked.now += 1
    asking = asyncio.create_task(box.do_slowly(work))
    asking.add_done_callback(over)
    told: list[Sentence] = []
    try:
        while (sentence := await early.get()) is not None:
            told.append(sentence)
            yield _sentence(sentence)
        made = await asking
    finally:
        asked.now -= 1
        gone.set()
        asking.cancel()  # what did not begin never does
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
