"""What the server answers with: JSON, and problems that say what to do next."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from healthslm.errors import UsageError
from healthslm.text import clean

LARGEST = 64 * 1024
"""Bytes of a request: a note, a question, a handful of notifications."""
_SAID = 200
Json = dict[str, Any]
View = Callable[[Request], Awaitable[Response]]
_M = TypeVar("_M", bound=BaseModel)


class Words(BaseModel):
    """A question, or a note."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2000)


def dumped(value: object) -> bytes:
    """Write JSON, compact and in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def answer(value: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(dumped(value), status, media_type="application/json")


def problem(status: int, title: str, hint: str = "", *, wait_s: float = 0.0) -> Response:
    """Answer what went wrong and what to do next (RFC 9457); with how many seconds to wait, if that helps."""
    made = Response(
        dumped({"title": title, "detail": hint, "status": status}),
        status,
        media_type="application/problem+json",
    )
    if wait_s:
        made.headers["retry-after"] = str(math.ceil(wait_s))
    return made


async def body(request: Request, model: type[_M]) -> _M:
    """Read a request's JSON as a record. Raises `UsageError` for what is too long, or not such a record."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST:
            raise UsageError("That is too long.", f"{LARGEST // 1024} kB is the most.")
    try:
        return model.model_validate_json(bytes(raw))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise UsageError(
            f"{clean(where, 60)}: {clean(first['msg'], _SAID)}.", "See /api/openapi.json."
        ) from error


def takes(model: type[BaseModel]) -> Callable[[View], View]:
    """Say of a view which record its requests carry: for the API's own description."""

    def mark(view: View) -> View:
        view.takes = model  # type: ignore[attr-defined]
        return view

    return mark
