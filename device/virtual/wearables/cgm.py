"""A continuous glucose monitor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection
from bumble.gatt import Characteristic

from device.errors import DecodeError
from device.gatt import DateTime, Measurement
from device.gatt.cgm_specific_ops import CgmOpcode, CgmResponseCode, CgmSpecificOpsControlPoint
from device.gatt.continuous_glucose import (
    CalTemp,
    CgmFeature,
    CgmMeasurement,
    CgmRecord,
    CgmSessionRunTime,
    CgmSessionStartTime,
    CgmStatus,
    Features,
    Status,
    Warnings,
)
from device.gatt.glucose import SampleLocation, SampleType
from device.virtual.bonding import Bonding
from device.virtual.own_clock import OwnClock
from device.virtual.signals import Signals
from device.virtual.storing import StoredRecord, StoringWearable

_MINUTE = timedelta(minutes=1)
_POINT = CgmSpecificOpsControlPoint.UUID
_MISSING_CRC = ErrorCode(0x80)  # Continuous Glucose Monitoring Service 1.0.2, table 1.4


class ContinuousGlucoseMonitor(StoringWearable):
    """A sensor under the skin: a record every few minutes since its session began, all of them kept.

    A record's number is its time offset in minutes, so records are asked for by time. `crc` says whether
    everything that it sends ends in an E2E-CRC; `wrong_crc` spoils that of the records from then on.
    `batch` records go into one notification when they are asked for.
    """

    service = "181F"
    measurement = CgmMeasurement.UUID
    model = "Glucose sensor"
    bonding = Bonding.JUST_WORKS
    deletes = False

    def __init__(
        self,
        address: str,
        name: str = "",
        *,
        clock: OwnClock | None = None,
        crc: bool = True,
        run_hours: int = 240,
        interval: int = 5,
        batch: int = 3,
        battery: int = 80,
        bonding: Bonding | None = None,
        passkey: int = 123456,
    ) -> None:
        super().__init__(address, name, clock=clock, battery=battery, bonding=bonding, passkey=passkey)
        self.crc = crc
        self.wrong_crc = False
        self.run_hours = run_hours
        self.interval = interval
        self.batch = batch
        self.session_start = self.clock()
        self.running = True

    @property
    def _crc_ok(self) -> bool | None:
        return True if self.crc else None

    @property
    def time_offset(self) -> int:
        """Minutes since the session began, by its own clock."""
        return max(0, (self.clock() - self.session_start) // _MINUTE) & 0xFFFF

    def start_session(self) -> None:
        """Begin a new session now, as a new sensor does: time offsets count from 0, nothing is stored."""
        self.restart_numbers()
        self.session_start = self.clock()
        self.running = True

    def _measures(self) -> list[Characteristic[bytes]]:
        features = Features.E2E_CRC if self.crc else Features(0)
        feature = CgmFeature(
            features, SampleType.INTERSTITIAL_FLUID, SampleLocation.SUBCUTANEOUS_TISSUE, self._crc_ok
        )
        return [
            *super()._measures(),
            self._tells(CgmFeature.UUID, bytes(feature)),
            self._tells(CgmStatus.UUID, self._status),
            self._tells(CgmSessionStartTime.UUID, self._start_time),
            self._tells(CgmSessionRunTime.UUID, bytes(CgmSessionRunTime(self.run_hours, self._crc_ok))),
            self._control_point(),
            self._takes(_POINT, self._told, indicates=True),
        ]

    def _status(self) -> bytes:
        stopped = Status(0) if self.running else Status.SESSION_STOPPED
        return bytes(CgmStatus(self.time_offset, stopped, CalTemp(0), Warnings(0), self._crc_ok))

    def _start_time(self) -> bytes:
        return bytes(CgmSessionStartTime(DateTime.of(self.session_start), 0, 0, self._crc_ok))

    def _told(self, link: Connection, value: bytes) -> None:
        """Start or stop the session, tell or set the interval; anything else is not supported."""
        try:
            request = CgmSpecificOpsControlPoint.from_bytes(value)
        except DecodeError:
            self._start(self._respond(link, value[0] if value else 0, CgmResponseCode.OP_CODE_NOT_SUPPORTED))
            return
        if self.crc and request.crc_ok is None:
            raise ATT_Error(_MISSING_CRC)
        match request.opcode:
            case CgmOpcode.START_SESSION:
                self.start_session()
            case CgmOpcode.STOP_SESSION:
                self.running = False
            case CgmOpcode.SET_COMMUNICATION_INTERVAL if request.interval:
                self.interval = request.interval
            case CgmOpcode.GET_COMMUNICATION_INTERVAL:
                answer = CgmSpecificOpsControlPoint(
                    CgmOpcode.COMMUNICATION_INTERVAL_RESPONSE, self.interval, crc_ok=self._crc_ok
                )
                self._start(self._transmit(link, _POINT, bytes(answer), True))
                return
            case _:
                self._start(self._respond(link, request.opcode, CgmResponseCode.OP_CODE_NOT_SUPPORTED))
                return
        self._start(self._respond(link, request.opcode, CgmResponseCode.SUCCESS))

    async def _respond(self, link: Connection, opcode: int, code: CgmResponseCode) -> None:
        answer = CgmSpecificOpsControlPoint(
            CgmOpcode.RESPONSE_CODE, request_opcode=opcode, response_code=code, crc_ok=self._crc_ok
        )
        await self._transmit(link, _POINT, bytes(answer), True)

    def take(self, mg_dl: float, *, time_offset: int | None = None) -> CgmMeasurement:
        """Measure now, or as if it were `time_offset` minutes into the session; keep the record."""
        offset = self.time_offset if time_offset is None else time_offset
        record = CgmRecord(mg_dl, offset, crc_ok=not self.wrong_crc if self.crc else None)
        measurement = CgmMeasurement((record,))
        self.records.append(StoredRecord(offset, (measurement,)))
        return measurement

    async def _report(self, chosen: Sequence[StoredRecord]) -> bool:
        """Put several records into each notification."""
        packed = []
        for first in range(0, len(chosen), self.batch):
            some = chosen[first : first + self.batch]
            together = CgmMeasurement(
                tuple(
                    record
                    for stored in some
                    for part in stored.parts
                    if isinstance(part, CgmMeasurement)
                    for record in part.records
                )
            )
            packed.append(StoredRecord(some[0].number, (together,)))
        return await super()._report(packed)

    def keep(self, measurements: Sequence[Measurement]) -> None:
        """Keep nothing more: `take` kept it."""

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Measure, keep the record and send it, while a session runs."""
        return (self.take(signals.value("glucose", at)),) if self.running else ()
