"""Scores that mean something: of the detections scored 0.5, about half are faces.

The network's logits are scaled and shifted (Platt 1999) inside its last layers, so that the file
needs nothing beside it. There F1 is about best too. The scale is limited: trained on IoUs as
targets, the network gives most faces 0.7 to 0.9, and true probabilities would press what is now
below 0.5 together near 0, where average precision no longer sees it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from face_detector.training.trainable import Trainable
from face_detector.training.validation import Validation

_LITTLE = 1e-6
SMALLEST_SCALE, LARGEST_SCALE = 0.5, 2.0


def calibrate(
    trainable: Trainable, network: Any, model: bytes, photos: Validation
) -> tuple[float, float]:
    """Make the network's scores probabilities, in place.

    Where scaling and shifting the logits inside the network does only nearly the same to the score,
    a few rounds make up for the difference.

    Args:
        network: of the trainable detector.
        model: content of a file of its kind.

    Returns:
        By what the logits were multiplied, and what was added to them.
    """
    scale, shift = 1.0, 0.0
    if not len(photos):
        print("There are no validation photos with faces: the scores are not calibrated.")
        return scale, shift
    for _ in range(3):
        changed = trainable.file_with(network, model)
        matches = photos.match(trainable.search(changed))
        by, more = fit_scale_and_shift(matches.scores, matches.hits)
        # A limited scale keeps the logit that becomes 0, a score of 0.5.
        limited = float(np.clip(by, SMALLEST_SCALE / scale, LARGEST_SCALE / scale))
        by, more = limited, more * limited / by
        trainable.scale_and_shift(network, by, more)
        scale, shift = scale * by, shift * by + more
    print(f"scores calibrated: logits times {scale:.2f} plus {shift:.2f}")
    return scale, shift


def fit_scale_and_shift(scores: np.ndarray, hits: np.ndarray) -> tuple[float, float]:
    """Find a and b for which ``sigmoid(a * logit(score) + b)`` is the probability of a hit.

    Args:
        scores: float (D,), in [0, 1].
        hits: bool (D,).

    Returns:
        The maximum likelihood by Newton's method, with two virtual detections, one right and one
        wrong, that keep it finite; (1, 0) without a right or without a wrong detection, or where
        right ones do not score higher.
    """
    if not hits.any() or hits.all():
        return 1.0, 0.0
    # The targets of Platt 1999, section 2.2: not quite 0 and 1.
    right, wrong = hits.sum(), (~hits).sum()
    targets = np.where(hits, (right + 1) / (right + 2), 1 / (wrong + 2))
    design = np.stack([logit(scores), np.ones(len(scores))], axis=1)
    values = np.array([1.0, 0.0])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-design @ values))
        slope = design.T @ (targets - chances)
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design
        step = np.linalg.solve(curvature + _LITTLE * np.eye(2), slope)
        # Where scores tell right from wrong perfectly, whole steps would go back and forth.
        step = np.clip(step, -1, 1)
        values = values + step
        if np.abs(step).max() < 1e-8:
            break
    if not np.isfinite(values).all() or values[0] <= 0:
        return 1.0, 0.0
    return float(values[0]), float(values[1])


def logit(scores: np.ndarray) -> np.ndarray:
    """Inverse of the logistic function, of scores kept away from 0 and 1."""
    clipped = np.clip(np.asarray(scores, np.float64), _LITTLE, 1 - _LITTLE)
    return np.log(clipped / (1 - clipped))
