"""Calibration: how reliable probabilities are, and the temperature that fits best."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from mask_detector.training.calibration import choose_threshold, fit_temperature, reliability


def test_reliability_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.5, 0.5]])
    curve = reliability(probabilities, np.array([0, 1, 1, 0]), bins=10)
    assert curve.counts.tolist() == [0, 0, 0, 0, 1, 0, 1, 0, 2, 0]
    assert curve.accuracy[[4, 6, 8]].tolist() == [1, 1, 0.5]
    assert curve.confidence[[4, 6, 8]] == pytest.approx([0.5, 0.7, 0.9])
    assert curve.error == pytest.approx((0.5 + 0.3 + 2 * 0.4) / 4)


def test_reliability_of_nothing():
    curve = reliability(np.empty((0, 2)), np.empty(0, int))
    assert np.isnan(curve.error)
    assert curve.counts.sum() == 0


def test_temperature_is_the_best_one():
    random = np.random.default_rng(5)
    logits = random.normal(0, 4, (500, 3))
    noisy = logits / 2.5 + random.gumbel(size=logits.shape)  # labels drawn at temperature 2.5
    labels = noisy.argmax(axis=1)

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        scaled = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -float(scaled[np.arange(500), labels].mean())

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9}).x
    assert fit_temperature(logits, labels) == pytest.approx(best, rel=1e-5)
    assert best == pytest.approx(2.5, rel=0.2)


@pytest.mark.parametrize(
    ("logits", "labels", "expected"),
    [
        (np.empty((0, 2)), [], 1.0),
        ([[1.0, -1.0]], [0], 0.05),  # no error: as sharp as it may be
        ([[1.0, -1.0]], [1], 20.0),  # nothing but errors: as flat as it may be
    ],
)
def test_temperature_at_its_limits(logits, labels, expected):
    assert fit_temperature(logits, np.array(labels, int)) == pytest.approx(expected, rel=0.1)


def test_threshold_weighs_precision_against_recall():
    """Of ten faces above 0.7, nine are of the class; above 0.4 there are as many false ones."""
    shares = np.concatenate([np.full(9, 0.8), [0.75], np.full(10, 0.5), np.full(80, 0.1)])
    probabilities = np.stack([1 - shares, shares], axis=1)
    labels = np.concatenate([np.ones(9), np.zeros(91)]).astype(int)
    assert 0.5 <= choose_threshold(probabilities, labels, 1) < 0.8
    assert choose_threshold(probabilities, np.zeros(100, int), 1) == 0.5
