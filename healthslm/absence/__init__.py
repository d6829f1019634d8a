"""What is not there: no data, a device gone or not worn, a wrong clock, a full disk, a program that stopped.

A rule is asked when a reading comes, so none can see that nothing comes. `Absence` is asked every few seconds
instead, and says of each watch whether it holds. `last_beat` says when healthslm last ran, without a key.
"""

from healthslm.absence.beat import Beat, last_beat
from healthslm.absence.look import Absence
from healthslm.absence.worn import STEADY_FOR

__all__ = ["STEADY_FOR", "Absence", "Beat", "last_beat"]
