"""An answer in words comes as it is written, and keeps nothing else waiting."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthslm.companion.box import Box
from healthslm.companion.now import now_of
from healthslm.companion.questions import answered
from healthslm.errors import ModelError, StoreError
from healthslm.readings import Kind, Reading
from healthslm.slm.protocol import Answered, Messages
from healthslm.store import open_store
from tests.companion.conftest import CUFF, NOW, Home

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


async def test_what_goes_wrong_before_a_word_is_raised(home: Home) -> None:
    class Shut:
        async def do_slowly(self, _work: object) -> object:
            raise StoreError("The store is busy.", "Try again.")

    box: Any = Shut()
    box.zone, box.writer = home.box.zone, None
    with pytest.raises(StoreError, match="busy"):
        await anext(answered(box, QUESTION, datetime(2026, 11, 2, tzinfo=UTC)))
