"""Reviews made by hand, from an ordinary sick day to ones that no page should survive."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.analysis import absent, describe
from healthslm.analysis.variability import summary
from healthslm.evaluation.export_people import (
    BELT,
    CUFF,
    METER,
    NAMELESS,
    OXIMETER,
    SCALE,
    SENSOR,
    START,
    STRAP,
    THERMOMETER,
    WALKER,
    ZONE,
    fortnight_readings,
    meter_and_scale_readings,
    sick_day,
    wrong_clock_readings,
)
from healthslm.export import bundle_bytes
from healthslm.export.documents import Page
from healthslm.readings import (
    Claim,
    Device,
    Feature,
    Finding,
    Kind,
    Person,
    Reading,
    Review,
    Sentence,
    Severity,
    Summary,
    Window,
)
from healthslm.rules import RULES, scan_all

END = START + timedelta(days=1)
MADE = END + timedelta(minutes=12)

SOURCES = {
    Kind.HEART_RATE: (STRAP.address,),
    Kind.RR_INTERVAL: (STRAP.address,),
    Kind.SPO2: (OXIMETER.address,),
    Kind.PULSE_RATE: (OXIMETER.address,),
    Kind.SYSTOLIC: (CUFF.address,),
    Kind.DIASTOLIC: (CUFF.address,),
    Kind.TEMPERATURE: (THERMOMETER.address,),
}


def hours(value: float) -> datetime:
    return START + timedelta(hours=value)


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


def fortnight(days: float = 15, *, walks: bool = True) -> Review:
    """Two weeks of a glucose sensor and a step counter."""
    readings = fortnight_readings(days, walks=walks)
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
    rows = wrong_clock_readings()
    sources = {
        Kind.SYSTOLIC: (CUFF.address,),
        Kind.DIASTOLIC: (CUFF.address,),
        Kind.TEMPERATURE: (THERMOMETER.address, NAMELESS.address),
    }
    devices = (CUFF, THERMOMETER, NAMELESS)
    return review_of(rows, sources=sources, devices=devices, origins={r.id: r for r in rows})


def meter_and_scale() -> Review:
    """What a scale, a glucose meter and a breathing sensor say; one of them a UUID, as macOS names them."""
    rows = meter_and_scale_readings()
    addresses = {r.kind: (r.device,) for r in rows}
    devices = (SCALE, METER, BELT, OXIMETER)
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
