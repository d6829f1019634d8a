"""Under which addresses others reach this machine, read from files: the fence leaves no socket to ask with.

Source: proc_net(5). `/proc/self/net` has the routes and addresses of both sorts: fib_trie, route, if_inet6
and ipv6_route.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

from healthslm.companion.authority import Address, addresses_of, is_private

NET = Path("/proc/self/net")
_LOCAL = re.compile(r"\|-- ([\d.]+)\n\s+/32 host LOCAL")
_LOOPBACK = ("127.0.0.1", "::1")
_TEMPORARY, _TENTATIVE, _DEPRECATED = 0x01, 0x40, 0x20
_OF_ONE_CABLE, _UP = 0x20, 0x0001


def addresses_here(net: Path = NET) -> list[Address]:
    """Return this machine's private addresses, those that others reach it at first.

    First are those of the interface that leads out (the default route's), then the others'; of IPv6 only
    those that stay, and reach beyond one cable. Where the system has no such files it is asked with a socket.
    """
    try:
        found: list[Address] = [*_version_4(net)]
    except OSError:
        found = _asked()
    else:
        with contextlib.suppress(OSError):  # a machine without IPv6
            found += _version_6(net)
    found += addresses_of(_LOOPBACK)
    return [one for one in dict.fromkeys(found) if is_private(one)]


def _version_4(net: Path) -> list[IPv4Address]:
    routes = list(_routes((net / "route").read_text("ascii")))
    out = min(((metric, name) for name, to, metric in routes if to.prefixlen == 0), default=(0, ""))[1]
    local = dict.fromkeys(map(IPv4Address, _LOCAL.findall((net / "fib_trie").read_text("ascii"))))

    def leads_out(address: IPv4Address) -> bool:
        return any(name == out and to.prefixlen and address in to for name, to, _ in routes)

    return sorted(local, key=lambda address: not leads_out(address))


def _routes(text: str) -> Iterator[tuple[str, IPv4Network, int]]:
    """Read which interface leads to which network, and how far that is (the metric)."""
    for line in text.splitlines()[1:]:
        name, to, _gateway, flags, _, _, metric, mask = line.split()[:8]
        if int(flags, 16) & _UP:
            yield name, IPv4Network((_reversed(to), str(_reversed(mask)))), int(metric)


def _reversed(text: str) -> IPv4Address:
    """Read an address as it lies in the memory of a little-endian machine."""
    return IPv4Address(bytes.fromhex(text)[::-1])


def _version_6(net: Path) -> list[IPv6Address]:
    out = min(_ways_out(net), default=(0, ""))[1]
    found = []
    for line in (net / "if_inet6").read_text("ascii").splitlines():
        address, _index, _length, scope, flags, name = line.split()
        if int(scope, 16) != _OF_ONE_CABLE and not int(flags, 16) & (_TEMPORARY | _TENTATIVE | _DEPRECATED):
            found.append((name != out, IPv6Address(bytes.fromhex(address))))
    return [address for _, address in sorted(found, key=lambda one: one[0])]


def _ways_out(net: Path) -> Iterator[tuple[int, str]]:
    for line in (net / "ipv6_route").read_text("ascii").splitlines():
        to, length, _, _, _, metric, *_, name = line.split()
        if int(length, 16) == 0 and int(to, 16) == 0 and name != "lo":
            yield int(metric, 16), name


def _asked() -> list[Address]:
    found: list[str] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Nothing is sent: a datagram socket that is connected knows from which address it would be.
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            found.append(str(probe.getsockname()[0]))
    return addresses_of(found)
