"""Looking at one picture several times, at other scales and in tiles, and merging what is seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from face_detector.detections import Detections, joined

# Neighbouring tiles share a third, so that a face up to that size is whole in one of them.
TILE_OVERLAP = 1 / 3
MAX_TILES_A_SIDE = 24
# A box that ends this close to a tile's inner edge, as a share of the tile, is a cut face.
CUT_MARGIN = 0.01
# Boxes above the first IoU are averaged into one face, those above the second belong to it.
SAME_FACE_OVERLAP = 0.5
DUPLICATE_OVERLAP = 0.4

Window = tuple[int, int, int, int]
"""A part of a picture: x1, y1, x2, y2 in whole pixels."""


def resized(image: np.ndarray, longer_side: int) -> np.ndarray:
    """The picture with its longer side made so many pixels, itself where it has them."""
    height, width = image.shape[:2]
    factor = longer_side / max(height, width)
    if factor == 1:
        return image
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def tiles(width: int, height: int, tile_width: float, tile_height: float) -> Iterator[Window]:
    """Equal windows of at most that size which cover the picture and overlap by a third.

    There are at most ``MAX_TILES_A_SIDE`` a side: on pictures longer than that they get longer.

    >>> list(tiles(300, 100, 180, 100))
    [(0, 0, 180, 100), (120, 0, 300, 100)]
    """
    for top, bottom in _spans(height, tile_height):
        for left, right in _spans(width, tile_width):
            yield left, top, right, bottom


def _spans(length: int, tile: float) -> list[tuple[int, int]]:
    step = 1 - TILE_OVERLAP
    # Rounded first: 300 / 180 and its like must not become one more by the last bit.
    count = 1 + max(0, math.ceil(round((length / tile - 1) / step, 6)))
    count = min(count, MAX_TILES_A_SIDE)
    tile = length / (1 + (count - 1) * step)
    starts = [round(index * tile * step) for index in range(count)]
    return [(start, min(length, math.ceil(start + tile))) for start in starts]


def without_cut(found: Detections, window: Window, width: int, height: int) -> Detections:
    """Without boxes that an edge of the window cuts, unless it is the picture's edge too."""
    left, top, right, bottom = window
    x_margin, y_margin = CUT_MARGIN * (right - left), CUT_MARGIN * (bottom - top)
    least = [left + x_margin if left else -np.inf, top + y_margin if top else -np.inf]
    most = [
        right - x_margin if right < width else np.inf,
        bottom - y_margin if bottom < height else np.inf,
    ]
    cut = (found.boxes[:, :2] < least) | (found.boxes[:, 2:] > most)
    return found[~np.any(cut, axis=1)]


def suppressed(found: Detections, overlap: float) -> Detections:
    """Best first, without those that overlap a better one by more than this IoU."""
    corner_and_size = np.hstack([found.boxes[:, :2], found.boxes[:, 2:] - found.boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), found.scores.tolist(), 0.0, overlap)
    return found[np.asarray(kept, dtype=int).reshape(-1)]


def merged(
    views: Sequence[Detections],
    scales: Sequence[float] | None = None,
    face_sizes: tuple[float, float] = (0, math.inf),
) -> Detections:
    """One face for what several looks at the same picture agree on, best first.

    Boxes and landmarks are means weighted by the fourth power of the score (weighted box fusion,
    Solovyev et al. 2021, arXiv:1910.13302). The score is the best one; with ``scales`` it is the
    mean of that and of what the views say on average that were able to see the face.

    Args:
        views: faces of each look, boxes of positive area in pixels of the same picture.
        scales: how much each look enlarged the picture.
        face_sizes: sizes in pixels of the enlarged picture, least and most, of the faces that the
            detector can be relied upon to see.
    """
    found = joined(views)
    view = np.repeat(np.arange(len(views)), [len(each) for each in views])
    order = np.argsort(-found.scores, kind="stable")
    found, view = found[order], view[order]
    weights = found.scores**4
    sides = np.sqrt((found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1))
    boxes, scores, landmarks = found.boxes.copy(), found.scores.copy(), found.landmarks
    if landmarks is not None:
        landmarks = landmarks.copy()
    heads = []
    free = np.ones(len(found), dtype=bool)
    for head in range(len(found)):
        if not free[head]:
            continue
        heads.append(head)
        overlaps = _intersection_over_union(found.boxes[head], found.boxes)
        same = free & (overlaps > SAME_FACE_OVERLAP)
        free &= overlaps <= DUPLICATE_OVERLAP
        share = weights[same] / weights[same].sum()
        boxes[head] = share @ found.boxes[same]
        if landmarks is not None and found.landmarks is not None:
            landmarks[head] = np.tensordot(share, found.landmarks[same], axes=1)
        if scales is not None:
            said = np.zeros(len(views), np.float32)
            np.maximum.at(said, view[same], found.scores[same])
            seen_as = sides[head] * np.asarray(scales)
            able = (seen_as >= face_sizes[0]) & (seen_as <= face_sizes[1])
            able[view[head]] = True
            scores[head] = (scores[head] + said[able].mean()) / 2
    faces = Detections(boxes, scores, landmarks)[np.asarray(heads, dtype=int)]
    return faces[np.argsort(-faces.scores, kind="stable")]


def _intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """IoU, shape (N,), of one box (4,) with others (N, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    overlap: np.ndarray = common / ((box[2:] - box[:2]).prod() + areas - common)
    return overlap
