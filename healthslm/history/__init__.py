"""Looking back over a store: the numbers of its days, and what the rules found in them, a day at a time.

A period may be years long and memory is not: never more than a day of readings and what a rule looks back
over is held at once. What a day came to is kept in the store with a fingerprint of its readings (digests.py),
so that a year is read once.
"""

from healthslm.history.burden import burden, strip
from healthslm.history.history import History, reach_of
from healthslm.history.overview import LONG, overview
from healthslm.history.usual import usual

__all__ = ["LONG", "History", "burden", "overview", "reach_of", "strip", "usual"]
