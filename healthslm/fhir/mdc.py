"""IEEE 11073 codes (MDC) of what is measured and of what measures it, as HL7's device guide uses them.

Source: Personal Health Device Implementation Guide 2.0.0 (STU2), http://hl7.org/fhir/uv/phd. A code is 65536
times its partition and its term (ISO/IEEE 11073-10101). Not covered: codes of steps, energy, distance,
speed, cadence, sleep and intervals of the pulse, of which none is certain; those are in LOINC or words only.
"""

from __future__ import annotations

from collections.abc import Iterable

from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import Kind

MDC = "urn:iso:std:iso:11073:10101"
GUIDE = "http://hl7.org/fhir/uv/phd/StructureDefinition"
GATEWAY = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"
COINCIDENT = f"{GUIDE}/CoincidentTimeStampReference"
IDENTIFIERS = "http://terminology.hl7.org/CodeSystem/ContinuaDeviceIdentifiers"
BLUETOOTH = "http://hl7.org/fhir/sid/eui-48/bluetooth"

_MEASURED = {
    Kind.HEART_RATE: ("147842", "MDC_ECG_HEART_RATE"),
    Kind.RR_INTERVAL: ("147240", "MDC_ECG_TIME_PD_RR_GL"),
    Kind.SPO2: ("150456", "MDC_PULS_OXIM_SAT_O2"),
    Kind.PULSE_RATE: ("149530", "MDC_PULS_OXIM_PULS_RATE"),
    Kind.PERFUSION_INDEX: ("150448", "MDC_PULS_OXIM_PERF_REL"),
    Kind.TEMPERATURE: ("150364", "MDC_TEMP_BODY"),
    Kind.SYSTOLIC: ("150021", "MDC_PRESS_BLD_NONINV_SYS"),
    Kind.DIASTOLIC: ("150022", "MDC_PRESS_BLD_NONINV_DIA"),
    Kind.MEAN_ARTERIAL: ("150023", "MDC_PRESS_BLD_NONINV_MEAN"),
    Kind.GLUCOSE: ("160184", "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD"),
    Kind.SENSOR_GLUCOSE: ("160212", "MDC_CONC_GLU_ISF"),
    Kind.WEIGHT: ("188736", "MDC_MASS_BODY_ACTUAL"),
    Kind.BODY_FAT: ("188748", "MDC_BODY_FAT"),
    Kind.RESPIRATORY_RATE: ("151562", "MDC_RESP_RATE"),
}
PRESSURE = {"system": MDC, "code": "150020", "display": "MDC_PRESS_BLD_NONINV"}
CLOCK = {"system": MDC, "code": "67975", "display": "MDC_ATTR_TIME_ABS"}
WEARABLE = {"system": MDC, "code": "65573", "display": "MDC_MOC_VMS_MDS_SIMP"}
PROGRAM = {"system": MDC, "code": "531981", "display": "MDC_MOC_VMS_MDS_AHD"}
SOFTWARE = {"system": MDC, "code": "531975", "display": "MDC_ID_PROD_SPEC_SW"}
FIRMWARE = {"system": MDC, "code": "531976", "display": "MDC_ID_PROD_SPEC_FW"}

_OXIMETER = ("528388", "MDC_DEV_SPEC_PROFILE_PULS_OXIM", "pulse oximeter")
_CUFF = ("528391", "MDC_DEV_SPEC_PROFILE_BP", "blood pressure monitor")
_HEART = ("528525", "MDC_DEV_SUB_SPEC_PROFILE_HR", "heart rate sensor")
_STEPS = ("528484", "MDC_DEV_SUB_SPEC_PROFILE_STEP_COUNTER", "step counter")
_SPECIAL = {
    Kind.HEART_RATE: _HEART,
    Kind.RR_INTERVAL: _HEART,
    Kind.SPO2: _OXIMETER,
    Kind.PULSE_RATE: _OXIMETER,
    Kind.PERFUSION_INDEX: _OXIMETER,
    Kind.TEMPERATURE: ("528392", "MDC_DEV_SPEC_PROFILE_TEMP", "thermometer"),
    Kind.SYSTOLIC: _CUFF,
    Kind.DIASTOLIC: _CUFF,
    Kind.MEAN_ARTERIAL: _CUFF,
    Kind.GLUCOSE: ("528401", "MDC_DEV_SPEC_PROFILE_GLUCOSE", "glucose meter"),
    Kind.SENSOR_GLUCOSE: ("528409", "MDC_DEV_SPEC_PROFILE_CGM", "continuous glucose monitor"),
    Kind.WEIGHT: ("528399", "MDC_DEV_SPEC_PROFILE_SCALE", "weighing scale"),
    Kind.BODY_FAT: ("528404", "MDC_DEV_SPEC_PROFILE_BCA", "body composition analyser"),
    Kind.RESPIRATORY_RATE: ("528397", "MDC_DEV_SPEC_PROFILE_RESP_RATE", "respiration rate monitor"),
    Kind.STEPS: _STEPS,
}
_CUFFED = {Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.MEAN_ARTERIAL}


def measured(kind: Kind) -> Json | None:
    """Return the Coding of what a kind is, or nothing where no code is certain."""
    if kind not in _MEASURED:
        return None
    code, name = _MEASURED[kind]
    return {"system": MDC, "code": code, "display": name}


def measurement_code(kind: Kind) -> Json:
    """Return the code of a measurement: LOINC's, and beside it that of IEEE 11073 where one is certain."""
    code, beside = coding.kind_code(kind), measured(kind)
    return {**code, "coding": [*code.get("coding", []), beside]} if beside else code


def specializations(kinds: Iterable[Kind]) -> list[Json]:
    """Return what a device is, by the kinds that it measures, as CodeableConcepts; each once.

    A pulse alone makes no oximeter of a cuff, and none of a cuff or an oximeter a heart rate sensor.
    """
    given = set(kinds)
    if given & _CUFFED:
        given -= {Kind.PULSE_RATE} if Kind.SPO2 not in given else set()
    if given & (_CUFFED | {Kind.SPO2}):
        given -= {Kind.HEART_RATE}
    return _concepts(_SPECIAL[kind] for kind in Kind if kind in given and kind in _SPECIAL)


def everything() -> list[Json]:
    """Return every sort of device that the program understands."""
    return _concepts(_SPECIAL.values())


def _concepts(rows: Iterable[tuple[str, str, str]]) -> list[Json]:
    return [
        {"coding": [{"system": MDC, "code": code, "display": name}], "text": text}
        for code, name, text in dict.fromkeys(rows)
    ]
