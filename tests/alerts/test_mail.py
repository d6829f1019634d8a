"""E-mail, against a real SMTP server on this machine."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from healthslm.alerts.hooks import Hook, parse_hooks
from healthslm.errors import HookError
from tests.certificates import certificate

PAYLOAD = json.dumps({"severity": "urgent", "message": "There is something to look at: open healthslm."})


class Inbox:
    """Keeps what arrives; answers with `answer`."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.mails: list[Message] = []
        self.envelopes: list[Envelope] = []

    async def handle_DATA(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.envelopes.append(envelope)
        self.mails.append(message_from_bytes(envelope.content))
        return self.answer


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[int]:
    """Start the server on a free port; yields the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    box = Inbox()
    with serving(box) as port:
        yield box, port


def mail(port: int, **more: Any) -> Hook:
    row = {"kind": "mail", "name": "mail", "host": "127.0.0.1", "port": port, "security": "none",
           "sender": "box@example.org", "to": ["carer@example.org"], **more}  # fmt: skip
    (hook,) = parse_hooks([row])
    return hook


async def test_a_mail_says_no_more_than_was_chosen(inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    await mail(port).call(PAYLOAD, key="a1-7")
    (message,) = box.mails
    assert message["Subject"] == "healthslm: urgent"
    assert message["Message-ID"] == "<a1-7@healthslm.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert box.envelopes[0].rcpt_tos == ["carer@example.org"]
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().startswith("There is something to look at: open healthslm.")
    assert "not a medical device" in text.decode()


async def test_a_title_cannot_bring_headers_of_its_own(inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    evil = json.dumps({**json.loads(PAYLOAD), "title": "x\r\nBcc: thief@example.org", "action": "y"})
    await mail(port, tell="title").call(evil, key="k")
    assert box.mails[0]["Bcc"] is None
    assert box.envelopes[0].rcpt_tos == ["carer@example.org"]


async def test_a_refusal_is_named_with_the_servers_words() -> None:
    box = Inbox("550 mailbox is full")
    with serving(box) as port, pytest.raises(HookError, match="answered 550 mailbox is full"):
        await mail(port).call(PAYLOAD, key="k")


class Picky(Inbox):
    """Takes no mail for one of the addresses."""

    async def handle_RCPT(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"


async def test_an_address_that_is_refused_is_named_though_the_others_have_it() -> None:
    box = Picky()
    with serving(box) as port, pytest.raises(HookError, match=r"refused gone@example\.org"):
        await mail(port, to=["carer@example.org", "gone@example.org"]).call(PAYLOAD, key="k")
    assert len(box.mails) == 1


def test_no_password_is_in_what_is_shown_of_it() -> None:
    assert "hush" not in repr(mail(25, user="me", password="hush"))


async def test_nobody_there_is_said() -> None:
    with serving(Inbox()) as port:
        pass
    with pytest.raises(HookError, match="did not take it"):
        await mail(port).call(PAYLOAD, key="k")


@pytest.fixture
def vouched(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of this machine's own, and a server's context with it."""
    made, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


async def test_user_and_password_are_given_only_over_an_encrypted_way(
    vouched: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, context = vouched
    logins: list[LoginPassword] = []

    def checked(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        logins.append(data)
        return AuthResult(success=True)

    box = Inbox()
    with serving(box, tls_context=context, require_starttls=True, authenticator=checked) as port:
        hook = mail(port, security="starttls", user="me", password="hush")
        with pytest.raises(HookError, match="certificate"):  # one that nobody vouches for
            await hook.call(PAYLOAD, key="k")
        assert not logins
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        await hook.call(PAYLOAD, key="k")
    assert [(login.login, login.password) for login in logins] == [(b"me", b"hush")]
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"host": "mail.example.org"}, "encrypted"),
        ({"to": ["no address"]}, "no e-mail address"),
        ({"to": ["a@b\r\nBcc: c@d"]}, "no e-mail address"),
        ({"to": []}, "to"),
        ({"password": "müsli"}, "ASCII"),
        ({"host": "a..b", "security": "tls"}, "server"),
        ({"template": "{title}"}, "not told"),
        ({"tell": "full", "template": "{finding}"}, "not told"),
        ({"template": "{severity.__class__}"}, "more than a field's name"),
        ({"template": "{severity!r:>90000000}"}, "more than a field's name"),
        ({"template": "{"}, "template"),
    ],
)
def test_a_mail_that_cannot_work_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(HookError, match=what):
        mail(25, **more)
