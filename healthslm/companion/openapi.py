"""The API in OpenAPI 3.1, made of the routes themselves: who may ask for what, and what it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm import __version__
from healthslm.companion import devices_view, export_view, questions, radio, settings_view, signing_in, views
from healthslm.companion.access import COOKIE
from healthslm.companion.answers import Json, answer
from healthslm.export import Focus
from healthslm.readings import Kind

API = (
    *signing_in.ROUTES,
    *views.ROUTES,
    *questions.ROUTES,
    *export_view.ROUTES,
    *devices_view.ROUTES,
    *radio.ROUTES,
    *settings_view.ROUTES,
)
"""All that this document tells of."""
_TIME = {"type": "string", "format": "date-time"}
_PERIOD = (
    {
        "name": "from",
        "in": "query",
        "required": True,
        "schema": _TIME,
        "description": "ISO 8601 with an offset",
    },
    {"name": "to", "in": "query", "required": True, "schema": _TIME, "description": "Not included"},
)
_QUERY: dict[str, tuple[Json, ...]] = {
    "series": (
        *_PERIOD,
        {"name": "points", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 999999}},
    ),
    "findings": _PERIOD,
    "export": (
        *_PERIOD,
        {"name": "for", "in": "query", "schema": {"type": "string", "enum": [one.value for one in Focus]}},
        {"name": "paper", "in": "query", "schema": {"type": "string", "enum": ["a4", "letter"]}},
        {"name": "appendix", "in": "query", "schema": {"type": "string", "enum": ["0", "1"]}},
    ),
}
_PATH: dict[str, Json] = {
    "kind": {"type": "string", "enum": [kind.value for kind in Kind]},
    "day": {"type": "string", "format": "date"},
    "reading": {"type": "string", "pattern": "^-?[0-9]{1,19}$"},
    "client": {"type": "string", "description": "The id of a phone or program, or the first letters of it"},
    "address": {"type": "string", "description": "A Bluetooth device address, or a phone's own for a device"},
    "alert": {"type": "string", "description": "An alert's id, or the first letters of it"},
}
_TYPES = {
    "live": "text/event-stream",
    "question": "application/x-ndjson",
    "export": "application/pdf",
}
_PROBLEM: Json = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "status": {"type": "integer"},
    },
}


def document() -> Json:
    """Return the whole document."""
    paths: Json = {}
    schemas: Json = {"Problem": _PROBLEM}
    for route in API:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "healthslm companion",
            "version": __version__,
            "summary": "What the box knows of one person, for their phone and for programs of their own.",
            "description": "Not a medical device. A finding is a prompt to act, not a diagnosis.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(route: Route, schemas: Json) -> Json:
    view = route.endpoint
    name = view.__name__
    roles = sorted(role.value for role in getattr(view, "roles", ()))
    summary = (view.__doc__ or "").strip().splitlines()[0]
    made: Json = {
        "operationId": name,
        "summary": summary.removesuffix("."),
        "responses": {
            "200": {
                "description": "What was asked for",
                "content": {_TYPES.get(name, "application/json"): {}},
            },
            "default": {
                "description": "What went wrong, and what to do next (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if roles:
        made["description"] = f"For: {', '.join(roles)}."
        made["x-roles"] = roles
        made["security"] = [{"token": []}, {"session": []}]
    parameters = [*_in_path(route.path), *_QUERY.get(name, ())]
    if parameters:
        made["parameters"] = parameters
    if (model := getattr(view, "takes", None)) is not None:
        made["requestBody"] = _body(model, schemas)
    return made


def _in_path(path: str) -> Iterable[Json]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, "schema": _PATH[name]}


def _body(model: type[BaseModel], schemas: Json) -> Json:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}


async def openapi(_request: Request) -> Response:
    """Give this document."""
    return answer(document())


ROUTES = [Route("/api/openapi.json", openapi)]
