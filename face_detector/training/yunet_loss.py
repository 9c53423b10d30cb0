"""YuNet's loss: which grid cells predict which face, and how far they are from it.

Cells are assigned to faces by SimOTA (Ge et al. 2021, YOLOX, arXiv:2107.08430) with the constants
of YuNet's authors (Wu, Peng and Yu 2023; github.com/ShiqiYu/libfacedetection.train). Everything is
computed for a whole batch at once: B crops, N cells of all grids, G faces, padded with boxes of
zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from face_detector.training.shared import import_keras
from face_detector.yunet import STRIDES

CENTRE_RADIUS = 2.5
"""Strides from a face's centre within which cells are candidates, as are those in its box."""

OVERLAP_COST = 3.0
MOST_CELLS = 10
"""The most cells that predict one face."""

BOX_WEIGHT, LANDMARK_WEIGHT = 5.0, 0.5

_FAR = 1e5  # cost of a cell that is not near the centre and in the box
_NEVER = 1e8
_LITTLE = 1e-7


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a crop of that side, grid by grid, row by row.

    Returns:
        Upper left corners, float32 (N, 2) in pixels, and strides, float32 (N,).
    """
    corners, strides = [], []
    for stride in STRIDES:
        places = np.arange(size // stride, dtype=np.float32) * stride
        corners.append(np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2))
        strides.append(np.full(len(corners[-1]), stride, np.float32))
    return np.concatenate(corners), np.concatenate(strides)


def loss(
    outputs: Sequence[Any], boxes: Any, landmarks: Any, ignored: Any, size: int
) -> dict[str, Any]:
    """The terms of a batch's loss, scalar tensors by name; training minimises their sum.

    Args:
        outputs: of the network: see :func:`face_detector.training.yunet_network.build_network`.
        boxes: (B, G, 4), faces in pixels of the crop.
        landmarks: (B, G, 5, 2), NaN where unknown.
        ignored: (B, M, 4), regions whose cells do not count as background.
        size: side of the crops.
    """
    ops = import_keras().ops

    flat = ops.concatenate(
        [ops.reshape(part, (ops.shape(part)[0], -1, 16)) for part in outputs], axis=1
    )
    classes, offsets, objects, points = flat[..., 0], flat[..., 1:5], flat[..., 5], flat[..., 6:]
    corners, strides = map(ops.convert_to_tensor, grid(size))
    scale = strides[:, None]
    centre = corners + offsets[..., :2] * scale
    # Keeps the exponential finite whatever the weights are.
    half = ops.exp(ops.minimum(offsets[..., 2:], 9.0)) * scale / 2
    found = ops.concatenate([centre - half, centre + half], axis=2)  # (B, N, 4)

    target, overlap, positive = _assigned(ops, classes, objects, found, boxes, corners, strides)
    background = ops.logical_not(_inside(ops, ignored, corners + scale / 2))
    counted = ops.cast(positive | background, "float32")
    is_face = ops.cast(positive, "float32")
    faces = ops.maximum(ops.sum(is_face), 1.0)

    object_loss = _cross_entropy(ops, is_face, objects) * counted
    class_loss = _cross_entropy(ops, overlap, classes) * is_face
    wanted = ops.take_along_axis(boxes, target[..., None], axis=1)  # (B, N, 4)
    box_loss = (1 - _efficient_overlap(ops, found, wanted)) * is_face
    marks = ops.reshape(landmarks, (*ops.shape(landmarks)[:2], 10))
    marks = ops.take_along_axis(marks, target[..., None], axis=1)
    marks = (marks - ops.tile(corners, (1, 5))) / scale
    known = ops.cast(ops.isfinite(marks), "float32") * is_face[..., None]
    marks = ops.where(known > 0, marks, 0.0)
    landmark_loss = _smooth_distance(ops, points - marks) * known
    return {
        "object": ops.sum(object_loss) / faces,
        "class": ops.sum(class_loss) / faces,
        "box": BOX_WEIGHT * ops.sum(box_loss) / faces,
        "landmark": LANDMARK_WEIGHT * ops.sum(landmark_loss) / ops.maximum(ops.sum(known), 1.0),
    }


def _assigned(
    ops: Any, classes: Any, objects: Any, found: Any, boxes: Any, corners: Any, strides: Any
) -> tuple[Any, Any, Any]:
    """SimOTA.

    Returns:
        For each cell (B, N): the index of its face, the IoU of its box with that face, and
        whether it has a face at all. No gradient flows through them.
    """
    classes, objects, found = map(ops.stop_gradient, (classes, objects, found))
    exists = (boxes[..., 2] > boxes[..., 0])[:, None]  # (B, 1, G)
    middle = corners + strides[:, None] / 2
    in_box = _contains(boxes, middle)  # (B, N, G)
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    reach = (CENTRE_RADIUS * strides)[:, None]
    aside = ops.abs(middle[:, None] - centres[:, None])  # (B, N, G, 2)
    near = ops.max(aside, axis=3) < reach
    candidate = (in_box | near) & exists
    overlap = _overlaps(ops, found[:, :, None], boxes[:, None])  # (B, N, G)
    overlap = ops.where(candidate, overlap, 0.0)
    score = ops.sqrt(ops.sigmoid(classes) * ops.sigmoid(objects))
    cost = -ops.log(score + _LITTLE)[..., None] - OVERLAP_COST * ops.log(overlap + _LITTLE)
    cost += ops.where(in_box & near, 0.0, _FAR)
    cost = ops.where(candidate, cost, _NEVER)

    # Dynamic k: the better the predicted boxes of a face are, the more cells it gets.
    best = ops.top_k(ops.transpose(overlap, (0, 2, 1)), MOST_CELLS)[0]
    cells = ops.maximum(ops.cast(ops.sum(best, axis=2), "int32"), 1)  # (B, G)
    least = -ops.top_k(-ops.transpose(cost, (0, 2, 1)), MOST_CELLS)[0]
    limit = ops.take_along_axis(least, cells[..., None] - 1, axis=2)  # (B, G, 1)
    chosen = (cost <= ops.transpose(limit, (0, 2, 1))) & candidate
    # A cell chosen by several faces goes to the one of least cost.
    target = ops.argmin(ops.where(chosen, cost, 2 * _NEVER), axis=2)
    positive = ops.any(chosen, axis=2)
    own = ops.take_along_axis(overlap, target[..., None], axis=2)[..., 0]
    return target, own, positive


def _cross_entropy(ops: Any, wanted: Any, logits: Any) -> Any:
    """Binary cross-entropy of probabilities given as logits, element by element."""
    return ops.softplus(logits) - wanted * logits


def _contains(boxes: Any, points: Any) -> Any:
    """Which boxes (B, G, 4) contain which points (N, 2): bool (B, N, G)."""
    x, y = points[:, 0][:, None], points[:, 1][:, None]
    left, top, right, bottom = (boxes[:, None, :, side] for side in range(4))
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def _inside(ops: Any, regions: Any, points: Any) -> Any:
    """Which points (N, 2) are in any of the regions (B, M, 4): bool (B, N)."""
    return ops.any(_contains(regions, points), axis=2)


def _overlaps(ops: Any, found: Any, boxes: Any) -> Any:
    """Intersection over union, element by element of arrays (..., 4)."""
    sides = ops.minimum(found[..., 2:], boxes[..., 2:]) - ops.maximum(
        found[..., :2], boxes[..., :2]
    )
    sides = ops.maximum(sides, 0.0)
    common = sides[..., 0] * sides[..., 1]
    return common / (_area(found) + _area(boxes) - common + _LITTLE)


def _area(boxes: Any) -> Any:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _efficient_overlap(ops: Any, found: Any, boxes: Any) -> Any:
    """EIoU (Zhang et al. 2021, arXiv:2101.08158): IoU minus the squared distances of centres and
    sides relative to the enclosing box, element by element of arrays (..., 4)."""
    around = ops.maximum(found[..., 2:], boxes[..., 2:]) - ops.minimum(
        found[..., :2], boxes[..., :2]
    )
    squared = around**2 + _LITTLE
    centres = (found[..., :2] + found[..., 2:] - boxes[..., :2] - boxes[..., 2:]) / 2
    sides = (found[..., 2:] - found[..., :2]) - (boxes[..., 2:] - boxes[..., :2])
    apart = ops.sum(centres**2, axis=-1) / ops.sum(squared, axis=-1)
    unlike = ops.sum(sides**2 / squared, axis=-1)
    return _overlaps(ops, found, boxes) - apart - unlike


def _smooth_distance(ops: Any, difference: Any, bend: float = 1 / 9) -> Any:
    """Smooth L1: squared near 0, straight from ``bend`` on (the authors' 1 / 9)."""
    size = ops.abs(difference)
    return ops.where(size < bend, size**2 / (2 * bend), size - bend / 2)
