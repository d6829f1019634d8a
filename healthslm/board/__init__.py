"""What machine this is as far as memory goes: how much there is for us, and what suits so much.

`profile()` is what the rest asks for. Sources: proc(5) for `/proc/meminfo`, the kernel's
Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst for what a service may take of it.
"""

from healthslm.board.memory import available, total
from healthslm.board.profiles import AUTO, PROFILES, Choice, Profile, named, profile

__all__ = ["AUTO", "PROFILES", "Choice", "Profile", "available", "named", "profile", "total"]
