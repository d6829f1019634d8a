"""What a family of devices with a protocol of its own has to say for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device.gatt.measurement import Measurement


class Talk(Protocol):
    """What a conversation may do with a connected device. Calls have a time limit, and raise `LinkError`."""

    async def write(self, characteristic: str, value: bytes) -> None:
        """Write a characteristic, with a response where the device gives one."""
        ...

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic."""
        ...


class Conversation(Protocol):
    """One connection's worth of talking to a device: made anew each time it connects."""

    listens: frozenset[str]
    """The characteristics to subscribe to, besides the standard ones that it also has."""

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Turn one raw value into whole ones, each under the name that `decode` knows it by.

        A protocol that cuts its frames into several values keeps what is not yet whole; bytes that belong to
        no frame come out under their characteristic's own name, so that they are refused with a reason and
        counted, never swallowed. Raises nothing, whatever the bytes.
        """
        ...

    async def talk(self, talk: Talk) -> None:
        """Ask for what the device sends only when asked, as long as need be; runs once all is subscribed."""
        ...


class Opening(Protocol):
    """Begins a conversation."""

    def __call__(self, wanted: Collection[str]) -> Conversation:
        """Begin anew; `wanted` names the streams that a person asked for, like `ecg`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of devices.

    Recognised by a service of `services` (a name as `short_uuid` gives it, and in words), or, where a family
    misuses an assigned number, by an advertised name that starts with one of `names`. `characteristics` are
    its decoders, by names that no other family and no standard uses. `streams` are what a person may ask for
    beyond what it sends anyway. `refuses` says why nothing of it may be used, where that is so.
    """

    name: str
    services: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    characteristics: Mapping[str, type[Measurement]] = field(default_factory=dict)
    streams: Mapping[str, str] = field(default_factory=dict)
    converse: Opening | None = None
    refuses: str = ""

    def recognises(self, name: str, services: Collection[str]) -> bool:
        """Say whether a device is of this family, by its advertised name and its services."""
        return any(s in self.services for s in services) or name.startswith(self.names or ("\0",))
