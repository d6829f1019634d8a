"""Polar's sensors (H10, OH1, Verity Sense): ECG, acceleration and pulse intervals on their PMD service.

Only what a person asked for is started: a day of ECG is large. The standard heart rate goes on besides.
Not covered: recordings in the sensor's memory, SDK mode, photoplethysmography, gyroscope, magnetometer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

from device.errors import DecodeError, RefusedError
from device.vendors.family import Family, Talk
from device.vendors.polar_control import (
    CONTROL,
    Choice,
    PmdControlPoint,
    PmdFeatures,
    PmdOpcode,
    PmdResponse,
    PmdStatus,
    choose,
    parse_settings,
    request_settings,
    request_start,
    request_stop,
)
from device.vendors.polar_frames import (
    DATA,
    Acceleration,
    AccFrame,
    EcgFrame,
    PmdFrame,
    PmdType,
    PpiFlags,
    PpiFrame,
    PulseInterval,
    interval_offsets,
    sample_offsets,
)

__all__ = [
    "CONTROL",
    "DATA",
    "FAMILY",
    "SERVICE",
    "AccFrame",
    "Acceleration",
    "EcgFrame",
    "PmdControlPoint",
    "PmdFeatures",
    "PmdFrame",
    "PmdResponse",
    "PmdStatus",
    "PmdType",
    "PolarConversation",
    "PpiFlags",
    "PpiFrame",
    "PulseInterval",
    "choose",
    "interval_offsets",
    "parse_settings",
    "sample_offsets",
]

SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
STREAMS: Mapping[str, PmdType] = {"ecg": PmdType.ECG, "acc": PmdType.ACC, "ppi": PmdType.PPI}
_WITHOUT_SETTINGS = {PmdType.PPI}
_MOST_ANSWERS = 32
"""Parts of one answer, and answers that wait: a sensor that says more talks to itself."""


class PolarConversation:
    """Starts the streams that are wanted. `patience` is how long an answer may take, in seconds.

    `choices` and `factors` are what was agreed on, by type, once `talk` is through.
    """

    def __init__(self, wanted: Collection[str], *, patience: float = 10) -> None:
        self._wanted = [kind for stream, kind in STREAMS.items() if stream in wanted]
        self._patience = patience
        self._answers: asyncio.Queue[PmdResponse] = asyncio.Queue(_MOST_ANSWERS)
        self.listens = frozenset({CONTROL, DATA}) if self._wanted else frozenset()
        self.choices: dict[PmdType, Choice] = {}
        self.factors: dict[PmdType, float] = {}

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Hand everything on as it is: one value is one frame, and the answers say what the frames mean."""
        if characteristic == CONTROL:
            try:
                answer = PmdResponse.from_bytes(value)
            except DecodeError:  # handed on, it is refused and counted
                answer = None
            if answer is not None and not self._answers.full():
                self._answers.put_nowait(answer)
        return [(characteristic, value)]

    async def talk(self, talk: Talk) -> None:
        """Start what is wanted. Raises `RefusedError` naming all that is refused, after starting the rest."""
        if not self._wanted:
            return
        features = await self._features(talk)
        refused = []
        for kind in self._wanted:
            if features is not None and kind not in features:
                refused.append(f"it has no {kind.name}")
                continue
            try:
                await self._start(talk, kind)
            except _RefusedError as error:
                refused.append(f"it refuses {kind.name}: {error}")
        if refused:
            raise RefusedError(
                f"{'; '.join(refused)}.", "Take that stream off the device's list, or free the sensor."
            )

    async def _features(self, talk: Talk) -> PmdFeatures | None:
        """Read what it can measure; `None` where it says nothing that can be understood."""
        try:
            return PmdFeatures.from_bytes(await talk.read(CONTROL))
        except DecodeError:
            return None

    async def _start(self, talk: Talk, kind: PmdType) -> None:
        choice: Choice = {}
        if kind not in _WITHOUT_SETTINGS:
            offered = await self._ask(talk, request_settings(kind))
            try:
                choice = choose(kind, parse_settings(offered.parameters))
            except DecodeError as error:
                raise _RefusedError(f"its settings are not understood ({error.why})") from error
        start = request_start(kind, choice)
        try:
            started = await self._ask(talk, start)
        except _RefusedError as error:
            if error.status is not PmdStatus.ALREADY_IN_STATE:
                raise
            # Begun by an earlier connection, with settings that nobody knows any more.
            await self._ask(talk, request_stop(kind))
            started = await self._ask(talk, start)
        self.choices[kind] = choice
        if started.factor is not None:
            self.factors[kind] = started.factor

    async def _ask(self, talk: Talk, request: bytes) -> PmdResponse:
        """Write a request, and wait for its whole answer. Raises `_RefusedError` with the named code."""
        while not self._answers.empty():
            self._answers.get_nowait()
        await talk.write(CONTROL, request)
        parameters = b""
        for _ in range(_MOST_ANSWERS):
            answer = await self._answer(request)
            if answer.status is not PmdStatus.SUCCESS:
                raise _RefusedError(answer.status.words, answer.status)
            parameters += answer.parameters
            if not answer.more:
                return PmdResponse(answer.opcode, answer.measurement_type, answer.status, False, parameters)
        raise RefusedError("its control point does not come to an end.")

    async def _answer(self, request: bytes) -> PmdResponse:
        """Wait for an answer to this request; those to others came too late to be of use."""
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    answer = await self._answers.get()
                    if (answer.opcode, answer.measurement_type) == tuple(request[:2]):
                        return answer
        except TimeoutError as e:
            asked = PmdOpcode(request[0]).name.lower().replace("_", " ")
            raise RefusedError(
                f"its control point did not answer to {asked!r} in {self._patience:g} s."
            ) from e


class _RefusedError(Exception):
    """A request that was answered with an error."""

    def __init__(self, why: str, status: PmdStatus | None = None) -> None:
        super().__init__(why)
        self.status = status


FAMILY = Family(
    name="Polar",
    services={SERVICE: "Polar Measurement Data"},
    characteristics={DATA: PmdFrame, CONTROL: PmdControlPoint},
    streams={
        "ecg": "the electrocardiogram of a chest strap, 130 values a second",
        "acc": "movement on three axes",
        "ppi": "the intervals between pulses, from an optical sensor",
    },
    converse=PolarConversation,
)
