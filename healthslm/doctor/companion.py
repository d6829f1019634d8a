"""The phone's page: who may look, whose time is over, and how long phones will trust this box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from healthslm.companion.authority import Identity
from healthslm.companion.clients import Client
from healthslm.doctor.check import Check, attention, ok, problem
from healthslm.errors import StoreError

WHAT = "companion"
_SOON = timedelta(days=60)
_RENEW = "healthslm companion renew; each phone has to trust this box anew."


def authority_in(kept: Mapping[str, Any]) -> Identity | None:
    """Read what the store keeps of it; `None` where there is none. Raises `StoreError`."""
    if "authority" not in kept:
        return None
    try:
        return Identity.from_json(kept["authority"])
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as error:
        raise StoreError("The certificates of the page cannot be read.", _RENEW) from error


def companion(clients: Sequence[Client], authority: Identity | None, now: datetime) -> Iterator[Check]:
    """Say who may look, and whether phones still trust the page."""
    over = [one for one in clients if not one.may_enter(now)]
    for one in over:
        yield attention(
            WHAT,
            f"the time of {one.name} ({one.role}) is over, and it is still on the list",
            f"healthslm companion revoke {one.id[:8]}",
        )
    may = len(clients) - len(over)
    yield ok(WHAT, f"phones and programs that may look: {may}" if may else "no phone is paired")
    if authority is None:
        return
    ends = authority.certificate.not_valid_after_utc
    if now >= ends:
        yield problem(
            "certificate", f"phones trust this box no longer: its time was over on {ends:%Y-%m-%d}", _RENEW
        )
    elif ends - now < _SOON:
        yield attention("certificate", f"phones trust this box until {ends:%Y-%m-%d} only", _RENEW)
    else:
        yield ok(
            "certificate", f"phones trust this box until {ends:%Y-%m-%d}; the page's own is renewed by itself"
        )
