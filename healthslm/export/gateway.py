"""What healthslm as a gateway adds to a measurement: the device, itself, and how the two clocks stood.

Source: Personal Health Device guide 2.0.0, profiles PhdBaseObservation and PhdCoincidentTimeStampObservation.
A measurement whose time was moved points at a Coincident Time Stamp: when the one clock showed this, the
other showed that. So what the device said can be had again: the time, less the difference of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

from healthslm.export.entries import Entries
from healthslm.fhir import coding, mdc
from healthslm.fhir.coding import Json
from healthslm.readings import Kind, Quality, Reading

_PHD = coding.concept(
    {"system": "http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories", "code": "phd"}
)
_NO_CLOCK = "the device's clock said nothing to go by: the time is that of reception"


@dataclass(slots=True, kw_only=True)
class Gateway:
    """Knows who sent what.

    `devices` are the References to the devices by address, `heard` those of them that were heard over
    Bluetooth, `senders` the address by kind where one device alone sent it, `program` is healthslm itself.
    """

    entries: Entries
    tz: ZoneInfo
    program: Json
    devices: Mapping[str, Json]
    heard: frozenset[str]
    senders: Mapping[Kind, str]
    origins: Mapping[int, Reading]
    clocks: dict[tuple[str, timedelta | None], Json] = field(default_factory=dict)

    def device(self, kind: Kind, id: int = -1) -> Json:
        """Return `{"device": ...}` of a reading, or nothing where it is not known which one it was."""
        sender = self._sender(kind, id)
        return {"device": self.devices[sender]} if sender in self.devices else {}

    def is_wearable(self, kind: Kind, id: int = -1) -> bool:
        """Say whether a reading was heard from a wearable that is known."""
        return self._sender(kind, id) in self.heard

    def _sender(self, kind: Kind, id: int) -> str:
        return self.origins[id].device if id in self.origins else self.senders.get(kind, "")

    def measured(self, kind: Kind, id: int, *, guide: str, profiles: list[str]) -> Json:
        """Return what a measurement says of its origin.

        `profiles` are those it keeps anyway; the device guide's, `guide`, is among them only where there is a
        wearable and a code of MDC, as it demands.
        """
        if not (self.is_wearable(kind, id) and mdc.measured(kind)):
            meta = {"meta": {"profile": profiles}} if profiles else {}
            return {**meta, "category": coding.category(kind), **self.device(kind, id)}
        extension = [{"url": mdc.GATEWAY, "valueReference": self.program}]
        if id in self.origins and self.origins[id].quality & Quality.CLOCK_CORRECTED:
            clock = self._clock(self.origins[id])
            extension.append({"url": mdc.COINCIDENT, "valueReference": clock})
        return {
            "meta": {"profile": [*profiles, f"{mdc.GUIDE}/{guide}"]},
            "extension": extension,
            "category": [*coding.category(kind), _PHD],
            **self.device(kind, id),
        }

    def _clock(self, reading: Reading) -> Json:
        """The Coincident Time Stamp of a reading's device; one for all readings that were moved as far."""
        zone = timezone(reading.time.astimezone(self.tz).utcoffset() or timedelta())
        shown = None if reading.device_time is None else reading.device_time.replace(tzinfo=zone)
        key = (reading.device, None if shown is None else reading.time - shown)
        if key not in self.clocks:
            said = (
                {"dataAbsentReason": coding.absent("unknown", _NO_CLOCK)}
                if shown is None
                else {"valueDateTime": coding.when(shown, zone)}
            )
            self.clocks[key] = self.entries.add(
                {
                    "resourceType": "Observation",
                    "meta": {"profile": [f"{mdc.GUIDE}/PhdCoincidentTimeStampObservation"]},
                    "status": "final",
                    "code": coding.concept(mdc.CLOCK, text="what the device's clock showed"),
                    "subject": self.devices[reading.device],
                    "effectiveDateTime": coding.when(reading.time.astimezone(UTC), self.tz),
                    **said,
                    "device": self.program,
                }
            )
        return self.clocks[key]
