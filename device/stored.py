"""What a device has kept while nobody listened, and the clock by which it kept it.

Glucose meters, continuous glucose monitors and oximeters hand their records over on request (Record Access
Control Point). A transfer may be cut anywhere. It is asked for again from the last record that was kept,
which must come again and be the same: else the device has begun to number anew, and everything is fetched.
What comes twice is for the store to notice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bleak.backends.characteristic import BleakGATTCharacteristic

from device.decoding import decode
from device.errors import DecodeError, LinkError
from device.gatt import DateTime, short_uuid
from device.gatt.current_time import AdjustReason, CurrentTime
from device.gatt.glucose import GlucoseMeasurement
from device.gatt.record_access import Opcode, RecordAccessControlPoint, ResponseCode
from device.session import Session

_GLUCOSE, _CGM, _SPOT_CHECK, _OBSERVATIONS = "2A18", "2AA7", "2A5E", "2BDD"
_SESSION_START = "2AAA"
_CLOCKS: Mapping[str, Callable[[dt.datetime], bytes]] = {
    CurrentTime.UUID: lambda now: bytes(CurrentTime.of(now, AdjustReason.EXTERNAL_REFERENCE_TIME_UPDATE)),
    DateTime.UUID: lambda now: bytes(DateTime.of(now)),
}
"""What sets a device's clock, by the characteristic that shows it; the exacter one first."""
_EXACT = dt.timedelta(seconds=5)
"""A clock that is no further off is left alone: reading and writing it takes about as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The last stored record that was kept of a device.

    `sequence` is a glucose measurement's number, a continuous monitor's minutes since its session began.
    `device_time` is when the device's own clock said that it was, naive, where that is known.
    """

    sequence: int
    device_time: dt.datetime | None = None


Resume = Callable[[str, str], Kept | None]
"""Tells by address and characteristic ("2A18") which record was kept last."""


def nothing_kept(_address: str, _characteristic: str) -> Kept | None:
    """Know of no record, so that each connect fetches them all."""
    return None


@dataclass(slots=True)
class Memory:
    """What a device's supervisor remembers of transfers from one connection to the next.

    `unfinished` says for each characteristic where a transfer that was cut had begun (`None`: with the first
    record); `session` is the continuous monitor's session that was last fetched whole, as its start was sent.
    """

    unfinished: dict[str, Kept | None] = field(default_factory=dict)
    session: bytes = b""


async def fetch(session: Session, kept: Resume, memory: Memory) -> list[str]:
    """Ask for the stored records of each service that has some; they come as notifications like any other.

    Returns a sentence for each service. Raises `LinkError` only when the link itself ended.
    """
    said = []
    for control in session.table:
        measurement = _measurement(session, control)
        if measurement is None:
            continue
        transfer = _Transfer(session, control, measurement, memory)
        try:
            said.append(await transfer.run(kept(session.address, measurement)))
        except LinkError as error:
            session.still_there(error)
            said.append(f"its stored records could not be fetched: {error.message}")
    return said


def _measurement(session: Session, control: BleakGATTCharacteristic) -> str | None:
    """Return whose records a control point hands over: those of its own service."""
    if short_uuid(control.uuid) != RecordAccessControlPoint.UUID:
        return None
    beside = {short_uuid(c.uuid) for c in session.table if c.service_handle == control.service_handle}
    return next((name for name in (_GLUCOSE, _CGM, _SPOT_CHECK, _OBSERVATIONS) if name in beside), None)


class _Transfer:
    """One transfer of stored records, from the question to the answer that there are no more."""

    def __init__(
        self, session: Session, control: BleakGATTCharacteristic, measurement: str, memory: Memory
    ) -> None:
        self._session = session
        self._control = control
        self._measurement = measurement
        self._memory = memory
        self._records = 0
        self._last: Kept | None = None
        self._met = False

    async def run(self, last: Kept | None) -> str:
        """Fetch what is new since `last`; everything when that cannot be told."""
        name, memory = self._measurement, self._memory
        last = memory.unfinished.get(name, last)
        start = b""
        if name == _CGM:
            # Minutes count from the session's start: of another session, or one not known, all are new.
            start = await self._session.read(_SESSION_START)
            last = last if start == memory.session else None
        memory.unfinished[name] = last
        lost = self._session.lost
        if last is None or not await self._ask_since(last):
            memory.unfinished[name] = None
            await self._ask(RecordAccessControlPoint.all_records())
        if self._session.lost > lost:
            memory.unfinished[name] = None
            raise LinkError("some came faster than they were taken; all are fetched again next time.")
        del memory.unfinished[name]
        memory.session = start or memory.session
        return f"{self._records or 'no'} stored records came"

    async def _ask_since(self, last: Kept) -> bool:
        """Fetch from the last record on, that one included. False when it is not there any more."""
        self._last = last
        ask = RecordAccessControlPoint
        since = ask.from_time_offset if self._measurement == _CGM else ask.from_sequence_number
        code = await self._ask(since(last.sequence))
        return code is ResponseCode.SUCCESS and self._met

    async def _ask(self, request: RecordAccessControlPoint) -> ResponseCode | int:
        """Write a request, and wait for its answer while records come. Returns how it ended.

        Raises `LinkError` for an answer that means that records are missing.
        """
        answers = await self._session.answers(self._control)
        self._records = 0
        self._session.tap = self._hear
        try:
            await self._session.put(self._control, bytes(request))
            code = await self._answer(answers)
        finally:
            self._session.tap = None
        every = request == RecordAccessControlPoint.all_records()
        if code in {ResponseCode.SUCCESS, ResponseCode.NO_RECORDS_FOUND} or not every:
            return code
        raise LinkError(f"the device answered: {_words(code)}.")

    async def _answer(self, answers: asyncio.Queue[bytes]) -> ResponseCode | int:
        limit = self._session.limits.record
        before = -1
        while True:
            value = await self._session.wait(answers, limit)
            if value is None:
                if self._records == before:
                    await self._session.put(self._control, bytes(RecordAccessControlPoint.abort()))
                    raise LinkError(f"no record and no answer came for {limit:g} s.")
                before = self._records
                continue
            try:
                answer = RecordAccessControlPoint.from_bytes(value)
            except DecodeError as error:
                raise LinkError(f"its answer could not be understood: {error.why}.") from error
            if answer.request_opcode == Opcode.REPORT_STORED_RECORDS and answer.response_code is not None:
                return answer.response_code

    def _hear(self, name: str, value: bytes) -> None:
        if name != self._measurement:
            return
        self._records += 1
        if not self._met and self._last is not None:
            self._met = self._measurement == _CGM or _is(value, self._last)


def _is(value: bytes, kept: Kept) -> bool:
    """Say whether a glucose measurement is the one that was kept."""
    try:
        measurement = GlucoseMeasurement.from_bytes(value)
    except DecodeError:
        return False
    if measurement.sequence_number != kept.sequence:
        return False
    return kept.device_time is None or measurement.time == kept.device_time


def _words(code: ResponseCode | int) -> str:
    return code.name.lower().replace("_", " ") if isinstance(code, ResponseCode) else f"code {code}"


async def set_clock(session: Session, zone: dt.tzinfo | None) -> str:
    """Give the device the time of `zone` (this machine's where `None`), where its clock takes it and is off.

    Returns what was done in words, nothing where nothing was. Raises `LinkError` only when the link ended.
    """
    for name, value in _CLOCKS.items():
        clock = session.find(name)
        if clock is not None and {"write", "write-without-response"} & set(clock.properties):
            return await _set(session, clock, value, zone)
    return ""


async def _set(
    session: Session,
    clock: BleakGATTCharacteristic,
    value: Callable[[dt.datetime], bytes],
    zone: dt.tzinfo | None,
) -> str:
    try:
        shown = await _shown(session, clock)
        local = session.clock().astimezone(zone).replace(tzinfo=None)
        off = None if shown is None else shown - local
        if off is not None and abs(off) <= _EXACT:
            return ""
        await session.put(clock, value(local))
        await session.pass_on(clock)
    except LinkError as error:
        session.still_there(error)
        return f"its clock could not be set: {error.message.rstrip('.')}"
    return "its clock was set" if off is None else f"its clock was {_amount(off)}, and was set"


async def _shown(session: Session, clock: BleakGATTCharacteristic) -> dt.datetime | None:
    if "read" not in clock.properties:
        return None
    name = short_uuid(clock.uuid)
    try:
        shown = decode(name, await session.read(name))
    except DecodeError:
        return None
    return shown.datetime if isinstance(shown, CurrentTime | DateTime) else None


def _amount(off: dt.timedelta) -> str:
    """Say how far off a clock is, in its two largest units."""
    seconds = round(abs(off).total_seconds())
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {unit}"] if count or parts else []
    return f"{' '.join(parts[:2]) or '0 s'} {'fast' if off > dt.timedelta() else 'slow'}"
