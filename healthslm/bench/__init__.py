"""What this machine does: tables of speed, memory and size, measured here and now.

`run` measures the whole, `bluetooth.run` the way from a wearable to a durable reading. Needs the extra
`virtual`: the wearables are virtual, everything else is as in use.
"""

from healthslm.bench.machine import run
from healthslm.bench.rows import Row

__all__ = ["Row", "run"]
