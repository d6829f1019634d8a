"""What guidelines ask of a whole period: the pressure average at home, the consensus' figures of glucose.

Each has its own demand on how much there is. Where that is not met the headline of its group has no value and
a reason; the figures beside it are left out, for one reason is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from healthslm.analysis.glucose import glucose_features
from healthslm.analysis.pressure import home_average, last_week, morning_evening_difference
from healthslm.readings import Feature, Kind, Window

HEADLINES = frozenset(("home_systolic", "cgm_tir"))
"""What is named with its reason when it is not known."""
_GLUCOSE = (
    "cgm_tir",
    "cgm_tbr_level1",
    "cgm_tbr_level2",
    "cgm_tar_level1",
    "cgm_tar_level2",
    "cgm_mean",
    "cgm_gmi",
    "cgm_cv",
    "cgm_mage",
    "cgm_gri",
    "cgm_active_percent",
)


def measures(windows: Mapping[Kind, Window], zone: ZoneInfo) -> tuple[Feature, ...]:
    """Return the measures of a period that its windows bear; of a kind that has no window, none.

    Windows of single readings, not an overview; times of day are those of `zone`. Units are the features'. Of
    a longer period the pressure at home is that of its last week.
    """
    found: list[Feature] = []
    if Kind.SYSTOLIC in windows and Kind.DIASTOLIC in windows:
        pressures = last_week(windows[Kind.SYSTOLIC], windows[Kind.DIASTOLIC], zone)
        found += home_average(*pressures, zone=zone)
        found.append(morning_evening_difference(*pressures, zone=zone))
    if Kind.SENSOR_GLUCOSE in windows:
        by_name = {one.name: one for one in glucose_features(windows[Kind.SENSOR_GLUCOSE], zone)}
        found += (by_name[name] for name in _GLUCOSE if name in by_name)
    return tuple(one for one in found if one.value is not None or one.name in HEADLINES)
