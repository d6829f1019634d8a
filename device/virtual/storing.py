"""Stored records: what a wearable measured while nobody listened, and the control point to ask for it.

Source: Record Access Control Point in GATT Specification Supplement (2A52); Glucose Service 1.1, section 3.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection
from bumble.gatt import Characteristic

from device.gatt import Measurement
from device.gatt.record_access import (
    FilterType,
    Opcode,
    Operator,
    RecordAccessControlPoint,
    ResponseCode,
)
from device.virtual.faults import Harm, Step
from device.virtual.wearable import Wearable

_POINT = RecordAccessControlPoint.UUID
_IN_PROGRESS = ErrorCode(0xFE)  # "procedure already in progress"
_NOT_SUBSCRIBED = ErrorCode(0xFD)  # "client characteristic configuration descriptor improperly configured"
_BOUNDS = {
    Operator.LESS_THAN_OR_EQUAL_TO: 1,
    Operator.GREATER_THAN_OR_EQUAL_TO: 1,
    Operator.WITHIN_RANGE_OF: 2,
}


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record: the number by which it is asked for, and what is sent of it, in this order."""

    number: int
    parts: tuple[Measurement, ...]


class _Refused(Exception):  # noqa: N818  an answer, not an error
    def __init__(self, code: ResponseCode) -> None:
        super().__init__(code.name)
        self.code = code


class StoringWearable(Wearable):
    """A wearable that keeps records, oldest first, and tells them when it is asked to.

    `live` says whether it also sends a measurement at the moment at which it is taken. `deletes` whether it
    lets its records be deleted.
    """

    live: bool = True
    deletes: bool = True

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.records: list[StoredRecord] = []
        self.next_number = 0
        self._transfer: asyncio.Task[None] | None = None

    def _control_point(self) -> Characteristic[bytes]:
        """Make the Record Access Control Point."""
        return self._takes(_POINT, self._asked, indicates=True)

    def store(self, *parts: Measurement) -> StoredRecord:
        """Keep a record under the next number."""
        record = StoredRecord(self.next_number, parts)
        self.records.append(record)
        self.next_number = (self.next_number + 1) & 0xFFFF
        return record

    def keep(self, measurements: Sequence[Measurement]) -> None:
        """Keep what `observe` made; nothing for a kind that has kept it already."""
        for measurement in measurements:
            self.store(measurement)

    def restart_numbers(self) -> None:
        """Begin counting from 0 again, with nothing stored: as after a reset, or with a new sensor."""
        self.records.clear()
        self.next_number = 0

    @property
    def transferring(self) -> bool:
        """Whether a transfer of records runs."""
        return self._transfer is not None and not self._transfer.done()

    def _asked(self, link: Connection, value: bytes) -> None:
        """Take a request; what it comes to is indicated once the request itself has been answered."""
        subscribed = any(listener is link for listener, _ in self._listeners(_POINT))
        if not subscribed:
            raise ATT_Error(_NOT_SUBSCRIBED)
        opcode = value[0] if value else 0
        if opcode == Opcode.ABORT_OPERATION:
            if self._transfer is not None:
                self._transfer.cancel()
            self._start(self._answer(link, opcode, ResponseCode.SUCCESS))
            return
        if self.transferring:
            raise ATT_Error(_IN_PROGRESS)
        self._transfer = self._start(self._carry_out(link, opcode, value))

    async def _carry_out(self, link: Connection, opcode: int, value: bytes) -> None:
        try:
            chosen = self._chosen(opcode, value)
        except _Refused as e:
            await self._answer(link, opcode, e.code)
            return
        if opcode == Opcode.REPORT_NUMBER_OF_STORED_RECORDS:
            await self._indicate(link, RecordAccessControlPoint.number_response(len(chosen)))
            return
        if not chosen:
            await self._answer(link, opcode, ResponseCode.NO_RECORDS_FOUND)
            return
        if opcode == Opcode.DELETE_STORED_RECORDS:
            self.records = [record for record in self.records if record not in chosen]
        elif not await self._report(chosen):
            return
        await self._answer(link, opcode, ResponseCode.SUCCESS)

    def _chosen(self, opcode: int, value: bytes) -> Sequence[StoredRecord]:
        """Pick the records that a request means. Raises `_Refused` with the response code for a wrong one."""
        known = {Opcode.REPORT_STORED_RECORDS, Opcode.REPORT_NUMBER_OF_STORED_RECORDS}
        if opcode not in (known | {Opcode.DELETE_STORED_RECORDS} if self.deletes else known):
            raise _Refused(ResponseCode.OP_CODE_NOT_SUPPORTED)
        operator, operand = value[1] if len(value) > 1 else 0, value[2:]
        if operator == Operator.NULL:
            raise _Refused(ResponseCode.INVALID_OPERATOR)
        if operator not in frozenset(Operator):
            raise _Refused(ResponseCode.OPERATOR_NOT_SUPPORTED)
        bounds = _BOUNDS.get(Operator(operator), 0)
        if bounds and operand and operand[0] != FilterType.SEQUENCE_NUMBER:
            raise _Refused(ResponseCode.OPERAND_NOT_SUPPORTED)
        if len(operand) != (1 + 2 * bounds if bounds else 0):
            raise _Refused(ResponseCode.INVALID_OPERAND)
        low, high = int.from_bytes(operand[1:3], "little"), int.from_bytes(operand[-2:], "little")
        if bounds == 2 and low > high:
            raise _Refused(ResponseCode.INVALID_OPERAND)
        match operator:
            case Operator.LESS_THAN_OR_EQUAL_TO:
                return [r for r in self.records if r.number <= high]
            case Operator.GREATER_THAN_OR_EQUAL_TO:
                return [r for r in self.records if r.number >= low]
            case Operator.WITHIN_RANGE_OF:
                return [r for r in self.records if low <= r.number <= high]
            case Operator.FIRST_RECORD:
                return self.records[:1]
            case Operator.LAST_RECORD:
                return self.records[-1:]
        return list(self.records)

    async def _report(self, chosen: Sequence[StoredRecord]) -> bool:
        """Send records; returns false when the link was lost on the way."""
        for record in chosen:
            harm = self.faults.meets(Step.RECORD)
            if harm is Harm.DROP:
                await self.drop_link()
                return False
            if harm is Harm.HANG:
                await asyncio.Event().wait()  # until the link ends, or the transfer is aborted
            for part in record.parts:
                name: str = getattr(type(part), "UUID")  # noqa: B009  a measurement of one characteristic
                for link, indicates in self._listeners(name):
                    await self._transmit(link, name, self.faults.spoil(bytes(part)), indicates)
            if not self.linked:
                return False
        return True

    async def _answer(self, link: Connection, request: int, code: ResponseCode) -> None:
        await self._indicate(link, RecordAccessControlPoint.response(request, code))

    async def _indicate(self, link: Connection, answer: RecordAccessControlPoint) -> None:
        await asyncio.sleep(0)  # the response to the write goes first
        if link in self._on.gatt_server.subscribers:
            await self._transmit(link, _POINT, bytes(answer), True)

    def _on_connection(self, link: Connection) -> None:
        if self._transfer is not None:
            self._transfer.cancel()
        super()._on_connection(link)
