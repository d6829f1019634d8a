"""Names of features as a person reads them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm.analysis.daily_vitals import DAILIES
from healthslm.export import words
from healthslm.readings import KINDS, Feature, Kind, Window
from healthslm.rules import RULES, Case, Rule
from tests.making import DAY, reading

END = DAY + timedelta(days=1)


def window(kind: Kind, back: timedelta) -> Window:
    """Readings all along what a rule looks back, in the middle of what there is."""
    middle = (KINDS[kind].low + KINDS[kind].high) / 2
    rows = [reading(kind, END - back * (1 - (n + 0.5) / 600), middle + n % 2) for n in range(600)]
    return Window.of(kind, END - back, END, rows)


def named(feature: Feature) -> bool:
    return words.title(feature) != feature.name.replace("_", " ")


@pytest.mark.parametrize("rule", [r for r in RULES if not r.daily], ids=lambda r: r.name)
def test_every_feature_of_a_rule_has_a_title(rule: Rule) -> None:
    windows = {kind: window(kind, rule.lookback) for kind in rule.kinds}
    case = Case(
        windows=windows,
        now=END,
        zone=ZoneInfo("UTC"),
        thresholds=rule.settings,
        prepared=rule.prepare(windows, rule.settings) if rule.prepare else None,
    )
    evidence = rule.evidence(case)
    assert evidence
    assert [f.name for f in evidence if not named(f)] == []


@pytest.mark.parametrize("daily", DAILIES, ids=lambda d: d.name)
def test_every_number_of_a_day_has_a_title(daily) -> None:
    feature = Feature(name=daily.name, kind=daily.kinds[0], value=1, unit=daily.unit, start=DAY, end=END)
    assert words.title(feature) == daily.title


def test_every_daily_of_a_rule_is_known() -> None:
    assert {d.name for r in RULES for d in r.daily} <= {d.name for d in DAILIES}
    assert len({d.name for d in DAILIES}) == len(DAILIES)
