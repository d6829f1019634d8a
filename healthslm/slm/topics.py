"""What can be explained, in words that were written once and checked, each with where they stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A term: the words that name it, its explanation, and the source."""

    names: tuple[str, ...]
    text: str
    source: str


TOPICS: dict[str, Topic] = {
    "spo2": Topic(
        ("spo2", "oxygen saturation", "blood oxygen", "oxygen level", "sats"),
        "Oxygen saturation (SpO2) is the share of the haemoglobin in your blood that carries oxygen. "
        "A sensor estimates it from light through a finger; cold hands, nail polish and movement disturb it.",
        "ISO 80601-2-61",
    ),
    "heart_rate": Topic(
        ("heart rate", "pulse", "bpm"),
        "Heart rate is how often your heart beats in a minute. "
        "It rises with movement, fever, pain and worry.",
        "LOINC 8867-4",
    ),
    "hrv": Topic(
        ("hrv", "heart rate variability", "heart-rate variability", "sdnn"),
        "Heart-rate variability is how much the time from beat to beat varies. RMSSD and SDNN are two ways "
        "of writing it down; what is usual differs so much between people that only your own past compares.",
        "Task Force of the ESC and NASPE, Circulation 1996;93:1043-1065",
    ),
    "rr_interval": Topic(
        ("rr interval", "rr intervals", "rr"),
        "An RR interval is the time from one heartbeat to the next.",
        "Task Force of the ESC and NASPE, Circulation 1996;93:1043-1065",
    ),
    "blood_pressure": Topic(
        ("blood pressure",),
        "Blood pressure has two numbers: systolic, while the heart beats, and diastolic, while it rests. "
        "One measurement says little; guidelines average several, taken sitting, after five minutes of rest.",
        "2018 ESC/ESH guidelines, Eur Heart J 2018;39:3021-3104",
    ),
    "fever": Topic(
        ("fever", "high temperature"),
        "A fever is a raised body temperature, usually the body's answer to an infection. "
        "Where it is measured matters: an armpit reads lower than an ear.",
        "NHS, High temperature (fever) in adults",
    ),
    "irregular_rhythm": Topic(
        (
            "irregular rhythm",
            "irregular heart rhythm",
            "irregular heartbeat",
        ),
        "An irregular rhythm means that the time from beat to beat keeps changing. Many causes are harmless "
        "and some are not; RR intervals show that it is irregular, and only an ECG shows which rhythm it is.",
        "ESC 2020 guidelines for atrial fibrillation, Eur Heart J 2021;42:373-498",
    ),
    "resting_heart_rate": Topic(
        ("resting heart rate", "resting pulse", "resting hr"),
        "Resting heart rate is how fast your heart beats when nothing asks more of it. Here it is the low "
        "end of a day's five-minute averages; fever, alcohol, little sleep and hard training raise it for "
        "days.",
        "Speed et al., J Med Internet Res 2023;25:e46094",
    ),
    "hrv_rmssd": Topic(
        ("rmssd",),
        "RMSSD is one way to write down heart-rate variability: how much one heartbeat's length differs from "
        "the next, in milliseconds. It is taken at night here, and compared with your own other nights.",
        "Task Force of the ESC and NASPE, Circulation 1996;93:1043-1065",
    ),
    "respiratory_rate": Topic(
        ("respiratory rate", "breathing rate", "respiration rate"),
        "Respiratory rate is how many breaths you take in a minute. It is best counted at rest; sensors work "
        "it out from the chest's movement or from the pulse.",
        "LOINC 9279-1",
    ),
    "temperature": Topic(
        ("body temperature", "temperature"),
        "Body temperature is measured here with a thermometer. It is lowest before dawn and highest in the "
        "evening; the skin at the wrist is cooler, and says little about fever.",
        "LOINC 8310-5",
    ),
    "systolic": Topic(
        ("systolic", "systolic pressure", "top number"),
        "Systolic pressure is the upper number of blood pressure: the pressure in the arteries while the "
        "heart beats.",
        "LOINC 8480-6",
    ),
    "diastolic": Topic(
        ("diastolic", "diastolic pressure", "bottom number"),
        "Diastolic pressure is the lower number of blood pressure: the pressure in the arteries while the "
        "heart rests between two beats.",
        "LOINC 8462-4",
    ),
    "glucose": Topic(
        ("glucose", "blood glucose", "blood sugar"),
        "Glucose is the sugar in the blood, in mg/dL or mmol/L (18 mg/dL are 1 mmol/L). A meter measures a "
        "drop of blood; a sensor under the skin follows it some minutes late.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "weight": Topic(
        ("weight",),
        "Weight changes by a kilogram and more within a day with food and drink. Weighed each morning before "
        "breakfast it shows fluid and trends.",
        "LOINC 29463-7",
    ),
    "body_fat": Topic(
        ("body fat", "fat percentage"),
        "A scale estimates body fat from how a weak current passes through the feet. Water disturbs it, so "
        "only its change over weeks says something.",
        "LOINC 41982-0",
    ),
    "steps": Topic(
        ("steps", "step count"),
        "Steps are counted from the swing that walking gives a sensor. Pushing a trolley hides them, and "
        "washing up can make some.",
        "LOINC 55423-8",
    ),
    "energy": Topic(
        ("energy", "calories", "kcal"),
        "Energy is what your body used, in kilocalories, as a wearable estimates it from movement, heart "
        "rate, weight and age. Such estimates are often a quarter off.",
        "LOINC 41981-2",
    ),
    "sleep_duration": Topic(
        ("sleep", "sleep duration"),
        "Sleep duration is the time asleep as a wearable tells it from movement and pulse. It takes lying "
        "still for sleep now and then.",
        "LOINC 93832-4",
    ),
    "atrial_fibrillation": Topic(
        ("atrial fibrillation", "afib", "af", "a-fib"),
        "In atrial fibrillation the heart's upper chambers quiver and the pulse has no order. Only an ECG, "
        "read by a clinician, shows whether somebody has it.",
        "ESC 2020 guidelines for atrial fibrillation, Eur Heart J 2021;42:373-498",
    ),
    "ecg": Topic(
        ("ecg", "ekg", "electrocardiogram"),
        "An ECG is the heart's electric signal over time, measured between points on the skin. Unlike a "
        "pulse it shows where a beat begins, and so which rhythm it is.",
        "ESC 2020 guidelines for atrial fibrillation, Eur Heart J 2021;42:373-498",
    ),
    "news2": Topic(
        ("news2", "news 2", "national early warning score"),
        "NEWS2 is a score of seven signs that hospitals use to see early who is getting worse. It was made "
        "for acute care; at home it is partial, and no reason to feel safe.",
        "Royal College of Physicians, National Early Warning Score 2, 2017",
    ),
    "gmi": Topic(
        ("gmi", "glucose management indicator"),
        "GMI is the HbA1c that goes with the average of a glucose sensor over two weeks. A laboratory's "
        "value may differ from it by half a point and more.",
        "Bergenstal et al., Diabetes Care 2018;41:2275-2280",
    ),
    "cgm": Topic(
        ("cgm", "continuous glucose monitor", "glucose sensor"),
        "A continuous glucose monitor has a thin thread under the skin and measures the sugar in the fluid "
        "there every few minutes. It follows the blood by five to fifteen minutes.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "time_in_range": Topic(
        ("time in range", "tir"),
        "Time in range is the share of a sensor's readings from 70 to 180 mg/dL (3.9 to 10.0 mmol/L), unless "
        "other bounds were agreed. Two weeks are needed to stand for you.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "coefficient_of_variation": Topic(
        ("coefficient of variation", "cv"),
        "The coefficient of variation is the standard deviation divided by the average, in percent: how much "
        "glucose swings, whatever its level.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "baseline": Topic(
        ("baseline",),
        "Your baseline is what is usual for you: the median of four weeks that ended three days ago, with "
        "how much your days differ from it.",
        "docs/baselines.md",
    ),
    "trend": Topic(
        ("trend",),
        "A trend is how much something rises or falls a day: the middle of the slopes between all pairs of "
        "days, with an interval. If that reaches over zero it may be chance.",
        "Sen, J Am Stat Assoc 1968;63:1379-1389",
    ),
    "coverage": Topic(
        ("coverage",),
        "Coverage is the share of a period for which there were usable readings. What lies in the rest "
        "nobody can say.",
        "README",
    ),
    "finding": Topic(
        ("finding", "findings"),
        "A finding is what a rule saw in your readings: what, when, by which numbers and from which "
        "source. It is a prompt to act, not a diagnosis.",
        "README",
    ),
    "severity": Topic(
        ("severity", "levels"),
        "Findings have four levels: info asks nothing of you, watch means tell your doctor in the next days, "
        "urgent means today, and emergency means call the emergency number now.",
        "README",
    ),
    "perfusion_index": Topic(
        ("perfusion index", "pi"),
        "The perfusion index says how strong the pulse is under an oximeter, in percent. Where it is low, "
        "with cold hands for example, the oxygen reading is less sure.",
        "LOINC 61006-3",
    ),
    "hypoglycaemia": Topic(
        ("hypoglycaemia", "hypoglycemia", "hypo", "low blood sugar"),
        "Hypoglycaemia is blood sugar that is too low: below 70 mg/dL (3.9 mmol/L) it is an alert, below 54 "
        "(3.0) it needs action at once.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "hyperglycaemia": Topic(
        ("hyperglycaemia", "hyperglycemia", "hyper", "high blood sugar"),
        "Hyperglycaemia is blood sugar that is too high: above 180 mg/dL (10.0 mmol/L), and above 250 (13.9) "
        "more so.",
        "Battelino et al., Diabetes Care 2019;42:1593-1603",
    ),
    "desaturation": Topic(
        ("desaturation", "desat", "odi"),
        "A desaturation is a fall of oxygen saturation by three or four points for ten seconds and more. How "
        "many there are an hour at night is the index ODI.",
        "AASM Manual for the Scoring of Sleep, version 3, 2023",
    ),
    "sensor": Topic(
        ("sensor", "wearable"),
        "A sensor turns something of the body into a number: light through a finger, a current over the "
        "skin, the chest's movement. Each errs in its own way, so readings carry a mark where they look "
        "wrong.",
        "README",
    ),
    "healthslm": Topic(
        ("healthslm", "this program", "this app", "you"),
        "healthslm keeps what your wearables measure on this machine, warns by rules that a clinician can "
        "check, and puts it into words. It is not a medical device.",
        "README",
    ),
}
