"""A store as an archive and back in: every reading, finding, note and override, bit by bit."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.alerts import Alert, AlertState
from healthslm.alerts.desk import OPEN, alerts_in
from healthslm.archive import take_in
from healthslm.archive.carried import CARRIED, STAYING
from healthslm.readings import Kind, Note, Reading
from healthslm.store import CHEAPEST, Store, create
from healthslm.store.audit import Event
from healthslm.store.whole import Whole
from tests.archive.everything import HOOK_SECRET, NOW, START, STRAP, archive_of, contents, fill, opened

Make = Callable[[str], Store]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(name: str) -> Store:
        return create(tmp_path / name, "passphrase", profile=CHEAPEST)[0]

    return make


def into(store: Store, data: bytes) -> dict[str, int]:
    outcome = take_in(store, opened(data), NOW, file="test.zip", sha256="00")
    return {name: tally.new for name, tally in outcome.tallies.items()}


def told_of_no_hook(alerts: list[tuple[str, str, int, str]]) -> list[str]:
    """The documents as they are where there is no hook: open alerts were told to nobody."""
    found = []
    for *_, document in alerts:
        alert = json.loads(document)
        if alert["state"] != "resolved":
            alert |= {"told": {}, "delivered_to": []}
        found.append(json.dumps(alert))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_comes_back_bit_by_bit(store: Store, made: Make, seed: int) -> None:
    fill(store, seed=seed)
    data = archive_of(store)
    with made("other") as other:
        new = into(other, data)
        ours, theirs = contents(store), contents(other)
        other.verify()
        other.verify_trail()
        assert new["readings"] == store.count()
        old, there = told_of_no_hook(ours.pop("alerts")), theirs.pop("alerts")
        assert old == [json.dumps(json.loads(document)) for *_, document in there]
        assert ours == theirs
        for kind in Kind:
            begin, end = START - timedelta(days=1), START + timedelta(days=9)
            steps = [
                store.rollup(kind, begin, end, timedelta(hours=1), percentiles=True)
                for store in (store, other)
            ]
            for name in ("count", "minimum", "maximum", "mean"):
                np.testing.assert_array_equal(getattr(steps[0], name), getattr(steps[1], name))
        assert other.get("hooks") is None
        assert other.get("device links") is None


def test_the_same_store_gives_the_same_bytes(store: Store) -> None:
    fill(store)
    assert archive_of(store) == archive_of(store)


def test_what_was_read_in_gives_the_same_members(store: Store, made: Make) -> None:
    fill(store)
    data = archive_of(store)
    with made("other") as other:
        into(other, data)
        again = archive_of(other)
    first, second = (zipfile.ZipFile(io.BytesIO(one)) for one in (data, again))
    differing = {n for n in first.namelist() if first.read(n) != second.read(n)}
    # Hooks and their alerts' deliveries stay on their machine, and each trail is a store's own.
    assert differing == {"manifest.json", "trail.jsonl", "alerts.jsonl"}


def test_twice_is_once(store: Store, made: Make) -> None:
    fill(store)
    data = archive_of(store)
    with made("other") as other:
        into(other, data)
        before = contents(other)
        outcome = take_in(other, opened(data), NOW, file="test.zip", sha256="00")
        assert outcome.new == 0
        assert outcome.differing == []
        assert all(t.other == t.deleted == t.forgotten == 0 for t in outcome.tallies.values())
        assert contents(other) == before
        assert len(other.trail(event=Event.IMPORTED)) == 2


def test_into_itself_changes_nothing(store: Store) -> None:
    fill(store)
    before = contents(store)
    outcome = take_in(store, opened(archive_of(store)), NOW, file="x", sha256="")
    assert outcome.new == 0
    assert sum(t.other for name, t in outcome.tallies.items() if name != "alerts") == 0
    assert contents(store) == before


def test_what_is_there_stays_and_is_counted(store: Store, made: Make) -> None:
    fill(store)
    data = archive_of(store)
    with made("other") as other:
        other.put("person", {"name": "Grace", "birth_date": ""})
        other.append([Reading(time=START, kind=Kind.WEIGHT, value=70, device="scale")])  # takes id 1
        beats = store.window(Kind.HEART_RATE, START + timedelta(days=3), START + timedelta(days=4))
        time = beats.times[0].item().replace(tzinfo=START.tzinfo)
        other.append([Reading(time=time, kind=Kind.HEART_RATE, value=199.0, device=STRAP)])
        other.append([Reading(time=time, kind=Kind.SPO2, value=98.0, device="another")])
        cuff = store.singles(Kind.SYSTOLIC, START, START + timedelta(days=30))
        other.append([cuff[0]])
        here = other.window(Kind.SYSTOLIC, START, START + timedelta(days=30))
        other.delete(int(here.ids[0]), "not mine", NOW)
        other.add_note(Note(time=NOW, text="mine", level="info", reason="", origin="template"))
        other.commit()
        outcome = take_in(other, opened(data), NOW, file="test.zip", sha256="00")
        readings = outcome.tallies["readings"]
        assert (readings.other, readings.deleted) == (1, 1)
        assert readings.new == store.count() - 2
        assert outcome.differing == ["person"]
        assert other.get("person")["name"] == "Grace"
        kept = other.window(Kind.HEART_RATE, time, time + timedelta(microseconds=1))
        assert kept.values.tolist() == [199.0]
        assert len(other.notes(START - timedelta(days=400), NOW + timedelta(days=1))) == 4
        other.verify()
        # Alerts still trace to their readings, under the ids that these have here.
        for *_, document in other.alerts(states=[AlertState.RESOLVED]):
            alert = Alert.from_json(document)
            old = Alert.from_json(store.alert(alert.id) or "")
            for now_id, then_id in zip(
                alert.finding.evidence[0].readings, old.finding.evidence[0].readings, strict=True
            ):
                if then_id == -1:
                    assert now_id == -1
                    continue
                now_, then = other.reading(now_id), store.reading(then_id)
                if then is not None and then.kind is Kind.SYSTOLIC:
                    assert now_ is None  # deleted here
                    continue
                assert now_ is not None
                assert then is not None
                assert (now_.time, now_.kind, now_.device) == (then.time, then.kind, then.device)
        # And again nothing is new.
        assert take_in(other, opened(data), NOW, file="test.zip", sha256="00").new == 0


def test_ids_are_made_anew_where_they_are_taken(store: Store, made: Make) -> None:
    fill(store)
    with made("other") as other:
        other.append(Reading(time=START, kind=Kind.WEIGHT, value=70 + n, device=f"s{n}") for n in range(9))
        other.append([Reading(time=START, kind=Kind.SPO2, value=98.0, device="another")])
        other.commit()
        into(other, archive_of(store))
        changed = 0
        for id_, *_, document in store.alerts():
            then = Alert.from_json(document).finding.evidence[0].readings
            now_ = Alert.from_json(other.alert(id_) or "").finding.evidence[0].readings
            for a, b in zip(then[:2], now_[:2], strict=True):
                one, two = store.reading(a), other.reading(b)
                assert one is not None
                assert two is not None
                assert (one.time, one.kind, one.value) == (two.time, two.kind, two.value)
                changed += a != b
        assert changed
        for one in Whole(other).amendments():
            after = other.reading(one.before.id or 0)
            assert after is None if one.new_value is None else after is not None


def test_what_is_forgotten_there_is_not_taken_in_later(store: Store, made: Make) -> None:
    fill(store)
    with made("other") as other:
        into(other, archive_of(store))
        late = Reading(time=START + timedelta(hours=1), kind=Kind.HEART_RATE, value=60, device=STRAP)
        assert other.append([late]) == []
        rolled = other.rollup(Kind.HEART_RATE, START, START + timedelta(days=2), timedelta(hours=1))
        assert rolled.count.sum() > 3000


def test_no_secret_leaves(store: Store) -> None:
    fill(store)
    archive = zipfile.ZipFile(io.BytesIO(archive_of(store)))
    for name in archive.namelist():
        assert HOOK_SECRET.encode() not in archive.read(name)
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["left_out"] == {"hooks": ["phone"], "settings": ["device links", "hooks"], "outbox": 1}


def test_an_open_alert_here_goes_on_whoever_has_seen_that_of_the_archive(tmp_path: Path) -> None:
    """One rule has one open alert: a later one that somebody has seen would silence it."""
    one, _ = create(tmp_path / "a", "passphrase", profile=CHEAPEST)
    two, _ = create(tmp_path / "b", "passphrase", profile=CHEAPEST)
    with one, two:
        fill(one)
        theirs = next(a for a in alerts_in(one) if a.state is AlertState.ACKNOWLEDGED)
        mine = replace(
            theirs,
            id="mine",
            state=AlertState.RAISED,
            raised_at=theirs.raised_at - timedelta(hours=1),
            acknowledged_at=None,
            acknowledged_by="",
        )
        two.put_alert("mine", mine.state.value, mine.raised_at, mine.to_json())
        two.commit()
        take_in(two, opened(archive_of(one)), NOW, file="x", sha256="")
        found = [a for a in alerts_in(two, states=OPEN) if a.rule == mine.rule]
        assert [(a.id, a.state) for a in found] == [("mine", AlertState.RAISED)]
        (over,) = (a for a in alerts_in(two) if a.id == theirs.id)
        assert (over.state, over.acknowledged_by) == (AlertState.RESOLVED, theirs.acknowledged_by)
        assert over.ended
        assert take_in(two, opened(archive_of(one)), NOW, file="x", sha256="").new == 0


def test_every_setting_is_decided_on() -> None:
    """A new setting has to be said to travel or to stay."""
    root = Path(__file__).parents[2]
    names = set()
    for path in (root / "healthslm").rglob("*.py"):
        put = re.findall(r'store\.(?:put|change)\(\s*("[^"]+"|[\w.]+),', path.read_text())
        literal = {name.strip('"') for name in put if name.startswith('"')}
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        constant = {attrgetter(name)(import_module(module)) for name in put if not name.startswith('"')}
        names |= literal | constant
    assert names == set(CARRIED) | STAYING


values = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(values, min_size=1, max_size=30),
    st.lists(st.tuples(values, st.integers(0, 2**63 - 1) | st.none(), st.text(max_size=20)), max_size=10),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
)
def test_any_number_and_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    dense: list[float],
    rows: list[tuple[float, int | None, str]],
    device: str,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    one, _ = create(folder / "a", "passphrase", profile=CHEAPEST)
    two, _ = create(folder / "b", "passphrase", profile=CHEAPEST)
    with one, two:
        one.append(
            Reading(time=START + timedelta(microseconds=n), kind=Kind.HEART_RATE, value=v, device=device)
            for n, v in enumerate(dense)
        )
        one.append(
            Reading(
                time=START + timedelta(microseconds=n), kind=Kind.GLUCOSE, value=v, device=device,
                sequence=s, context=c,
            )
            for n, (v, s, c) in enumerate(rows)
        )  # fmt: skip
        into(two, archive_of(one))
        assert contents(one) == contents(two)
