"""What the wearer may set from the phone: how to be warned, and who may look. Hooks are shown, not changed.

A hook sends something away from the box: it is added and removed at the box alone.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm import wishes
from healthslm.alerts import parse_hooks, policy_words
from healthslm.alerts.policy import policy_of
from healthslm.alerts.policy_meaning import meaning
from healthslm.companion.access import WEARER, Doors, only
from healthslm.companion.answers import Json, answer, body, takes
from healthslm.companion.clients import EVERYBODY, Client, clients_in, revoke
from healthslm.errors import UsageError
from healthslm.store import Store
from healthslm.store.audit import Event


class Wishes(BaseModel):
    """Words like `quiet=22:00-07:00`, as `healthslm alerts policy` takes them; names to be as usual again."""

    model_config = ConfigDict(extra="forbid")

    words: list[str] = Field(default=[], max_length=50)
    reset: list[str] = Field(default=[], max_length=50)


@only(WEARER)
async def settings(request: Request) -> Response:
    """Say how the person wants to be warned, who is told, and who may look."""
    doors: Doors = request.app.state.doors
    return answer(await doors.box.do(_shown))


@takes(Wishes)
@only(WEARER)
async def wish(request: Request) -> Response:
    """Change how the person wants to be warned; answers what that comes to."""
    doors: Doors = request.app.state.doors
    given = await body(request, Wishes)
    now = doors.box.clock()

    def work(store: Store) -> Json:
        if given.words:
            wishes.set_in_words(store, given.words, now)
        if given.reset:
            wishes.as_usual(store, given.reset, now)
        return _shown(store)

    return answer(await doors.box.do(work))


@only(WEARER)
async def take_back(request: Request) -> Response:
    """Take back what a phone or a program may see."""
    doors: Doors = request.app.state.doors
    now = doors.box.clock()

    def work(store: Store) -> Json:
        which = request.path_params["client"]
        if which == EVERYBODY:
            raise UsageError("All at once is for the box.", "There: healthslm companion revoke --all")
        for one in revoke(store, which):
            store.note_event(Event.CLIENT_REVOKED, now, client=one.id, name=one.name)
        store.commit()
        return _shown(store)

    return answer(await doors.box.do(work))


def _shown(store: Store) -> Json:
    policy = policy_of(store)
    return {
        "wishes": [
            {"name": r.name, "value": r.value, "usual": r.usual, "own": r.own, "meaning": r.meaning}
            for r in policy_words.rows(policy)
        ],
        "warnings": list(meaning(policy)),
        "hooks": [
            {"name": hook.name, "kind": hook.kind, "least": hook.least.word, "tell": hook.tell.value}
            for hook in parse_hooks(store.get("hooks", []))
        ],
        "clients": [_client(one) for one in clients_in(store)],
    }


def _client(one: Client) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "role": one.role.value,
        "program": bool(one.token),
        "seen": one.seen.isoformat() if one.seen else None,
        "expires": one.expires.isoformat() if one.expires else None,
    }


ROUTES = [
    Route("/api/v1/settings", settings),
    Route("/api/v1/settings", wish, methods=["PATCH"]),
    Route("/api/v1/clients/{client}", take_back, methods=["DELETE"]),
]
