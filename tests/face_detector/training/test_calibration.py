"""Scores that are probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector.training.calibration import fit_scale_and_shift, logit
from face_detector.training.validation import best_threshold
from face_detector.training.yunet_network import build_network, file_with, scale_and_shift
from face_detector.weights import ORIGINAL
from face_detector.yunet import YuNetNetwork, read_model


def test_logit_is_the_inverse_of_the_logistic_function() -> None:
    values = np.array([-3.0, 0.0, 2.0])
    np.testing.assert_allclose(logit(1 / (1 + np.exp(-values))), values)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1.4, -0.8), (0.7, 0.5)])
def test_a_known_distortion_is_found(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.98, 40_000)
    hits = rng.random(len(scores)) < 1 / (1 + np.exp(-scale * logit(scores) - shift))
    assert fit_scale_and_shift(scores, hits) == pytest.approx((scale, shift), abs=0.05)


@pytest.mark.parametrize("hits", [[], [True, True], [False]])
def test_nothing_to_fit_changes_nothing(hits: list[bool]) -> None:
    scores = np.linspace(0.2, 0.9, len(hits))
    assert fit_scale_and_shift(scores, np.array(hits, bool)) == (1.0, 0.0)


def test_perfect_scores_give_finite_values() -> None:
    scores = np.array([0.9999, 0.998, 0.06])
    scale, shift = fit_scale_and_shift(scores, scores > 0.5)
    assert 0 < scale < 10 and -10 < shift < 10


def test_best_threshold() -> None:
    nothing = np.empty(0)
    assert best_threshold(nothing, nothing, nothing) == (0.0, 0.5)
    scores = np.array([0.9, 0.8, 0.6, 0.3])
    recall, precision = np.array([0.25, 0.5, 0.75, 0.75]), np.array([1, 1, 1, 0.75])
    f1, score = best_threshold(recall, precision, scores)
    assert (f1, score) == (pytest.approx(6 / 7), 0.6)


def test_the_network_follows() -> None:
    """Shifting both logits by 1 shifts a score whose two factors are alike by 1."""
    model = read_model(ORIGINAL)
    network = build_network(model)
    scale_and_shift(network, 1.0, -1.0)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    before = YuNetNetwork(model, 1)._run(image.transpose(2, 0, 1)[None].astype(np.float32))
    after = YuNetNetwork(file_with(network, model), 1)._run(
        image.transpose(2, 0, 1)[None].astype(np.float32)
    )
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        moved = -1.0 if index % 4 < 2 else 0.0  # cls and obj come first for each stride
        if moved:
            old, new = logit(old), logit(new)
        np.testing.assert_allclose(new, old + moved, atol=2e-2)
