"""A store made of published recordings, for the picture of the clinician's page in the README.

Of several people: a week of one's glucose sensor (cgmquantify, MIT), a night of another's heart beats with
atrial fibrillation (MIT-BIH AF Database, ODC-BY 1.0), three days of a third's heart rate (Fitabase 2016,
CC0), moved to the week of the glucose. Of pressures no recorded series may be shown: those are the published
examples that Bluetooth libraries, HL7 and Open mHealth test with, one a day.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from zoneinfo import ZoneInfo

from device.virtual import rhythm_from_csv
from healthslm.importers.glucose import read_glucose
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Reading, Review
from healthslm.slm import Audience, Writer
from healthslm.store import CHEAPEST, create

ZONE = ZoneInfo("America/New_York")
SENSOR, ECG, WATCH, CUFF = (f"C0:FF:EE:00:00:0{n}" for n in range(1, 5))
NAMES = {SENSOR: "Dexcom G6", ECG: "ECG recorder", WATCH: "Fitbit", CUFF: "cuff"}
PRESSURES = ((138, 88), (107, 60), (110, 60), (160, 60), (140, 60), (115, 60), (125, 60))
NIGHT = timedelta(days=4, hours=21)
"""When in the week the recorded heart beats begin."""


def recorded(data: Path, folder: Path, *, writer: Writer | None = None, made_at: datetime) -> Review:
    """Make the store in `folder` of the recordings in `data`, and review its week."""
    glucose = read_glucose(data / "glucose" / "dexcom_clarity.csv")
    clocks = [moment.astype("M8[us]").item().replace(tzinfo=ZONE) for moment in glucose.clock]
    first = datetime.combine(clocks[0].date(), time.min, ZONE)
    store, _ = create(folder / "store", "only for a picture", profile=CHEAPEST)
    with store:
        store.put("person", {"name": "Recordings of several people", "birth_date": ""})
        for address, name in NAMES.items():
            store.put_device(Device(address=address, name=name))
        store.append(
            Reading(time=at.astimezone(UTC), kind=Kind.SENSOR_GLUCOSE, value=value, device=SENSOR)
            for at, value in zip(clocks, glucose.values.tolist(), strict=True)
        )
        store.append(_beats(data, first + NIGHT))
        store.append(_rates(data, first))
        store.append(_pressures(first))
        store.commit()
        end = datetime.combine(clocks[-1].date() + timedelta(days=1), time.min, ZONE)
        return review(
            store, first, end, zone=ZONE, made_at=made_at, writer=writer,
            audiences=(Audience.WEARER, Audience.CLINICIAN),
        )  # fmt: skip


def _beats(data: Path, begin: datetime) -> Iterator[Reading]:
    beats = rhythm_from_csv(data / "rr" / "afdb" / "04043.csv.gz")
    ends = accumulate(beat.rr_s for beat in beats)
    for end, beat in zip(ends, beats, strict=True):
        at = begin.astimezone(UTC) + timedelta(seconds=end)
        yield Reading(time=at, kind=Kind.RR_INTERVAL, value=beat.rr_s * 1000, device=ECG)


def _rates(data: Path, first: datetime) -> Iterator[Reading]:
    with (data / "daily" / "fitabase" / "heartrate_seconds_excerpt_A.csv").open(encoding="utf-8") as lines:
        rows = [(_clock(row["Time"]), float(row["Value"])) for row in csv.DictReader(lines)]
    begun = datetime.combine(min(rows)[0].date(), time.min)
    for at, value in rows:
        there = (first + (at - begun)).astimezone(UTC)
        yield Reading(time=there, kind=Kind.HEART_RATE, value=value, device=WATCH)


def _clock(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007  of no zone in the file


def _pressures(first: datetime) -> Iterator[Reading]:
    for day, (systolic, diastolic) in enumerate(PRESSURES):
        at = (first + timedelta(days=day, hours=19)).astimezone(UTC)
        for kind, value in ((Kind.SYSTOLIC, systolic), (Kind.DIASTOLIC, diastolic)):
            yield Reading(time=at, kind=kind, value=value, device=CUFF)
