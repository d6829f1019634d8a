"""Clock, power, heat, disk, card and swap: every state of machines that are not at hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from healthslm.absence.beat import Beat
from healthslm.doctor import Machine, NotKnown
from healthslm.doctor.card import card
from healthslm.doctor.clock import dated, kept_right, zone
from healthslm.doctor.disk import Space, errors, file_system, room, swap
from healthslm.doctor.machine import ask_program, clock_error_us
from healthslm.doctor.mounts import Mount, mount_of
from healthslm.doctor.power import heat, power
from tests.doctor.scripted import lines, machine, one

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
RTC = {"sys/class/rtc/rtc0/name": "rtc"}
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


# ---- The clock


def test_a_clock_that_the_network_keeps_right(tmp_path: Path) -> None:
    assert one(kept_right(machine(tmp_path, RTC))) == ("ok", "kept right by the network, to 1 ms at the most")
    assert one(kept_right(machine(tmp_path / "pi")))[1].endswith(
        "after a power cut without a network it is wrong"
    )


def test_a_clock_that_nobody_keeps_right(tmp_path: Path) -> None:
    found = one(kept_right(machine(tmp_path, RTC, clock_error_us=16_000_000)))
    assert found == ("attention", "not kept right by the network")


def test_a_kernel_that_does_not_say(tmp_path: Path) -> None:
    assert one(kept_right(machine(tmp_path, RTC, clock_error_us=None)))[0] == "unknown"
    told = RTC | {"run/systemd/timesync/synchronized": ""}
    found = one(kept_right(machine(tmp_path, told, clock_error_us=None)))
    assert found == ("ok", "set by the network since the start")


def test_a_time_that_cannot_be() -> None:
    beat = Beat(at=NOW, clean=True)
    assert lines(dated(NOW, beat, NOW)) == []
    assert "before this version was made" in one(dated(datetime(1970, 1, 2, tzinfo=UTC), None, None))[1]
    state, said = one(dated(NOW, None, NOW + timedelta(days=2)))
    assert (state, "2026-12-03 08:00 UTC, which is still to come" in said) == ("problem", True)
    state, said = one(dated(NOW - timedelta(hours=3), beat, NOW - timedelta(days=1)))
    assert (state, "it was set back" in said, "3 h from now" in said) == ("problem", True, True)


def test_the_zone_is_said_and_by_whom() -> None:
    assert zone("Europe/Rome", "UTC", chosen=True).said.endswith("this machine's own is UTC")
    assert zone("Europe/Rome", "Europe/Rome", chosen=False).next == ""
    assert "timezone =" in zone("Etc/UTC", "Etc/UTC", chosen=False).next


@pytest.mark.skipif("sys.platform != 'linux'")
def test_the_kernel_is_really_asked() -> None:
    assert 0 <= clock_error_us() <= 16_000_000


# ---- Power and heat


@pytest.mark.parametrize(
    ("bits", "found"),
    [
        ("0x0", [("ok", "enough voltage, always since the start")]),
        ("50005", [("problem", "the voltage is too low now"), ("attention", "the processor is slowed down")]),
        ("0x10000", [("attention", "the voltage was too low at times since the start")]),
        ("0x80000", [("ok", "enough"), ("attention", "the processor was at times slowed down")]),
        (
            "20002",
            [("ok", "enough")],
        ),  # capped, for the voltage alone or the governor: not a fault of its own
        ("soon", [("unknown", "not known: this machine has no sensor of its supply")]),
    ],
)
def test_a_raspberry_pi_tells_of_its_supply(tmp_path: Path, bits: str, found: list[tuple[str, str]]) -> None:
    for here in (
        machine(tmp_path / "a", {FIRMWARE: f"{bits}\n"}),
        machine(tmp_path / "b", programs={"vcgencmd": f"throttled={bits}\n"}),
    ):
        told = lines(power(here))
        assert len(told) == len(found)
        for (state, said), (expected, words) in zip(told, found, strict=True):
            assert state == expected
            assert said.startswith(words)


def test_the_kernels_own_sensor_is_asked_where_the_firmware_cannot_be(tmp_path: Path) -> None:
    at = "sys/class/hwmon/hwmon1"
    here = {f"{at}/name": "rpi_volt", f"{at}/in0_lcrit_alarm": "1", "sys/class/hwmon/hwmon0/name": "cpu"}
    assert one(power(machine(tmp_path / "a", here)))[0] == "problem"
    assert one(power(machine(tmp_path / "b", here | {f"{at}/in0_lcrit_alarm": "0"}))) == (
        "ok",
        "enough voltage now",
    )
    pi = {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0"}
    state, said = one(power(machine(tmp_path / "c", pi)))
    assert state == "unknown"
    assert "this is a Raspberry Pi 4 Model B Rev 1.5, and vcgencmd is not installed" in said


def test_the_hottest_place_counts(tmp_path: Path) -> None:
    zones = {
        "sys/class/thermal/thermal_zone0/temp": "45123\n",
        "sys/class/thermal/thermal_zone1/temp": "52900\n",
    }
    assert one(heat(machine(tmp_path, zones))) == ("ok", "53 °C")
    hot = zones | {"sys/class/thermal/thermal_zone1/temp": "81000\n"}
    assert one(heat(machine(tmp_path, hot)))[0] == "attention"
    assert one(heat(machine(tmp_path / "none")))[0] == "unknown"


# ---- The disk

GB = 1_000_000_000


def space(free: int, total: int = 30 * GB, files_free: int = 100_000, files: int = 200_000) -> Space:
    return Space(free=free, total=total, files_free=files_free, files=files)


@pytest.mark.parametrize(
    ("found", "states"),
    [
        (space(5 * GB), ["ok"]),
        (space(GB // 2), ["attention"]),
        (space(GB // 100), ["problem"]),
        (space(5 * GB, files_free=900), ["ok", "problem"]),
        (space(5 * GB, files_free=0, files=0), ["ok"]),  # btrfs counts no files
    ],
)
def test_room_for_bytes_and_for_files(tmp_path: Path, found: Space, states: list[str]) -> None:
    assert [state for state, _ in lines(room(tmp_path, lambda _folder: found))] == states


def test_a_disk_that_cannot_be_looked_at(tmp_path: Path) -> None:
    def gone(_folder: Path) -> Space:
        raise OSError(5, "Input/output error")

    assert "Input/output error" in one(room(tmp_path, gone))[1]


MOUNTS = """\
22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw
30 22 0:25 / /tmp rw - tmpfs tmpfs rw,size=1k
31 22 8:1 / /media/my\\040stick ro,nosuid - vfat /dev/sda1 rw
32 22 8:17 / /media/my\\040stick rw - ext4 /dev/sdb1 rw
33 22 0:40 / /srv rw - nfs4 box:/srv rw
"""


def test_a_folder_lies_on_what_is_mounted_deepest_and_last(tmp_path: Path) -> None:
    here = machine(
        tmp_path, {"proc/self/mountinfo": MOUNTS, "sys/dev/block/179:2/uevent": "DEVNAME=mmcblk0p2\n"}
    )
    root = mount_of(here, Path("/home/pi/.local/share/healthslm"))
    assert (root.kind, root.device, root.disk, "noatime" in root.options) == (
        "ext4",
        "mmcblk0p2",
        "mmcblk0",
        True,
    )
    stick = mount_of(here, Path("/media/my stick/store"))
    assert (stick.kind, stick.device, stick.disk) == ("ext4", "sdb1", "sdb")
    assert mount_of(here, Path("/srv/store")).kind == "nfs4"
    assert mount_of(here, Path("/srvices")).kind == "ext4"
    with pytest.raises(NotKnown, match="mountinfo"):
        mount_of(machine(tmp_path / "none"), Path("/"))


def mount(kind: str, *options: str, device: str = "mmcblk0p2") -> Mount:
    return Mount(at="/", kind=kind, options=frozenset(options or ("rw",)), device=device)


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        (mount("ext4"), ["ok"]),
        (mount("btrfs"), ["ok"]),
        (mount("ext4", "ro"), ["problem"]),
        (mount("vfat"), ["problem"]),
        (mount("nfs4"), ["problem"]),
        (mount("cifs", "ro"), ["problem", "problem"]),
        (mount("tmpfs"), ["attention"]),
        (mount("overlay"), ["attention"]),
    ],
)
def test_what_a_store_can_lie_on(kind: Mount, states: list[str]) -> None:
    assert [state for state, _ in lines(file_system(kind))] == states


def test_errors_of_the_disk_are_counted_by_ext4_alone(tmp_path: Path) -> None:
    at = "sys/fs/ext4/mmcblk0p2/errors_count"
    assert one(errors(machine(tmp_path / "a", {at: "0\n"}), mount("ext4"))) == ("ok", "none")
    assert one(errors(machine(tmp_path / "b", {at: "7\n"}), mount("ext4")))[0] == "problem"
    assert one(errors(machine(tmp_path / "c"), mount("ext4")))[0] == "unknown"
    assert one(errors(machine(tmp_path / "d"), mount("btrfs"))) == (
        "unknown",
        "not known: btrfs keeps no count of them",
    )


SWAPS = "Filename Type Size Used Priority\n"


@pytest.mark.parametrize(
    ("used", "state"),
    [
        ("", "ok"),
        ("/dev/zram0 partition 99 0 100\n", "ok"),
        ("/dev/dm-1 partition 99 0 100\n", "ok"),
        ("/dev/dm-2 partition 99 0 100\n", "attention"),
        ("/var/swap file 99 0 -2\n/dev/zram0 partition 99 0 100\n", "attention"),
    ],
)
def test_swap_in_the_clear_may_hold_the_key(tmp_path: Path, used: str, state: str) -> None:
    here = machine(
        tmp_path,
        {
            "proc/swaps": SWAPS + used,
            "sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n",
            "sys/block/dm-2/dm/uuid": "LVM-x\n",
        },
    )
    assert one(swap(here))[0] == state
    assert one(swap(machine(tmp_path / "none")))[0] == "unknown"


# ---- The card

AT = "sys/block/mmcblk0/device"
EMMC = {f"{AT}/type": "MMC", f"{AT}/name": "BJTD4R", f"{AT}/date": "05/2022"}
SD = {f"{AT}/type": "SD", f"{AT}/name": "SC32G", f"{AT}/date": "03/2021"}


@pytest.mark.parametrize(
    ("life", "reserve", "state", "words"),
    [
        ("0x01 0x02", "0x01", "ok", "the eMMC BJTD4R of 05/2022: 10 to 20 % of its life is used"),
        ("0x09 0x02", "0x01", "attention", "80 to 90 % of its life"),
        ("0x01 0x01", "0x02", "attention", "0 to 10 % of its life"),
        ("0x0b 0x01", "0x01", "problem", "worn out"),
        ("0x01 0x01", "0x03", "problem", "worn out"),
        ("0x00 0x00", "0x00", "unknown", "does not tell"),
    ],
)
def test_an_emmc_tells_how_worn_it_is(
    tmp_path: Path, life: str, reserve: str, state: str, words: str
) -> None:
    here = machine(tmp_path, EMMC | {f"{AT}/life_time": life, f"{AT}/pre_eol_info": reserve})
    found = one(card(here, "mmcblk0"))
    assert found[0] == state
    assert words in found[1]


def test_an_sd_card_does_not(tmp_path: Path) -> None:
    state, said = one(card(machine(tmp_path, SD), "mmcblk0"))
    assert (state, said) == (
        "unknown",
        "not known: the SD card SC32G of 03/2021 does not tell how worn it is",
    )
    assert one(card(machine(tmp_path), "nvme0n1"))[0] == "unknown"
    assert one(card(machine(tmp_path / "bare"), "mmcblk0"))[0] == "unknown"


# ---- The seam itself


def test_a_program_that_is_not_there_fails_or_hangs_is_not_known() -> None:
    assert ask_program(("echo", "5.66")) == "5.66\n"
    with pytest.raises(NotKnown, match="no-such-program is not installed"):
        ask_program(("no-such-program",))
    with pytest.raises(NotKnown, match="sh failed: dear me"):
        ask_program(("sh", "-c", "echo dear me >&2; exit 3"))


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "word").write_text("soon")
    here = Machine(root=tmp_path)
    for path, words in (("nothing", "has no /nothing"), ("folder", "/folder cannot be read")):
        with pytest.raises(NotKnown, match=words):
            here.text(path)
    with pytest.raises(NotKnown, match="no number"):
        here.number("word")
