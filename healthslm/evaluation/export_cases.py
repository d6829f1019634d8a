"""The people and periods that `eval export` makes a page and a Bundle of, each from a store of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.evaluation import export_people as people
from healthslm.evaluation.export_people import BELT, CUFF, METER, OXIMETER, SCALE, STRAP, THERMOMETER, WALKER
from healthslm.export import Focus, Paper
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Note, Person, Reading, Review
from healthslm.rulebook import set_threshold
from healthslm.slm import Audience
from healthslm.store import CHEAPEST, Store, create

_PASSPHRASE = "only for an evaluation"  # noqa: S105  the store is thrown away
_ZONE, _START = people.ZONE, people.START


_GRETA = Person(name="Greta Müller-Øster", birth_date="1950-04-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A person and a period: what is in the store, what is asked for, and for whom it is printed.

    `days` are by the clock of `zone`; `thresholds` are rule, name and value.
    """

    name: str
    readings: Callable[[], list[Reading]]
    start: datetime = _START
    days: float = 1
    zone: str = _ZONE
    focus: Focus = Focus.GENERAL
    paper: Paper = Paper.A4
    person: Person = _GRETA
    devices: tuple[Device, ...] = people.DEVICES
    notes: tuple[tuple[float, str, str], ...] = ()
    thresholds: tuple[tuple[str, str, float], ...] = ()

    @property
    def end(self) -> datetime:
        """The end of the period; whole days end at midnight, also where clocks change."""
        local = self.start.astimezone(ZoneInfo(self.zone))
        return (local + timedelta(days=self.days)).astimezone(UTC)


def midnight(year: int, month: int, day: int, zone: str) -> datetime:
    """Return when a day begins by the clock of a zone, in UTC."""
    return datetime(year, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def filled(case: Case, folder: Path) -> Store:
    """Return a new store in `folder` with everything of a case in it; the caller closes it."""
    store, _ = create(folder, _PASSPHRASE, profile=CHEAPEST)
    store.put("person", {"name": case.person.name, "birth_date": case.person.birth_date})
    for device in case.devices:
        store.put_device(device)
    store.append(case.readings())
    for hour, text, level in case.notes:
        at = case.start + timedelta(hours=hour)
        store.add_note(Note(time=at, text=text, level=level, reason="", origin="template"))
    for rule, name, value in case.thresholds:
        set_threshold(
            store, rule, name, value, by="Dr. Weber", at=case.start, why="frail, agreed on 3 March 2026"
        )
    store.commit()
    return store


def reviewed(case: Case, store: Store) -> Review:
    """Return the review that `export clinician` would print of a case; no language model."""
    return review(
        store,
        case.start,
        case.end,
        zone=ZoneInfo(case.zone),
        made_at=case.end + timedelta(minutes=12),
        audiences=(Audience.WEARER, Audience.CLINICIAN),
    )


def _sick() -> list[Reading]:
    return people.sick_day(np.random.default_rng(7), every=10)


_SPRING = midnight(2026, 3, 29, _ZONE)
_INDIA = midnight(2026, 5, 4, "Asia/Kolkata")
_AMERICA = midnight(2026, 10, 25, "America/New_York")
_AUTUMN = midnight(2026, 10, 25, _ZONE)


def _one() -> list[Reading]:
    return people.spots(Kind.TEMPERATURE, ((8, 38.0),), THERMOMETER)


def _pressures() -> list[Reading]:
    rng = np.random.default_rng(3)
    lone = people.spots(Kind.SYSTOLIC, ((30.5, 151),), CUFF, _INDIA)
    return people.numbered([*people.pressures(14, _INDIA, rng), *people.sugar(14.5, rng, _INDIA), *lone])


def _breathless() -> list[Reading]:
    """Five weeks of weight, breathing and saturation; two days of them are worse."""
    rng, begin = np.random.default_rng(5), _AMERICA - timedelta(days=33)
    days = 35
    weight = [78 + 0.25 * rng.integers(-3, 4) + (0.9 * (d - 32) if d > 32 else 0) for d in range(days)]
    rows = people.daily(Kind.WEIGHT, begin, 7.25, weight, SCALE)
    rows += people.daily(
        Kind.TEMPERATURE, begin, 8, (36.5 + 0.05 * rng.integers(-5, 9, days)).tolist(), THERMOMETER
    )
    for day in range(days):
        at, ill = begin + timedelta(days=day, hours=1), day >= days - 2
        breaths = (17 + 6 * ill + rng.normal(0, 1.5, 300)).round()
        rows += people.series(Kind.RESPIRATORY_RATE, at, 60, breaths, BELT)
        levels = (95 - 4 * ill + rng.normal(0, 0.8, 480)).round().clip(80, 100)
        rows += people.series(Kind.SPO2, at, 10 if ill else 60, levels, OXIMETER)
    return people.numbered(rows)


def _watch() -> list[Reading]:
    """Nine days of a watch that tells the heart rate once a minute, with steps, energy, distance, sleep."""
    rng = np.random.default_rng(9)
    rows = []
    for day in range(9):
        begin = _AUTUMN + timedelta(days=day - 1)
        minutes = np.arange(0, 24 * 60)
        rate = 58 + 22 * ((minutes > 420) & (minutes < 1300)) + rng.normal(0, 5, len(minutes))
        rows += people.series(Kind.HEART_RATE, begin, 60, rate.round(), WALKER)
        for hour in range(7, 22):
            at = begin + timedelta(hours=hour)
            amounts = ((Kind.STEPS, rng.integers(0, 900)), (Kind.ENERGY, rng.integers(20, 160)))
            rows += [
                Reading(time=at, kind=kind, value=float(value), device=WALKER.address)
                for kind, value in (*amounts, (Kind.DISTANCE, rng.integers(0, 700)))
            ]
        slept = round(6.5 + float(rng.normal(0, 0.7)), 2)
        rows.append(
            Reading(
                time=begin + timedelta(hours=7), kind=Kind.SLEEP_DURATION, value=slept, device=WALKER.address
            )
        )
    return people.numbered(rows)


def _quiet_night() -> list[Reading]:
    """A day and its night at 1 Hz without a finding that irregular beats would make of it."""
    rng = np.random.default_rng(13)
    t = np.arange(0, 30 * 3600, 4) / 3600
    rate = 66 - 12 * ((t % 24) < 6) + 3 * np.sin(t) + rng.normal(0, 2, len(t))
    rate[(t > 17) & (t < 17.1)] = 128
    begin = _START - timedelta(hours=6)
    rows = people.series(Kind.HEART_RATE, begin, 4, rate.round(), STRAP)
    rows += people.beats(_START + timedelta(hours=1), 90, 1000, 0.03, rng)
    night = (96 + rng.normal(0, 0.7, 8 * 3600 // 2)).round()
    night[1000:1030] -= 6
    rows += people.series(Kind.SPO2, _START - timedelta(hours=1), 2, night, OXIMETER)
    rows += people.spots(Kind.GLUCOSE, ((h, 90 + 7 * h) for h in (7, 8.5, 12, 13.75, 18, 19.6)), METER)
    return people.numbered(rows)


CASES = (
    Case(name="sick day", readings=_sick),
    Case(name="nothing measured", readings=list, person=Person()),
    Case(name="one reading", readings=_one, person=Person(name="A. 2nd")),
    Case(name="a week, ill at its end", readings=_sick, start=_START - timedelta(days=6), days=7),
    Case(name="an hour", readings=_sick, start=_START + timedelta(hours=10), days=1 / 24),
    Case(
        name="clocks go forward",
        readings=lambda: people.sick_day(np.random.default_rng(21), 20, _SPRING),
        start=_SPRING,
        focus=Focus.CARDIOLOGY,
    ),
    Case(name="wrong clock", readings=people.wrong_clock_readings),
    Case(
        name="meter and scale",
        readings=people.meter_and_scale_readings,
        person=Person(name="Ana", birth_date="1960-02"),
    ),
    Case(
        name="fortnight of glucose",
        readings=people.fortnight_readings,
        days=15,
        focus=Focus.DIABETES,
        paper=Paper.LETTER,
        person=Person(name="Ibrahim Okafor", birth_date="1971"),
    ),
    Case(name="too little glucose", readings=lambda: people.fortnight_readings(3, walks=False), days=3),
    Case(
        name="pressures and glucose in India",
        readings=_pressures,
        start=_INDIA,
        days=15,
        zone="Asia/Kolkata",
        focus=Focus.CARDIOLOGY,
        thresholds=(("high_pressure", "systolic_watch", 140),),
        notes=tuple((24 * day + 9.5, f"note {day}: took 2 of 3 tablets", "watch") for day in range(8)),
    ),
    Case(
        name="breathless in New York",
        readings=_breathless,
        start=_AMERICA,
        days=2,
        zone="America/New_York",
        focus=Focus.RESPIRATORY,
        paper=Paper.LETTER,
    ),
    Case(name="a watch, clocks go back", readings=_watch, start=_AUTUMN - timedelta(days=1), days=9),
    Case(name="a quiet day and night", readings=_quiet_night),
    Case(
        name="names full of numbers",
        readings=_sick,
        person=Person(name="37.5 °C #2 of 12:30", birth_date="yesterday"),
        devices=(
            Device(address=STRAP.address, name="98 %", manufacturer="7 of 9", model="120/80", serial="1.5"),
        ),
        notes=((14, "120/80 at 9:15, 37.2 then 38.4", "info"),),
    ),
)
"""Fifteen people and periods; also over a change of clocks, in three zones, on both papers, of each focus."""
