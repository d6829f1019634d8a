"""What is learned to narrate from stands by the very check that decides later."""

from pathlib import Path

import numpy as np

from healthslm.evaluation.measured import measured_days
from healthslm.readings import Kind
from healthslm.slm.facts import Audience
from healthslm.slm.grounding import check
from healthslm.training.examples import DAYS, one_pass
from healthslm.training.sentences import items, thinned, written


def test_sentences_stand_and_differ() -> None:
    rng = np.random.default_rng(2)
    texts = []
    for day in range(12):
        for whole in items(day):
            item = thinned(whole, rng)
            for audience in Audience:
                text = written(item, audience, rng)
                if text is not None:
                    assert check(text, item, audience) is None
                    texts.append(text)
    assert len(texts) > 60
    assert len(set(texts)) > 0.9 * len(texts)


CLARITY = Path(__file__).parents[1] / "data" / "glucose" / "clarity-2-days.csv"


def test_the_days_of_a_file_are_told_as_drawn_ones_are() -> None:
    days = list(measured_days(CLARITY))
    assert [day.features[0].kind for day in days] == [Kind.SENSOR_GLUCOSE] * len(days)
    assert {finding.rule for day in days for finding in day.findings} >= {"low_glucose"}
    without, beside = (one_pass((), (), measured, seed=1, number=0) for measured in ((), days))
    assert 5 * DAYS < len(without) < len(beside)
    assert sum("sensor glucose" in example.prompt[0][1] for example in beside) > sum(
        "sensor glucose" in example.prompt[0][1] for example in without
    )


def test_a_pass_is_the_same_for_the_same_seed() -> None:
    one, two, other = (one_pass((), (), seed=seed, number=3) for seed in (1, 1, 2))
    assert one == two
    assert one != other
