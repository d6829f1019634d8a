"""The energy that the machine took meanwhile, where it has a meter that counts it.

Source: the kernel's Documentation/power/powercap/powercap.rst (RAPL: `energy_uj`, which begins anew after
`max_energy_range_uj`) and Documentation/hwmon/sysfs-interface.rst (`energyN_input`, in microjoules). RAPL
counts the processor's packages; what a meter of hwmon counts depends on where it sits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Counter:
    """A file that counts microjoules up to `most`, and then from 0 again; `None` where it never ends."""

    path: Path
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What counts the energy: nothing, and `why`, where there is none that can be read."""

    counters: Sequence[Counter]
    source: str
    why: str = ""

    def read(self) -> list[int]:
        """Return what the counters show."""
        return [int(counter.path.read_text(encoding="ascii")) for counter in self.counters]

    def joules_since(self, before: Sequence[int]) -> float | None:
        """Return the joules since `before` was read, at most a turn of a counter; `None` without a meter."""
        if not self.counters:
            return None
        spent = 0
        for counter, began, ended in zip(self.counters, before, self.read(), strict=True):
            turn = counter.most if ended < began and counter.most is not None else 0
            spent += ended - began + turn
        return spent / 1e6


def meter(root: Path = Path("/")) -> Meter:
    """Find what counts energy here; `root` is the folder in which `sys` lies."""
    packages = [
        p for p in sorted((root / "sys/class/powercap").glob("intel-rapl:*")) if p.name.count(":") == 1
    ]
    found = [Counter(p / "energy_uj", _number(p / "max_energy_range_uj")) for p in packages]
    source = "RAPL, the processor's packages"
    if not found:
        found = [Counter(p, None) for p in sorted((root / "sys/class/hwmon").glob("hwmon*/energy*_input"))]
        source = "hwmon"
    if not found:
        return Meter(
            counters=(), source="", why="this machine has no meter: neither RAPL nor an hwmon energy"
        )
    unread = [counter.path for counter in found if _number(counter.path) is None]
    if unread:
        return Meter(counters=(), source="", why=f"{unread[0]} cannot be read by this user; root can")
    return Meter(counters=found, source=source)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
