"""Glucose by a sensor: the consensus' figures, variability, excursions, episodes, the profile of a day.

Numbers in mg/dL, computed as the R package iglu defines them, so that they can be laid beside its.
"""

from healthslm.analysis.glucose.episodes import Episode, episodes
from healthslm.analysis.glucose.mage import mage
from healthslm.analysis.glucose.profile import PERCENTILES, Profile, profile
from healthslm.analysis.glucose.report import (
    ACTIVE,
    DAYS,
    figures,
    glucose_features,
    insufficient,
    no_sensor,
    reach,
    sensor_figures,
)
from healthslm.analysis.glucose.trace import Grid, Trace, trace_of

__all__ = [
    "ACTIVE",
    "DAYS",
    "PERCENTILES",
    "Episode",
    "Grid",
    "Profile",
    "Trace",
    "episodes",
    "figures",
    "glucose_features",
    "insufficient",
    "mage",
    "no_sensor",
    "profile",
    "reach",
    "sensor_figures",
    "trace_of",
]
