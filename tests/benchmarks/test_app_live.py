"""How the app's figures are computed from what a browser saw."""

from __future__ import annotations

import pytest

from benchmarks.app_door import trend
from benchmarks.app_live import delays


@pytest.mark.parametrize(
    ("values", "first", "last", "growth"),
    [([5.0], 5, 5, 0), ([3, 3, 3, 3], 3, 3, 0), ([1, 2, 3, 4, 5, 6, 7, 8], 1.5, 7.5, 60)],
)
def test_growth_in_an_hour(values: list[float], first: float, last: float, growth: float) -> None:
    samples = [{"time_s": 60.0 * n, "heap": value} for n, value in enumerate(values)]
    assert trend(samples, "heap") == {
        "first": first,
        "last": last,
        "growth_per_hour": pytest.approx(growth, abs=0.01),
    }


def test_delays_are_those_to_the_latest_frame_of_a_number() -> None:
    camera = [[1.0, 0.0], [2.0, 40.0], [1.0, 80.0]]  # numbers repeat
    annotated = [[1.0, 50.0], [1.0, 60.0], [2.0, 140.0], [1.0, 150.0], [9.0, 160.0]]
    assert delays(camera, annotated) == pytest.approx([0.05, 0.1, 0.07])
    assert delays([], annotated) == delays(camera, []) == []
