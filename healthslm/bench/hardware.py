"""Which machine this is: what a figure that was measured on it stands beside.

`root` is the folder in which proc, sys and etc lie. Whether the processor is emulated is told by the kernel:
`/proc/sys/kernel/arch` (since Linux 6.1) names its own, under qemu-user another one than the program is for.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from healthslm import board

_FAMILIES = {
    "x86_64": "x86", "amd64": "x86", "i386": "x86", "i686": "x86",
    "aarch64": "arm", "arm64": "arm", "armv7l": "arm", "armv6l": "arm", "armv8l": "arm",
    "riscv64": "riscv",
}  # fmt: skip


class Machine(BaseModel):
    """A machine; texts are empty, `virtual` is `None` and `memory_mb` 0 where the system does not say.

    `name` is what a board calls itself. `emulated` says that another processor plays this one, so that its
    speeds say nothing of a real one; `virtual` that it shares a real one with others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    architecture: str
    cpu: str
    cores: int
    memory_mb: int
    system: str
    kernel: str
    python: str
    virtual: bool | None
    emulated: bool


def machine(
    root: Path = Path("/"), *, emulated: bool = False, architecture: str = "", kernel: str = ""
) -> Machine:
    """Describe this machine. `emulated` says that it is, where the system cannot tell."""
    architecture = architecture or platform.machine()
    cpuinfo = _text(root / "proc/cpuinfo")
    memory = board.total(root)
    return Machine(
        name=_text(root / "proc/device-tree/model"),
        architecture=architecture,
        cpu=_first(cpuinfo, "model name", "Model", "Hardware", "CPU part"),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        memory_mb=0 if memory is None else round(memory / 1e6),
        system=_first(_text(root / "etc/os-release").replace('"', ""), "PRETTY_NAME"),
        kernel=kernel or platform.release(),
        python=platform.python_version(),
        virtual=_is_virtual(root, cpuinfo),
        emulated=emulated or _is_emulated(root, architecture, cpuinfo),
    )


def _is_emulated(root: Path, architecture: str, cpuinfo: str) -> bool:
    mine = _FAMILIES.get(architecture.lower(), architecture)
    kernels = _text(root / "proc/sys/kernel/arch").lower()
    if kernels:
        return _FAMILIES.get(kernels, kernels) != mine
    return mine != "x86" and "vendor_id" in cpuinfo  # an older kernel's processors, as x86 lists them


def _is_virtual(root: Path, cpuinfo: str) -> bool | None:
    flags = _first(cpuinfo, "flags").split()
    if flags:
        return "hypervisor" in flags
    tree = _text(root / "proc/device-tree/compatible")
    return "dummy-virt" in tree if tree else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n").replace("\0", " ")
    except OSError:
        return ""


def _first(text: str, *names: str) -> str:
    """Return the value of the first of the names that a text of `name: value` or `name=value` lines has."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":" if ":" in line.partition("=")[0] else "=")
        found.setdefault(name.strip(), value.strip())
    return next((found[name] for name in names if found.get(name)), "")
