"""The interval of a share."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from mask_app.report.content import wilson_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (10, 14), (3, 200), (200, 200)])
def test_the_interval_is_wilson_s(successes: int, trials: int) -> None:
    wanted = binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert wilson_interval(successes, trials) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_of_nobody_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0, 1)
