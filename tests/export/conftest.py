"""Reviews made by hand, from an ordinary sick day to ones that no page should survive."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.analysis import absent, describe
from healthslm.analysis.variability import summary
from healthslm.export import bundle_bytes
from healthslm.export.documents import Page
from healthslm.readings import (
    Claim,
    Device,
    Feature,
    Finding,
    Kind,
    Person,
    Quality,
    Reading,
    Review,
    Sentence,
    Severity,
    Summary,
    Window,
)
from healthslm.rules import RULES, scan_all

ZONE = "Europe/Berlin"
START = datetime(2026, 3, 14, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
END = START + timedelta(days=1)
MADE = END + timedelta(minutes=12)

STRAP = Device(address="C0:00:00:00:00:01", name="strap", manufacturer="Polar", model="H10", serial="7A1B2C")
OXIMETER = Device(address="C0:00:00:00:00:02", manufacturer="Nonin", model="3230", firmware="1.04")
CUFF = Device(address="C0:00:00:00:00:03", manufacturer="A&D", model="UA-651BLE", serial="5140", firmware="2")
THERMOMETER = Device(address="C0:00:00:00:00:04", name="thermometer")
SOURCES = {
    Kind.HEART_RATE: (STRAP.address,),
    Kind.RR_INTERVAL: (STRAP.address,),
    Kind.SPO2: (OXIMETER.address,),
    Kind.PULSE_RATE: (OXIMETER.address,),
    Kind.SYSTOLIC: (CUFF.address,),
    Kind.DIASTOLIC: (CUFF.address,),
    Kind.TEMPERATURE: (THERMOMETER.address,),
}


def series(
    kind: Kind, start: datetime, every: float, values: Iterable[float], device: Device, quality: int = 0
) -> list[Reading]:
    step = timedelta(seconds=every)
    return [
        Reading(
            time=start + n * step, kind=kind, value=float(v), device=device.address, quality=Quality(quality)
        )
        for n, v in enumerate(values)
    ]


def hours(value: float) -> datetime:
    return START + timedelta(hours=value)


def spots(kind: Kind, pairs: Iterable[tuple[float, float]], device: Device) -> list[Reading]:
    return [Reading(time=hours(h), kind=kind, value=v, device=device.address) for h, v in pairs]


def beats(
    start: datetime, minutes: float, mean: float, wild: float, rng: np.random.Generator
) -> list[Reading]:
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


def sick_day(rng: np.random.Generator, every: float) -> list[Reading]:
    """Fever from the afternoon on, SpO2 falling, two hours of irregular rhythm, the strap off at night."""
    made: list[Reading] = []
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
    made += spots(Kind.TEMPERATURE, temperatures, THERMOMETER)
    pressures = ((7.6, 138, 84), (7.65, 141, 88), (18.2, 126, 74), (18.25, 128, 76))
    made += spots(Kind.SYSTOLIC, ((h, s) for h, s, _ in pressures), CUFF)
    made += spots(Kind.DIASTOLIC, ((h, d) for h, _, d in pressures), CUFF)
    made += beats(hours(10), 25, 800, 0.02, rng) + beats(hours(10.5), 105, 640, 0.19, rng)
    made.sort(key=lambda r: (r.time, r.kind))
    return [replace(r, id=n) for n, r in enumerate(made, start=1)]


def sentences(features: Iterable[Feature]) -> Summary:
    """A clinical text of one model sentence and one from a template, each number claimed."""
    by_name = {f.name: f for f in features}
    made = []
    for name, before, after, origin in (
        ("temperature_max", "Temperature rose to ", " °C in the evening.", "model"),
        ("spo2_min", "The lowest oxygen saturation was ", " %.", "template"),
        ("heart_rate_mean", "Mean heart rate ", " bpm.", "template"),
    ):
        feature = by_name.get(name)
        if feature is not None and feature.value is not None:
            claim = Claim(start=len(before), end=len(before) + len(feature.text), feature=feature)
            made.append(Sentence(text=f"{before}{feature.text}{after}", origin=origin, claims=(claim,)))
    return Summary(sentences=tuple(made), model_id="smollm2-135m-q4")


def review_of(readings: list[Reading], **changes: object) -> Review:
    windows = {kind: Window.of(kind, START, END, readings) for kind in Kind}
    features = [f for k in Kind if k is not Kind.RR_INTERVAL for f in describe(windows[k])]
    features += summary(windows[Kind.RR_INTERVAL])
    seen = {r.device for r in readings}
    found = scan_all(RULES, windows)
    traces = [one for finding in found for one in finding.evidence if one.name == "rr_trace"]
    given: dict[str, object] = {
        "person": Person(name="Greta Müller-Øster", birth_date="1950-04-01"),
        "start": START,
        "end": END,
        "made_at": MADE,
        "timezone": ZONE,
        "devices": tuple(d for d in (STRAP, OXIMETER, CUFF, THERMOMETER) if d.address in seen),
        "windows": windows,
        "features": tuple(features),
        "findings": found,
        "beats": windows[Kind.RR_INTERVAL].between(traces[0].start, traces[0].end) if traces else None,
        "clinical": sentences(features),
        "notes": {"rules": {r.name: r.version for r in RULES}},
        "sources": {k: v for k, v in SOURCES.items() if set(v) <= seen},
    }
    return Review(**{**given, **changes})  # type: ignore[arg-type]


def many_findings(count: int) -> tuple[Finding, ...]:
    """Long findings of every severity, with evidence that is there, missing or has no time."""
    low = Feature(
        name="spo2_5min_low",
        kind=Kind.SPO2,
        value=84.0,
        unit="%",
        start=hours(3),
        end=hours(4),
        at=hours(3.5),
    )
    gone = absent(
        "temperature_max", Kind.TEMPERATURE, hours(1), hours(2), "no temperature reading", unit="Cel"
    )
    return tuple(
        Finding(
            rule=f"rule_{n}",
            version="2",
            severity=Severity(n % 4),
            title="A finding with a long title " * 2,
            action="Do the thing that is to be done next, and then the other. " * 2,
            source="A guideline with a long citation, Journal of Long Titles 2024;1:1-99. " * 2,
            start=hours(n * 0.5),
            end=hours(n * 0.5 + 0.4),
            ongoing=n % 3 == 0,
            evidence=(low, gone),
            missing=("the ECG", "what else was done"),
        )
        for n in range(count)
    )


def no_data() -> Review:
    return review_of([], notes={}, clinical=None)


def one_reading() -> Review:
    reading = Reading(time=hours(8), kind=Kind.TEMPERATURE, value=38.0, device=THERMOMETER.address, id=1)
    return review_of([reading], person=Person())


NAMES = {
    "code": '#eval("1+1") #sys.inputs \\ "quoted" \'q\' $x^2$ [a] {b} <script>&amp; *bold* _it_ // c /* d',
    "long": "Wolfeschlegelsteinhausenbergerdorff" * 15,
    "arabic": "محمد بن عبد الله",
    "chinese": "王小明",
    "of no font": "Greta \U00010600",
    "control": "A\u202eB\x00C\nD\ud800E\u2028F\ufeff",
    "blank": " \t\n ",
    "emoji": "👩‍⚕️ Greta",
    "zalgo": "G" + "\u0301\u0316" * 200,
}


@pytest.fixture(scope="session")
def sick() -> Review:
    return review_of(sick_day(np.random.default_rng(7), every=10))


@pytest.fixture(scope="session")
def reviews(sick: Review) -> dict[str, Review]:
    """The varied ones, by name."""
    hostile = Person(name=NAMES["code"], birth_date="yesterday")
    odd = Device(
        address="x", name=NAMES["code"] * 9, manufacturer="#panic()", model="\\", serial='"', firmware="\x00"
    )
    loud = Sentence(text='#eval("x") ' * 200, origin="model")
    made = {
        "sick": sick,
        "no data": no_data(),
        "one reading": one_reading(),
        "hostile": replace(
            sick,
            person=hostile,
            devices=(odd, *sick.devices),
            clinical=Summary(sentences=(loud,) * 40, model_id=NAMES["code"]),
        ),
        "thirty findings": replace(sick, findings=many_findings(30)),
        "findings without readings": replace(no_data(), findings=many_findings(3)),
        "a week": replace(sick, start=START - timedelta(days=6)),
        "an hour": replace(sick, start=hours(10), end=hours(11)),
        "clocks change": replace(
            sick,
            start=datetime(2026, 3, 29, tzinfo=ZoneInfo(ZONE)),
            end=datetime(2026, 3, 30, tzinfo=ZoneInfo(ZONE)),
        ),
    }
    return {**made, **{f"name {k}": replace(sick, person=Person(name=n)) for k, n in NAMES.items()}}


@pytest.fixture(scope="session")
def make() -> Callable[..., Review]:
    """`make(readings, **changes)`: a review of any readings."""
    return review_of


WALKER = Device(address="C0:00:00:00:00:05", manufacturer="Fitness", model="Band 3", firmware="3.1")
SENSOR = Device(address="C0:00:00:00:00:06", manufacturer="Dex", model="G7", serial="S1", firmware="1.2")


def sugar(days: float, rng: np.random.Generator) -> list[Reading]:
    """A sensor every five minutes, with two meals a day and a hole on each day."""
    t = np.arange(0, days * 288) / 288
    values = 128 + 45 * np.sin(t * 4 * np.pi) + rng.normal(0, 12, len(t))
    kept = (t % 1) > 0.05
    return [
        Reading(
            time=START + timedelta(minutes=5 * n),
            kind=Kind.SENSOR_GLUCOSE,
            value=float(round(v)),
            device=SENSOR.address,
        )
        for n, v in enumerate(values)
        if kept[n]
    ]


def fortnight(days: float = 15, *, walks: bool = True) -> Review:
    """Two weeks of a glucose sensor and a step counter."""
    rng = np.random.default_rng(11)
    readings = sugar(days, rng)
    if walks:
        readings += [
            Reading(
                time=START + timedelta(hours=h), kind=Kind.STEPS, value=float(n % 700), device=WALKER.address
            )
            for n, h in enumerate(np.arange(8, days * 24, 3.5))
        ]
    readings = [replace(r, id=n) for n, r in enumerate(sorted(readings, key=lambda r: r.time), start=1)]
    end = START + timedelta(days=days)
    windows = {kind: Window.of(kind, START, end, readings) for kind in {r.kind for r in readings}}
    seen = {r.device for r in readings}
    return Review(
        person=Person(name="Ibrahim Okafor", birth_date="1971"),
        start=START,
        end=end,
        made_at=end,
        timezone=ZONE,
        devices=tuple(d for d in (WALKER, SENSOR) if d.address in seen),
        windows=windows,
        features=tuple(f for w in windows.values() for f in describe(w)),
        findings=(),
        sources={Kind.SENSOR_GLUCOSE: (SENSOR.address,), Kind.STEPS: (WALKER.address,)},
    )


def wrong_clock() -> Review:
    """A cuff whose clock is two hours and a bit behind, a thermometer that says no time, and a second one."""
    other = Device(address="C0:00:00:00:00:07")
    rows = [
        Reading(
            time=hours(h),
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
    rows += spots(Kind.TEMPERATURE, ((16, 37.0),), other)
    rows[-3] = replace(rows[-3], quality=Quality.CLOCK_CORRECTED)
    rows = [replace(r, id=n) for n, r in enumerate(rows, start=1)]
    sources = {
        Kind.SYSTOLIC: (CUFF.address,),
        Kind.DIASTOLIC: (CUFF.address,),
        Kind.TEMPERATURE: (THERMOMETER.address, other.address),
    }
    devices = (CUFF, THERMOMETER, other)
    return review_of(rows, sources=sources, devices=devices, origins={r.id: r for r in rows})


def meter_and_scale() -> Review:
    """What a scale, a glucose meter and a breathing sensor say; one of them a UUID, as macOS names them."""
    scale = Device(address="0C6E9A2B-4C1D-4E5F-8A7B-1C2D3E4F5A6B", manufacturer="Scales", model="S1")
    meter = Device(address="C0:00:00:00:00:08", manufacturer="Meter", model="M2", firmware="9")
    belt = Device(address="C0:00:00:00:00:09", manufacturer="Belt", model="B1", serial="77")
    rows = spots(Kind.WEIGHT, ((7, 81.25), (20, 81.9)), scale)
    rows += spots(Kind.BODY_FAT, ((7, 24.5), (20, 99.0)), scale)
    rows[-1] = replace(rows[-1], quality=Quality.IMPLAUSIBLE)
    rows += spots(Kind.GLUCOSE, ((7.5, 104), (13, 171)), meter)
    rows += series(Kind.RESPIRATORY_RATE, hours(1), 60, [14, 15, 13, 16] * 90, belt)
    rows += series(Kind.PERFUSION_INDEX, hours(1), 10, [1.2, 0.8, 2.25] * 40, OXIMETER)
    rows = [replace(r, id=n) for n, r in enumerate(rows, start=1)]
    addresses = {r.kind: (r.device,) for r in rows}
    devices = (scale, meter, belt, OXIMETER)
    return review_of(
        rows, sources=addresses, devices=devices, person=Person(name="Ana", birth_date="1960-02")
    )


@pytest.fixture(scope="session")
def worn() -> Review:
    return fortnight()


@pytest.fixture(scope="session")
def bundles(reviews: dict[str, Review], worn: Review) -> dict[str, bytes]:
    """Ten people and periods, as the Bundles that they become, with every choice made somewhere."""
    page = Page(data=b"%PDF-1.7 not a real one", url="healthslm-2026-03-14.pdf")
    made = {name: bundle_bytes(reviews[name]) for name in ("no data", "hostile", "thirty findings")}
    return {
        **made,
        "sick, sampled": bundle_bytes(reviews["sick"], sampled=True),
        "page beside": bundle_bytes(reviews["one reading"], page=page),
        "page inside": bundle_bytes(reviews["a week"], page=Page(data=page.data)),
        "clocks change": bundle_bytes(reviews["clocks change"], sampled=True),
        "wrong clock": bundle_bytes(wrong_clock(), page=page),
        "meter and scale": bundle_bytes(meter_and_scale(), sampled=True),
        "fortnight of glucose": bundle_bytes(worn),
        "too little glucose": bundle_bytes(fortnight(3, walks=False)),
    }
