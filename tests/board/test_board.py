"""How much memory there is for us, and which profile suits it: on machines that are folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from healthslm import board
from healthslm.board import AUTO, PROFILES, Choice, Profile
from healthslm.errors import UsageError
from healthslm.settings import load

KB, MB = 1024, 1_000_000


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("said", "free"),
    [
        ("MemTotal: 9 kB\nMemAvailable:   100 kB\nSwapFree: 20 kB\n", 120 * KB),
        ("MemAvailable: 100 kB\n", 100 * KB),
        ("MemFree: 100 kB\n", None),
        ("MemAvailable: many\n", None),
        ("", None),
    ],
)
def test_what_is_free_is_what_the_system_says(tmp_path: Path, said: str, free: int | None) -> None:
    assert board.available(machine(tmp_path / "it", {"proc/meminfo": said})) == free
    assert board.available(tmp_path / "none") is None


MEMINFO = "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\nSwapFree: 0 kB\n"


def test_a_service_has_what_its_group_and_those_above_leave_it(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "0::/system.slice/healthslm.service\n",
            "sys/fs/cgroup/system.slice/memory.max": "500000000\n",
            "sys/fs/cgroup/system.slice/memory.current": "300000000\n",
            "sys/fs/cgroup/system.slice/memory.stat": "anon 1\ninactive_file 50000000\n",
            "sys/fs/cgroup/system.slice/healthslm.service/memory.max": "max\n",
        },
    )
    assert board.total(root) == 500 * MB
    assert board.available(root) == 250 * MB


def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "4:cpu:/\n3:memory:/box\n0::/box\n",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "400000000\n",
            "sys/fs/cgroup/memory/box/memory.usage_in_bytes": "100000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert board.total(root) == 400 * MB
    assert board.available(root) == 300 * MB


@pytest.mark.parametrize("text", ["", "nonsense", "0::/../../etc\n", "3:memory\n"])
def test_groups_that_cannot_be_read_limit_nothing(tmp_path: Path, text: str) -> None:
    root = machine(tmp_path, {"proc/meminfo": MEMINFO, "proc/self/cgroup": text, "etc/memory.max": "1"})
    assert board.total(root) == 8_000_000 * KB
    assert board.total(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("memory", "name"),
    [
        (426 * MB, Choice.SMALL),  # a Zero 2 W
        (849 * MB, Choice.SMALL),
        (948 * MB, Choice.MEDIUM),  # 1 GB
        (1_900 * MB, Choice.MEDIUM),
        (3_980 * MB, Choice.LARGE),  # 4 GB
        (16_000 * MB, Choice.LARGE),
        (None, Choice.LARGE),
    ],
)
def test_the_profile_is_picked_by_memory_unless_one_is_chosen(memory: int | None, name: Choice) -> None:
    assert board.named(AUTO, memory).name is name
    for chosen in PROFILES:
        assert board.named(chosen.name, memory) is chosen


def test_the_smaller_the_board_the_sooner_the_model_ends() -> None:
    idle = [one.model_idle_s for one in PROFILES]
    assert idle == sorted(idle)
    assert [one.below is None for one in PROFILES] == [False, False, True]


def test_the_settings_choose_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('board = "small"\n')
    chosen: Profile = load(tmp_path).profile
    assert chosen.name is Choice.SMALL
    (tmp_path / "settings.toml").write_text('board = "tiny"\n')
    with pytest.raises(UsageError, match=r"settings.toml: board: .*'small', 'medium' or 'large'"):
        load(tmp_path)
    (tmp_path / "settings.toml").write_text("")
    assert load(tmp_path).profile == board.profile()
