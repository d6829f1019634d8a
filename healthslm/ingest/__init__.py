"""Measurements become readings: one unit, one clock, and the quality that the device itself admitted.

The only place that converts. Everything refused is returned with its reason; nothing is dropped in silence.
`take.Ingest` is what others use; each measurement has one function here, listed in `table.MAKERS`.
"""

from healthslm.ingest.heard import Taken
from healthslm.ingest.take import Ingest, device_from

__all__ = ["Ingest", "Taken", "device_from"]
