"""The devices of a Bundle: each wearable, and healthslm itself as the gateway between them and the receiver.

Source: Personal Health Device guide 2.0.0, profiles PhdDevice and PhgDevice; CGM guide 1.0.0, cgm-device.
What a device never told is absent with a reason, not guessed: often the version of the standard that it keeps
to, for a Bluetooth wearable has no such thing to say. A source that is a file claims no profile.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from healthslm import __version__
from healthslm.export import words
from healthslm.fhir import coding, mdc
from healthslm.fhir.coding import Json
from healthslm.readings import Device, Kind, Review

_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")
# macOS names a device by a UUID of its own making; the address it keeps to itself.
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
CGM = "http://hl7.org/fhir/uv/cgm/StructureDefinition"
_UNKNOWN = {"extension": [{"url": f"{coding.PROFILE}/data-absent-reason", "valueCode": "unknown"}]}


def is_wearable(device: Device) -> bool:
    """Say whether a device was heard over Bluetooth: its address is one, or stands for one."""
    return bool(_MAC.fullmatch(device.address) or _UUID.fullmatch(device.address))


def wearable(device: Device, kinds: Collection[Kind]) -> Json:
    """Return a device that sent readings of `kinds`: its identities, maker, model, and what sort it is."""
    given = {
        "manufacturer": words.clean(device.manufacturer),
        "modelNumber": words.clean(device.model),
        "serialNumber": words.clean(device.serial),
    }
    name = words.clean(device.name)
    firmware = words.clean(device.firmware)
    what: Json = {}
    if is_wearable(device):
        missing = [key for key in ("manufacturer", "modelNumber") if not given[key]]
        what = {**{f"_{key}": _UNKNOWN for key in missing}, **_phd(kinds, firmware)}
    elif firmware:
        what = {"version": [{"type": {"text": "firmware"}, "value": firmware}]}
    called = name or " ".join(filter(None, (given["manufacturer"], given["modelNumber"])))
    profiles = [f"{mdc.GUIDE}/PhdDevice"] if what.get("specialization") else []
    if Kind.SENSOR_GLUCOSE in kinds and called:
        profiles.append(f"{CGM}/cgm-device")
        name = called
    return {
        "resourceType": "Device",
        **({"meta": {"profile": profiles}} if profiles else {}),
        "identifier": [_identifier(device)],
        **{key: text for key, text in given.items() if text},
        **({"deviceName": [{"name": name, "type": "user-friendly-name"}]} if name else {}),
        **what,
    }


def _identifier(device: Device) -> Json:
    if _MAC.fullmatch(device.address):
        kind = {"system": mdc.IDENTIFIERS, "code": "BTMAC", "display": "Bluetooth MAC address"}
        address = device.address.upper().replace(":", "-")
        return {"type": coding.concept(kind), "system": mdc.BLUETOOTH, "value": address}
    return {"system": coding.SOURCES, "value": words.clean(device.address, 120) or "unnamed"}


def _phd(kinds: Collection[Kind], firmware: str) -> Json:
    version = {"value": firmware} if firmware else {"_value": _UNKNOWN}
    special = [{"systemType": one, "_version": _UNKNOWN} for one in mdc.specializations(kinds)]
    return {
        "type": coding.concept(mdc.WEARABLE, text="personal health device"),
        **({"specialization": special} if special else {}),
        "version": [{"type": coding.concept(mdc.FIRMWARE, text="firmware"), **version}],
    }


def program(review: Review) -> Json:
    """Return healthslm itself, the gateway, with the versions of the rules it judged by."""
    judged = [
        {"type": {"text": f"rule {words.clean(name, 80)}"}, "value": words.clean(version, 40) or "unknown"}
        for name, version in words.rules(review).items()
    ]
    regulated = {"system": "http://terminology.hl7.org/CodeSystem/ASN1ToHL7", "code": "532354.0"}
    yes = {"system": "http://terminology.hl7.org/CodeSystem/v2-0136", "code": "Y", "display": "Yes"}
    return {
        "resourceType": "Device",
        "meta": {"profile": [f"{mdc.GUIDE}/PhgDevice"]},
        # Of the program, not of this copy: one of its own would follow a person from file to file.
        "identifier": [{"system": coding.SOURCES, "value": f"healthslm {__version__}"}],
        "manufacturer": "healthslm",
        "deviceName": [{"name": "healthslm", "type": "model-name"}],
        "modelNumber": "healthslm",
        "type": coding.concept(mdc.PROGRAM, text="health-monitoring software, not a medical device"),
        "specialization": [{"systemType": one} for one in mdc.everything()],
        "version": [
            {"type": coding.concept(mdc.SOFTWARE, text="software"), "value": __version__},
            *judged,
        ],
        "property": [
            {"type": coding.concept(regulated), "valueCode": [coding.concept(yes, text="not regulated")]}
        ],
    }
