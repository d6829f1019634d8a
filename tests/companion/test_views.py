"""What each role may see and do, and that what it sees is what the store holds."""

import asyncio
import json
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from pypdf import PdfReader

from healthslm.alerts import AlertState, desk
from healthslm.alerts.policy import policy_of
from healthslm.companion import openapi, views
from healthslm.companion.clients import Client, Role, add, clients_in, digest, revoke
from healthslm.companion.feed import Feed
from healthslm.readings import Kind, Reading
from healthslm.store.audit import Event
from tests.companion.conftest import NOW, OXIMETER, Home
from tests.companion.phone import BASE, Phone, paired

PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-03T00:00:00Z"}
W, C, D = Role.WEARER, Role.CARER, Role.CLINICIAN
MAY = {
    ("GET", "/api/v1/me"): {W, C, D},
    ("GET", "/api/v1/now"): {W, C},
    ("GET", "/api/v1/devices"): {W, C},
    ("GET", "/api/v1/days"): {W, C, D},
    ("GET", "/api/v1/days/2026-11-02"): {W, D},
    ("GET", "/api/v1/series/spo2"): {W, C, D},
    ("GET", "/api/v1/findings"): {W, D},
    ("GET", "/api/v1/readings/1"): {W, D},
    ("GET", "/api/v1/export.pdf"): {W, D},
    ("POST", "/api/v1/questions"): {W},
    ("POST", "/api/v1/devices"): {W},
    ("POST", "/api/v1/devices/scan"): {W},
    ("DELETE", "/api/v1/devices/none"): {W},
    ("POST", "/api/v1/notes"): {W},
    ("POST", "/api/v1/alerts/none/acknowledge"): {W, C},
    ("POST", "/api/v1/alerts/none/snooze"): {W, C},
    ("GET", "/api/v1/settings"): {W},
    ("PATCH", "/api/v1/settings"): {W},
    ("DELETE", "/api/v1/clients/none"): {W},
    ("DELETE", "/api/v1/session"): {W, C, D},
}
PUBLIC = {"/api/v1/pair", "/api/v1/pair/state", "/api/v1/session/challenge", "/api/v1/session"}


def template_of(path: str) -> str:
    """The route that a path of the table is one of."""
    for part, name in (
        ("days/2026-11-02", "days/{day}"),
        ("series/spo2", "series/{kind}"),
        ("readings/1", "readings/{reading}"),
        ("alerts/none", "alerts/{alert}"),
        ("clients/none", "clients/{client}"),
        ("devices/none", "devices/{address}"),
    ):
        path = path.replace(part, name)
    return path


def test_every_route_is_in_the_table_of_who_may() -> None:
    """A new route fails here until it is said who may ask. `live` and `radio` have tests of their own."""
    routes = openapi.API
    told = {template_of(path) for _, path in MAY}
    assert {route.path for route in routes} == told | PUBLIC | {"/api/v1/live", "/api/v1/radio"}


async def ask(phone: Phone, method: str, path: str) -> httpx.Response:
    if method == "GET":
        return await phone.get(path, **PERIOD)
    if method == "DELETE":
        return await phone.http.delete(path, headers={"x-healthslm": "1"})
    if method == "PATCH":
        return await phone.http.patch(path, json={}, headers={"x-healthslm": "1"})
    return await phone.post(path, text="How was my temperature?")


@pytest.mark.parametrize("role", Role)
async def test_a_role_gets_what_it_may_and_nothing_else(home: Home, role: Role) -> None:
    for (method, path), may in MAY.items():
        phone = await paired(home.app, home.store, role, NOW)
        found = await ask(phone, method, path)
        assert (found.status_code != 403) is (role in may), f"{role} {method} {path}: {found.status_code}"
        assert found.status_code < 500


async def test_nobody_gets_anything(home: Home) -> None:
    stranger = Phone(home.app)
    for method, path in [*MAY, ("GET", "/api/v1/live")]:
        assert (await ask(stranger, method, path)).status_code in (401, 403)


async def test_a_programs_token_opens_what_its_role_may(home: Home) -> None:
    add(home.store, Client(id="a" * 16, name="script", role=Role.CARER, token=digest("secret"), added=NOW))
    transport = httpx.ASGITransport(app=home.app, client=("192.168.1.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        good, bad = ({"authorization": f"Bearer {token}"} for token in ("secret", "guess"))
        assert (await http.get("/api/v1/now", headers=good)).status_code == 200
        assert (await http.get("/api/v1/findings", params=PERIOD, headers=good)).status_code == 403
        assert [(await http.get("/api/v1/now", headers=bad)).status_code for _ in range(6)] == [401] * 5 + [
            429
        ]


async def test_now_is_the_latest_of_each_kind_with_age_and_quality(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    told = (await phone.get("/api/v1/now")).json()
    vitals = {one["kind"]: one for one in told["vitals"]}
    assert (vitals["spo2"]["value"], vitals["spo2"]["unit"]) == ("86", "%")
    assert vitals["spo2"]["time"] == (NOW - timedelta(seconds=1)).isoformat()
    assert (vitals["heart_rate"]["value"], vitals["heart_rate"]["quality"]) == (None, ["no_contact"])
    assert vitals["systolic"]["device"] == "cuff"
    assert told["listening"]["at_work"] is False
    assert told["time"] == NOW.isoformat()


async def test_an_alert_is_acknowledged_in_the_phones_name(alerted: Home) -> None:
    carer = await paired(alerted.app, alerted.store, C, NOW)
    (alert,) = (await carer.get("/api/v1/now")).json()["alerts"]
    assert alert["severity"] in ("urgent", "emergency")
    seen = await carer.post(f"/api/v1/alerts/{alert['id']}/acknowledge")
    assert seen.json()["acknowledged_by"] == "the carer's phone"
    (kept,) = desk.alerts_in(alerted.store)
    assert kept.state is AlertState.ACKNOWLEDGED
    assert alerted.store.trail()[-1].event == Event.ALERT_ACKNOWLEDGED
    again = await (await paired(alerted.app, alerted.store, W, NOW)).post(
        f"/api/v1/alerts/{alert['id']}/acknowledge"
    )
    assert again.json()["acknowledged_by"] == "the carer's phone"


async def test_a_snooze_is_for_as_long_as_its_level_may(alerted: Home) -> None:
    phone = await paired(alerted.app, alerted.store, W, NOW)
    (alert,) = (await phone.get("/api/v1/now")).json()["alerts"]
    path = f"/api/v1/alerts/{alert['id']}/snooze"
    refused = await phone.post(path, minutes=1439)
    assert refused.status_code == 422
    assert "cannot be snoozed" in refused.json()["title"]
    if alert["snooze_min"]:
        snoozed = await phone.post(path, minutes=alert["snooze_min"][0])
        assert (
            snoozed.json()["snoozed_until"] == (NOW + timedelta(minutes=alert["snooze_min"][0])).isoformat()
        )
    assert (await phone.post(path, minutes="soon")).status_code == 422


async def test_a_number_of_the_day_opens_its_reading(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    day = (await phone.get("/api/v1/days/2026-11-02")).json()
    numbers = [number for sentence in day["summary"]["sentences"] for number in sentence["numbers"]]
    lowest = next(n["evidence"] for n in numbers if n["evidence"]["name"].startswith("spo2"))
    found = (await phone.get(f"/api/v1/readings/{lowest['readings'][0]}")).json()
    assert found["kind"] == "spo2"
    assert found["device"]["name"] == "oximeter"
    assert isinstance(lowest["readings"][0], str)  # a browser's numbers have 53 bits
    assert [one["kind"] for one in day["kinds"]] == ["heart_rate", "spo2", "systolic", "diastolic"]


async def test_the_clinicians_day_is_in_their_terms(home: Home) -> None:
    days = [
        (await (await paired(home.app, home.store, role, NOW)).get("/api/v1/days/2026-11-02")).json()
        for role in (W, D)
    ]
    assert days[0]["findings"] == days[1]["findings"]
    assert days[0]["summary"]["text"] != days[1]["summary"]["text"]


async def test_a_chart_has_every_extreme_however_few_its_points(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    for points in ("20", "400", "2000"):
        made = (await phone.get("/api/v1/series/spo2", points=points, **PERIOD)).json()
        assert (min(made["low"]), max(made["high"])) == (86, 97)
        assert made["count"] == 1800
        assert len(made["times"]) == len(made["low"]) == len(made["high"]) == len(made["mean"])
        assert made["times"] == sorted(made["times"])
    assert {one["value"] for one in made["limits"]} == {94}


async def test_few_measurements_are_each_there_with_their_ids(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    period = {"from": "2026-10-25T00:00:00Z", "to": "2026-11-03T00:00:00Z"}
    made = (await phone.get("/api/v1/series/systolic", **period)).json()
    assert made["mean"] == [133, 132, 131]
    assert (await phone.get(f"/api/v1/readings/{made['ids'][0]}")).json()["value"] == "133"


async def test_a_carers_chart_is_a_trend(home: Home) -> None:
    carer = await paired(home.app, home.store, C, NOW)
    hour = {"from": (NOW - timedelta(hours=1)).isoformat(), "to": NOW.isoformat()}
    made = (await carer.get("/api/v1/series/spo2", points="2000", **hour)).json()
    assert len(made["times"]) <= 2
    assert "ids" not in made


async def test_a_question_is_answered_line_by_line_with_its_evidence(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    found = await phone.post("/api/v1/questions", text="What was my lowest oxygen saturation today?")
    *sentences, last = [json.loads(line) for line in found.text.splitlines()]
    assert "86" in " ".join(one["sentence"] for one in sentences)
    assert last["done"]
    assert last["evidence"][0]["value"] == 86


async def test_words_of_an_emergency_are_answered_at_once(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    found = await phone.post("/api/v1/questions", text="I can't breathe and my chest hurts")
    first = json.loads(found.text.splitlines()[0])
    assert first["urgent"]
    noted = (await phone.post("/api/v1/notes", text="I can't breathe and my chest hurts")).json()
    assert noted["level"] == "emergency"
    assert noted["notice"]
    (kept,) = home.store.notes(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert kept.level == "emergency"


async def test_the_export_is_a_page_and_is_noted(home: Home) -> None:
    clinician = await paired(home.app, home.store, D, NOW)
    found = await clinician.get("/api/v1/export.pdf", **PERIOD, appendix="1")
    assert found.headers["content-type"] == "application/pdf"
    assert 'filename="healthslm-' in found.headers["content-disposition"]
    assert "Low oxygen saturation" in PdfReader(BytesIO(found.content)).pages[0].extract_text()
    assert home.store.trail()[-1].event == Event.EXPORTED


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("series/spo2", {}),
        ("series/spo2", {"from": "yesterday", "to": "today"}),
        ("series/spo2", {"from": "2026-11-02T00:00:00", "to": "2026-11-03T00:00:00"}),
        ("series/spo2", {"from": "2026-11-03T00:00:00Z", "to": "2026-11-02T00:00:00Z"}),
        ("series/spo2", {"from": "1", "to": "99999999999999"}),
        ("series/mood", PERIOD),
        ("series/spo2", {**PERIOD, "points": "-3"}),
        ("days/someday", {}),
        ("findings", {"from": "1000-01-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}),
        ("export.pdf", {**PERIOD, "for": "vets"}),
        ("export.pdf", {"from": "1990-01-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}),
        ("readings/none", {}),
        ("readings/99999999999999999999999", {}),
    ],
)
async def test_what_cannot_be_answered_says_why(home: Home, path: str, query: dict[str, str]) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    found = await phone.get(f"/api/v1/{path}", **query)
    assert found.status_code in (404, 422)
    assert found.json()["title"]


async def test_a_request_that_is_too_long_or_no_json_is_refused(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)
    for body in (b"x" * 70_000, b"{", b"[]", b'{"text": "a", "more": 1}', b'{"text": ""}', b"\xff"):
        found = await phone.http.post(
            "/api/v1/notes", content=body, headers={"x-healthslm": "1", "content-type": "application/json"}
        )
        assert found.status_code == 422


async def test_live_values_come_when_they_change(home: Home) -> None:
    feed = Feed(home.box)
    events = feed.events()
    first = await anext(events)
    assert json.loads(first.split(b"data: ")[1])["vitals"][0]["kind"] == "heart_rate"
    waiting = asyncio.create_task(anext(events))
    home.store.append([Reading(time=NOW, kind=Kind.HEART_RATE, value=71, device=OXIMETER)])
    home.store.commit()
    feed.changed()
    await feed.look()
    told = json.loads((await waiting).split(b"data: ")[1])
    assert told["vitals"][0]["value"] == "71"
    assert feed.listeners == 1
    await events.aclose()
    assert feed.listeners == 0


async def test_every_answer_says_what_a_browser_may_do_with_it(home: Home) -> None:
    for path in ("/api/v1/me", "/trust/healthslm.crt", "/nothing"):
        found = await Phone(home.app).get(path)
        policy = found.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert found.headers["x-content-type-options"] == "nosniff"
    assert (await Phone(home.app).get("/api/v1/me")).headers["cache-control"] == "no-store"


async def test_the_wearer_sets_how_to_be_warned_and_is_told_what_that_comes_to(home: Home) -> None:
    phone = await paired(home.app, home.store, W, NOW)

    async def wish(**given: list[str]) -> httpx.Response:
        return await phone.http.patch("/api/v1/settings", json=given, headers={"x-healthslm": "1"})

    made = (await wish(words=["quiet=22:00-07:00", "repeat-times.emergency=0"])).json()
    values = {one["name"]: one["value"] for one in made["wishes"]}
    assert values["quiet"] == "22:00-07:00"
    assert made["warnings"]
    assert policy_of(home.store).quiet
    assert home.store.trail()[-1].event == Event.SETTING_CHANGED
    wrong = await wish(words=["cap=5", "quiet=never"])
    assert wrong.status_code == 422
    assert policy_of(home.store).cap != 5  # nothing of it, where one word is wrong
    assert not (await wish(reset=["quiet"])).json()["wishes"][0]["own"]
    assert not policy_of(home.store).quiet


async def test_a_lost_phone_is_taken_back_from_another_one(home: Home) -> None:
    phone, lost = [await paired(home.app, home.store, W, NOW) for _ in range(2)]
    gone = await phone.http.delete(f"/api/v1/clients/{lost.client}", headers={"x-healthslm": "1"})
    assert [one["id"] for one in gone.json()["clients"]] == [phone.client]
    assert "key" not in gone.json()["clients"][0]
    assert (await lost.get("/api/v1/now")).status_code == 401
    # All at once only at the box.
    assert (await phone.http.delete("/api/v1/clients/*", headers={"x-healthslm": "1"})).status_code == 422
    assert (await phone.get("/api/v1/now")).status_code == 200


async def test_who_is_revoked_hears_no_more(home: Home) -> None:
    """Also where a phone is listening already."""
    phone = await paired(home.app, home.store, W, NOW)
    doors, feed = home.app.state.doors, Feed(home.box)
    (client,) = clients_in(home.store)
    heard = views.while_allowed(feed, doors, phone.request(client))
    assert b"event: now" in await anext(heard)
    revoke(home.store, phone.client)
    home.clock.pass_(seconds=6)
    feed.changed()
    looking = asyncio.create_task(feed.look())
    with pytest.raises(StopAsyncIteration):
        await anext(heard)
    await looking
    assert feed.listeners == 0


async def test_a_severe_note_is_told_of_without_its_words(home: Home) -> None:
    wearer, carer = [await paired(home.app, home.store, role, NOW) for role in (W, C)]
    await wearer.post("/api/v1/notes", text="Lovely walk")
    assert (await carer.get("/api/v1/now")).json()["notes"] == []
    await wearer.post("/api/v1/notes", text="I can't breathe and my chest hurts")
    told = (await carer.get("/api/v1/now")).json()["notes"]
    assert told == [{"time": NOW.isoformat(), "level": "emergency"}]
    home.clock.pass_(hours=25)
    wearer = await paired(home.app, home.store, W, home.clock.now)
    assert (await wearer.get("/api/v1/now")).json()["notes"] == []


async def test_a_programs_last_visit_is_noted_once_an_hour(home: Home) -> None:
    add(home.store, Client(id="a" * 16, name="dash", role=C, token=digest("token"), added=NOW))
    transport = httpx.ASGITransport(app=home.app, client=("192.168.1.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        for minutes, seen in ((0, 0), (30, 0), (40, 70)):
            home.clock.pass_(minutes=minutes)
            assert (
                await http.get("/api/v1/me", headers={"authorization": "Bearer token"})
            ).status_code == 200
            (client,) = clients_in(home.store)
            assert client.seen == NOW + timedelta(minutes=seen)
