"""One machine beside others: what it is, what its energy is counted by, and the table in the docs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from healthslm.bench import board_core
from healthslm.bench.board import Board, Figures, read
from healthslm.bench.board_table import boards_in, table
from healthslm.bench.energy import meter
from healthslm.bench.hardware import Machine, machine
from healthslm.errors import UsageError
from tests.cli.saying import said_by
from tests.emulated import EMULATED

DOCS = Path(__file__).parent.parent / "docs"
PI = {
    "proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0",
    "proc/device-tree/compatible": "raspberrypi,model-zero-2-w\0brcm,bcm2837\0",
    "proc/meminfo": "MemTotal: 436912 kB\n",
    "proc/cpuinfo": "processor : 0\nCPU part : 0xd03\nModel : Raspberry Pi Zero 2 W Rev 1.0\n",
    "proc/sys/kernel/arch": "aarch64\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
}
X86 = "processor : 0\nvendor_id : GenuineIntel\nmodel name : A processor\nflags : fpu hypervisor aes\n"


def files(root: Path, said: dict[str, str]) -> Path:
    for name, text in said.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


# ---- Which machine


def test_a_board_says_what_it_is(tmp_path: Path) -> None:
    found = machine(files(tmp_path, PI), architecture="aarch64", kernel="6.6")
    assert (found.name, found.memory_mb) == ("Raspberry Pi Zero 2 W Rev 1.0", 447)
    assert found.system == "Debian GNU/Linux 12 (bookworm)"
    assert (found.virtual, found.emulated) == (False, False)
    assert machine(files(tmp_path, PI), architecture="aarch64", emulated=True).emulated


def test_an_arm_program_on_an_x86_kernel_is_emulated(tmp_path: Path) -> None:
    newer = files(tmp_path / "a", {"proc/sys/kernel/arch": "x86_64\n", "proc/cpuinfo": "CPU part : 0xd03\n"})
    assert machine(newer, architecture="aarch64").emulated
    assert not machine(newer, architecture="x86_64").emulated
    older = files(tmp_path / "b", {"proc/cpuinfo": X86})
    assert machine(older, architecture="aarch64").emulated
    found = machine(older, architecture="x86_64")
    assert (found.emulated, found.virtual, found.cpu) == (False, True, "A processor")


def test_32_bit_programs_on_a_64_bit_kernel_are_at_home(tmp_path: Path) -> None:
    assert not machine(files(tmp_path, PI), architecture="armv7l").emulated


def test_of_a_machine_that_says_nothing_nothing_is_made_up(tmp_path: Path) -> None:
    found = machine(tmp_path, architecture="aarch64")
    assert (found.name, found.cpu, found.memory_mb, found.system, found.virtual) == ("", "", 0, "", None)


# ---- Energy

RAPL = "sys/class/powercap/intel-rapl"


def test_the_packages_are_counted_and_their_turns(tmp_path: Path) -> None:
    root = files(
        tmp_path,
        {
            f"{RAPL}:0/energy_uj": "900000\n",
            f"{RAPL}:0/max_energy_range_uj": "1000000\n",
            f"{RAPL}:0:0/energy_uj": "5\n",  # the cores, which are in the package
            f"{RAPL}:1/energy_uj": "0\n",
        },
    )
    found = meter(root)
    before = found.read()
    assert before == [900_000, 0]
    files(root, {f"{RAPL}:0/energy_uj": "150000\n", f"{RAPL}:1/energy_uj": "2000000\n"})
    assert found.joules_since(before) == pytest.approx(0.25 + 2)
    assert found.source.startswith("RAPL")


def test_another_meter_counts_where_there_is_no_rapl(tmp_path: Path) -> None:
    found = meter(files(tmp_path, {"sys/class/hwmon/hwmon2/energy1_input": "7000000\n"}))
    assert (found.source, found.read()) == ("hwmon", [7_000_000])


def test_without_a_meter_nothing_is_guessed(tmp_path: Path) -> None:
    none = meter(tmp_path / "none")
    assert none.joules_since(none.read()) is None
    assert "no meter" in none.why
    locked = meter(files(tmp_path, {f"{RAPL}:0/energy_uj": "not for you"}))
    assert locked.joules_since(locked.read()) is None
    assert "energy_uj cannot be read by this user" in locked.why


# ---- The core


def test_the_core_keeps_every_reading_and_fits_a_small_board() -> None:
    found = board_core.measure(400)
    assert found.readings == 800  # a heart rate and an interval each
    assert found.seconds > 0
    if found.memory is not None and not EMULATED:
        assert 30e6 < found.memory <= 120e6, "the core of a board with 512 MB has no more"


# ---- The table


def board(
    name: str, *, emulated: bool = False, load: float = 0.0, memory: int = 447, **figures: float
) -> Board:
    given = dict.fromkeys(Figures.model_fields, None) | {"ingest_readings_per_s": 1500.0} | figures
    return Board(
        measured="2026-12-01",
        runs=3,
        load=load,
        machine=Machine(
            name=name, architecture="aarch64", cpu="Cortex-A53", cores=4, memory_mb=memory, system="Debian",
            kernel="6.6", python="3.11.2", virtual=False, emulated=emulated,
        ),
        versions={"healthslm": "0.1.0"},
        figures=Figures.model_validate(given),
        meter="",
        missing={},
    )  # fmt: skip


def test_boards_stand_side_by_side_and_what_is_no_speed_in_brackets() -> None:
    rows = table(
        [
            board("Emulated", emulated=True, decode_tokens_per_s=1.2),
            board("Pi 5", memory=8000, decode_tokens_per_s=40, first_token_s=0.25, core_mb=98.7),
            board("Zero | 2", load=3.0),
        ]
    ).splitlines()
    assert len({row.count("|") for row in rows}) == 1
    assert [row.split("|")[1].strip().split(",")[0] for row in rows[2:]] == ["Zero / 2", "Pi 5", "Emulated"]
    assert "**emulated**" in rows[4]
    assert "| (1) | – | (1,500) |" in rows[4]
    assert "| 40 | 250 ms | 1,500 | 99 MB | – | – |" in rows[3]
    assert "busy (load 3.0)" in rows[2]


def test_what_is_written_is_read_again_and_nothing_else(tmp_path: Path) -> None:
    one = board("Pi 5", core_mb=98.7)
    (tmp_path / "pi5.json").write_text(one.model_dump_json())
    assert boards_in([tmp_path]) == [one]
    for text in ("{}", "[]", "no", json.dumps({**json.loads(one.model_dump_json()), "owner": "somebody"})):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(UsageError, match=r"other\.json is not what"):
            read(tmp_path / "other.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.json")
    with pytest.raises(UsageError, match="no board to show"):
        boards_in([])


def test_the_page_has_the_table_of_the_boards_beside_it() -> None:
    page = (DOCS / "boards-measured.md").read_text(encoding="utf-8")
    assert table(boards_in([DOCS / "boards"])) in page, "healthslm bench board --table docs/boards"


def test_the_command_shows_the_table_and_refuses_what_is_not_meant(tmp_path: Path) -> None:
    shown = said_by(["bench", "board", "--table", str(DOCS / "boards")])
    assert shown.code == 0
    assert shown.stdout.strip() == table(boards_in([DOCS / "boards"]))
    assert said_by(["bench", "--board", "--table", str(DOCS / "boards")]).stdout == shown.stdout
    there = tmp_path / "there.json"
    there.write_text("")
    assert "already there" in said_by(["bench", "board", "--out", str(there)]).stderr
    refused = said_by(["bench", "store", "--emulated"])
    assert (refused.code, "are for `bench board`" in refused.stderr) == (2, True)
