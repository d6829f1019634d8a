"""One machine, measured in a way that can be laid beside others: one JSON document a board.

What cannot be measured is `None`, and `missing` says why. Nothing in it tells of a person or a network.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from healthslm import __version__
from healthslm.bench import board_core
from healthslm.bench.energy import Meter, meter
from healthslm.bench.figures import PATIENCE_S, ModelFigures
from healthslm.bench.figures import measure as measure_model
from healthslm.bench.hardware import Machine, machine
from healthslm.errors import ModelError, UsageError
from healthslm.slm import ModelProcess

_PACKAGES = ("onnxruntime", "onnxruntime-genai", "numpy", "bleak")
_LONGEST = 100_000


BUSY = 0.25
"""From this load a core on the speeds are not to be trusted."""


class Figures(BaseModel):
    """What was measured: medians of the runs.

    The core's memory is without the model's process; `model_peak_mb` is that one's at a full window of 1,024
    tokens. Joules are of the meter that `Board.meter` names, so with all that ran meanwhile: of reading 256
    tokens and writing 64, and of keeping a thousand readings as fast as it goes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decode_tokens_per_s: float | None
    prefill_tokens_per_s: float | None
    first_token_s: float | None
    model_start_s: float | None
    model_peak_mb: float | None
    ingest_readings_per_s: float
    core_mb: float | None
    core_peak_mb: float | None
    model_joules: float | None
    ingest_joules_per_1000: float | None


class Board(BaseModel):
    """A machine, its versions, and its figures.

    `load` is how many programs wanted a core on average in the minute before; 0 where nobody says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["healthslm board 1"] = "healthslm board 1"
    measured: str
    runs: int
    load: float
    machine: Machine
    versions: Mapping[str, str]
    figures: Figures
    meter: str
    missing: Mapping[str, str]

    @property
    def busy(self) -> bool:
        """Say whether other programs were at work meanwhile."""
        return self.load > BUSY * max(1, self.machine.cores)


def measure(
    model: Path,
    *,
    now: datetime,
    runs: int = 3,
    emulated: bool = False,
    progress: Callable[[str], None] = lambda _what: None,
) -> Board:
    """Measure this machine. `model` is a built model's folder; without one its figures are missing."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    energy, missing = meter(), {}
    of: dict[str, list[float | None]] = {}
    model_id = ""

    def add(**values: float | None) -> None:
        for name, value in values.items():
            of.setdefault(name, []).append(value)

    for number in range(runs):
        progress(f"the core, run {number + 1} of {runs}")
        core = board_core.measure()
        add(
            ingest_readings_per_s=core.readings / core.seconds,
            core_mb=_mb(core.memory),
            core_peak_mb=_mb(core.peak),
            ingest_joules_per_1000=None if core.joules is None else 1000 * core.joules / core.readings,
        )
        if "model" in missing:
            continue
        progress(f"the model, run {number + 1} of {runs}")
        try:
            found, peak, joules = _model(model, energy)
        except ModelError as error:
            missing["model"] = error.message
            continue
        model_id = found.model_id
        add(
            decode_tokens_per_s=found.decode_tokens_per_s,
            prefill_tokens_per_s=found.prefill_tokens_per_s,
            first_token_s=found.first_token_s,
            model_start_s=found.start_s,
            model_peak_mb=_mb(peak),
            model_joules=joules,
        )
    if not energy.counters:
        missing["joules"] = energy.why
    medians = {name: _median(of.get(name, ())) for name in Figures.model_fields}
    return Board(
        measured=f"{now:%Y-%m-%d}",
        runs=runs,
        load=round(load, 2),
        machine=machine(emulated=emulated),
        versions={"healthslm": __version__, **_versions(), **({"model": model_id} if model_id else {})},
        figures=Figures.model_validate(medians),
        meter=energy.source,
        missing=missing,
    )


def _model(folder: Path, energy: Meter) -> tuple[ModelFigures, int | None, float | None]:
    """Measure the model: its speeds, its memory at a full window, the energy of one measured stretch."""
    found = measure_model(folder)
    with ModelProcess(folder, start_s=PATIENCE_S, answer_s=PATIENCE_S) as process:
        process.start()
        before = energy.read()
        process.measure()
        joules = energy.joules_since(before)
        return found, process.fill().peak_bytes, joules


def _mb(count: int | None) -> float | None:
    return None if count is None else count / 1e6


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(f"{statistics.median(known):.4g}") if known else None


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read(path: Path) -> Board:
    """Read what `measure` came to on a machine. Raises `UsageError` for a file that is something else."""
    try:
        with path.open("rb") as file:
            return Board.model_validate_json(file.read(_LONGEST))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Name what `bench board` wrote."
        ) from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the whole"
        raise UsageError(
            f"{path} is not what `bench board` writes ({where}: {error.errors()[0]['msg']}).",
            "Measure that board again with this healthslm.",
        ) from error
