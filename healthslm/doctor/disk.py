"""The disk under the store: room, the file system, errors, and swap beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from healthslm.absence.disk import level
from healthslm.doctor.check import Check, attention, ok, problem
from healthslm.doctor.machine import Machine, NotKnown
from healthslm.doctor.mounts import Mount
from healthslm.readings import Severity

WHAT = "disk"
ROOM = 1_000_000_000
"""Bytes that should be free: a database is written anew when its key is changed, and when it is updated."""
_FEW_FILES = 1000
_FOREIGN = frozenset({"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus"})
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "glusterfs", "afs"})
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOVE = "Make a backup; restore it onto an own disk with ext4: healthslm restore FILE --into FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Bytes and files: how many are free, and how many there can be; `files` 0 where nobody counts them."""

    free: int
    total: int
    files_free: int
    files: int


def space_of(folder: Path) -> Space:
    """Return how full the disk of a folder is."""
    found = os.statvfs(folder)
    return Space(
        free=found.f_bavail * found.f_frsize,
        total=found.f_blocks * found.f_frsize,
        files_free=found.f_favail,
        files=found.f_files,
    )


def room(folder: Path, space: Callable[[Path], Space]) -> Iterator[Check]:
    """Say how much room there is. Raises `NotKnown`."""
    try:
        found = space(folder)
    except OSError as error:
        raise NotKnown(f"{folder} cannot be looked at: {error.strerror}") from None
    said, bad = f"{found.free / 1e9:,.1f} GB free", level(found.free, found.total)
    if bad is Severity.URGENT:
        yield problem(
            WHAT, f"{found.free / 1e6:,.0f} MB free: what is measured will soon not be kept", "Make room."
        )
    elif bad is not None or found.free < ROOM:
        yield attention(WHAT, said, "Free some space.")
    else:
        yield ok(WHAT, said)
    if found.files and found.files_free < _FEW_FILES:
        yield problem(
            WHAT,
            f"room for {found.files_free:,} more files only, however many bytes are free",
            f"Delete files nobody needs; where they are: du --inodes -x {folder.anchor} | sort -n | tail",
        )


def file_system(mount: Mount) -> Iterator[Check]:
    """Say whether the store can be kept safely on what it lies on.

    Source for networks: sqlite.org/howtocorrupt.html, section 2.
    """
    what = "file system"
    if "ro" in mount.options:
        yield problem(
            what,
            f"{mount.kind} at {mount.at} is read-only: nothing is kept. The kernel does that after an error",
            f"Make a backup, see dmesg, check the disk; then: sudo mount -o remount,rw {mount.at}",
        )
    if mount.kind in _NETWORK:
        yield problem(
            what, f"{mount.kind}: over a network locks and durable writes cannot be relied on", _MOVE
        )
    elif mount.kind in _FOREIGN:
        yield problem(
            what,
            f"{mount.kind} knows no owner and no journal: others can read it, a power cut may damage it",
            _MOVE,
        )
    elif mount.kind in _IN_MEMORY:
        yield attention(what, f"{mount.kind} is in memory: the store is gone when this machine stops", _MOVE)
    elif mount.kind == "overlay":
        yield attention(
            what,
            "an overlay, as of raspi-config or a container: what is written may be gone after a restart",
            _MOVE,
        )
    elif "ro" not in mount.options:
        yield ok(what, mount.kind)


def errors(machine: Machine, mount: Mount) -> Iterator[Check]:
    """Say whether the kernel met errors on it: ext4 counts them, over restarts. Raises `NotKnown`."""
    what = "disk errors"
    if not mount.kind.startswith("ext") or not mount.device:
        raise NotKnown(f"{mount.kind} keeps no count of them")
    count = machine.number(f"sys/fs/ext4/{mount.device}/errors_count")
    if count:
        yield problem(
            what,
            f"{count:,} since the file system was last checked",
            "Make a backup onto another disk now, and replace this one; a check (fsck) sets the count back.",
        )
    else:
        yield ok(what, "none")


def swap(machine: Machine) -> Iterator[Check]:
    """Say whether memory, the key in it too, may be written to a disk in the clear. Raises `NotKnown`."""
    plain = []
    for line in machine.text("proc/swaps").splitlines()[1:]:
        name = (line.split() or [""])[0]
        device = Path(name).name
        if device.startswith("zram"):
            continue
        try:
            if machine.text(f"sys/block/{device}/dm/uuid").startswith("CRYPT-"):
                continue
        except NotKnown:
            pass
        plain.append(name)
    if plain:
        yield attention(
            "swap",
            f"{' and '.join(plain)}: what is in memory, the key too, may be written there in the clear"
            " unless its disk is encrypted",
            "Use compressed memory instead (zram), or encrypt it: see docs/doctor.md.",
        )
    else:
        yield ok("swap", "none on a disk in the clear")
