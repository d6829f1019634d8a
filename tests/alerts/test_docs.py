"""What docs/alerts.md shows of a payload and of its signature is what a hook gets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from healthslm.alerts import AlertState, Tell, payload
from healthslm.alerts.drill import drill
from healthslm.alerts.hooks import sign
from healthslm.alerts.payload import ALSO, TOLD, Occasion
from healthslm.clock import utc_now
from healthslm.readings import Feature, Kind, Severity
from tests.alerts.test_hooks import SECRET, receiver

DOCS = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "array": list, "object": dict, "null": type(None),
}  # fmt: skip


def block(language: str, having: str) -> str:
    (found,) = (b for b in re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL) if having in b)
    return str(found)


SCHEMA = json.loads(block("json", '"$schema"'))


def wrong(schema: Mapping[str, Any], value: object, where: str = "") -> Iterator[str]:
    """Say what of a value a schema does not allow: as much of JSON Schema as ours uses, and more is an error.

    A field that the schema does not name is wrong too, or the page would fall behind.
    """
    used = {
        "$schema",
        "title",
        "type",
        "required",
        "properties",
        "items",
        "maxItems",
        "minimum",
        "const",
        "enum",
    }
    assert set(schema) <= used | {"format"}
    kinds = [schema["type"]] if isinstance(schema.get("type", []), str) else schema.get("type", [])
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{where} is no {kinds}"
        return
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{where} is {value!r}"
    if isinstance(value, dict):
        yield from (f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, part in value.items():
            if name in schema.get("properties", {}):
                yield from wrong(schema["properties"][name], part, f"{where}.{name}")
            else:
                yield f"{where}.{name} is not described"
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{where} is too long"
        for part in value:
            yield from wrong(schema["items"], part, f"{where}[]")


@pytest.mark.parametrize(("tell", "occasion"), [*product(Tell, Occasion)])
def test_every_payload_is_as_the_schema_says(tell: Tell, occasion: Occasion) -> None:
    now = utc_now()
    alert = drill(Severity.URGENT, now)
    known = Feature(name="latest", kind=Kind.SPO2, value=88.0, unit="%", start=now, end=now, readings=(7,))
    unknown = Feature(name="latest", kind=Kind.SPO2, value=None, unit="%", start=now, end=now, reason="none")
    finding = replace(alert.finding, evidence=(known, unknown), missing=("movement",))
    told = json.loads(payload(replace(alert, finding=finding), tell, occasion, [alert] * (ALSO + 3)))
    assert list(wrong(SCHEMA, told)) == []
    assert set(told) == TOLD[tell]


def test_the_schema_knows_every_state_level_and_occasion() -> None:
    properties = SCHEMA["properties"]
    assert properties["state"]["enum"] == list(AlertState)
    assert properties["severity"]["enum"] == [level.word for level in Severity]
    assert properties["occasion"]["enum"] == list(Occasion)
    assert properties["also"]["items"]["properties"]["state"]["enum"] == list(AlertState)
    assert properties["also"]["maxItems"] == ALSO


def test_the_example_is_as_the_schema_says() -> None:
    assert list(wrong(SCHEMA, json.loads(block("json", '"rule": "fever"')))) == []


async def test_the_receiver_that_is_shown_knows_what_is_ours() -> None:
    written: dict[str, Any] = {}
    exec(block("python", "def is_ours"), written)  # noqa: S102  it is our own page
    with receiver() as server:
        await server.hook.call('{"message": "ü"}', key="k")
    ((headers, body),) = server.requests
    is_ours = written["is_ours"]
    assert is_ours(SECRET, headers, body)
    assert not is_ours(SECRET + "x", headers, body)
    assert not is_ours(SECRET, headers, body + b" ")
    assert not is_ours(SECRET, {}, body)
    old = str(int(time.time() - timedelta(minutes=6).total_seconds()))
    late = {"X-Healthslm-Timestamp": old, "X-Healthslm-Signature": sign(SECRET, old, body)}
    assert not is_ours(SECRET, late, body)
