"""The phone's page in the week, a process of its own beside the box: asked now and then, by the same clock.

`python -m healthslm.bench.week_page SETUP` does what standard input says, and says what came of it:

    {"do": "look"}      ["look", statuses]  the latest values, live too, a day, a chart, what was found
    {"do": "summary"}   ["summary", characters]  the review of the day that is over, in the template's words
    {"do": "rest"}      ["rest", {}]  everything that can be let go of is
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from healthslm.bench.week_clock import SharedClock
from healthslm.bench.week_words import PASSPHRASE, TOKEN, say, words_told
from healthslm.companion import Box, application
from healthslm.pipeline import review
from healthslm.slm import Audience
from healthslm.store import Store, open_store

_BASE = "https://healthslm.local:8443"
_DAY = timedelta(days=1)


class _Page:
    """The application, and a program that asks it."""

    def __init__(self, box: Box, clock: SharedClock) -> None:
        self._box = box
        self._clock = clock
        self._zone = box.zone
        self._app = application(box, counter=clock.seconds)

    async def do(self, told: dict[str, Any]) -> None:
        """Do what is told, and say what came of it."""
        match told["do"]:
            case "look":
                say("look", await self._look())
            case "summary":
                say("summary", await self._box.do_slowly(self._summary))
            case "rest":
                gc.collect()
                say("rest", {})

    async def _look(self) -> list[int]:
        now = self._clock()
        period = {"from": (now - _DAY).isoformat(), "to": now.isoformat()}
        day = now.astimezone(self._zone).date().isoformat()
        transport = httpx.ASGITransport(app=self._app, client=("127.0.0.1", 50000))
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(
            transport=transport, base_url=_BASE, headers=headers, timeout=60
        ) as http:
            asked = [
                await http.get("/api/v1/now"),
                await http.get(f"/api/v1/days/{day}"),
                await http.get("/api/v1/series/heart_rate", params=period),
                await http.get("/api/v1/findings", params=period),
            ]
        live = self._app.state.feed.events("bench")
        first = await anext(live)
        await live.aclose()
        return [*(one.status_code for one in asked), 200 if first.startswith(b"event: now") else 0]

    def _summary(self, store: Store) -> int:
        now = self._clock()
        found = review(
            store,
            now - _DAY,
            now,
            zone=self._zone,
            made_at=now,
            audiences=(Audience.WEARER, Audience.CLINICIAN),
        )
        return len(found.summary.text if found.summary else "")


async def _serve(page: _Page) -> None:
    async for word in words_told():
        await page.do(word)


def main(setup: dict[str, Any]) -> None:
    """Open the store twice, as the page does, and answer until standard input ends."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    home, clock = Path(setup["home"]), SharedClock(Path(setup["clock"]))
    with open_store(home, PASSPHRASE) as store, open_store(home, PASSPHRASE) as second:
        zone = ZoneInfo(setup["zone"])
        box = Box(store=store, second=second, zone=zone, home=home, clock=clock)
        asyncio.run(_serve(_Page(box, clock)))
        box.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
