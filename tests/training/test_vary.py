"""Varied questions keep their meaning: the line goes with what is said, whatever was put in its place."""

import numpy as np

from healthslm.slm.lines import END, Lines
from healthslm.slm.numbers import numbers_named
from healthslm.training.vary import slips, spans, varied
from healthslm.voices import learned_from


def test_varied_questions_can_become_their_lines() -> None:
    asked = learned_from()[0]
    rng, from_ = np.random.default_rng(3), spans(asked)
    changed = marked = wrong = 0
    for one in asked:
        text, line = varied(one, from_, rng)
        marked += one.text != one.marked
        changed += line != one.line
        lines, words = Lines(numbers_named(text)), line.split()
        stands = all(w in lines.next(words[:n]) for n, w in enumerate(words)) and END in lines.next(words)
        wrong += not stands
    assert changed > 0.3 * marked
    assert wrong <= 0.002 * len(asked)


def test_the_same_seed_varies_the_same() -> None:
    asked = learned_from()[0][:200]
    from_ = spans(asked)
    one, two = ([varied(a, from_, np.random.default_rng(5)) for a in asked] for _ in range(2))
    assert one == two


def test_slips_leave_digits_alone() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        text = slips("What was my highest blood pressure above 142.5 on 2026-03-05, please?", rng)
        assert "142.5" in text
        assert "2026-03-05" in text
