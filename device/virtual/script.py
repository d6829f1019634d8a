"""What happens on the virtual day: who wears what when, what it measures, and what is true of the day."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import accumulate

from device.gatt import (
    BatteryLevel,
    BloodPressureMeasurement,
    DateTime,
    HeartRateMeasurement,
    Measurement,
    PlxContinuousMeasurement,
    TemperatureMeasurement,
)
from device.gatt.blood_pressure import MeasurementStatus
from device.gatt.health_thermometer import TemperatureSite
from device.virtual.physiology import Beat, Physiology

Spell = tuple[time, time]
FEVER_CEL = 38.0
LOW_SPO2 = 92.0
HIGH_SYSTOLIC = 135.0


class Who(StrEnum):
    """The four wearables of the day."""

    STRAP = "strap"
    OXIMETER = "oximeter"
    CUFF = "cuff"
    THERMOMETER = "thermometer"


class Move(StrEnum):
    """What a wearable does besides measuring."""

    LEAVES = "walks out of reach"
    RETURNS = "is back in reach"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: a measurement, a new battery level, or a move. `at` is aware UTC."""

    at: datetime
    who: Who
    act: Measurement | Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When each thing is worn or used, in the person's local time.

    The strap plays the recorded rhythm from the start of `strap` on, and loses its contact and its link once.
    """

    strap: Spell = (time(9, 0), time(11, 0))
    contact_lost: Spell | None = (time(9, 30), time(9, 34))
    link_lost: Spell | None = (time(10, 20), time(10, 24))
    oximeter: Sequence[Spell] = (
        (time(8, 0), time(9, 30)),
        (time(12, 0), time(13, 0)),
        (time(14, 30), time(19, 30)),
        (time(21, 30), time(22, 30)),
    )
    oximeter_every: timedelta = timedelta(seconds=4)
    thermometer: Spell = (time(7, 0), time(23, 0))
    thermometer_every: timedelta = timedelta(minutes=20)
    cuff: Sequence[tuple[time, int]] = ((time(7, 30), 2), (time(15, 30), 3), (time(21, 15), 2))
    """When, and how many measurements a minute apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that is true of the day, to compare with what was noticed. `[start, end)`, aware UTC."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of one person: `midnight` (aware, in the person's zone) is when it begins."""

    midnight: datetime
    rhythm: Sequence[Beat]
    physiology: Physiology = field(default_factory=Physiology)
    plan: Plan = field(default_factory=Plan)

    def at(self, clock: time) -> datetime:
        """The moment, in UTC, at which a clock on the wall shows this."""
        return datetime.combine(self.midnight.date(), clock, self.midnight.tzinfo).astimezone(UTC)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.midnight.tzinfo)

    def _within(self, at: datetime, spell: Spell | None) -> bool:
        return spell is not None and self.at(spell[0]) <= at < self.at(spell[1])

    def _every(self, spell: Spell, step: timedelta) -> Iterator[datetime]:
        at, end = self.at(spell[0]), self.at(spell[1])
        while at < end:
            yield at
            at += step

    def steps(self) -> Iterator[Step]:
        """Everything that happens, in order of time."""
        parts = (self._strap(), self._moves(), self._oximeter(), self._cuff(), self._thermometer())
        return heapq.merge(*parts, key=lambda step: step.at)

    def _moves(self) -> Iterator[Step]:
        if self.plan.link_lost is not None:
            for clock, move in zip(self.plan.link_lost, (Move.LEAVES, Move.RETURNS), strict=True):
                # Between two measurements, so that the order of the two does not depend on chance.
                yield Step(self.at(clock) - timedelta(milliseconds=500), Who.STRAP, move)

    def _strap(self) -> Iterator[Step]:
        on, off = (self.at(clock) for clock in self.plan.strap)
        yield Step(on, Who.STRAP, BatteryLevel(87))
        shown: deque[float] = deque(maxlen=8)  # a strap shows the mean of its last few beats
        beats = zip(accumulate(beat.rr_s for beat in self.rhythm), self.rhythm, strict=True)
        ended, beat = next(beats, (0.0, None))
        second = 0
        while beat is not None and on + timedelta(seconds=second + 1) < off:
            second += 1
            at = on + timedelta(seconds=second)
            intervals = []
            while beat is not None and ended <= second:
                intervals.append(round(beat.rr_s * 1024))
                shown.append(beat.rr_s)
                ended, beat = next(beats, (0.0, None))
            contact = not self._within(at, self.plan.contact_lost)
            rate = min(255, round(60 * len(shown) / sum(shown))) if shown else 0
            yield Step(
                at,
                Who.STRAP,
                HeartRateMeasurement(rate, contact, None, tuple(intervals) if contact else ()),
            )
        yield Step(on + timedelta(seconds=second), Who.STRAP, BatteryLevel(84))

    def _oximeter(self) -> Iterator[Step]:
        battery = 76
        for spell in self.plan.oximeter:
            yield Step(self.at(spell[0]), Who.OXIMETER, BatteryLevel(battery))
            battery = max(1, battery - 9)
            for at in self._every(spell, self.plan.oximeter_every):
                local = self._local(at)
                spo2, rate = self.physiology.spo2(local), self.physiology.heart_rate(local)
                yield Step(at, Who.OXIMETER, PlxContinuousMeasurement(float(spo2), float(rate)))

    def _cuff(self) -> Iterator[Step]:
        for clock, count in self.plan.cuff:
            for number in range(count):
                at = self.at(clock) + timedelta(minutes=number)
                local = self._local(at)
                pressure = self.physiology.pressure(local)
                yield Step(
                    at,
                    Who.CUFF,
                    BloodPressureMeasurement(
                        systolic=float(pressure.systolic),
                        diastolic=float(pressure.diastolic),
                        mean_arterial_pressure=float(pressure.mean_arterial),
                        timestamp=DateTime.of(local),
                        pulse_rate=float(self.physiology.heart_rate(local)),
                        user_id=1,
                        measurement_status=MeasurementStatus(0),
                    ),
                )

    def _thermometer(self) -> Iterator[Step]:
        for at in self._every(self.plan.thermometer, self.plan.thermometer_every):
            local = self._local(at)
            yield Step(
                at,
                Who.THERMOMETER,
                TemperatureMeasurement(
                    self.physiology.temperature(local),
                    timestamp=DateTime.of(local),
                    temperature_type=TemperatureSite.EAR,
                ),
            )

    def truth(self) -> tuple[Happening, ...]:
        """What is true of the day, in order of time.

        `fever` and `low oxygen` last from the course crossing 38.0 °C and 92 % to the end of the day or back;
        `high pressure` from 135 mmHg to back; `atrial fibrillation` as the record's experts marked it, while
        the strap is worn; `no contact` and `link lost` as planned.
        """
        happenings = [
            *self._course("fever", "temperature", FEVER_CEL),
            *self._course("low oxygen", "spo2", LOW_SPO2),
            *self._course("high pressure", "systolic", HIGH_SYSTOLIC),
            *self._fibrillation(),
        ]
        spells = (("no contact", self.plan.contact_lost), ("link lost", self.plan.link_lost))
        for name, spell in spells:
            if spell is not None:
                happenings.append(Happening(name=name, start=self.at(spell[0]), end=self.at(spell[1])))
        return tuple(sorted(happenings, key=lambda h: (h.start, h.name)))

    def _course(self, name: str, signal: str, level: float) -> Iterator[Happening]:
        hours = self.physiology.crossings(signal, level)
        if hours:
            start, end = hours[0], hours[1] if len(hours) > 1 else 24.0
            yield Happening(name=name, start=self._at_hour(start), end=self._at_hour(end))

    def _at_hour(self, hour: float) -> datetime:
        minutes, seconds = divmod(min(round(hour * 3600), 86399), 60)
        return self.at(time(minutes // 60, minutes % 60, seconds))

    def _fibrillation(self) -> Iterator[Happening]:
        on, off = (self.at(clock) for clock in self.plan.strap)
        start: datetime | None = None
        at = on
        for beat in self.rhythm:
            begins, at = at, at + timedelta(seconds=beat.rr_s)
            if at >= off:
                at = off
                break
            if beat.af and start is None:
                start = begins
            elif not beat.af and start is not None:
                yield Happening(name="atrial fibrillation", start=start, end=begins)
                start = None
        if start is not None:
            yield Happening(name="atrial fibrillation", start=start, end=at)
