"""An alert as FHIR: what R4 demands of a DetectedIssue, and what a receiver must be able to trust."""

import json
import math
import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirkit
import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from healthslm.alerts import Alert, AlertState, Tell, payload
from healthslm.alerts.detected_issue import detected_issue, given
from healthslm.alerts.payload import Form, Occasion
from healthslm.fhir.coding import RULES
from healthslm.readings import Feature, Finding, Kind, Severity, Threshold
from healthslm.rules import judge
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.temperature import FEVER
from tests.making import at, series, windows
from tests.nodes import nodes

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
ID = "0f8fad5bd9cb469fa16570867728950e"
# The examples of the R4 specification are not ours to bring along: a folder of them, where there is one.
EXAMPLES = os.environ.get("HEALTHSLM_FHIR_EXAMPLES", "")
HOSTILE = (
    "\x00\x1b[2J\r\n\t",
    "A\u202eB\ud800\u2028\ufeff",
    "x" * 10_000,
    '<script>alert("1")</script> &amp; ]]> {"a": 1} \\',
    "",
    " \t ",
    "👩‍⚕️ محمد 王小明",
)


def alert_of(finding: Finding | None, **changes: Any) -> Alert:
    """An alert of a finding, raised at half past twelve."""
    assert finding is not None
    alert = Alert(
        id=ID,
        rule=finding.rule,
        state=AlertState.RAISED,
        severity=finding.severity,
        finding=finding,
        raised_at=at("12:31"),
        last_seen=at("12:31"),
    )
    return replace(alert, **changes)


def fever(*values: float) -> Alert:
    rows = series(Kind.TEMPERATURE, at("12:00"), values or (38.3, 38.0), every=1800)
    return alert_of(judge(FEVER, windows(rows), rows[-1].time))


def low_oxygen() -> Alert:
    """Readings of oxygen saturation and none of pulse: one feature has no value."""
    rows = series(Kind.SPO2, at("11:54"), [80] * 360)
    return alert_of(judge(LOW_SPO2, windows(rows), rows[-1].time))


def over(alert: Alert, **changes: Any) -> Alert:
    return replace(
        alert, state=AlertState.RESOLVED, last_seen=at("14:00"), resolved_at=at("20:00"), **changes
    )


def seen(alert: Alert) -> Alert:
    return replace(
        alert, state=AlertState.ACKNOWLEDGED, acknowledged_at=at("12:40"), acknowledged_by="Greta Müller"
    )


def parsed(document: str) -> dict[str, Any]:
    return dict(json.loads(document, parse_float=Decimal))


def faults(document: str) -> list[str]:
    return [str(fault) for fault in fhirkit.validate(document.encode())]


MADE = {
    "fever": detected_issue(fever(), Occasion.NEW),
    "emergency": detected_issue(low_oxygen(), Occasion.ESCALATED),
    "seen": detected_issue(seen(fever()), Occasion.ACKNOWLEDGED),
    "over": detected_issue(over(seen(fever())), Occasion.OVER),
    "ended": detected_issue(over(fever(), ended="nothing was measured\x00"), Occasion.OVER),
    "also": detected_issue(fever(), Occasion.HELD, (low_oxygen(), fever(39.5, 39.6)), "Held in the night."),
    "test": detected_issue(fever(), Occasion.TEST),
    "nothing": detected_issue(
        alert_of(replace(fever().finding, evidence=(), missing=(), action="", source="")), Occasion.STOPPED
    ),
    **{
        f"hostile {n}": detected_issue(
            alert_of(
                replace(
                    fever().finding,
                    **dict.fromkeys(("rule", "version", "title", "action", "source"), text),
                    missing=(text,),
                    evidence=(
                        Feature(
                            name=text,
                            kind=Kind.RR_INTERVAL,
                            value=None,
                            unit="",
                            reason=text,
                            start=at("12:00"),
                            end=at("12:00"),
                        ),
                    ),
                ),
            ),
            Occasion.NEW,
            (fever(),),
            note=text,
        )
        for n, text in enumerate(HOSTILE)
    },
}


@pytest.mark.parametrize("name", MADE)
def test_it_is_valid_fhir(name: str) -> None:
    assert faults(MADE[name]) == []
    made = parsed(MADE[name])
    assert made["resourceType"] == "DetectedIssue"
    # What the validator does not look at: the value sets that R4 requires.
    assert made["status"] in {"preliminary", "final"}
    assert made["severity"] in {"high", "moderate", "low"}


@pytest.mark.parametrize("name", MADE)
def test_it_needs_no_other_resource(name: str) -> None:
    """Every reference is to what is contained, and all that is contained is referred to (dom-3)."""
    made = parsed(MADE[name])
    contained = [resource["id"] for resource in made.get("contained", [])]
    assert len(set(contained)) == len(contained)
    assert {n["reference"] for n in nodes(made) if "reference" in n} == {f"#{id_}" for id_ in contained}
    assert all("contained" not in resource for resource in made.get("contained", []))  # dom-2


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_empty_and_observations_keep_their_rules(name: str) -> None:
    made = parsed(MADE[name])
    for node in nodes(made):
        assert node
        assert all(value not in ("", [], {}, None) for value in node.values())
    for observation in made.get("contained", []):
        assert ("effectiveDateTime" in observation) != ("effectivePeriod" in observation)
        parts = observation.get("component", [observation])
        for part in parts:
            assert len([k for k in part if k.startswith("value") or k == "dataAbsentReason"]) == 1
        if "component" in observation:
            assert "valueQuantity" not in observation


def test_a_receiver_knows_what_it_is_of_and_how_bad() -> None:
    made = parsed(MADE["fever"])
    ((system, value),) = [(i["system"], i["value"]) for i in made["identifier"]]
    assert system.startswith("urn:oid:2.25.")
    assert value == ID
    assert made["code"] == {"coding": [{"system": RULES, "code": "fever"}], "text": "Fever"}
    assert (made["status"], made["severity"]) == ("preliminary", "moderate")
    assert made["identifiedPeriod"] == {"start": "2026-11-02T12:00:00+00:00"}
    assert [tag["code"] for tag in made["meta"]["tag"]] == ["watch", "new"]
    finding = fever().finding
    assert made["mitigation"] == [{"action": {"text": f"Advice to the wearer: {finding.action}"}}]
    for words in (
        "Severity: watch. ",
        f"Rule fever, version {finding.version}. ",
        finding.source,
        finding.missing[0],
        "Occasion: new. ",
    ):
        assert words in made["detail"]
    assert made["detail"].endswith("Not a medical device. A finding is a prompt to act, not a diagnosis.")


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (Severity.INFO, "low"),
        (Severity.WATCH, "moderate"),
        (Severity.URGENT, "high"),
        (Severity.EMERGENCY, "high"),
    ],
)
def test_the_level_is_the_alerts_own_and_said_in_full(level: Severity, severity: str) -> None:
    made = parsed(detected_issue(replace(fever(), severity=level), Occasion.NEW))
    assert made["severity"] == severity
    assert made["meta"]["tag"][0]["code"] == level.word
    assert made["detail"].startswith(f"Severity: {level.word}.")


def test_digits_are_kept() -> None:
    text = MADE["fever"]
    assert '"value":38.3,' in text
    assert '"value":38.0,' in text
    values = [o["valueQuantity"] for o in parsed(text)["contained"]]
    assert [(str(v["value"]), v["code"]) for v in values] == [("38.3", "Cel"), ("38.0", "Cel")]
    assert parsed(text)["contained"][0]["code"]["coding"][0]["code"] == "8310-5"


def test_a_median_is_not_taken_for_a_measurement() -> None:
    first, lowest, _ = parsed(MADE["emergency"])["contained"]
    assert "valueQuantity" not in first
    assert first["component"][0]["valueQuantity"]["value"] == 80
    assert {c["code"] for c in first["code"]["coding"]} == {"59408-5", "2708-6"}
    assert lowest["valueQuantity"] == {
        "value": 80,
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    }


def test_what_is_not_known_is_said_with_its_reason() -> None:
    made = parsed(MADE["emergency"])
    pulse = made["contained"][-1]
    absent = pulse["component"][0]["dataAbsentReason"]
    assert absent["text"] == "no pulse rate reading in this period"
    assert absent["coding"][0]["code"] == "unknown"
    assert "not known" in made["evidence"][-1]["code"][0]["text"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_does_not_keep_an_alert_back(value: float) -> None:
    (first, *_) = fever().finding.evidence
    broken = replace(first, value=value)
    document = detected_issue(alert_of(replace(fever().finding, evidence=(broken,))), Occasion.NEW)
    assert faults(document) == []
    assert "dataAbsentReason" in document


def test_a_battery_is_nothing_of_a_person() -> None:
    battery = Feature(
        name="battery_latest",
        kind=Kind.BATTERY,
        value=4,
        unit="%",
        start=at("12:00"),
        end=at("12:30"),
        at=at("12:30"),
    )
    alert = alert_of(replace(fever().finding, evidence=(battery, *fever().finding.evidence)))
    made = parsed(detected_issue(alert, Occasion.NEW))
    assert made["evidence"][0]["code"][0]["text"] == "latest battery: 4 %"
    assert "detail" not in made["evidence"][0]
    assert [o["id"] for o in made["contained"]] == ["evidence-2", "evidence-3"]


def test_that_somebody_has_seen_it_says_when_and_not_who() -> None:
    made = parsed(MADE["seen"])
    assert made["mitigation"][1] == {
        "action": {"text": "Somebody has seen this alert."},
        "date": "2026-11-02T12:40:00+00:00",
    }
    assert made["status"] == "preliminary"
    assert "Greta" not in MADE["seen"]


def test_what_is_over_is_final_and_ends_when_it_last_held() -> None:
    made = parsed(MADE["over"])
    assert made["status"] == "final"
    assert made["identifiedPeriod"]["end"] == "2026-11-02T14:00:00+00:00"
    assert "Over: the readings say so." in made["detail"]
    assert "Over: nothing was measured." in parsed(MADE["ended"])["detail"]
    early = replace(over(fever()), last_seen=at("12:00") - timedelta(days=1))  # a clock that was wrong
    period = parsed(detected_issue(early, Occasion.OVER))["identifiedPeriod"]
    assert period["end"] == period["start"]


def test_what_is_told_with_it_is_named() -> None:
    made = parsed(MADE["also"])
    assert f"Told with it: Low oxygen saturation (emergency, alert {ID}); Fever" in made["detail"]
    assert made["detail"].startswith("Held in the night. ")
    assert len(made["contained"]) == 2


def test_a_test_is_marked_as_one() -> None:
    assert parsed(MADE["test"])["meta"]["tag"][-1]["code"] == "HTEST"
    assert "HTEST" not in MADE["fever"]


def test_nothing_of_the_person_is_in_it() -> None:
    own = Threshold(
        name="fever_from",
        value=37.8,
        unit="Cel",
        meaning="a fever from here on",
        low=37,
        high=39,
        usual=38,
        by="Dr. Ayşe Demir",
        why="immune suppressed since the transplant",
    )
    alert = seen(alert_of(replace(fever().finding, thresholds=(own,))))
    document = detected_issue(alert, Occasion.NEW)
    made = parsed(document)
    assert not {"patient", "subject", "performer"} & {key for node in nodes(made) for key in node}
    for secret in ("Greta", "Demir", "transplant"):
        assert secret not in document
    assert "Thresholds set for this person: fever_from." in made["detail"]


def test_markup_is_text_and_control_characters_are_gone() -> None:
    for n, text in enumerate(HOSTILE):
        made = parsed(MADE[f"hostile {n}"])
        assert not {c for c in json.dumps(made, ensure_ascii=False, default=str) if ord(c) < 32}
        if text.startswith("<"):
            assert made["code"]["text"] == text
        assert made["code"]["coding"][0]["code"]
    assert len(parsed(MADE["hostile 2"])["code"]["text"]) == 10_000


@each(title=st.text(), note=st.text(), reason=st.text())
def test_any_words_give_a_valid_resource(title: str, note: str, reason: str) -> None:
    (first, *_) = fever().finding.evidence
    unknown = replace(first, value=None, reason=reason)
    alert = alert_of(replace(fever().finding, title=title, evidence=(unknown,)))
    assert faults(detected_issue(alert, Occasion.NEW, (alert,), note)) == []


@pytest.mark.parametrize("tell", Tell)
@pytest.mark.parametrize("form", Form)
def test_a_hook_gets_the_form_it_asked_for_and_no_more_than_was_chosen(form: Form, tell: Tell) -> None:
    alert, also = fever(), (low_oxygen(),)
    made = given(alert, form, tell, Occasion.WORSE, also, "Held in the night.")
    if form is Form.FHIR and tell is Tell.FULL:
        assert made == detected_issue(alert, Occasion.WORSE, also, "Held in the night.")
    else:
        assert made == payload(alert, tell, Occasion.WORSE, also, "Held in the night.")


def shortened(shown: Any, made: Any) -> bool:
    """Say whether what a page shows is a part of what is made; a text may end in an ellipsis."""
    if isinstance(shown, dict):
        return isinstance(made, dict) and all(k in made and shortened(v, made[k]) for k, v in shown.items())
    if isinstance(shown, list):
        pairs = zip(shown, made, strict=False)
        return len(shown) <= len(made) and all(shortened(a, b) for a, b in pairs)
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(made, str) and made.startswith(shown[:-1])
    return bool(shown == made and type(shown) is type(made))


def test_the_example_in_the_docs_is_what_is_made() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("## As FHIR")[2]
    shown = parsed(text.partition("```json")[2].partition("```")[0])
    assert shortened(shown, parsed(MADE["fever"]))
    assert not shortened(shown, parsed(MADE["over"]))


@pytest.mark.skipif(not EXAMPLES, reason="HEALTHSLM_FHIR_EXAMPLES names no folder of R4 examples")
def test_the_validator_takes_the_official_example() -> None:
    assert faults(Path(EXAMPLES, "DetectedIssue-ddi.json").read_text(encoding="utf-8")) == []


def test_the_validator_would_say_so() -> None:
    made = json.loads(MADE["fever"])
    for wrong in ({"severity": 3}, {"identifier": {"value": "x"}}, {"patients": "x"}, {"detail": ""}):
        assert faults(json.dumps({**made, **wrong}))
