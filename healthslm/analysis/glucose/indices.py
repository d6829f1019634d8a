"""What can be had from the values alone: mean, spread, shares of time, risk indices.

Definitions as in iglu (Broll S, Urbanek J, Buchanan D et al. Interpreting blood glucose data with R package
iglu. PLoS One 2021;16:e0248560). Sources:
[1] Battelino T et al. Clinical targets for continuous glucose monitoring data interpretation. Diabetes Care
    2019;42:1593-1603 (mean, CV, GMI, times in ranges, 14 days of 70 %).
[2] Bergenstal RM et al. Glucose management indicator. Diabetes Care 2018;41:2275-2280.
[3] Nathan DM et al. Translating the A1C assay into estimated average glucose values. Diabetes Care
    2008;31:1473-1478.
[4] Kovatchev BP et al. Evaluation of a new measure of blood glucose variability in diabetes. Diabetes Care
    2006;29:2433-2438 (LBGI, HBGI, ADRR).
[5] Klonoff DC et al. A glycemia risk index. J Diabetes Sci Technol 2023;17:1226-1242.
[6] Wojcicki JM. J-index. Horm Metab Res 1995;27:41-42.
[7] Schlichtkrull J, Munck O, Jersild M. The M-value. Acta Med Scand 1965;177:95-102 (of 90 mg/dL).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import Floats, Ints

BELOW = (54, 70)
ABOVE = (140, 180, 250)
WITHIN = ((70, 180), (70, 140), (63, 140))
"""mg/dL; the range itself, that of people without diabetes, and that of pregnancy."""
_TURN = 112.5
"""mg/dL, where the risk is least [4]."""


def percent(part: NDArray[np.bool_]) -> float:
    """Share of readings in %."""
    return float(part.mean()) * 100


def spread(values: Floats) -> dict[str, float]:
    """Return mean, median, SD (n - 1), CV in %, GMI [2], estimated A1c [3], J-index [6] and M-value [7].

    `values`: shape `(n,)`, n at least 1, mg/dL. SD and what hangs on it are NaN of a single value.
    """
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return {
        "mean": mean,
        "median": float(np.median(values)),
        "min": float(values.min()),
        "max": float(values.max()),
        "sd": sd,
        "cv": sd / mean * 100,
        "gmi": 3.31 + 0.02392 * mean,
        "ea1c": (46.7 + mean) / 28.7,
        "j_index": 0.001 * (mean + sd) ** 2,
        "m_value": float(np.mean(1000 * np.abs(np.log10(values / 90)) ** 3)),
    }


def ranges(values: Floats) -> dict[str, float]:
    """Return the shares of readings below, within and above the bounds, in %.

    iglu's names are cumulative (`below_70` holds what is below 54); the consensus' levels [1] part the whole:
    `tbr_level2` < 54, `tbr_level1` 54 to 69, `tir` 70 to 180, `tar_level1` 181 to 250, `tar_level2` > 250.
    """
    found = {f"below_{bound}": percent(values < bound) for bound in BELOW}
    found |= {f"above_{bound}": percent(values > bound) for bound in ABOVE}
    found |= {f"in_range_{low}_{high}": percent((values >= low) & (values <= high)) for low, high in WITHIN}
    return {
        **found,
        "tbr_level2": found["below_54"],
        "tbr_level1": found["below_70"] - found["below_54"],
        "tir": found["in_range_70_180"],
        "tar_level1": found["above_180"] - found["above_250"],
        "tar_level2": found["above_250"],
    }


def gri(found: dict[str, float]) -> float:
    """Return the glycemia risk index [5], 0 to 100, of the shares that `ranges` gives."""
    low = 3 * found["tbr_level2"] + 2.4 * found["tbr_level1"]
    return min(100.0, low + 1.6 * found["tar_level2"] + 0.8 * found["tar_level1"])


def _risk(values: Floats) -> Floats:
    return np.asarray(np.log(values) ** 1.084 - 5.381, dtype=np.float64)


def risk(values: Floats, dates: Ints) -> dict[str, float]:
    """Return the low and high blood glucose index and the average daily risk as iglu has it [4].

    `dates`: shape `(n,)`, any number that is the same within a day.
    """
    f = _risk(values)
    low = 22.77 * float((np.minimum(f, 0) ** 2 * (values < _TURN)).sum()) / len(values)
    high = 22.77 * float((np.maximum(f, 0) ** 2 * (values >= _TURN)).sum()) / len(values)
    order = np.argsort(dates, kind="stable")
    starts = np.concatenate(([0], np.flatnonzero(np.diff(dates[order])) + 1))
    worst = np.maximum(np.maximum.reduceat(f[order], starts), 0) ** 2
    least = np.minimum(np.minimum.reduceat(f[order], starts), 0) ** 2
    return {"lbgi": low, "hbgi": high, "adrr": float(22.77 * np.mean(worst + least))}
