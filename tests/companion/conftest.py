"""A box with a day in its store, and phones of each role."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device import Found
from healthslm.alerts import Engine
from healthslm.alerts.courier import Courier
from healthslm.companion.app import application
from healthslm.companion.box import Box
from healthslm.readings import Device, Kind, Quality, Reading
from healthslm.rulebook import in_force
from healthslm.rules import scan_all
from healthslm.store import CHEAPEST, Store, create

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 2, 15, tzinfo=UTC)
OXIMETER, CUFF = "C0:FF:EE:00:00:02", "C0:FF:EE:00:00:03"


@dataclass
class Clock:
    """A clock that tests set."""

    now: datetime = NOW
    seconds: float = 0.0

    def wall(self) -> datetime:
        return self.now

    def counter(self) -> float:
        return self.seconds

    def pass_(self, **by: float) -> None:
        step = timedelta(**by)
        self.now += step
        self.seconds += step.total_seconds()


@dataclass
class Home:
    """A box with its application, its store and its clock."""

    store: Store
    box: Box
    app: Any
    clock: Clock = field(default_factory=Clock)


async def near(_home: Path) -> list[Found]:
    """What a look around finds: one on the list, a strap, and a meter to be paired with first."""
    return [
        Found(OXIMETER, "Nonin 3230", ("Pulse Oximeter",), -48),
        Found("C0:FF:EE:00:00:09", "Polar\u202e H10", ("Heart Rate",), -60),
        Found("C0:FF:EE:00:00:0A", "Contour", ("Glucose",), -80),
    ]


def readings() -> Iterator[Reading]:
    for n in range(1800):
        at = NOW - timedelta(minutes=30) + timedelta(seconds=n)
        yield Reading(time=at, kind=Kind.SPO2, value=86 if n > 600 else 97, device=OXIMETER)
    for day in range(3):
        at = NOW - timedelta(days=day, hours=3)
        for kind, value in ((Kind.SYSTOLIC, 131 + day), (Kind.DIASTOLIC, 82)):
            yield Reading(time=at, kind=kind, value=value, device=CUFF)
    yield Reading(
        time=NOW - timedelta(minutes=40),
        kind=Kind.HEART_RATE,
        value=0,
        device=OXIMETER,
        quality=Quality.NO_CONTACT,
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    clock = Clock()
    with made as store:
        store.put("person", {"name": "Greta", "birth_date": ""})
        store.put_device(Device(address=OXIMETER, name="oximeter"))
        store.put_device(Device(address=CUFF, name="cuff", manufacturer="Omron", model="M7"))
        store.append(readings())
        store.commit()
        box = Box(store=store, zone=ZONE, home=tmp_path / "home", clock=clock.wall, look=near)
        yield Home(store=store, box=box, app=application(box, counter=clock.counter), clock=clock)
        box.close()


@pytest.fixture
def alerted(home: Home) -> Home:
    """The same, with the alert that its saturation raises."""
    kinds = [Kind.SPO2]
    windows = {kind: home.store.window(kind, NOW - timedelta(hours=1), NOW) for kind in kinds}
    rules = in_force(home.store)
    engine = Engine(home.store, (), clock=home.clock.wall, zone=lambda: ZONE, post=_nobody(home))
    by_name = {rule.name: rule for rule in rules}
    for finding in scan_all([by_name["low_spo2"]], windows):
        engine.update(by_name["low_spo2"], finding, NOW)
    home.store.commit()
    return home


def _nobody(home: Home) -> Any:
    return Courier(home.store, (), clock=home.clock.wall)


Matrix = Callable[..., Any]
