"""Every rule of the claim check, with sentences that stand and sentences that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from healthslm.slm.facts import Audience, Item
from healthslm.slm.grounding import check, claims, ungrounded
from tests.slm.facts_for_tests import (
    CLINICIAN,
    FEVER,
    HEART,
    HIGH_PRESSURE,
    IRREGULAR,
    LOW_OXYGEN,
    OXYGEN,
    PRESSURE,
    TEMPERATURE,
    WEARER,
    feature,
    finding,
    found,
    item,
)

ITEMS = {
    "heart": item(*HEART),
    "oxygen": item(*OXYGEN),
    "temperature": item(*TEMPERATURE),
    "pressure": item(*PRESSURE),
    "variability": item(feature("rmssd_ms", 41)),
    "two variabilities": item(feature("rmssd_ms", 41), feature("sdnn_ms", 50)),
    "latest": item(feature("temperature_latest", 36.6, "06:30")),
    "fever": found(FEVER),
    "low oxygen": found(LOW_OXYGEN),
    "irregular": found(IRREGULAR),
    "high pressure": found(HIGH_PRESSURE),
    "glucose": item(
        *(feature(f"sensor_glucose_{s}", v) for s, v in (("mean", 142), ("min", 61), ("max", 255)))
    ),
    "low glucose": found(finding("low_glucose", feature("sensor_glucose_min", 52, "13:20"))),
    "fast breathing": found(finding("high_respiration", feature("respiratory_rate_max", 31, "13:20"))),
    "steps": item(replace(feature("steps_count", 6210), name="steps_total")),
    "weight": item(feature("weight_latest", 81.4, "06:30")),
    "sleep": item(replace(feature("sleep_duration_mean", 6.5), name="sleep_duration_total")),
}


def objection(name: str, text: str, audience: Audience = WEARER) -> str:
    """The rule that objects to a sentence about an item, or nothing."""
    result = check(text, ITEMS[name], audience)
    return result.rule if result is not None else ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("heart", "Your heart rate averaged 72 bpm and ranged between 54 and 118 bpm."),
        ("heart", "Your heart rate averaged 72 bpm, its lowest was 54 bpm, and its highest was 118 bpm."),
        ("heart", "Your heart rate was 72 beats per minute on average, from 54 to 118 beats per minute."),
        ("oxygen", "Your oxygen saturation averaged 95 %, and its lowest reading was 88 % at 16:42."),
        ("oxygen", "Your SpO2 averaged 95%, with a low of 88% at 16:42."),
        (
            "temperature",
            "Your temperature peaked at 38.9 °C at 14:20, and the latest reading was 37.8 °C at 21:00.",
        ),
        ("pressure", "Your blood pressure averaged 152 over 94 mmHg."),
        ("pressure", "Your blood pressure averaged 152/94 mmHg."),
        ("variability", "Your heart-rate variability (RMSSD) was 41 ms."),
        ("latest", "Your latest temperature reading was 36.6 °C at 07:30."),
        ("fever", "Your temperature rose to 38.9 °C at 14:20, a fever."),
        ("fever", "Your temperature was high and reached 38.9 degrees Celsius at 14:20."),
        ("low oxygen", "Your oxygen saturation was low and fell to 88 % at 16:42."),
        ("irregular", "Your heart rhythm was irregular for 34 minutes."),
        ("high pressure", "Your blood pressure was high, with an average of 152 over 94 mmHg."),
        ("high pressure", "Your blood pressure was high: 152 over 94 mmHg on average."),
        ("low oxygen", "Your oxygen saturation dropped to a low of 88 % at 16:42."),
        ("two variabilities", "Your heart-rate variability (RMSSD) was 41 ms, and SDNN was 50 ms."),
        (
            "temperature",
            "Your highest temperature was 38.9 °C at 14:20, and the latest was 37.8 °C at 21:00.",
        ),
        ("glucose", "Your glucose averaged 142 mg/dL and ranged from 61 to 255 mg/dL."),
        ("low glucose", "Your sensor glucose dropped to a low of 52 mg/dL at 14:20."),
        ("fast breathing", "Your breathing rate was high, peaking at 31 breaths a minute at 14:20."),
        ("steps", "Your step count came to 6210 steps in all."),
        ("steps", "Your total step count was 6210 steps."),
        ("weight", "Your latest weight was 81.4 kg at 07:30."),
        ("sleep", "Your time asleep totalled 6.5 hours."),
    ],
)
def test_true_sentences_stand(name: str, text: str) -> None:
    assert check(text, ITEMS[name], WEARER) is None


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        # numbers
        ("heart", "Your heart rate averaged 73 bpm and ranged between 54 and 118 bpm.", "number"),
        ("heart", "Your heart rate averaged 72.5 bpm and ranged between 54 and 118 bpm.", "number"),
        ("heart", "Your heart rate averaged seventy bpm and ranged between 54 and 118 bpm.", "number"),
        (
            "temperature",
            "Your temperature peaked at 38 °C at 14:20, and the latest reading was 37.8 °C.",
            "number",
        ),
        ("low oxygen", "Your oxygen saturation was low and fell to -88 % at 16:42.", "number"),
        ("heart", "Your heart rate averaged 72 bpm.", "value"),
        (
            "heart",
            "Your heart rate averaged 72 bpm, and ranged between 54 and 118 bpm with 118 bpm.",
            "value",
        ),
        # units
        ("heart", "Your heart rate averaged 72 % and ranged between 54 and 118 %.", "unit"),
        ("heart", "Your heart rate averaged 72 and ranged between 54 and 118.", "unit"),
        ("oxygen", "Your oxygen saturation averaged 95 %, and its lowest reading was 88 at 16:42.", "unit"),
        # metric
        ("heart", "Your blood pressure averaged 72 bpm and ranged between 54 and 118 bpm.", "word"),
        (
            "temperature",
            "Your latest reading was 37.8 °C at 21:00 and the highest 38.9 °C at 14:20.",
            "metric",
        ),
        ("low oxygen", "Your oxygen saturation averaged 88 % at 16:42.", "finding"),
        # statistic and direction
        ("heart", "Your heart rate averaged 54 bpm and ranged between 72 and 118 bpm.", "statistic"),
        (
            "heart",
            "Your heart rate averaged 72 bpm, its highest was 54 bpm, and its lowest was 118 bpm.",
            "statistic",
        ),
        ("heart", "Your heart rate averaged 72 bpm and ranged between 118 and 54 bpm.", "statistic"),
        (
            "temperature",
            "Your temperature fell to 38.9 °C at 14:20, and the latest reading was 37.8 °C.",
            "statistic",
        ),
        (
            "oxygen",
            "Your oxygen saturation averaged 95 %, it was lowest at 88 %, and highest at 16:42.",
            "statistic",
        ),
        ("low oxygen", "Your oxygen saturation was low and rose to 88 % at 16:42.", "statistic"),
        ("heart", "Your heart rate was high: 72 bpm, lowest 54 bpm, highest 118 bpm.", "word"),
        ("fever", "Your temperature was low and reached 38.9 °C at 14:20.", "word"),
        ("fever", "Your temperature rose above 38.9 °C at 14:20, a fever.", "word"),
        ("high pressure", "Your blood pressure was high, at 152 over 94 mmHg.", "statistic"),
        ("steps", "Your step count averaged 6210 steps.", "statistic"),
        ("steps", "Your step count was 6210 steps.", "statistic"),
        ("glucose", "Your glucose averaged 142 mmol/L and ranged from 61 to 255 mg/dL.", "word"),
        ("low glucose", "Your sensor glucose dropped to 52 mg at 14:20.", "dose"),
        ("low glucose", "Your sensor glucose was low, take 52 mg/dL at 14:20.", "dose"),
        ("weight", "Your latest weight was 81.4 % at 07:30.", "unit"),
        ("sleep", "Your time asleep came to 6.5 ms in all.", "word"),
        # pairs
        ("pressure", "Your blood pressure averaged 94 over 152 mmHg.", "pair"),
        ("pressure", "Your blood pressure averaged 152 mmHg with an other of 94 mmHg.", "word"),
        # times
        ("oxygen", "Your oxygen saturation averaged 95 % at 16:42, and its lowest reading was 88 %.", "time"),
        (
            "temperature",
            "Your temperature peaked at 38.9 °C at 21:00, and the latest reading was 37.8 °C at 14:20.",
            "time",
        ),
        # shape
        ("fever", "your temperature rose to 38.9 °C at 14:20, a fever.", "shape"),
        ("fever", "Your temperature rose to 38.9 °C at 14:20, a fever", "shape"),
        ("fever", "Your temperature rose to 38.9 °C at 14:20. It was a fever.", "shape"),
        ("fever", "Your temperature rose to 38.9 °C\nat 14:20, a fever.", "shape"),
        ("fever", "**Your temperature** rose to 38.9 °C at 14:20, a fever.", "shape"),
        ("fever", "Your temperature rose rose to 38.9 °C at 14:20, a fever.", "shape"),
        ("fever", "Your temperature (rose to 38.9 °C at 14:20, a fever.", "shape"),
        ("fever", "Ihre Temperatur stieg auf 38.9 °C um 14:20, Fieber.", "word"),
        ("fever", "Your tempeгature rose to 38.9 °C at 14:20, a fever.", "shape"),  # a Cyrillic letter
        ("fever", "Fever.", "shape"),
        ("fever", "Your temperature " + "rose and " * 60 + "was a fever at 38.9 °C.", "shape"),
        ("irregular", "Your irregular heart rhythm was 34 minutes.", "grammar"),
        # voice
        ("fever", "The temperature rose to 38.9 °C at 14:20, a fever.", "voice"),
        # words that claim more than the facts
        ("fever", "Your temperature rose to 38.9 °C at 14:20, a fever for 6 hours.", "number"),
        ("fever", "Your temperature rose to 38.9 °C at 14:20, a fever for hours.", "word"),
        ("fever", "Your temperature rose to 38.9 °C at 14:20 last night, a fever.", "word"),
        (
            "heart",
            "Your heart rate averaged 72 bpm and ranged between 54 and 118 bpm while you slept.",
            "word",
        ),
    ],
)
def test_false_sentences_do_not_stand(name: str, text: str, rule: str) -> None:
    assert objection(name, text) == rule


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # a finding that is over, or passed
        ("fever", "Your fever is over, and your temperature had been 38.9 °C at 14:20."),
        ("fever", "Your fever is over, your temperature reached 38.9 °C at 14:20."),
        ("low oxygen", "Your low oxygen saturation was over by 16:42 at 88 %."),
        ("irregular", "Your heartbeat is over; it had been irregular for 34 minutes."),
        ("irregular", "Your heart rhythm had been irregular for 34 minutes."),
        (
            "high pressure",
            "Your blood pressure had been high, with an average of 152 over 94 mmHg, and that is over.",
        ),
        (
            "high pressure",
            "Your blood pressure was high, with an average of 152 over 94 mmHg, and it went level.",
        ),
        (
            "high pressure",
            "Your blood pressure was high, with an average of 152 over 94 mmHg, then went level.",
        ),
        ("heart", "Your heart stood, your heart rate averaged 72 bpm and ranged between 54 and 118 bpm."),
        ("heart", "Your heart rate stood, averaged 72 bpm and ranged between 54 and 118 bpm."),
        # comparisons
        ("oxygen", "Your oxygen saturation averaged over 95 %, and the lowest was over 88 %."),
        ("oxygen", "Your oxygen saturation averaged 95 %, and its lowest reading was over 88 % at 16:42."),
        ("latest", "Your latest temperature was over 36.6 °C at 07:30."),
        # durations
        ("oxygen", "Your oxygen saturation averaged 95 % and fell to 88 % for most of the time."),
        ("latest", "Your body temperature was 36.6 °C for most of the time."),
        # by, instead of to
        ("heart", "Your heart rate rose by 118 bpm, fell by 54 bpm, and averaged 72 bpm."),
        ("low oxygen", "Your oxygen saturation was low and dropped by 88 % at 16:42."),
        ("low oxygen", "Your oxygen saturation was low and dropped by 88 %."),
        # trends
        ("heart", "Your heart rate fell from 54 to 118 bpm and averaged 72 bpm."),
        ("heart", "Your heart rate averaged 72 bpm, rose from 54 to 118 bpm."),
        ("heart", "Your heart rate averaged 72 bpm, rose to 118 bpm and fell to 54 bpm."),
        ("heart", "Your heart rate averaged 72 bpm and ranged between 54 and 118 bpm, and then it dropped."),
        ("fever", "Your temperature rose to 38.9 °C at 14:20, a fever, and then it dropped."),
        ("temperature", "Your temperature peaked at 38.9 °C, and the latest was 37.8 °C as it rose."),
        ("temperature", "Your temperature reached 38.9 °C, then climbed to a latest 37.8 °C."),
        ("temperature", "Your temperature reached 38.9 °C at 14:20, up to the latest reading of 37.8 °C."),
        ("temperature", "Your latest temperature was 37.8 °C at 21:00, climbed to 38.9 °C at 14:20."),
        ("temperature", "Your temperature was most recently 37.8 °C and climbed to 38.9 °C at 14:20."),
        # softened, mixed up, or no sentence
        ("fever", "Your temperature was around a fever at 38.9 °C."),
        ("fever", "Your temperature was about a fever, 38.9 °C at 14:20."),
        ("heart", "Your heart rate averaged 72 bpm and reached 54 bpm, and its highest was 118 bpm."),
        ("two variabilities", "Your SDNN of RMSSD was 41 ms, and your SDNN was 50 ms."),
        ("variability", "Your SDNN of RMSSD was 41 ms."),
        ("variability", "Your SDNN heart-rate variability was 41 ms."),
        ("low oxygen", "Your oxygen was low over its than 88 %."),
        ("irregular", "Your beats was irregular for 34 minutes."),
        ("irregular", "Your heart rhythm was irregular by 34 minutes."),
    ],
)
def test_listed_words_make_no_false_sentence(name: str, text: str) -> None:
    for audience in Audience:
        spoken = text if audience is WEARER else text.replace("Your", "The").replace("your", "the")
        assert check(spoken, ITEMS[name], audience) is not None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Your temperature was high, so take paracetamol at 14:20 for 38.9 °C.", "dose"),
        ("Your temperature rose to 38.9 °C at 14:20, a fever, so double your dose.", "dose"),
        ("Your temperature rose to 38.9 °C at 14:20, a sign of infection.", "diagnosis"),
        ("Your temperature rose to 38.9 °C at 14:20 because of the flu, a fever.", "diagnosis"),
        ("Your heart rhythm was irregular, you have atrial fibrillation.", "diagnosis"),
        ("Your temperature of 38.9 °C at 14:20 was normal, a fever.", "reassurance"),
        ("Your temperature rose to 38.9 °C at 14:20, and all is fine.", "reassurance"),
        ("Your temperature rose to 38.9 °C at 14:20, no need to see anybody.", "reassurance"),
        ("Your temperature did not reach 38.9 °C at 14:20, a fever.", "reassurance"),
        ("Your temperature rose to 38.9 °C at 14:20, please call somebody.", "advice"),
        ("Your temperature rose to 38.9 °C at 14:20, ignore the fever.", "advice"),
    ],
)
def test_no_dose_no_diagnosis_no_all_clear_no_advice(text: str, rule: str) -> None:
    assert objection("fever", text) == rule


def test_the_clinician_is_not_spoken_to() -> None:
    assert objection("fever", "The temperature rose to 38.9 °C at 14:20, a fever.", CLINICIAN) == ""
    assert objection("fever", "Your temperature rose to 38.9 °C at 14:20, a fever.", CLINICIAN) == "voice"


def test_claims_say_which_feature_each_number_is() -> None:
    text = "Your SpO2 averaged 95 %, and its lowest reading was 88 % at 16:42."
    spans = {text[c.start : c.end]: c.feature.name for c in claims(text, ITEMS["oxygen"])}
    assert spans == {"95": "spo2_mean", "88": "spo2_min", "16:42": "spo2_min"}


def test_of_two_equal_values_the_one_that_is_meant_is_claimed() -> None:
    both = item(feature("spo2_mean", 95), feature("spo2_min", 95, "03:00"))
    text = "Your oxygen saturation averaged 95 %, and its lowest reading was 95 % at 04:00."
    assert check(text, both, WEARER) is None
    assert [c.feature.name for c in claims(text, both)] == ["spo2_mean", "spo2_min", "spo2_min"]


def test_ungrounded_numbers_are_found_in_digits_and_words() -> None:
    heart: Item = ITEMS["heart"]
    assert ungrounded("It was 72, 73 and forty; SpO2 is a term.", heart) == ["73", "forty"]
