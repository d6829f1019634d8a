"""A month of readings for the page, up to just now, with one bad half hour; always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.alerts import Engine
from healthslm.alerts.courier import Courier
from healthslm.readings import Device, Kind, Note, Quality, Reading
from healthslm.rulebook import in_force
from healthslm.rules import scan_all
from healthslm.store import Store

OXIMETER, CUFF, STRAP, SCALE = (f"C0:FF:EE:00:00:0{n}" for n in range(1, 5))
DEVICES = (
    Device(address=OXIMETER, name="Oximeter", manufacturer="Nonin", model="3230"),
    Device(address=CUFF, name="Blood pressure cuff", manufacturer="Omron", model="M7"),
    Device(address=STRAP, name="Chest strap", manufacturer="Polar", model="H10"),
    Device(address=SCALE, name="Scale", manufacturer="Beurer", model="BF720"),
)
DAYS = 30
_CLOSE, _OFF = timedelta(days=1, hours=12), timedelta(hours=7)
_LOW_FROM, _LOW_TO = timedelta(minutes=25), timedelta(seconds=4)


def fill(store: Store, now: datetime, days: int = DAYS) -> None:
    """Put the devices and their readings into a store."""
    store.put("person", {"name": "Greta", "birth_date": ""})
    for device in DEVICES:
        store.put_device(device)
    store.append(_streams(now, days))
    store.append(_spots(now, days))
    store.append(_just_now(now))
    store.add_note(_note(now))
    store.commit()


def alert(store: Store, now: datetime, zone: ZoneInfo) -> None:
    """Raise the alert that the bad half hour before `now` is worth."""
    by_name = {rule.name: rule for rule in in_force(store)}
    rule = by_name["low_spo2"]
    windows = {Kind.SPO2: store.window(Kind.SPO2, now - timedelta(hours=1), now)}
    nobody = Courier(store, (), clock=lambda: now)
    engine = Engine(store, (), clock=lambda: now, zone=lambda: zone, post=nobody)
    for finding in scan_all([rule], windows):
        engine.update(rule, finding, now)
    store.commit()


def _streams(now: datetime, days: int) -> Iterator[Reading]:
    random = np.random.default_rng(7)
    times = list(_times(now, days))
    slow = np.cumsum(random.normal(0, 0.3, len(times)))
    slow -= np.linspace(slow[0], slow[-1], len(times))
    for at, drift in zip(times, slow, strict=True):
        day = np.sin((at.hour + at.minute / 60 - 9) / 24 * 2 * np.pi)
        heart = 68 + 4 * np.sin(at.day * 1.7) + 9 * day + np.clip(drift, -6, 6) + random.normal(0, 2)
        yield Reading(time=at, kind=Kind.HEART_RATE, value=float(round(heart)), device=STRAP)
        spo2 = min(99.0, round(96.4 + 0.6 * day + random.normal(0, 0.6)))
        yield Reading(time=at, kind=Kind.SPO2, value=spo2, device=OXIMETER)


def _times(now: datetime, days: int) -> Iterator[datetime]:
    """Every ten minutes; every ten seconds of the last days, but for an hour in which nothing was worn."""
    ago = timedelta(days=days)
    while ago > _LOW_FROM:
        if not _OFF < ago < _OFF + timedelta(hours=1):
            yield now - ago
        ago -= timedelta(seconds=10) if ago <= _CLOSE else timedelta(minutes=10)


def _spots(now: datetime, days: int) -> Iterator[Reading]:
    random = np.random.default_rng(8)
    for day in range(days):
        for hours, raised in ((8, 6), (20, 0)):
            at = now - timedelta(days=day, hours=24 - hours)
            upper = round(128 + raised + 0.2 * (day - 15) + random.normal(0, 5))
            for kind, value in ((Kind.SYSTOLIC, upper), (Kind.DIASTOLIC, round(upper * 0.62))):
                yield Reading(time=at, kind=kind, value=float(value), device=CUFF)
        at = now - timedelta(days=day, hours=15)
        weight = round(71.5 - 0.02 * day + random.normal(0, 0.2), 1)
        yield Reading(time=at, kind=Kind.WEIGHT, value=weight, device=SCALE)
        warm = round(36.6 + random.normal(0, 0.15), 1)
        yield Reading(time=at + timedelta(minutes=3), kind=Kind.TEMPERATURE, value=warm, device=OXIMETER)


def _just_now(now: datetime) -> Iterator[Reading]:
    random = np.random.default_rng(9)
    seconds = int((_LOW_FROM - _LOW_TO).total_seconds())
    for n in range(seconds):
        at = now - _LOW_FROM + timedelta(seconds=n)
        value = 97 - min(10, n // 60) + int(random.integers(0, 2))
        yield Reading(time=at, kind=Kind.SPO2, value=float(value), device=OXIMETER)
        yield Reading(time=at, kind=Kind.HEART_RATE, value=float(84 + n % 5), device=STRAP)
    at = now - timedelta(minutes=2)
    worn = Quality.NO_CONTACT
    yield Reading(time=at, kind=Kind.RESPIRATORY_RATE, value=0.0, device=STRAP, quality=worn)
    for device, charge in ((OXIMETER, 64.0), (STRAP, 18.0)):
        yield Reading(time=at, kind=Kind.BATTERY, value=charge, device=device)


def _note(now: datetime) -> Note:
    return Note(
        time=now - timedelta(hours=2),
        text="Walked to the market, slow on the way back.",
        level="info",
        reason="",
        origin="",
    )
