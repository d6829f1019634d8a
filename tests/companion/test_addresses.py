"""Under which addresses others reach a machine, from what the kernel's files say."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from healthslm.companion.addresses import addresses_here

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 0.0.0.0/0 2 0 2
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.1
           /32 host LOCAL
        |-- 172.17.255.255
           /32 link BROADCAST
     +-- 192.168.1.0/24 2 0 2
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.7
           /32 host LOCAL
     +-- 203.0.113.0/24 2 0 2
        |-- 203.0.113.9
           /32 host LOCAL
"""
ROUTES = """Iface	Destination	Gateway	Flags	RefCnt	Use	Metric	Mask	MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	01007100	0003	0	0	700	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
wlan0	0001A8C0	00000000	0001	0	0	600	00FFFFFF	0	0	0
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000007 03 40 20 80    wlan0
fd000000000000000000000000000042 03 40 00 01    wlan0
fd000000000000000000000000000043 03 40 00 60    wlan0
fd000000000000000000000000000007 03 40 00 80    wlan0
fd110000000000000000000000000001 02 40 00 80  docker0
"""
ROUTES_6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000"
    "0001 00000400 00000003 00000000 00000003    wlan0\n"
)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    files = {"fib_trie": TRIE, "route": ROUTES, "if_inet6": IF_INET6, "ipv6_route": ROUTES_6}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_first_are_those_of_the_way_out(net: Path) -> None:
    """Not those of a bridge; none that is public, of one cable alone, changing, or not there yet."""
    found = ["192.168.1.7", "127.0.0.1", "172.17.0.1", "fd00::7", "::1", "fd11::1"]
    assert [str(one) for one in addresses_here(net)] == found


def test_a_machine_without_ipv6_and_one_without_a_network(net: Path) -> None:
    (net / "if_inet6").unlink()
    assert ip_address("192.168.1.7") in addresses_here(net)
    for name in ("fib_trie", "route"):
        (net / name).write_text("Iface\n" if name == "route" else "")
    assert [str(one) for one in addresses_here(net)] == ["127.0.0.1", "::1"]


def test_a_system_without_such_files_is_asked(tmp_path: Path) -> None:
    assert {"127.0.0.1", "::1"} <= {str(one) for one in addresses_here(tmp_path)}


def test_this_machine_is_found() -> None:
    found = addresses_here()
    assert {"127.0.0.1", "::1"} <= {str(one) for one in found}
    assert len(found) == len(set(found))
