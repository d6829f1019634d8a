"""MQTT, against a real broker on this machine, read back as Home Assistant would."""

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from healthslm.alerts import Alert, AlertState, payload
from healthslm.alerts.hooks import MqttHook, parse_hooks
from healthslm.alerts.payload import Occasion, Tell, heartbeat, vitals
from healthslm.errors import HookError
from healthslm.readings import Feature, Finding, Kind, Reading, Severity
from tests.certificates import certificate

BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@contextmanager
def broker(folder: Path, *more: str) -> Iterator[int]:
    """Run a broker on a free port of this machine; yields the port."""
    if BROKER is None:
        pytest.skip("no mosquitto here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [f"listener {port} 127.0.0.1", "user root", "persistence false", "log_dest none", *more]
    if not any(line.startswith("allow_anonymous") for line in more):
        lines.append("allow_anonymous true")
    (folder / "broker.conf").write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([BROKER, "-c", str(folder / "broker.conf")], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with broker(tmp_path_factory.mktemp("broker")) as port:
        yield port


@pytest.fixture
async def port(shared: int) -> AsyncIterator[int]:
    """The port of a broker that retains nothing yet."""
    yield shared
    async with hearing(shared, retained=True) as heard:
        pass
    for topic, _ in heard:
        await put(shared, topic, b"")


def mqtt(port: int, **more: Any) -> MqttHook:
    row = {"kind": "mqtt", "name": "home", "host": "127.0.0.1", "port": port, "tls": False, **more}
    (hook,) = parse_hooks([row])
    assert isinstance(hook, MqttHook)
    return hook


@asynccontextmanager
async def hearing(port: int, *, retained: bool) -> AsyncIterator[list[tuple[str, str]]]:
    """Yield topic and text of what comes; it is all there when the block ends."""
    heard: list[tuple[str, str]] = []
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("#", qos=1)
        yield heard
        await client.publish("end", "end", qos=1)
        async for message in client.messages:
            if str(message.topic) == "end":
                return
            if message.retain is retained:
                heard.append((str(message.topic), message.payload.decode()))


async def kept(port: int) -> dict[str, Any]:
    """Return all that the broker retains, topic by topic."""
    async with hearing(port, retained=True) as heard:
        pass
    return {topic: json.loads(text) for topic, text in heard}


async def put(port: int, topic: str, text: str | bytes) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish(topic, text, qos=1, retain=True)


def alert(id: str = "a1", rule: str = "low_spo2", severity: Severity = Severity.URGENT, **more: Any) -> Alert:
    finding = Finding(
        rule=rule,
        version="1",
        severity=severity,
        title=f"Title of {rule}",
        action=f"Action of {rule}",
        source="a source",
        start=NOW,
        end=NOW,
        evidence=(Feature(name="lowest", kind=Kind.SPO2, value=83, unit="%", start=NOW, end=NOW),),
    )
    return Alert(
        id=id,
        rule=rule,
        state=more.pop("state", AlertState.RAISED),
        severity=severity,
        finding=finding,
        raised_at=NOW,
        last_seen=NOW,
        **more,
    )


def measured(kind: Kind, value: float) -> Reading:
    return Reading(time=NOW, kind=kind, value=value, device="ring")


SEEN, OVER = {"state": AlertState.ACKNOWLEDGED}, {"state": AlertState.RESOLVED}


async def tell(hook: MqttHook, one: Alert, occasion: Occasion = Occasion.NEW, *also: Alert) -> None:
    await hook.call(payload(one, hook.tell, occasion, also), key="k")


async def test_an_alert_is_on_until_it_is_over(port: int) -> None:
    hook = mqtt(port, tell="title", rules=["low_spo2"])
    await tell(hook, alert())
    there = await kept(port)
    assert there["healthslm/alert"]["state"] == "ON"
    assert there["healthslm/alert"]["severity"] == "urgent"
    assert there["healthslm/alert"]["open"] == {"a1": "urgent"}
    assert there["healthslm/alert"]["title"] == "Title of low_spo2"
    assert there["healthslm/rule/low_spo2"]["state"] == "ON"
    assert there["healthslm/rule/low_spo2"]["action"] == "Action of low_spo2"
    await tell(hook, alert(**SEEN), Occasion.ACKNOWLEDGED)
    there = await kept(port)
    for topic in ("healthslm/alert", "healthslm/rule/low_spo2"):
        assert (there[topic]["state"], there[topic]["acknowledged"]) == ("ON", True)
    await tell(hook, alert(**OVER), Occasion.OVER)
    there = await kept(port)
    assert there["healthslm/alert"]["open"] == {}
    for topic in ("healthslm/alert", "healthslm/rule/low_spo2"):
        assert (there[topic]["state"], there[topic]["acknowledged"]) == ("OFF", False)
    assert "Title" not in json.dumps(there)


async def test_home_assistant_is_told_what_there_is(port: int) -> None:
    await tell(mqtt(port, tell="title", rules=["low_spo2"], topic="home/mum"), alert())
    there = await kept(port)
    config = there["homeassistant/binary_sensor/home_mum_alert/config"]
    assert config["unique_id"] == "home_mum_alert"
    assert config["device_class"] == "problem"
    assert config["state_topic"] == config["json_attributes_topic"] == "home/mum/alert"
    assert config["device"]["identifiers"] == ["home_mum"]
    assert there["homeassistant/binary_sensor/home_mum_rule_low_spo2/config"]["device"] == config["device"]
    assert set(there) == {
        "homeassistant/binary_sensor/home_mum_alert/config",
        "homeassistant/binary_sensor/home_mum_rule_low_spo2/config",
        "home/mum/alert",
        "home/mum/rule/low_spo2",
    }


async def test_each_thing_is_described_before_its_state(port: int) -> None:
    hook = mqtt(port, tell="title", rules=["low_spo2"])
    async with hearing(port, retained=False) as heard:
        await tell(hook, alert())
    topics = [topic for topic, _ in heard]
    for thing, state in (("alert", "alert"), ("rule_low_spo2", "rule/low_spo2")):
        config = f"homeassistant/binary_sensor/healthslm_{thing}/config"
        assert topics.index(config) < topics.index(f"healthslm/{state}")


async def test_one_of_two_that_is_over_leaves_the_other(port: int) -> None:
    hook = mqtt(port, tell="full", rules=["low_spo2", "fever"])
    await tell(hook, alert("a1"), Occasion.NEW, alert("a2", "fever", Severity.WATCH))
    there = await kept(port)
    assert there["healthslm/alert"]["open"] == {"a1": "urgent", "a2": "watch"}
    assert there["healthslm/alert"]["finding"]["evidence"][0]["value"] == "83"
    assert there["healthslm/rule/fever"]["state"] == "ON"
    await tell(mqtt(port, tell="full", rules=["low_spo2", "fever"]), alert("a1", **OVER), Occasion.OVER)
    there = await kept(port)
    summary = there["healthslm/alert"]
    assert (summary["state"], summary["severity"], summary["title"]) == ("ON", "watch", "Title of fever")
    assert summary["open"] == {"a2": "watch"}
    assert there["healthslm/rule/low_spo2"]["state"] == "OFF"
    await tell(hook, alert("a2", "fever", **OVER), Occasion.OVER)
    assert (await kept(port))["healthslm/alert"]["state"] == "OFF"


async def test_one_that_is_told_with_others_may_be_over_too(port: int) -> None:
    hook = mqtt(port)
    await tell(hook, alert("a1"), Occasion.NEW, alert("a2", "fever"))
    await tell(hook, alert("a1", **OVER), Occasion.OVER, alert("a2", "fever", **OVER))
    assert (await kept(port))["healthslm/alert"]["state"] == "OFF"


async def test_nothing_is_said_that_was_not_chosen(port: int) -> None:
    hook = mqtt(port, rules=["low_spo2"])
    async with hearing(port, retained=False) as heard:
        await tell(hook, alert(), Occasion.NEW, alert("a2", "fever"))
        await tell(hook, alert(**SEEN), Occasion.ACKNOWLEDGED)
        await hook.call(payload(alert(), hook.tell, Occasion.TEST), key="k")
        await hook.call(vitals([measured(Kind.SPO2, 83)]), key="k", clock=lambda: NOW)
    everything = f"{heard} {await kept(port)}"
    assert "urgent" in everything
    for word in ("spo2", "fever", "Title", "Action", "rule", "ring", "lowest", "a source"):
        assert word not in everything
    assert not re.search(r"(?<![0-9a-f])83(?![0-9a-f])", everything)  # apart from random ids


async def test_less_is_said_when_less_was_chosen_since(port: int) -> None:
    await tell(mqtt(port, tell="full"), alert("a1"))
    await tell(mqtt(port, tell="severity"), alert("a2", "fever"))
    there = await kept(port)
    assert there["healthslm/alert"]["open"] == {"a1": "urgent", "a2": "urgent"}
    assert "spo2" not in json.dumps(there)
    assert "Title" not in json.dumps(there)


async def test_only_chosen_rules_and_vitals_have_a_place_of_their_own(port: int) -> None:
    hook = mqtt(port, tell="title", rules=["low_spo2"], vitals=["temperature"])
    await tell(hook, alert("a2", "fever"))
    rows = [measured(Kind.TEMPERATURE, 38.25), measured(Kind.HEART_RATE, 61)]
    await hook.call(vitals(rows), key="k", clock=lambda: NOW)
    topics = set(await kept(port))
    assert {topic for topic in topics if topic.startswith("healthslm/")} == {
        "healthslm/alert",
        "healthslm/vital/temperature",
    }
    assert not [topic for topic in topics if "fever" in topic or "heart_rate" in topic]


async def test_a_vital_has_its_unit_and_grows_old(port: int) -> None:
    hook = mqtt(port, vitals=["temperature", "systolic"], vitals_s=600)
    rows = [measured(Kind.TEMPERATURE, 38.25), measured(Kind.SYSTOLIC, 121)]
    await hook.call(vitals(rows), key="k", clock=lambda: NOW + timedelta(seconds=5))
    there = await kept(port)
    config = there["homeassistant/sensor/healthslm_temperature/config"]
    assert config["unit_of_measurement"] == "°C"
    assert (config["device_class"], config["state_class"]) == ("temperature", "measurement")
    assert config["expire_after"] == 1800
    assert there["healthslm/vital/temperature"] == {"value": 38.2, "at": NOW.isoformat()}
    assert "device_class" not in there["homeassistant/sensor/healthslm_systolic/config"]
    assert there["homeassistant/sensor/healthslm_systolic/config"]["unit_of_measurement"] == "mmHg"


async def test_the_broker_forgets_a_vital_that_is_old(port: int) -> None:
    hook = mqtt(port, vitals=["weight"])
    rows = vitals([measured(Kind.WEIGHT, 80)])
    await hook.call(rows, key="k", clock=lambda: NOW + timedelta(seconds=301))
    assert not await kept(port)
    await hook.call(rows, key="k", clock=lambda: NOW + timedelta(seconds=299))
    assert "healthslm/vital/weight" in await kept(port)
    await asyncio.sleep(2.1)
    assert set(await kept(port)) == {"homeassistant/sensor/healthslm_weight/config"}


async def test_the_heartbeat_stops_being_heard(port: int) -> None:
    await mqtt(port, heartbeat_min=2).call(heartbeat(NOW, 120), key="k")
    there = await kept(port)
    config = there["homeassistant/binary_sensor/healthslm_running/config"]
    assert (config["device_class"], config["expire_after"]) == ("running", 360)
    assert there["healthslm/heartbeat"]["state"] == "ON"


async def test_a_test_shows_what_there_will_be_and_leaves_nothing_on(port: int) -> None:
    hook = mqtt(port, tell="title", rules=["fever"], vitals=["weight"], heartbeat_min=5)
    async with hearing(port, retained=False) as heard:
        await tell(hook, alert(), Occasion.TEST)
    assert json.loads(dict(heard)["healthslm/test"])["occasion"] == "test"
    assert set(await kept(port)) == {
        "homeassistant/binary_sensor/healthslm_alert/config",
        "homeassistant/binary_sensor/healthslm_rule_fever/config",
        "homeassistant/binary_sensor/healthslm_running/config",
        "homeassistant/sensor/healthslm_weight/config",
    }


async def test_no_words_of_others_get_into_a_topic(port: int) -> None:
    evil = "../#/+\x00é Fever"
    await tell(mqtt(port, tell="title", rules=[evil]), alert("a1", evil))
    assert "healthslm/rule/fever" in await kept(port)


GOOD = {"severity": "emergency", "acknowledged": False}


@pytest.mark.parametrize(
    "document",
    [
        b"\xff\xfe",
        b"no json",
        b"[]",
        b"{}",
        b'{"alerts": [1]}',
        b"[" * 100_000,
        b'{"alerts": ' + b"9" * 10_000 + b"}",
        b"x" * 3_000_000,
    ],
    ids=["bytes", "text", "list", "nothing", "shape", "deep", "number", "endless"],
)
async def test_what_is_retained_may_be_damaged(port: int, document: bytes) -> None:
    await put(port, "healthslm/alert", document)
    await tell(mqtt(port, tell="full"), alert("a1"))
    assert (await kept(port))["healthslm/alert"]["open"] == {"a1": "urgent"}


@pytest.mark.parametrize(
    "damage",
    [
        {"title": [1]},
        {"title": "\ud800"},
        {"title": "x" * 100_000},
        {"finding": "x"},
        {"finding": {"x": float("nan")}},
        {"finding": {"x": 10**400}},
        {"finding": {"\ud800": 1}},
        {"finding": {"x": json.loads("[" * 500 + "]" * 500)}},
        {"another": "x"},
    ],
)
async def test_what_is_sound_of_it_is_kept(port: int, damage: dict[str, object]) -> None:
    good = {"severity": "emergency", "acknowledged": False, "action": "Look."}
    damaged = {"a0": good | damage, "a2": {"severity": ["urgent"]}, "\ud800": good, "a3": 1}
    await put(port, "healthslm/alert", json.dumps({"alerts": damaged}))
    await tell(mqtt(port, tell="full"), alert("a1"))
    there = (await kept(port))["healthslm/alert"]
    assert there["open"] == {"a0": "emergency", "a1": "urgent"}
    assert there["alerts"]["a0"] == good


async def test_what_is_retained_does_not_grow_for_ever(port: int) -> None:
    many = {str(n): {"severity": "watch"} for n in range(5000)}
    await put(port, "healthslm/alert", json.dumps({"alerts": many}))
    await tell(mqtt(port), alert("a1"))
    there = (await kept(port))["healthslm/alert"]["open"]
    assert len(there) <= 101
    assert there["a1"] == "urgent"


async def test_after_damage_nothing_open_is_unknown_and_not_off(port: int) -> None:
    hook = mqtt(port)
    await put(port, "healthslm/alert", "damaged")
    await tell(hook, alert(**OVER), Occasion.OVER)
    assert (await kept(port))["healthslm/alert"]["state"] is None


def users(folder: Path) -> str:
    file = folder / "users"
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("no mosquitto_passwd here")
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(file), "me", "hush"], check=True, capture_output=True)
    return str(file)


async def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    with broker(tmp_path, "allow_anonymous false", f"password_file {users(tmp_path)}") as port:
        await tell(mqtt(port, user="me", password="hush"), alert())
        for more in ({"user": "me", "password": "secret-one"}, {}):
            with pytest.raises(
                HookError, match=r"127\.0\.0\.1:\d+ did not let us in.*[Nn]ot authori"
            ) as failed:
                await tell(mqtt(port, **more), alert())
            assert "secret-one" not in f"{failed.value!r} {mqtt(port, **more)!r}"


@pytest.mark.parametrize("allowed", ["write", "read"])
async def test_a_broker_that_lets_us_do_too_little_took_nothing(tmp_path: Path, allowed: str) -> None:
    (tmp_path / "rights").write_text(f"topic readwrite homeassistant/#\ntopic {allowed} healthslm/#\n")
    refused = pytest.raises(HookError, match="did not let us read and write below healthslm/")
    with broker(tmp_path, f"acl_file {tmp_path / 'rights'}") as port, refused:
        await mqtt(port).call(payload(alert(), Tell.SEVERITY), key="k", limit=2)


async def test_nobody_there_is_said(tmp_path: Path) -> None:
    with broker(tmp_path) as port:
        pass
    with pytest.raises(HookError, match=r"hook home: mqtt://127\.0\.0\.1:\d+ did not take it.*refused"):
        await tell(mqtt(port), alert())


@pytest.mark.speed
@pytest.mark.parametrize("tls", [False, True])
async def test_a_broker_that_never_answers_is_left_in_time(tls: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(HookError, match=r"did not answer within 0\.5 s"):
            await mqtt(silent.getsockname()[1], tls=tls).call(
                payload(alert(), Tell.SEVERITY), key="k", limit=0.5
            )
        assert time.monotonic() - began < 2


async def test_one_that_hangs_up_is_said() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        with pytest.raises(HookError, match="did not"):
            await mqtt(server.sockets[0].getsockname()[1]).call(
                payload(alert(), Tell.SEVERITY), key="k", limit=0.5
            )


@pytest.fixture
def vouched(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine's own, and its key."""
    return certificate(tmp_path)


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, vouched: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, key = vouched
    with broker(tmp_path, f"certfile {made}", f"keyfile {key}") as port:
        hook = mqtt(port, tls=True)
        with pytest.raises(HookError, match=r"mqtts://127\.0\.0\.1:\d+ did not take it.*certificate"):
            await tell(hook, alert())
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        await tell(hook, alert())
        checked = ssl.create_default_context()
        async with aiomqtt.Client("127.0.0.1", port, tls_context=checked) as client:
            await client.subscribe("healthslm/alert")
            async for message in client.messages:
                assert json.loads(message.payload)["state"] == "ON"
                break


def test_what_is_over_is_always_told() -> None:
    assert mqtt(1883, over=False).over


@pytest.mark.parametrize(
    ("more", "target"),
    [
        ({}, "mqtt://127.0.0.1:1883"),
        ({"host": "::1"}, "mqtt://[::1]:1883"),
        ({"host": "home.example.org", "tls": True, "port": 8883}, "mqtts://home.example.org:8883"),
    ],
)
def test_where_it_goes_is_shown_without_user_and_password(more: dict[str, Any], target: str) -> None:
    assert mqtt(**{"port": 1883, "user": "me", "password": "hush", **more}).target == target


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"host": "home.example.org"}, "encrypted"),
        ({"host": "a..b", "tls": True}, "name"),
        ({"host": "me:hush@example.org", "tls": True}, "host"),
        ({"form": "fhir", "tell": "full"}, "FHIR"),
        ({"topic": "a/#"}, "topic"),
        ({"topic": "+"}, "topic"),
        ({"topic": "/a"}, "topic"),
        ({"topic": "a\x00"}, "topic"),
        ({"topic": "a\n"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"topic": "#"}, "topic"),
        ({"topic": "a//b"}, "topic"),
    ],
)
def test_one_that_cannot_work_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(HookError, match=what):
        mqtt(1883, **more)


async def test_what_it_has_no_words_for_is_said(port: int) -> None:
    with pytest.raises(HookError, match="no words for"):
        await mqtt(port).call('{"schema": "healthslm.dream/1"}', key="k")
