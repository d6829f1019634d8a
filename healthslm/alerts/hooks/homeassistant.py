"""What Home Assistant is shown by MQTT discovery: what there is, what state it is in, and what is open.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery. Nothing here knows a network: a payload and
what is known so far go in, the messages to publish come out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from healthslm import __version__
from healthslm.alerts.payload import TOLD, Occasion, Tell
from healthslm.alerts.watch import OF_ONE
from healthslm.readings import KINDS, Kind, Severity

_SEVERITY = {severity.word: severity for severity in Severity}
_KEPT = 100
"""Open alerts that are believed of what is read back: a rule has one, and there are not so many rules."""
_LONG, _WIDE, _DEEP = 4000, 1000, 6
"""Characters of a text, items of a list, and lists in lists that are believed."""
_LEAST_EXPIRY = 300

_CLASS: Mapping[Kind, str] = {
    # No `pressure`: where inches are usual, Home Assistant would show a blood pressure in inches of mercury.
    # No `energy`: that is a meter's, which never goes down.
    Kind.TEMPERATURE: "temperature",
    Kind.WEIGHT: "weight",
    Kind.BATTERY: "battery",
    Kind.GLUCOSE: "blood_glucose_concentration",
    Kind.SENSOR_GLUCOSE: "blood_glucose_concentration",
    Kind.DISTANCE: "distance",
    Kind.SPEED: "speed",
    Kind.SLEEP_DURATION: "duration",
}
"""Home Assistant's name for what a kind is, where it has one that fits."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. The broker forgets a retained one after `expires` seconds; 0 is never."""

    topic: str
    text: str
    retain: bool = True
    expires: int = 0


Known = dict[str, dict[str, object]]
"""The open alerts by id: severity, whether somebody has seen it, and what this hook was told besides."""


def known(document: bytes, tell: Tell) -> tuple[Known, bool]:
    """Read back which alerts are open, and say whether all of it could be read.

    It was out of our hands: what is no alert is left out, and so is what this hook is told no more.
    """
    try:
        alerts = json.loads(document)["alerts"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}, False
    if not isinstance(alerts, dict):
        return {}, False
    read: Known = {}
    for id, told in list(alerts.items())[:_KEPT]:
        if _is_sound(id) and isinstance(told, dict) and told.get("severity") in list(_SEVERITY):
            read[id] = _entry(told, tell, seen=told.get("acknowledged") is True)
    return read, len(read) == len(alerts)


def _is_sound(value: object, depth: int = _DEEP) -> bool:
    """Say whether it can be published again: there is JSON that others cannot read, or we not write."""
    if isinstance(value, str):
        return len(value) <= _LONG and not re.search("[\ud800-\udfff]", value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict | list):
        within = [*value, *value.values()] if isinstance(value, dict) else value
        return depth > 0 and len(value) <= _WIDE and all(_is_sound(one, depth - 1) for one in within)
    return value is None or (isinstance(value, int) and abs(value) < 1 << 53)


def _entry(told: Mapping[str, Any], tell: Tell, *, seen: bool) -> dict[str, object]:
    """What is kept of an alert: of what a hook is told, what is of the type that it should be of."""
    entry: dict[str, object] = {"severity": told["severity"], "acknowledged": seen}
    for field, type_ in (("rule", str), ("title", str), ("action", str), ("finding", dict)):
        value = told.get(field)
        if field in TOLD[tell] and isinstance(value, type_) and _is_sound(value):
            entry[field] = value
    return entry


def _slug(text: str) -> str:
    """What a topic and an id may hold of a text."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    """Words a hook's payloads for Home Assistant; `rules` and `vitals` are those that were chosen for it.

    Each thing is described before its first state. A state and its attributes are one message, so that they
    never contradict each other.
    """

    prefix: str
    topic: str
    tell: Tell
    rules: Sequence[str] = ()
    vitals: Sequence[Kind] = ()
    vitals_s: int = 60

    @property
    def alert_topic(self) -> str:
        """Where it stands which alerts are open."""
        return f"{self.topic}/alert"

    def everything(self, heartbeat_s: float) -> Iterator[Message]:
        """Describe all that may come, so that it can be used before there is anything to tell."""
        yield self._alert()
        for rule in self._rules():
            yield self._rule(rule)
        for kind in self.vitals:
            yield self._vital(kind)
        if heartbeat_s:
            yield self._heartbeat(heartbeat_s)

    def test(self, payload: str) -> Message:
        """Return a test alert as it was told: somewhere else, and for nobody who comes later."""
        return Message(f"{self.topic}/test", payload, retain=False)

    def alert(self, told: Mapping[str, Any], before: Known, *, whole: bool = True) -> Iterator[Message]:
        """Say what is open after an alert and those that are told with it; `before` are those open so far.

        Where not the `whole` of that could be read and nothing else is open, it is unknown whether anything
        is; the next news say it again.
        """
        now = dict(before)
        yield self._alert()
        for one in (told, *told["also"]):
            over = one["state"] == "resolved" or one.get("occasion") == Occasion.OVER
            now.pop(one["id"], None)
            entry = _entry(one, self.tell, seen=one["state"] == "acknowledged")
            if not over:
                now[one["id"]] = entry
            if one.get("rule") in self._rules():
                yield self._rule(one["rule"])
                state = {"state": "OFF", "acknowledged": False} if over else {"state": "ON"} | entry
                yield Message(self._rule_topic(one["rule"]), _json(state))
        yield Message(self.alert_topic, _json(_summary(now, "OFF" if whole else None)))

    def readings(self, rows: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Message]:
        """Say the latest of the chosen kinds. One that has waited for too long is left out: it is unknown."""
        chosen = {kind.value: kind for kind in self.vitals}
        for row in rows:
            kind = chosen.get(row["kind"])
            age = (now - datetime.fromisoformat(row["at"])).total_seconds()
            left = math.ceil(self._vitals_expiry - max(age, 0.0))
            if kind is None or left <= 0:
                continue
            yield self._vital(kind)
            # The broker forgets it in time: Home Assistant would count from its own start when it sees it.
            text = _json({"value": float(row["value"]), "at": row["at"]})
            yield Message(f"{self.topic}/vital/{kind.value}", text, expires=left)

    def heartbeat(self, told: Mapping[str, Any]) -> Iterator[Message]:
        """Say that healthslm is at work."""
        every_s = float(told["every_s"])
        yield self._heartbeat(every_s)
        text = _json({"state": "ON", "at": told["at"], "version": told["version"]})
        yield Message(f"{self.topic}/heartbeat", text, expires=_three(every_s))

    def _rules(self) -> Sequence[str]:
        """Rules that may be named at all."""
        chosen = [rule for rule in self.rules if rule not in OF_ONE]  # each device has one of its own
        return chosen if "rule" in TOLD[self.tell] else ()

    def _rule_topic(self, rule: str) -> str:
        return f"{self.topic}/rule/{_slug(rule)}"

    def _alert(self) -> Message:
        return self._thing("binary_sensor", "alert", "Alert", self.alert_topic, device_class="problem")

    def _rule(self, rule: str) -> Message:
        name = _slug(rule).replace("_", " ").capitalize()
        return self._thing(
            "binary_sensor", f"rule_{_slug(rule)}", name, self._rule_topic(rule), device_class="problem"
        )

    @property
    def _vitals_expiry(self) -> int:
        return max(_three(self.vitals_s), _LEAST_EXPIRY)

    def _vital(self, kind: Kind) -> Message:
        info = KINDS[kind]
        more: dict[str, object] = {"device_class": _CLASS[kind]} if kind in _CLASS else {}
        return self._thing(
            "sensor",
            kind.value,
            info.title[0].upper() + info.title[1:],
            f"{self.topic}/vital/{kind.value}",
            value="value",
            unit_of_measurement=info.unit,
            suggested_display_precision=info.decimals,
            state_class="measurement",
            expire_after=self._vitals_expiry,
            **more,
        )

    def _heartbeat(self, every_s: float) -> Message:
        return self._thing(
            "binary_sensor",
            "running",
            "Running",
            f"{self.topic}/heartbeat",
            device_class="running",
            entity_category="diagnostic",
            expire_after=_three(every_s),
        )

    def _thing(
        self, component: str, part: str, name: str, where: str, value: str = "state", **more: object
    ) -> Message:
        """Return what describes one thing to Home Assistant, all of them parts of one device."""
        mine = _slug(self.topic)
        config = {
            "name": name,
            "unique_id": f"{mine}_{part}",
            "state_topic": where,
            "value_template": f"{{{{ value_json.{value} }}}}",
            "json_attributes_topic": where,
            "qos": 1,
            "device": {"identifiers": [mine], "name": self.topic, "manufacturer": "healthslm"},
            "origin": {"name": "healthslm", "sw_version": __version__},
        }
        return Message(f"{self.prefix}/{component}/{mine}_{part}/config", _json(config | more))


def _three(every_s: float) -> int:
    """Seconds after which something that comes this often is missing: one may be lost, and one be late."""
    return max(1, math.ceil(3 * every_s))


def _summary(alerts: Known, none_open: str | None) -> dict[str, object]:
    """State and attributes of all alerts together; what is said of one is said of the worst."""
    if not alerts:
        return {"state": none_open, "severity": None, "acknowledged": False, "open": {}, "alerts": {}}
    worst = max(alerts.values(), key=lambda entry: _SEVERITY[str(entry["severity"])])
    return worst | {
        "state": "ON",
        "acknowledged": all(entry["acknowledged"] for entry in alerts.values()),
        "open": {id: entry["severity"] for id, entry in alerts.items()},
        "alerts": alerts,
    }


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False)
