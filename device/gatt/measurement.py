"""What every decoded characteristic is, and the table row of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self


class Measurement(Protocol):
    """The meaning of a characteristic's value: a frozen dataclass that is made from bytes and makes them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError`, and nothing else, whatever the bytes."""
        ...

    def __bytes__(self) -> bytes: ...


class Characteristic(Measurement, Protocol):
    """A measurement that has one characteristic, so one number."""

    UUID: ClassVar[str]


def by_uuid(*kinds: type[Characteristic]) -> Mapping[str, type[Measurement]]:
    """Make the table of a service's characteristics."""
    return {kind.UUID: kind for kind in kinds}


@dataclass(frozen=True, slots=True, kw_only=True)
class GattService:
    """One service: its assigned `number`, the Bluetooth SIG's `name`, and the characteristics understood.

    `measurements` carry results, so a link subscribes to them. Those of them that come all the time are in
    `silence`, with the seconds after which their absence means that the link has stalled. `state` are read on
    each connect because the measurements cannot be understood without them (a session's start, what a device
    can do). `measures` is false for a service that says nothing about a person, by which no device is chosen.
    """

    number: str
    name: str
    characteristics: Mapping[str, type[Measurement]]
    measurements: frozenset[str] = frozenset()
    silence: Mapping[str, float] = field(default_factory=dict)
    state: frozenset[str] = frozenset()
    measures: bool = True
