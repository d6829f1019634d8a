"""A store with everything in it, and all that is in a store, to be compared."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.alerts import Alert, AlertState
from healthslm.alerts.alert import Told
from healthslm.alerts.policy import Policy, keep_policy
from healthslm.archive import Archive, archived
from healthslm.export.share import Terms
from healthslm.readings import Device, Feature, Finding, Kind, Note, Quality, Reading, Severity
from healthslm.rulebook import set_threshold
from healthslm.store import Store
from healthslm.store.audit import Event
from healthslm.store.codec import Columns
from healthslm.store.whole import Whole

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)
ODD = [-0.0, 0.0, 5e-324, 2.2250738585072014e-308, 1e300, -1e300, 0.1, 1 / 3, 1e22, 123456789.123456789]
STRAP, CUFF, FILE = "C0:00:00:00:00:01", "C0:00:00:00:00:03", 'a file, \u2028 with\n"odd" \U0001f493 name'
HOOK_SECRET = "https://example.org/very-secret"


def archive_of(store: Store, made_at: datetime = NOW) -> bytes:
    return b"".join(archived(store, Terms(purpose="moving"), zone=ZoneInfo("Europe/Berlin"), made_at=made_at))


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data), "test.zip")


def fill(store: Store, *, seed: int = 1, days: int = 4) -> None:
    """Put something of everything in, with numbers and texts that are hard to keep."""
    dice = np.random.default_rng(seed)
    store.put("person", {"name": "Ada Example", "birth_date": "1950-04-01"})
    for device in (
        Device(address=STRAP, name="strap", manufacturer="Polar", model="H10", serial="7A1", firmware="2"),
        Device(address=FILE, name='=cmd|"\t'),
    ):
        store.put_device(device)
    store.know_device(Device(address=CUFF, manufacturer="A&D"))
    _streams(store, dice, days)
    rows = [*_singles(dice), *_dense_as_rows()]
    store.append(rows)
    store.commit()
    _amend(store)
    keep_policy(store, Policy(paced=True, confirm_min={"fever": 10}))
    set_threshold(store, "fever", "fever", 38.5, by="Dr. Example", why="chemotherapy", at=NOW)
    store.put("hooks", [{"name": "phone", "url": HOOK_SECRET}])
    store.put("device links", {"keys": {STRAP: "secret"}})
    store.put("fhir patient", "urn:uuid:5")
    for n in range(3):
        time = START + timedelta(days=n, microseconds=n)
        store.add_note(Note(time=time, text=f"dizzy\n{n} \u202e", level="watch", reason="r", origin="model"))
    store.put_digests("night", {739_000 + n: (bytes([n, 255]), json.dumps({"v": n / 3})) for n in range(3)})
    _alerts(store)
    store.note_event(Event.EXPORTED, NOW, to="nobody")
    store.outbox_add(["x"], "phone", "{}", NOW)
    store.commit()
    store.forget_before(Kind.HEART_RATE, START + timedelta(days=2), NOW)


def _streams(store: Store, dice: np.random.Generator, days: int) -> None:
    begin = int(START.timestamp() * 1e6)
    for day in range(days):
        times = begin + day * 86_400_000_000 + np.cumsum(dice.integers(1, 40_000_000, 2000))
        whole = np.rint(dice.normal(70, 9, 2000))
        quality = np.where(dice.random(2000) < 0.02, int(Quality.NO_CONTACT), 0).astype(np.int16)
        store.append_columns(Kind.HEART_RATE, STRAP, Columns(times, whole, quality))
        ticks = dice.integers(600, 1200, 1500)
        spans = np.rint(ticks * (1e6 / 1024))
        ends = begin + day * 86_400_000_000 + np.cumsum(spans.astype(np.int64))
        store.append_columns(
            Kind.RR_INTERVAL, STRAP, Columns(ends, spans / 1e6 * 1000, np.zeros(1500, np.int16))
        )
        hard = np.resize(np.array(ODD), 300) * dice.choice([1.0, -1.0], 300)
        times = begin + day * 86_400_000_000 + np.arange(300) * 7_000_001
        store.append_columns(Kind.SPEED, FILE, Columns(times, hard, np.zeros(300, np.int16)))
        store.commit()
    # What is still in the journal, too.
    store.append(
        Reading(time=START + timedelta(days=days, seconds=n), kind=Kind.SPO2, value=97.0, device=STRAP)
        for n in range(50)
    )


def _singles(dice: np.random.Generator) -> list[Reading]:
    rows = []
    for n in range(200):
        at = START + timedelta(hours=n, microseconds=int(dice.integers(1_000_000)))
        shown = datetime(2021, 1, 1) + timedelta(hours=n, microseconds=n)  # noqa: DTZ001  a device's own clock
        flags = Quality.CLOCK_CORRECTED if n % 3 else Quality.SENSOR_FAULT | Quality.IMPLAUSIBLE
        rows += [
            Reading(
                time=at, kind=kind, value=float(dice.integers(60, 190)), device=CUFF, quality=flags,
                device_time=shown, sequence=n,
            )
            for kind in (Kind.SYSTOLIC, Kind.DIASTOLIC)
        ]  # fmt: skip
        rows.append(
            Reading(time=at, kind=Kind.GLUCOSE, value=ODD[n % len(ODD)], device=FILE, context="after a meal")
        )
    rows.append(Reading(time=datetime(1971, 1, 1, tzinfo=UTC), kind=Kind.WEIGHT, value=80.1, device=FILE))
    rows.append(Reading(time=datetime(2099, 1, 1, tzinfo=UTC), kind=Kind.WEIGHT, value=80.2, device=FILE))
    return rows


def _dense_as_rows() -> list[Reading]:
    """Kinds that come all the time, of which the device said more than a value."""
    return [
        Reading(
            time=START + timedelta(days=3, hours=n),
            kind=Kind.PULSE_RATE,
            value=60.5 + n,
            device=CUFF,
            sequence=n,
        )
        for n in range(5)
    ]


def _amend(store: Store) -> None:
    window = store.window(Kind.SYSTOLIC, START, START + timedelta(days=30))
    store.correct(int(window.ids[3]), 133.25, "typo \u00e4", NOW)
    store.correct(int(window.ids[3]), 134.0, "again", NOW)
    before = float(window.values[5])
    store.correct(int(window.ids[5]), before + 1, "no", NOW)
    store.correct(int(window.ids[5]), before, "it was right", NOW)
    store.delete(int(window.ids[7]), "somebody else's", NOW)
    beats = store.window(Kind.HEART_RATE, START + timedelta(days=3), START + timedelta(days=4))
    store.correct(int(beats.ids[10]), 71.0, "dense", NOW)
    store.delete(int(beats.ids[20]), "dense, gone", NOW)


def _alerts(store: Store) -> None:
    beats = store.window(Kind.HEART_RATE, START + timedelta(days=3), START + timedelta(days=4))
    cuff = store.window(Kind.SYSTOLIC, START, START + timedelta(days=30))
    states = [
        (AlertState.RESOLVED, {"resolved_at": NOW}),
        (AlertState.ACKNOWLEDGED, {"acknowledged_at": NOW, "acknowledged_by": "Anna"}),
        (AlertState.DELIVERED, {"snoozed_at": NOW, "snoozed_until": NOW + timedelta(hours=1)}),
    ]
    for n, (state, more) in enumerate(states):
        ids = (int(beats.ids[n]), int(cuff.ids[n]), -1)
        at = START + timedelta(days=3, microseconds=n)
        feature = Feature(
            name="heart_rate_max",
            kind=Kind.HEART_RATE,
            value=1 / 3,
            unit="/min",
            start=at,
            end=NOW,
            readings=ids,
        )
        finding = Finding(
            rule=f"high_heart_rate_{n}", version="1", severity=Severity.WATCH, title="High", action="Rest.",
            source="x", start=at, end=NOW, evidence=(feature,), missing=("y",),
        )  # fmt: skip
        fields: dict[str, Any] = {"told": {"phone": Told(at=NOW, row=7)}, "delivered_to": ("phone",), **more}
        alert = Alert(
            id=f"alert-{n}", rule=finding.rule, state=state, severity=Severity.WATCH, finding=finding,
            raised_at=at, last_seen=NOW, **fields,
        )  # fmt: skip
        store.put_alert(alert.id, alert.state.value, alert.raised_at, alert.to_json())


def contents(store: Store) -> dict[str, Any]:
    """Everything in a store but its trail, bit by bit."""
    whole = Whole(store)
    with whole.moment():
        return {
            "devices": list(whole.devices()),
            "streams": {
                (s.id, s.kind, s.address): [
                    (c.times.tolist(), c.values.view(np.int64).tolist(), c.quality.tolist())
                    for c in whole.columns(s, 1 << 20)
                ]
                for s in whole.streams()
            },
            "singles": [(one, float(one.value).hex()) for one in whole.singles()],
            "amendments": list(whole.amendments()),
            "notes": list(whole.notes()),
            "alerts": list(whole.alerts()),
            "settings": {n: v for n, v in whole.settings() if n not in ("hooks", "device links")},
            "digests": list(whole.digests()),
            "forgotten": whole.forgotten(),
            "leftover": {
                kind: [[column.tobytes() for column in (*t[:6], *t.histogram)] for t in whole.leftover(kind)]
                for kind in whole.forgotten()
            },
            "last": whole.last_reading(),
        }
