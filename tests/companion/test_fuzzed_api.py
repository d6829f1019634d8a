"""The API against what schemathesis makes of its description: never a 500, never an answer for nobody."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from healthslm.companion.app import application
from healthslm.companion.box import Box
from healthslm.companion.clients import Client, Role, add, digest
from healthslm.companion.openapi import document
from healthslm.store import CHEAPEST, create
from tests.companion.conftest import NOW, ZONE, Clock, near, readings
from tests.companion.phone import BASE

TOKEN = "of-a-test"
ENDLESS = "/api/v1/live"
schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("fuzzed") / "home"
    made, _ = create(folder, "passphrase", profile=CHEAPEST)
    clock = Clock()
    with made as store:
        store.append(readings())
        add(store, Client(id="b" * 16, name="test", role=Role.WEARER, token=digest(TOKEN), added=NOW))
        store.commit()
        box = Box(store=store, zone=ZONE, home=folder, clock=clock.wall, look=near)
        yield application(box, counter=clock.counter)
        box.close()


def asked(app: Any, case: Any, headers: dict[str, str]) -> httpx.Response:
    """Send what schemathesis made, with our headers and no cookie."""
    given = case.as_transport_kwargs(base_url=BASE)
    given.pop("cookies", None)
    kept = {k: v for k, v in (given.get("headers") or {}).items() if k.lower() != "authorization"}
    given["headers"] = {**kept, **headers}
    if isinstance(given.get("data"), bytes | str):
        given["content"] = given.pop("data")

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.request(**given)

    return asyncio.run(send())


def tried(times: int) -> settings:
    """Settings for so many examples of each operation, the same ones every time."""
    return settings(
        max_examples=times,
        deadline=None,
        derandomize=True,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
        ],
    )


@schema.exclude(path=ENDLESS).parametrize()
@tried(12)
def test_whatever_is_asked_is_answered(case: Any, app: Any) -> None:
    found = asked(app, case, {"authorization": f"Bearer {TOKEN}"})
    assert found.status_code < 500 or (found.status_code == 503 and "run" in found.json()["title"])
    if found.status_code >= 400 and found.headers["content-type"] == "application/problem+json":
        assert found.json()["title"]


@schema.exclude(path=ENDLESS).parametrize()
@tried(3)
def test_nobody_is_answered_nothing(case: Any, app: Any) -> None:
    if "security" in case.operation.definition.raw:
        assert asked(app, case, {}).status_code in (401, 403, 404, 405)
