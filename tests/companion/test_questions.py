"""An answer in words comes as it is written, and keeps nothing else waiting."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthslm.companion.box import Box
from healthslm.companion.clients import Role, revoke
from healthslm.companion.now import now_of
from healthslm.companion.questions import MOST, Asked, answered
from healthslm.errors import ModelError, StoreError
from healthslm.readings import Kind, Reading
from healthslm.slm.protocol import Answered, Messages
from healthslm.store import open_store
from tests.companion.conftest import CUFF, NOW, Home
from tests.companion.phone import paired

QUESTION = "Anything I should worry about today?"


@dataclass
class Slow:
    """A model that hears nothing, and writes its second sentence when it is let."""

    go: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    model_id: str = "scripted"
    tuned: bool = True

    def __call__(self, messages: Messages, *, numbers: Sequence[str] | None, attempt: int = 0) -> str:
        self.asked += 1
        if self.asked > 2:  # two attempts a sentence, of which none stands
            assert self.go.wait(20), "nobody took the first sentence before the second was written"
        return "Nonsense of 4711."

    def line(self, messages: Messages, *, numbers: Sequence[str]) -> Answered:
        raise ModelError("It hears nothing.")

    def weigh(self, messages: Messages, options: Sequence[str]) -> tuple[float, ...]:
        raise ModelError("It hears nothing.")


@pytest.fixture
def box(home: Home) -> Iterator[tuple[Box, Slow]]:
    model = Slow()
    for kind, value in ((Kind.SYSTOLIC, 186), (Kind.DIASTOLIC, 121)):  # a second finding
        at = NOW - timedelta(minutes=20)
        home.store.append([Reading(time=at, kind=kind, value=value, device=CUFF)])
    home.store.commit()
    with open_store(home.box.home, "passphrase") as second:
        made = replace(home.box, second=second, writer=model)
        yield made, model
        made.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  a thread, which tells nobody
            await asyncio.sleep(0.01)


async def test_the_first_sentence_is_there_before_the_second_is_written(box: tuple[Box, Slow]) -> None:
    here, model = box
    lines = answered(here, QUESTION, NOW)
    first = await anext(lines)
    assert first["sentence"]
    assert not model.go.is_set()
    # What is quick does not wait for the words either.
    state = await asyncio.wait_for(here.do(lambda store: now_of(here, store)), 10)
    assert state["vitals"]
    model.go.set()
    others = [one async for one in lines]
    assert model.asked > 2
    assert len([one for one in others if "sentence" in one]) >= 1
    assert others[-1]["done"]
    assert others[-1]["findings"]


async def test_who_goes_while_it_is_written_leaves_nothing_behind(box: tuple[Box, Slow]) -> None:
    here, model = box
    lines: Any = answered(here, QUESTION, NOW)
    await anext(lines)
    await lines.aclose()
    model.go.set()
    assert await here.do_slowly(lambda store: store.count()) > 0  # its thread is free again


async def test_who_goes_has_the_rest_left_unwritten(box: tuple[Box, Slow]) -> None:
    here, model = box
    asked = Asked()
    lines: Any = answered(here, QUESTION, NOW, asked)
    await anext(lines)
    second: Any = answered(here, QUESTION, NOW, asked)
    waiting = asyncio.create_task(anext(second))
    await asyncio.sleep(0.05)
    assert asked.now == 2
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await lines.aclose()
    assert asked.now == 0
    model.go.set()
    await here.do_slowly(lambda store: store.count())
    assert model.asked <= 4, "the sentence that was begun, and no question that only waited"


async def test_who_is_revoked_while_it_is_written_is_told_no_more(home: Home, box: tuple[Box, Slow]) -> None:
    here, model = box
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.app.state.doors = replace(home.app.state.doors, box=here)
    asking = asyncio.create_task(phone.post("/api/v1/questions", text=QUESTION))
    await until(lambda: model.asked >= 3)
    await here.do(lambda store: revoke(store, phone.client))
    model.go.set()
    *told, last = [json.loads(line) for line in (await asking).text.splitlines()]
    assert "no more" in last["problem"]["title"]
    whole = [one async for one in answered(here, QUESTION, NOW)]
    assert len(told) < len(whole) - 1
    assert told == whole[: len(told)], "what stood before"


async def test_questions_do_not_pile_up(home: Home, box: tuple[Box, Slow]) -> None:
    here, model = box
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.app.state.doors = replace(home.app.state.doors, box=here)
    posted = [asyncio.create_task(phone.post("/api/v1/questions", text=QUESTION)) for _ in range(MOST + 3)]
    await until(lambda: sum(one.done() for one in posted) == 3)
    refused = [await one for one in posted if one.done()]
    assert [one.status_code for one in refused] == [429] * 3
    assert int(refused[0].headers["retry-after"]) > 0
    model.go.set()
    assert {one.status_code for one in await asyncio.gather(*posted)} == {200, 429}
    assert home.app.state.asked.now == 0


async def test_words_of_an_emergency_wait_for_no_answer(home: Home, box: tuple[Box, Slow]) -> None:
    here, model = box
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.app.state.doors = replace(home.app.state.doors, box=here)
    lines: Any = answered(here, QUESTION, NOW)
    await anext(lines)
    note = phone.post("/api/v1/notes", text="I can't breathe and my chest hurts")
    told = (await asyncio.wait_for(note, 10)).json()
    assert not model.go.is_set()
    assert (told["level"], bool(told["notice"])) == ("emergency", True)
    model.go.set()
    await lines.aclose()


async def test_what_goes_wrong_before_a_word_is_raised(home: Home) -> None:
    class Shut:
        async def do_slowly(self, _work: object) -> object:
            raise StoreError("The store is busy.", "Try again.")

    box: Any = Shut()
    box.zone, box.writer = home.box.zone, None
    with pytest.raises(StoreError, match="busy"):
        await anext(answered(box, QUESTION, datetime(2026, 11, 2, tzinfo=UTC)))
