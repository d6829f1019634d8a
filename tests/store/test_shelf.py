"""Devices, settings, alerts, the outbox, and tables that grow older."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.errors import StoreError
from healthslm.readings import Device
from healthslm.store import Store, open_store, schema
from tests.making import DAY
from tests.store.conftest import PASSPHRASE, heart_rates

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aß漢\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_devices_are_put_in_changed_and_forgotten(store: Store) -> None:
    strap = Device(
        address="C0:FF:EE:00:00:01", name="Strap", manufacturer="M", model="H", serial="7", firmware="1"
    )
    store.append(heart_rates(2))
    assert store.devices() == [], "a device that only sent something is not on the list"
    store.put_device(strap)
    cuff = Device(address="A0", name="Cuff")
    store.put_device(cuff)
    assert store.devices() == [cuff, strap]
    store.put_device(Device(address="A0", name="Arm cuff"))
    assert store.devices()[0].name == "Arm cuff"
    assert store.forget_device(strap.address)
    assert not store.forget_device(strap.address)
    assert not store.forget_device("nobody")
    assert [d.address for d in store.devices()] == ["A0"]
    first = store.reading(1)
    assert first is not None
    assert first.device == strap.address, "its readings stay"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_settings_come_back_as_they_were(store: Store, value: object) -> None:
    store.put("hooks", value)
    assert store.get("hooks", "default") == value


def test_a_setting_that_is_not_there_is_the_default(store: Store) -> None:
    assert store.get("person") is None
    assert store.get("person", {}) == {}
    with pytest.raises(StoreError, match="'person' cannot be kept"):
        store.put("person", object())
    with pytest.raises(StoreError, match="no JSON"):
        store.put("person", float("nan"))


def test_alerts_are_kept_by_id_newest_first(store: Store) -> None:
    store.put_alert("a", "raised", DAY, '{"n": 1}')
    store.put_alert("b", "raised", DAY + timedelta(hours=1), "{}")
    store.put_alert("a", "acknowledged", DAY, '{"n": 2}')
    assert store.alerts() == [
        ("b", "raised", DAY + timedelta(hours=1), "{}"),
        ("a", "acknowledged", DAY, '{"n": 2}'),
    ]
    assert [a[0] for a in store.alerts(since=DAY + timedelta(minutes=1))] == ["b"]


def test_the_outbox_hands_out_what_waits_in_order_and_keeps_what_failed(store: Store) -> None:
    first = store.outbox_add("a", "phone", "{}", DAY)
    second = store.outbox_add("a", "mail", "{}", DAY)
    later = store.outbox_add("b", "phone", "{}", DAY + timedelta(hours=1))
    assert first < second < later
    assert [row.id for row in store.outbox("phone")] == [first, later]
    store.outbox_failed(first, "no answer")
    store.outbox_done(second)
    store.outbox_done(second)
    assert store.outbox("mail") == []
    again, _ = store.outbox("phone")
    assert (again.id, again.hook, again.attempts, again.error) == (first, "phone", 1, "no answer")
    assert store.outbox_pending() == 2
    store.outbox_done(later)
    assert store.outbox_add("c", "phone", "{}", DAY) > later, "numbers only grow"
    assert store.outbox_forget("phone") == 2
    assert store.outbox_pending() == 0


def test_an_alert_and_its_outbox_rows_are_durable_together(store: Store, folder: Path) -> None:
    store.put_alert("a", "raised", DAY, "{}")
    store.outbox_add("a", "phone", "{}", DAY)
    with open_store(folder, PASSPHRASE) as other:
        assert (other.alerts(), other.outbox_pending()) == ([], 0)
        store.commit()
        assert (len(other.alerts()), other.outbox_pending()) == (1, 1)


def test_older_tables_are_brought_up_to_date_step_by_step(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "plain.db"))
    steps = ("CREATE TABLE a (x)", "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)")
    schema.migrate(connection, tmp_path, steps[:1])
    schema.migrate(connection, tmp_path, steps)
    schema.migrate(connection, tmp_path, steps)
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
    with pytest.raises(apsw.SQLError):
        schema.migrate(
            connection, tmp_path, (*steps, "INSERT INTO a VALUES (3); INSERT INTO nowhere VALUES (1)")
        )
    assert connection.execute("SELECT count(*) FROM a").get == 2, "a step that fails leaves nothing behind"
    assert connection.pragma("user_version") == 2
    connection.close()


def test_a_newer_store_is_left_alone(store: Store, folder: Path) -> None:
    store._database.rows("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer healthslm") as caught:
        open_store(folder, PASSPHRASE)
    assert caught.value.hint == "Update healthslm."
