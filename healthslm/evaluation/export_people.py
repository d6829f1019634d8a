"""What devices sent of people who never were: an ordinary sick day, a wrong clock, a fortnight of glucose.

Made up, seeded, the same every time; what the exports are tested on and measured on. Whose readings they are,
and over which period they are exported, is export_cases.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.readings import Device, Kind, Quality, Reading

ZONE = "Europe/Berlin"
START = datetime(2026, 3, 14, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)

STRAP = Device(address="C0:00:00:00:00:01", name="strap", manufacturer="Polar", model="H10", serial="7A1B2C")
OXIMETER = Device(address="C0:00:00:00:00:02", manufacturer="Nonin", model="3230", firmware="1.04")
CUFF = Device(address="C0:00:00:00:00:03", manufacturer="A&D", model="UA-651BLE", serial="5140", firmware="2")
THERMOMETER = Device(address="C0:00:00:00:00:04", name="thermometer")
WALKER = Device(address="C0:00:00:00:00:05", manufacturer="Fitness", model="Band 3", firmware="3.1")
SENSOR = Device(address="C0:00:00:00:00:06", manufacturer="Dex", model="G7", serial="S1", firmware="1.2")
NAMELESS = Device(address="C0:00:00:00:00:07")
METER = Device(address="C0:00:00:00:00:08", manufacturer="Meter", model="M2", firmware="9")
BELT = Device(address="C0:00:00:00:00:09", manufacturer="Belt", model="B1", serial="77")
SCALE = Device(address="0C6E9A2B-4C1D-4E5F-8A7B-1C2D3E4F5A6B", manufacturer="Scales", model="S1")
"""A UUID, as macOS names devices."""
DEVICES = (STRAP, OXIMETER, CUFF, THERMOMETER, WALKER, SENSOR, NAMELESS, METER, BELT, SCALE)


def series(
    kind: Kind, start: datetime, every: float, values: Iterable[float], device: Device, quality: int = 0
) -> list[Reading]:
    """Return readings `every` so many seconds."""
    step = timedelta(seconds=every)
    return [
        Reading(
            time=start + n * step, kind=kind, value=float(v), device=device.address, quality=Quality(quality)
        )
        for n, v in enumerate(values)
    ]


def spots(
    kind: Kind, pairs: Iterable[tuple[float, float]], device: Device, start: datetime = START
) -> list[Reading]:
    """Return single measurements: hours after the start, and the value."""
    return [
        Reading(time=start + timedelta(hours=h), kind=kind, value=v, device=device.address) for h, v in pairs
    ]


def beats(
    start: datetime, minutes: float, mean: float, wild: float, rng: np.random.Generator
) -> list[Reading]:
    """Return RR intervals around a mean (ms) that vary by a share of it, at the times at which they end."""
    rr = np.clip(mean * (1 + wild * rng.standard_normal(int(minutes * 60_000 / mean))), 330, 1600).round()
    ends = np.cumsum(rr)
    return [
        Reading(
            time=start + timedelta(milliseconds=float(t)),
            kind=Kind.RR_INTERVAL,
            value=float(v),
            device=STRAP.address,
        )
        for t, v in zip(ends, rr, strict=True)
    ]


def numbered(readings: Iterable[Reading]) -> list[Reading]:
    """Return readings as a store would give them: in the order of time, with ids."""
    rows = sorted(readings, key=lambda r: (r.time, r.kind))
    return [replace(r, id=n) for n, r in enumerate(rows, start=1)]


def sick_day(rng: np.random.Generator, every: float, start: datetime = START) -> list[Reading]:
    """Fever from the afternoon on, SpO2 falling, two hours of irregular rhythm, the strap off at night."""
    made: list[Reading] = []

    def hours(value: float) -> datetime:
        return start + timedelta(hours=value)

    for first, last in ((0, 2.2), (5.6, 13.1), (13.4, 24)):
        t = np.arange(first * 3600, last * 3600, every) / 3600
        rise = np.clip(t - 12, 0, 6) * 5.5
        wander = 4 * np.sin(t * 2.1) + rng.normal(0, 2.2, len(t)) + 18 * np.exp(-((t - 8.5) ** 2) / 0.05)
        made += series(Kind.HEART_RATE, hours(first), every, (62 + rise + wander).round(), STRAP)
    for first, last in ((7, 9), (12, 22.5)):
        t = np.arange(first * 3600, last * 3600, every) / 3600
        values = 96.5 - np.clip(t - 14, 0, 5) * 1.7 + np.clip(t - 20, 0, 3) * 1.5 + rng.normal(0, 0.6, len(t))
        made += series(Kind.SPO2, hours(first), every, values.round(), OXIMETER)
        pulse = 63 + np.clip(t - 12, 0, 6) * 5.5 + rng.normal(0, 2, len(t))
        made += series(Kind.PULSE_RATE, hours(first), every, pulse.round(), OXIMETER)
    made += series(Kind.SPO2, hours(9), 10, [0] * 12, OXIMETER, int(Quality.IMPLAUSIBLE | Quality.NO_CONTACT))
    temperatures = (
        (7.5, 36.8),
        (12.25, 37.4),
        (15, 38.0),
        (17.6, 38.7),
        (19.1, 39.2),
        (20.5, 38.9),
        (22.3, 38.4),
    )
    made += spots(Kind.TEMPERATURE, temperatures, THERMOMETER, start)
    pressures = ((7.6, 138, 84), (7.65, 141, 88), (18.2, 126, 74), (18.25, 128, 76))
    made += spots(Kind.SYSTOLIC, ((h, s) for h, s, _ in pressures), CUFF, start)
    made += spots(Kind.DIASTOLIC, ((h, d) for h, _, d in pressures), CUFF, start)
    made += beats(hours(10), 25, 800, 0.02, rng) + beats(hours(10.5), 105, 640, 0.19, rng)
    return numbered(made)


def sugar(days: float, rng: np.random.Generator, start: datetime = START) -> list[Reading]:
    """A sensor every five minutes, with two meals a day and a hole on each day."""
    t = np.arange(0, days * 288) / 288
    values = 128 + 45 * np.sin(t * 4 * np.pi) + rng.normal(0, 12, len(t))
    kept = (t % 1) > 0.05
    return [
        Reading(
            time=start + timedelta(minutes=5 * n),
            kind=Kind.SENSOR_GLUCOSE,
            value=float(round(v)),
            device=SENSOR.address,
        )
        for n, v in enumerate(values)
        if kept[n]
    ]


def fortnight_readings(days: float = 15, *, walks: bool = True, start: datetime = START) -> list[Reading]:
    """Two weeks of a glucose sensor and a step counter."""
    readings = sugar(days, np.random.default_rng(11), start)
    if walks:
        readings += [
            Reading(
                time=start + timedelta(hours=h), kind=Kind.STEPS, value=float(n % 700), device=WALKER.address
            )
            for n, h in enumerate(np.arange(8, days * 24, 3.5))
        ]
    return numbered(readings)


def wrong_clock_readings() -> list[Reading]:
    """A cuff whose clock is two hours and a bit behind, a thermometer that says no time, and a second one."""
    rows = [
        Reading(
            time=START + timedelta(hours=h),
            kind=kind,
            value=value,
            device=CUFF.address,
            quality=Quality.CLOCK_CORRECTED,
            device_time=datetime(2026, 3, 14, int(h) - 2, 29, 50),  # noqa: DTZ001  a device's clock is naive
        )
        for h, up, low in ((8, 140, 90), (18, 128, 80))
        for kind, value in ((Kind.SYSTOLIC, up), (Kind.DIASTOLIC, low))
    ]
    rows += spots(Kind.TEMPERATURE, ((9, 36.8), (15, 38.25)), THERMOMETER)
    rows += spots(Kind.TEMPERATURE, ((16, 37.0),), NAMELESS)
    rows[-3] = replace(rows[-3], quality=Quality.CLOCK_CORRECTED)
    return [replace(r, id=n) for n, r in enumerate(rows, start=1)]


def meter_and_scale_readings() -> list[Reading]:
    """What a scale, a glucose meter and a breathing sensor say, one of them what no scale shows."""
    rows = spots(Kind.WEIGHT, ((7, 81.25), (20, 81.9)), SCALE)
    rows += spots(Kind.BODY_FAT, ((7, 24.5), (20, 99.0)), SCALE)
    rows[-1] = replace(rows[-1], quality=Quality.IMPLAUSIBLE)
    rows += spots(Kind.GLUCOSE, ((7.5, 104), (13, 171)), METER)
    rows += series(Kind.RESPIRATORY_RATE, START + timedelta(hours=1), 60, [14, 15, 13, 16] * 90, BELT)
    rows += series(Kind.PERFUSION_INDEX, START + timedelta(hours=1), 10, [1.2, 0.8, 2.25] * 40, OXIMETER)
    return [replace(r, id=n) for n, r in enumerate(rows, start=1)]


def pressures(days: int, start: datetime, rng: np.random.Generator, *, twice: bool = True) -> list[Reading]:
    """A cuff in the morning and in the evening, two measurements two minutes apart, mornings higher."""
    rows = []
    for day in range(days):
        for hour, (upper, lower) in ((7, (146, 92)), (20, (128, 80))):
            for minute in (0, 2) if twice else (0,):
                at = start + timedelta(days=day, hours=hour, minutes=minute)
                up = float(upper + rng.integers(-6, 7))
                rows.append(Reading(time=at, kind=Kind.SYSTOLIC, value=up, device=CUFF.address))
                low = float(lower + rng.integers(-4, 5))
                rows.append(Reading(time=at, kind=Kind.DIASTOLIC, value=low, device=CUFF.address))
    return rows


def daily(kind: Kind, start: datetime, hour: float, values: Sequence[float], device: Device) -> list[Reading]:
    """Return one measurement a day at the same hour."""
    return spots(kind, ((24 * n + hour, value) for n, value in enumerate(values)), device, start)
