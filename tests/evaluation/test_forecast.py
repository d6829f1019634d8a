"""The simple forecasts that ours is held against."""

import numpy as np
import pytest

from healthslm.evaluation.forecast import measured


def test_a_line_foretells_a_line_and_the_last_value_lags_by_half_an_hour() -> None:
    minutes = 5.0 * np.arange(3 * 288)
    slope = 0.05
    found = measured(minutes, 100 + slope * minutes)
    assert found is not None
    assert found.rmse("line of 15 minutes") == pytest.approx(0, abs=1e-6)
    assert found.rmse("line of 30 minutes") == pytest.approx(0, abs=1e-6)
    assert found.rmse("last value") == pytest.approx(30 * slope)
