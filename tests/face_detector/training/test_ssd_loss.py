"""The SSD's loss: which prior boxes get which face, and what the optimum is."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector.training.shared import import_keras
from face_detector.training.ssd_loss import FEWEST_PRIORS, NEGATIVES, _assigned, _encoded, loss
from face_detector.training.ssd_network import VARIANCES, prior_boxes

OPS = import_keras().ops
SIZE = 300
NONE = np.zeros((1, 1, 4), np.float32)
PRIORS = prior_boxes() * np.float32(SIZE)


def square(x: float, y: float, side: float) -> np.ndarray:
    """A batch (1, 1, 4) of one square around a point."""
    return np.array([[[x - side / 2, y - side / 2, x + side / 2, y + side / 2]]], np.float32)


def assigned(boxes: np.ndarray, ignored: np.ndarray = NONE) -> tuple[np.ndarray, ...]:
    return tuple(map(np.asarray, _assigned(OPS, PRIORS, boxes, ignored)))


@pytest.mark.parametrize("side", [8, 12, 30, 90, 280])
def test_faces_of_all_sizes_have_priors(side: float) -> None:
    _, positive, background = assigned(square(151, 149, side))
    assert FEWEST_PRIORS <= positive.sum() < 40
    assert not (positive & background).any() and background.sum() > 7000
    chosen = PRIORS[positive[0]]
    centres = (chosen[:, :2] + chosen[:, 2:]) / 2
    assert np.abs(centres - (151, 149)).max() < max(16, side / 2)


def test_padding_is_no_face() -> None:
    _, positive, background = assigned(NONE)
    assert not positive.any() and background.all()


def test_each_face_has_its_own_priors() -> None:
    boxes = np.concatenate([square(60, 60, 30), square(220, 200, 120), NONE], axis=1)
    target, positive, _ = assigned(boxes)
    middles = (PRIORS[:, 0] + PRIORS[:, 2]) / 2
    assert set(target[positive]) == {0, 1}
    assert (target[0][positive[0] & (middles < 100)] == 0).all()


def test_ignored_regions_are_no_background() -> None:
    _, positive, background = assigned(NONE, square(100, 100, 60))
    inside = (np.abs((PRIORS[:, :2] + PRIORS[:, 2:]) / 2 - 100) < 30).all(axis=1)
    assert not positive.any() and not background[0][inside].any()
    assert background[0].sum() > 8000


def decoded(offsets: np.ndarray) -> np.ndarray:
    """Boxes from what the network predicts, as OpenCV's DetectionOutput does it."""
    centres, sides = (PRIORS[:, :2] + PRIORS[:, 2:]) / 2, PRIORS[:, 2:] - PRIORS[:, :2]
    middles = centres + offsets[:, :2] * VARIANCES[:2] * sides
    lengths = np.exp(offsets[:, 2:] * VARIANCES[2:]) * sides
    return np.hstack([middles - lengths / 2, middles + lengths / 2])


def test_encoding_is_undone_by_decoding() -> None:
    boxes = np.broadcast_to(square(140, 90, 50), (1, len(PRIORS), 4))
    offsets = np.asarray(_encoded(OPS, PRIORS, boxes))[0]
    np.testing.assert_allclose(decoded(offsets), boxes[0], atol=1e-3)


def test_the_loss_wants_faces_where_they_are() -> None:
    boxes = square(140, 90, 50)
    _, positive, _ = assigned(boxes)
    offsets = _encoded(OPS, PRIORS, np.broadcast_to(boxes, (1, len(PRIORS), 4)))
    logits = np.where(positive[..., None], [-10.0, 10.0], [10.0, -10.0]).astype(np.float32)
    marks = np.zeros((1, 1, 5, 2), np.float32)
    best = loss((offsets, logits), boxes, marks, NONE, SIZE)
    assert sum(float(term) for term in best.values()) < 1e-3
    moved = loss((offsets + 1.0, logits), boxes, marks, NONE, SIZE)
    assert float(moved["box"]) == pytest.approx(4 * 0.5, abs=1e-3)
    # Three background priors for each with a face: logits of 0 cost log 2 each.
    unsure = loss((offsets, np.zeros_like(logits)), boxes, marks, NONE, SIZE)
    assert float(unsure["class"]) >= (1 + NEGATIVES) * np.log(2) - 1e-3


def test_only_the_surest_of_the_background_counts() -> None:
    boxes, marks = square(140, 90, 50), np.zeros((1, 1, 5, 2), np.float32)
    _, positive, background = assigned(boxes)
    logits = np.zeros((1, len(PRIORS), 2), np.float32)
    logits[..., 1] = np.where(positive, 10, -10)
    wrong = np.flatnonzero(background[0])[:5]
    logits[0, wrong, 1] = 10
    offsets = np.zeros((1, len(PRIORS), 4), np.float32)
    terms = loss((offsets, logits), boxes, marks, NONE, SIZE)
    assert float(terms["class"]) == pytest.approx(5 * 10 / positive.sum(), rel=0.01)
