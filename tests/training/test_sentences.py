"""What is learned to narrate from stands by the very check that decides later."""

import numpy as np

from healthslm.slm.facts import Audience
from healthslm.slm.grounding import check
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
