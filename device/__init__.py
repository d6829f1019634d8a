"""The Bluetooth side: wearables in, measurements out. Knows nothing of health, storage or models.

async with watch(["C0:FF:EE:00:00:01"]) as events:
    async for event in events:
        if isinstance(event, Notification):
            print(decode(event.characteristic, event.value))
"""

from device.adapter import Found, Radio, Timings, scan
from device.decoding import decode
from device.errors import AdapterError, DecodeError, DeviceError, LinkError, RecordError
from device.events import Event, Identity, LinkEvent, LinkState, Notification, batches, left
from device.gatt import Measurement
from device.session import PAIR_FIRST
from device.stored import Kept
from device.watching import Watch, watch

__all__ = [
    "PAIR_FIRST",
    "AdapterError",
    "DecodeError",
    "DeviceError",
    "Event",
    "Found",
    "Identity",
    "Kept",
    "LinkError",
    "LinkEvent",
    "LinkState",
    "Measurement",
    "Notification",
    "Radio",
    "RecordError",
    "Timings",
    "Watch",
    "batches",
    "decode",
    "left",
    "scan",
    "watch",
]
