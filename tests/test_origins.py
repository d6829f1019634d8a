"""Whose single readings are, and when their devices said they were: from the store into the Bundle."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from healthslm.export import bundle_bytes
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Quality
from healthslm.store import CHEAPEST, create
from tests.making import DAY, at, reading, series

CUFF, SCALE, OTHER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"


def test_only_readings_that_need_it_are_looked_up_and_the_devices_time_reaches_the_bundle(
    tmp_path: Path,
) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    shown = datetime(2026, 11, 2, 5, 30, 7)  # noqa: DTZ001  a device's clock is naive
    moved = Quality.CLOCK_CORRECTED
    with store:
        for address in (CUFF, SCALE, OTHER):
            store.put_device(Device(address=address, model="M", manufacturer="X"))
        pair = ((Kind.SYSTOLIC, 130), (Kind.DIASTOLIC, 80))
        rows = [
            replace(reading(kind, at("08:00"), value, device=CUFF, quality=moved), device_time=shown)
            for kind, value in pair
        ]
        rows += [reading(Kind.TEMPERATURE, at("09:00"), 36.8, device=SCALE)]
        rows += [reading(Kind.WEIGHT, at(f"1{n}:00"), 80, device=d) for n, d in enumerate((SCALE, OTHER))]
        rows += series(Kind.HEART_RATE, at("08:00"), [60] * 30, quality=moved)
        store.append(replace(row, id=None) for row in rows)
        made = review(store, DAY, DAY + timedelta(days=1), zone=ZoneInfo("UTC"), made_at=at("23:00"))
    found = sorted((r.kind, r.device) for r in made.origins.values())
    assert found == [
        (Kind.DIASTOLIC, CUFF),
        (Kind.SYSTOLIC, CUFF),
        (Kind.WEIGHT, SCALE),
        (Kind.WEIGHT, OTHER),
    ]
    entries = json.loads(bundle_bytes(made))["entry"]
    clocks = [e["resource"] for e in entries if "valueDateTime" in e["resource"]]
    assert [c["valueDateTime"] for c in clocks] == ["2026-11-02T05:30:07+00:00"]
    assert [c["effectiveDateTime"] for c in clocks] == ["2026-11-02T08:00:00+00:00"]
