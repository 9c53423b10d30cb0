"""SSD's loss: which prior boxes predict which face, and how far they are from it.

As in Liu et al. 2016 (arXiv:1512.02325): priors that overlap a face predict it, of the others the
surest "faces" count as background, three for each prior with a face. Faces that are much smaller
than every prior overlap none by half: as in S3FD (Zhang et al. 2017, arXiv:1708.05237) the priors
nearest to such a face predict it. Arrays have B crops, P priors and G faces, padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from face_detector.training.shared import import_keras
from face_detector.training.ssd_network import VARIANCES, prior_boxes

FACE_OVERLAP, BACKGROUND_OVERLAP = 0.5, 0.4
"""A prior with at least the first IoU predicts the face, with less than the second it is
background; between the two it counts as neither."""

FEWEST_PRIORS, LEAST_OVERLAP = 4, 0.05
"""Each face is predicted by at least this number of priors, as far as they have this IoU."""

NEGATIVES, FEWEST_NEGATIVES = 3, 24
"""Background priors for each prior with a face, and at least in a crop."""

IGNORED_OVERLAP = 0.3
"""A prior with this IoU with an ignored region, or with its centre inside, is no background."""


def loss(
    outputs: Sequence[Any], boxes: Any, landmarks: Any, ignored: Any, size: int
) -> dict[str, Any]:
    """The terms of a batch's loss, scalar tensors by name; training minimises their sum.

    Args:
        outputs: of the network: see :func:`face_detector.training.ssd_network.build_network`.
        boxes: (B, G, 4), faces in pixels of the crop.
        landmarks: not used: the network has none.
        ignored: (B, M, 4), regions whose priors do not count as background.
        size: side of the crops.
    """
    ops = import_keras().ops

    offsets, logits = outputs
    priors = ops.convert_to_tensor(prior_boxes() * np.float32(size))  # (P, 4)
    target, positive, background = _assigned(ops, priors, boxes, ignored)
    is_face = ops.cast(positive, "float32")
    faces = ops.maximum(ops.sum(is_face), 1.0)

    right = ops.where(positive, logits[..., 1], logits[..., 0])
    surprise = ops.logsumexp(logits, axis=2) - right  # cross-entropy
    counted = is_face + ops.cast(_hard(ops, surprise, positive, background), "float32")
    wanted = _encoded(ops, priors, ops.take_along_axis(boxes, target[..., None], axis=1))
    distance = _smooth_distance(ops, offsets - ops.where(positive[..., None], wanted, offsets))
    return {
        "class": ops.sum(surprise * counted) / faces,
        "box": ops.sum(distance * is_face[..., None]) / faces,
    }


def _assigned(ops: Any, priors: Any, boxes: Any, ignored: Any) -> tuple[Any, Any, Any]:
    """For each prior, (B, P): the index of its face, whether it has one, whether it may be
    background."""
    overlap = _overlaps(ops, priors, boxes)  # (B, P, G)
    centres = (priors[:, :2] + priors[:, 2:]) / 2
    sides = ops.sqrt(ops.prod(priors[:, 2:] - priors[:, :2], axis=1))
    middles = (boxes[:, None, :, :2] + boxes[:, None, :, 2:]) / 2
    apart = ops.sum(ops.abs(middles - centres[:, None]), axis=3) / sides[:, None]
    # Of priors that contain a small face, which overlap it alike, the nearer are better.
    rank = ops.transpose(overlap - 1e-3 * apart, (0, 2, 1))
    limit = ops.top_k(rank, FEWEST_PRIORS)[0][..., -1]  # (B, G)
    best = ops.transpose(rank, (0, 2, 1)) >= limit[:, None]
    chosen = (overlap >= FACE_OVERLAP) | (best & (overlap >= LEAST_OVERLAP))
    target = ops.argmax(ops.where(chosen, overlap, -1.0), axis=2)
    positive = ops.any(chosen, axis=2)
    near = ops.any(overlap >= BACKGROUND_OVERLAP, axis=2)
    hidden = ops.any(_overlaps(ops, priors, ignored) >= IGNORED_OVERLAP, axis=2)
    hidden |= ops.any(_contains(ops, ignored, centres), axis=2)
    return target, positive, ~(positive | near | hidden)


def _hard(ops: Any, surprise: Any, positive: Any, background: Any) -> Any:
    """The background priors that count, (B, P): in each crop those that look most like faces."""
    surprise = ops.stop_gradient(ops.where(background, surprise, -1.0))
    count = NEGATIVES * ops.sum(ops.cast(positive, "int32"), axis=1, keepdims=True)
    count = ops.clip(count, FEWEST_NEGATIVES, surprise.shape[1])
    ordered = ops.flip(ops.sort(surprise, axis=1), axis=1)
    limit = ops.take_along_axis(ordered, count - 1, axis=1)  # (B, 1)
    return background & (surprise >= limit)


def _encoded(ops: Any, priors: Any, boxes: Any) -> Any:
    """Boxes (B, P, 4) relative to the priors, as the network predicts them."""
    centres, sides = (priors[:, :2] + priors[:, 2:]) / 2, priors[:, 2:] - priors[:, :2]
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    # Keeps the logarithm of a padded face finite.
    lengths = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    parts = [(middles - centres) / sides, ops.log(lengths / sides)]
    return ops.concatenate(parts, axis=2) / ops.convert_to_tensor(VARIANCES, "float32")


def _overlaps(ops: Any, priors: Any, boxes: Any) -> Any:
    """IoU of priors (P, 4) and boxes (B, G, 4): (B, P, G), 0 for padding."""
    priors, boxes = priors[:, None], boxes[:, None]  # (P, 1, 4), (B, 1, G, 4)
    upper_left = ops.maximum(priors[..., :2], boxes[..., :2])
    common = ops.prod(
        ops.maximum(ops.minimum(priors[..., 2:], boxes[..., 2:]) - upper_left, 0.0), axis=-1
    )
    areas = ops.prod(priors[..., 2:] - priors[..., :2], axis=-1)
    others = ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return common / (areas + others - common)


def _contains(ops: Any, regions: Any, points: Any) -> Any:
    """Which regions (B, M, 4) contain which points (P, 2): bool (B, P, M)."""
    regions, points = regions[:, None], points[:, None]
    inside = (points > regions[..., :2]) & (points < regions[..., 2:])
    return ops.all(inside, axis=-1)


def _smooth_distance(ops: Any, difference: Any) -> Any:
    """Smooth L1: squared below 1, straight above."""
    size = ops.abs(difference)
    return ops.where(size < 1, size**2 / 2, size - 0.5)
