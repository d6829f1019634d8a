"""What the alerts need of the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Protocol


class OutboxRow(Protocol):
    """A payload on its way: what `AlertStore.outbox` returns."""

    @property
    def id(self) -> int:
        """The row's number; ever growing, so rows of a hook go out in order."""
        ...

    @property
    def alert_ids(self) -> tuple[str, ...]:
        """The alerts it tells of."""
        ...

    @property
    def hook(self) -> str:
        """The name of the hook it is for."""
        ...

    @property
    def payload(self) -> str:
        """The JSON to hand over."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was tried in vain."""
        ...

    @property
    def queued(self) -> datetime:
        """When it was put in."""
        ...

    @property
    def error(self) -> str:
        """What went wrong the last time; empty where nothing did."""
        ...


class AlertStore(Protocol):
    """What the alerts need of the store. Every method is durable only after `commit()`."""

    @property
    def changed_elsewhere(self) -> int:
        """Another number whenever another process has written to the store."""
        ...

    def change_alert(self, id: str, change: Callable[[str | None], tuple[str, datetime, str]]) -> str:
        """Insert or change an alert as it stands at that moment; return its document."""
        ...

    def alert(self, id: str) -> str | None:
        """Return the document of an alert as it stands now."""
        ...

    def alerts(
        self, since: datetime | None = None, states: Collection[str] | None = None
    ) -> list[tuple[str, str, datetime, str]]:
        """Return id, state, time and document of the alerts, newest first."""
        ...

    def get(self, name: str, default: Any = None) -> Any:
        """Return what was put under a name."""
        ...

    def put(self, name: str, value: Any) -> None:
        """Keep something under a name."""
        ...

    def outbox_add(
        self,
        alert_ids: Sequence[str],
        hook: str,
        payload: str,
        queued: datetime,
        *,
        first: bool = False,
        occasion: str = "",
    ) -> int:
        """Queue a payload for a hook, before those that are not `first`; return the row's number."""
        ...

    def outbox_next(
        self, hook: str, without: Collection[int] = (), *, least_tried: bool = False
    ) -> OutboxRow | None:
        """Return the payload that goes out next, `without` some; or else the one least tried."""
        ...

    def outbox_done(self, id: int) -> None:
        """Take a delivered payload out."""
        ...

    def outbox_failed(self, id: int, error: str) -> None:
        """Note a failed attempt, and why it failed."""
        ...

    def outbox_waiting(self, occasions: Collection[str]) -> Sequence[OutboxRow]:
        """Return what waits for any hook on these occasions."""
        ...

    def outbox_forget(self, hook: str) -> int:
        """Drop what waits for a hook; return how much that was."""
        ...

    def outbox_bury(self, id: int) -> None:
        """Make a payload a dead letter: it is kept, and not tried again."""
        ...

    def commit(self) -> None:
        """Make everything so far durable."""
        ...
