"""Pairing and signing in: a code that is good once, digits that are compared, keys that cannot be copied."""

import os
from datetime import timedelta

import pytest

from healthslm.companion import pairing
from healthslm.companion.access import COOKIE
from healthslm.companion.clients import Role, clients_in, revoke
from healthslm.companion.sessions import LASTS_S
from healthslm.errors import UsageError
from healthslm.store import open_store
from tests.companion.conftest import NOW, Home
from tests.companion.phone import OURS, Phone, paired


async def test_a_phone_is_let_in_after_the_digits_were_compared(home: Home) -> None:
    offer, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    phone = Phone(home.app)
    claimed = (await phone.claim(secret, "Greta's \u202ephone")).json()
    assert claimed["code"] == pairing.code(secret, phone.key, claimed["nonce"])
    shown = pairing.find(home.store, offer.id, NOW)
    assert shown is not None
    assert shown.claim is not None
    assert shown.claim.code == claimed["code"]
    assert shown.claim.name == "Greta's phone"
    assert await phone.state(secret) == {"state": "waiting", "client": None}
    assert (await phone.get("/api/v1/me")).status_code == 401
    client = pairing.confirm(home.store, offer.id, NOW, os.urandom)
    state = await phone.state(secret)
    assert state == {"state": "paired", "client": client.id}
    phone.client = client.id
    signed = await phone.sign_in()
    assert signed.status_code == 200
    cookie = signed.headers["set-cookie"]
    for part in (COOKIE, "Secure", "HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert (await phone.get("/api/v1/me")).json()["role"] == "wearer"


async def test_a_code_is_good_once_and_for_ten_minutes(home: Home) -> None:
    offer, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    first, second = Phone(home.app), Phone(home.app)
    assert (await first.claim(secret)).status_code == 200
    assert (await first.claim(secret)).status_code == 200  # its own answer was lost on the way
    # A second phone has seen the code: nobody knows any more who is who, so neither is let in.
    assert (await second.claim(secret)).status_code == 403
    assert (await first.state(secret))["state"] == "refused"
    with pytest.raises(UsageError, match="nothing to confirm"):
        pairing.confirm(home.store, offer.id, NOW, os.urandom)
    _, late = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    home.clock.pass_(minutes=10)
    assert (await Phone(home.app).claim(late)).status_code == 403


async def test_a_clock_that_is_set_back_makes_no_code_last_longer(home: Home) -> None:
    _, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    home.clock.now -= timedelta(days=1)
    assert (await Phone(home.app).claim(secret)).status_code == 403


async def test_what_the_box_refuses_stays_out(home: Home) -> None:
    offer, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    phone = Phone(home.app)
    await phone.claim(secret)
    pairing.withdraw(home.store, offer.id, NOW)
    assert (await phone.state(secret))["state"] == "refused"
    assert clients_in(home.store) == []


async def test_guessing_has_to_wait_and_others_have_not(home: Home) -> None:
    _, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    guesser, honest = Phone(home.app, "192.168.1.66"), Phone(home.app, "192.168.1.20")
    answers = [(await guesser.claim(f"guess{n}")).status_code for n in range(6)]
    assert answers == [403] * 5 + [429]
    assert (await honest.claim(secret)).status_code == 200
    home.clock.pass_(seconds=2)
    assert (await guesser.claim("again")).status_code == 403
    slower = await guesser.claim("again")
    assert slower.status_code == 429
    assert 2 < float(slower.headers["retry-after"]) <= 4


@pytest.mark.parametrize("key", ["", "AAAA", "!", "B" * 87, "é"])
async def test_what_is_no_key_is_refused(home: Home, key: str) -> None:
    _, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    phone = Phone(home.app)
    phone.key = key
    assert (await phone.claim(secret)).status_code == 422


async def test_a_signature_is_of_one_challenge_and_one_key(home: Home) -> None:
    phone, other = await paired(home.app, home.store, Role.WEARER, NOW), Phone(home.app)
    other.client = phone.client
    assert (await other.sign_in()).status_code == 401
    asked = await phone.http.post("/api/v1/session/challenge", json={"client": phone.client})
    challenge = asked.json()["challenge"]
    body = {"client": phone.client, "challenge": challenge, "signature": phone.signature(challenge)}
    assert (await phone.http.post("/api/v1/session", json=body)).status_code == 200
    assert (await phone.http.post("/api/v1/session", json=body)).status_code == 401  # again
    asked = await phone.http.post("/api/v1/session/challenge", json={"client": phone.client})
    home.clock.pass_(minutes=2)
    late = asked.json()["challenge"]
    body = {"client": phone.client, "challenge": late, "signature": phone.signature(late)}
    assert (await phone.http.post("/api/v1/session", json=body)).status_code == 401


async def test_a_session_ends_by_itself_and_the_key_opens_another(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    home.clock.pass_(seconds=LASTS_S - 1)
    assert (await phone.get("/api/v1/me")).status_code == 200
    home.clock.pass_(seconds=1)
    assert (await phone.get("/api/v1/me")).status_code == 401
    assert (await phone.sign_in()).status_code == 200
    assert (await phone.get("/api/v1/me")).status_code == 200


async def test_a_revoked_phone_is_out_at_once(home: Home) -> None:
    """Stolen, with its session open."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    other = await paired(home.app, home.store, Role.CARER, NOW)
    revoke(home.store, phone.client[:6])
    assert (await phone.get("/api/v1/now")).status_code == 401
    assert (await phone.sign_in()).status_code == 401
    assert (await other.get("/api/v1/now")).status_code == 200


async def test_a_clinicians_link_ends_on_its_day(home: Home) -> None:
    with pytest.raises(UsageError, match="ends on a day"):
        pairing.offer(home.store, Role.CLINICIAN, NOW, os.urandom)
    phone = await paired(home.app, home.store, Role.CLINICIAN, NOW)
    assert (await phone.get("/api/v1/days")).status_code == 200
    home.clock.now += timedelta(days=30)
    assert (await phone.get("/api/v1/days")).status_code == 401
    assert (await phone.sign_in()).status_code == 403


async def test_a_foreign_page_changes_nothing(home: Home) -> None:
    """Its requests come without our header, or with its own origin."""
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    note = {"text": "a note"}
    plain = await phone.http.post("/api/v1/notes", json=note)
    foreign = await phone.http.post(
        "/api/v1/notes", json=note, headers={**OURS, "origin": "https://evil.example"}
    )
    assert (plain.status_code, foreign.status_code) == (403, 403)
    assert home.store.notes(NOW - timedelta(days=1), NOW + timedelta(days=1)) == []
    assert (await phone.http.post("/api/v1/notes", json=note, headers=OURS)).status_code == 200


async def test_signing_out_ends_the_session_wherever_its_cookie_is(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    stolen = phone.http.cookies.get(COOKIE)
    assert (await phone.http.delete("/api/v1/session", headers=OURS)).status_code == 200
    thief = Phone(home.app)
    thief.http.cookies.set(COOKIE, stolen or "")
    assert (await thief.get("/api/v1/me")).status_code == 401


async def test_who_asks_for_many_challenges_keeps_nobody_from_signing(home: Home) -> None:
    phone, other = await paired(home.app, home.store, Role.WEARER, NOW), Phone(home.app, "192.168.1.66")
    asked = await phone.http.post("/api/v1/session/challenge", json={"client": phone.client})
    challenge = asked.json()["challenge"]
    sessions = home.app.state.doors.sessions
    for _ in range(2000):
        sessions.challenge(phone.client)
    body = {"client": phone.client, "challenge": challenge, "signature": phone.signature(challenge)}
    # Nor does who has seen it, and sends another signature.
    assert (await other.http.post("/api/v1/session", json={**body, "signature": "A"})).status_code == 401
    assert (await phone.http.post("/api/v1/session", json=body)).status_code == 200


@pytest.mark.parametrize("wrong", ["", "A", "!", "A" * 54, "é"])
async def test_what_is_no_challenge_of_ours_opens_nothing(home: Home, wrong: str) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    other = home.app.state.doors.sessions.challenge("0" * 16)
    for challenge in (wrong, other):
        body = {"client": phone.client, "challenge": challenge, "signature": phone.signature(challenge)}
        assert (await phone.http.post("/api/v1/session", json=body)).status_code == 401


async def test_many_who_guess_keep_nobody_from_pairing(home: Home) -> None:
    """A neighbour's device has as many addresses as it likes."""
    _, secret = pairing.offer(home.store, Role.WEARER, NOW, os.urandom)
    for n in range(60):
        assert (await Phone(home.app, f"fd00::{n:x}").claim("guess")).status_code == 403
    assert (await Phone(home.app).claim(secret)).status_code == 200


async def test_who_cannot_be_noted_may_look_all_the_same(home: Home) -> None:
    """A full disk, or a writer that is stuck, is when a carer wants to look."""
    phone = await paired(home.app, home.store, Role.CARER, NOW)
    home.store._patience_s = 0.1
    with open_store(home.box.home, "passphrase") as other:
        other.put("something", 1)
        assert (await phone.sign_in()).status_code == 200
        assert (await phone.get("/api/v1/now")).status_code == 200
