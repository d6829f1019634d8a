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
        ("hrv", "heart rate variability", "heart-rate variability", "rmssd", "sdnn"),
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
        ("blood pressure", "systolic", "diastolic"),
        "Blood pressure has two numbers: systolic, while the heart beats, and diastolic, while it rests. "
        "One measurement says little; guidelines average several, taken sitting, after five minutes of rest.",
        "2018 ESC/ESH guidelines, Eur Heart J 2018;39:3021-3104",
    ),
    "fever": Topic(
        ("fever", "temperature", "high temperature"),
        "A fever is a raised body temperature, usually the body's answer to an infection. "
        "Where it is measured matters: an armpit reads lower than an ear.",
        "NHS, High temperature (fever) in adults",
    ),
    "irregular_rhythm": Topic(
        (
            "irregular rhythm",
            "irregular heart rhythm",
            "irregular heartbeat",
            "atrial fibrillation",
            "afib",
            "af",
        ),
        "An irregular rhythm means that the time from beat to beat keeps changing. Many causes are harmless "
        "and some are not; RR intervals show that it is irregular, and only an ECG shows which rhythm it is.",
        "ESC 2020 guidelines for atrial fibrillation, Eur Heart J 2021;42:373-498",
    ),
    "healthslm": Topic(
        ("healthslm", "this program", "this app", "you"),
        "healthslm keeps what your wearables measure on this machine, warns by rules that a clinician can "
        "check, and puts it into words. It is not a medical device.",
        "README",
    ),
}
