"""How the whole thing is: one file a matter, each from what was read to lines with a next step.

A `Machine` stands for this one, and what else was read is handed over: the time, the user, the open store.
`healthslm.cli.doctor` puts it together; docs/doctor.md explains each line.
"""

from healthslm.doctor.check import Check, State, answered
from healthslm.doctor.machine import Machine, NotKnown

__all__ = ["Check", "Machine", "NotKnown", "State", "answered"]
