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
    import tensorflow as tf

    offsets, logits = outputs
    priors = prior_boxes() * np.float32(size)  # (P, 4)
    target, positive, background = _assigned(tf, priors, boxes, ignored)
    is_face = tf.cast(positive, tf.float32)
    faces = tf.maximum(tf.reduce_sum(is_face), 1.0)

    surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(positive, tf.int32), logits)
    counted = is_face + tf.cast(_hard(tf, surprise, positive, background), tf.float32)
    wanted = _encoded(tf, priors, tf.gather(boxes, target, batch_dims=1))
    distance = _smooth_distance(tf, offsets - tf.where(positive[..., None], wanted, offsets))
    return {
        "class": tf.reduce_sum(surprise * counted) / faces,
        "box": tf.reduce_sum(distance * is_face[..., None]) / faces,
    }


def _assigned(tf: Any, priors: np.ndarray, boxes: Any, ignored: Any) -> tuple[Any, Any, Any]:
    """For each prior, (B, P): the index of its face, whether it has one, whether it may be
    background."""
    overlap = _overlaps(tf, priors, boxes)  # (B, P, G)
    centres = (priors[:, :2] + priors[:, 2:]) / 2
    sides = np.sqrt(np.prod(priors[:, 2:] - priors[:, :2], axis=1))
    middles = (boxes[:, None, :, :2] + boxes[:, None, :, 2:]) / 2
    apart = tf.reduce_sum(tf.abs(middles - centres[:, None]), axis=3) / sides[:, None]
    # Of priors that contain a small face, which overlap it alike, the nearer are better.
    rank = tf.transpose(overlap - 1e-3 * apart, (0, 2, 1))
    limit = tf.math.top_k(rank, FEWEST_PRIORS).values[..., -1]  # (B, G)
    best = tf.transpose(rank, (0, 2, 1)) >= limit[:, None]
    chosen = (overlap >= FACE_OVERLAP) | (best & (overlap >= LEAST_OVERLAP))
    target = tf.argmax(tf.where(chosen, overlap, -1.0), axis=2, output_type=tf.int32)
    positive = tf.reduce_any(chosen, axis=2)
    near = tf.reduce_any(overlap >= BACKGROUND_OVERLAP, axis=2)
    hidden = tf.reduce_any(_overlaps(tf, priors, ignored) >= IGNORED_OVERLAP, axis=2)
    hidden |= tf.reduce_any(_contains(tf, ignored, centres), axis=2)
    return target, positive, ~(positive | near | hidden)


def _hard(tf: Any, surprise: Any, positive: Any, background: Any) -> Any:
    """The background priors that count, (B, P): in each crop those that look most like faces."""
    surprise = tf.stop_gradient(tf.where(background, surprise, -1.0))
    count = NEGATIVES * tf.reduce_sum(tf.cast(positive, tf.int32), axis=1)
    count = tf.clip_by_value(count, FEWEST_NEGATIVES, surprise.shape[1])
    ordered = tf.sort(surprise, axis=1, direction="DESCENDING")
    limit = tf.gather(ordered, count - 1, batch_dims=1)
    return background & (surprise >= limit[:, None])


def _encoded(tf: Any, priors: np.ndarray, boxes: Any) -> Any:
    """Boxes (B, P, 4) relative to the priors, as the network predicts them."""
    centres, sides = (priors[:, :2] + priors[:, 2:]) / 2, priors[:, 2:] - priors[:, :2]
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    # Keeps the logarithm of a padded face finite.
    lengths = tf.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    parts = [(middles - centres) / sides, tf.math.log(lengths / sides)]
    return tf.concat(parts, axis=2) / np.array(VARIANCES, np.float32)


def _overlaps(tf: Any, priors: np.ndarray, boxes: Any) -> Any:
    """IoU of priors (P, 4) and boxes (B, G, 4): (B, P, G), 0 for padding."""
    priors, boxes = priors[:, None], boxes[:, None]  # (P, 1, 4), (B, 1, G, 4)
    upper_left = tf.maximum(priors[..., :2], boxes[..., :2])
    common = tf.reduce_prod(
        tf.maximum(tf.minimum(priors[..., 2:], boxes[..., 2:]) - upper_left, 0.0), axis=-1
    )
    areas = np.prod(priors[..., 2:] - priors[..., :2], axis=-1)
    others = tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return common / (areas + others - common)


def _contains(tf: Any, regions: Any, points: np.ndarray) -> Any:
    """Which regions (B, M, 4) contain which points (P, 2): bool (B, P, M)."""
    regions, points = regions[:, None], points[:, None]
    inside = (points > regions[..., :2]) & (points < regions[..., 2:])
    return tf.reduce_all(inside, axis=-1)


def _smooth_distance(tf: Any, difference: Any) -> Any:
    """Smooth L1: squared below 1, straight above."""
    size = tf.abs(difference)
    return tf.where(size < 1, size**2 / 2, size - 0.5)
