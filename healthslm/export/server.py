"""Sending a transaction to a FHIR server: where to, what is in it, and what the server says.

Source: FHIR R4 RESTful API, http://hl7.org/fhir/R4/http.html#transaction. By TLS, whose certificate is
checked; plain only to this machine. No proxy, no password from the environment, no redirect: it goes where it
was sent, or nowhere. An answer is a stranger's text, and is cleaned before it is shown.
"""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from healthslm.errors import ExportError, UsageError
from healthslm.export import words
from healthslm.fhir import coding
from healthslm.fhir.coding import Json

_TIME_LIMIT = 60.0
_FHIR = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it, by type of resource: made anew, or there already."""

    made: Mapping[str, int]
    there: Mapping[str, int]


def address(url: str) -> str:
    """Return a server's base address. Raises `UsageError` for one that is not safe to send to."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    try:
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{words.clean(url, 80)!r} is no address of a server.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError(f"{words.clean(url, 80)!r} is no address of a server.", "Write https://HOST/PATH.")
    if parts.username or parts.password:
        raise UsageError("There is a password in the server's address.", "Use --token-file FILE.")
    if parts.query or parts.fragment:
        raise UsageError("A server's base address has no ? and no #.", "Write https://HOST/PATH.")
    if parts.scheme == "http" and not _here(host):
        raise UsageError(
            f"{host} is another machine, and http would show everything on the way.", "Use https."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def contents(transaction: Json) -> Counter[str]:
    """Return how many resources of each type a transaction has."""
    return Counter(entry["resource"]["resourceType"] for entry in transaction["entry"])


def send(transaction: Json, base: str, *, token: str = "", verify: ssl.SSLContext) -> Sent:
    """POST a transaction to `address(...)`; return what the server made and what it had.

    Raises `ExportError` with the server's own words (its OperationOutcome) where it does not take it. A
    transaction is taken whole or not at all.
    """
    import httpx  # noqa: PLC0415  a quarter of a second that only sending costs

    headers = {"Content-Type": f"{_FHIR}; charset=utf-8", "Accept": _FHIR, "Prefer": "return=minimal"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = coding.dumps(transaction).encode()
    try:
        with httpx.Client(timeout=_TIME_LIMIT, trust_env=False, verify=verify) as client:
            answer = client.post(base, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        what = words.clean(str(error), 200) or type(error).__name__
        raise ExportError(
            f"{base} cannot be reached: {what}.",
            "Whether it took anything is not known; sending again adds nothing twice.",
        ) from error
    said = _read(answer.content)
    if not 200 <= answer.status_code < 300:
        raise _refused(base, str(answer.status_code), said)
    return _outcome(base, transaction, said)


def _read(content: bytes) -> Json:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _refused(base: str, code: str, said: Json) -> ExportError:
    told = "; ".join(_words(said)) or "it gave no reason"
    hint = "Check --token-file." if code in ("401", "403") else "Nothing was made there."
    return ExportError(f"{base} answered {words.clean(code, 40)}: {told}.", hint)


def _words(outcome: Any) -> Iterable[str]:
    """What an OperationOutcome says, of which any part may be missing or of another shape."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    for issue in issues[:5] if isinstance(issues, list) else ():
        if isinstance(issue, dict):
            details = issue.get("details")
            text = details.get("text") if isinstance(details, dict) else None
            told = text or issue.get("diagnostics") or issue.get("code")
            if isinstance(told, str):
                yield words.clean(told, 300).rstrip(".")


def _outcome(base: str, transaction: Json, said: Json) -> Sent:
    entries = said.get("entry")
    asked = [entry["resource"]["resourceType"] for entry in transaction["entry"]]
    if said.get("resourceType") != "Bundle" or not isinstance(entries, list) or len(entries) != len(asked):
        raise ExportError(
            f"{base} took it, but did not answer as a FHIR server does.",
            "Look there for what it made; sending again adds nothing twice if it knows conditional creates.",
        )
    made: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for kind, entry in zip(asked, entries, strict=True):
        response = entry.get("response") if isinstance(entry, dict) else None
        status = str(response.get("status", "")) if isinstance(response, dict) else ""
        if status[:3] not in ("200", "201"):
            raise _refused(base, f"{status or 'nothing'} for a {kind}", (response or {}).get("outcome") or {})
        (made if status[:3] == "201" else there)[kind] += 1
    return Sent(made=made, there=there)
