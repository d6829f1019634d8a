"""The page itself as the browser gets it: its files, its worker with the list of them, its texts by language.

There is no build step: what lies in static/ is what is served. Only the worker, which keeps the page on the
phone, has to know every file and when one changed, so these two are put before it here.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from healthslm.companion.answers import answer, problem
from healthslm.companion.authority import Certificate
from healthslm.companion.wording import LANGUAGES, texts

STATIC = Path(str(files("healthslm.companion").joinpath("static")))
_WORKER = "sw.js"
_LEAST = 500
"""Bytes: what is smaller gains nothing by being compressed."""


def routes(authority: Certificate | None) -> list[BaseRoute]:
    """Return what is served to everybody: the page, and the authority that a phone is to trust."""

    async def trusted(_request: Request) -> Response:
        if authority is None:
            return problem(404, "This box has no authority of its own.")
        name = {"content-disposition": 'attachment; filename="healthslm.crt"'}
        return Response(authority.der, media_type="application/x-x509-ca-cert", headers=name)

    async def fingerprint(_request: Request) -> Response:
        if authority is None:
            return problem(404, "This box has no authority of its own.")
        return answer({"sha256": authority.fingerprint})

    # Compressed are files alone, never an answer: its length would tell of what is in it (BREACH).
    page = GZipMiddleware(StaticFiles(directory=STATIC, html=True, check_dir=False), minimum_size=_LEAST)
    words = GZipMiddleware(Router([Route("/{language}.json", _texts)]), minimum_size=_LEAST)
    return [
        Route("/trust/healthslm.crt", trusted),
        Route("/trust/fingerprint.json", fingerprint),
        Mount("/locale", words),
        Route("/pair", _index),
        Route(f"/{_WORKER}", _worker),
        Mount("/", page),
    ]


async def _texts(request: Request) -> Response:
    language = request.path_params["language"]
    if language not in LANGUAGES:
        return problem(404, "The page does not speak this language.", f"It speaks {', '.join(LANGUAGES)}.")
    return answer(texts(language))


async def _index(_request: Request) -> Response:
    return FileResponse(STATIC / "index.html")


async def _worker(_request: Request) -> Response:
    return Response(worker(), media_type="text/javascript")


def shell() -> dict[str, str]:
    """Return every file of the page by its path, with a mark of what is in it."""
    found = {
        f"/{file.relative_to(STATIC).as_posix()}": hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(STATIC.rglob("*"))
        if file.is_file() and file.name != _WORKER
    }
    found["/"] = found.pop("/index.html", "")
    for language in LANGUAGES:
        text = json.dumps(texts(language), sort_keys=True)
        found[f"/locale/{language}.json"] = hashlib.sha256(text.encode()).hexdigest()
    return found


def worker() -> str:
    """Return the worker: with the page's files, and a version that changes when one of them does."""
    marks, script = shell(), (STATIC / _WORKER).read_text(encoding="utf-8")
    version = hashlib.sha256(json.dumps([marks, script]).encode()).hexdigest()[:16]
    return f"const SHELL = {json.dumps({'version': version, 'files': sorted(marks)})};\n{script}"
