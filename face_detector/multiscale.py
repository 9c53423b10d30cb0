"""Several passes over one picture, at other scales or on tiles, and merging their detections."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from face_detector.detections import Detections, box_areas, intersection_areas, iou, joined

# Neighbouring tiles share a third, so that a face up to that size is whole in one of them.
TILE_OVERLAP = 1 / 3
MAX_TILES_A_SIDE = 24
# A box that ends this close to a tile's inner edge, as a share of the tile, is a cut face.
CUT_MARGIN = 0.01
# Boxes above the first IoU are averaged into one face; those above the second only belong to it.
SAME_FACE_OVERLAP = 0.5
DUPLICATE_OVERLAP = 0.4

# A box of which this share lies in a larger one is a part of that face.
PART_SHARE = 0.8

Window = tuple[int, int, int, int]
"""A part of a picture: x1, y1, x2, y2 in whole pixels."""


def resized(image: np.ndarray, longer_side: int) -> np.ndarray:
    """The picture, uint8 (H, W, 3), resized to this longer side; not copied if it has it."""
    height, width = image.shape[:2]
    factor = longer_side / max(height, width)
    if factor == 1:
        return image
    size = max(1, round(width * factor)), max(1, round(height * factor))
    # Below half the size INTER_LINEAR would skip pixels, so that edges alias; INTER_AREA averages
    # them, but takes eight times as long.
    return cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if factor < 0.5 else cv2.INTER_LINEAR
    )


def tiles(width: int, height: int, tile_width: float, tile_height: float) -> Iterator[Window]:
    """Equal windows of at most this size that cover the picture and overlap by a third.

    At most ``MAX_TILES_A_SIDE`` a side: for pictures that need more, the windows get larger.

    >>> list(tiles(300, 100, 180, 100))
    [(0, 0, 180, 100), (120, 0, 300, 100)]
    """
    for top, bottom in _spans(height, tile_height):
        for left, right in _spans(width, tile_width):
            yield left, top, right, bottom


def _spans(length: int, tile: float) -> list[tuple[int, int]]:
    """Start and stop of equal, overlapping pieces of a length, each ``tile`` long at most."""
    step = 1 - TILE_OVERLAP
    # Rounded first: a floating-point error, as in 300 / 180, must not add one more tile.
    count = 1 + max(0, math.ceil(round((length / tile - 1) / step, 6)))
    count = min(count, MAX_TILES_A_SIDE)
    tile = length / (1 + (count - 1) * step)
    starts = [round(index * tile * step) for index in range(count)]
    return [(start, min(length, math.ceil(start + tile))) for start in starts]


def without_cut(detections: Detections, window: Window, width: int, height: int) -> Detections:
    """Without boxes that an edge of the window cuts, unless it is the picture's edge too.

    Args:
        detections: boxes in pixels of the picture.
        window: the tile they were detected in.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    left, top, right, bottom = window
    x_margin, y_margin = CUT_MARGIN * (right - left), CUT_MARGIN * (bottom - top)
    least = [left + x_margin if left else -np.inf, top + y_margin if top else -np.inf]
    most = [
        right - x_margin if right < width else np.inf,
        bottom - y_margin if bottom < height else np.inf,
    ]
    cut = (detections.boxes[:, :2] < least) | (detections.boxes[:, 2:] > most)
    return detections[~np.any(cut, axis=1)]


def without_parts(detections: Detections, sure: float) -> Detections:
    """Without boxes that lie in a larger one, which tiles find in faces that they do not see whole.

    Args:
        sure: a larger box with at least this score, or at least that of the smaller one, is the
            face.
    """
    boxes, scores = detections.boxes, detections.scores
    areas = box_areas(boxes)
    inside = intersection_areas(boxes, boxes) >= PART_SHARE * areas[:, None]  # (N, N)
    larger = areas[None, :] > areas[:, None]
    better = scores[None, :] >= np.minimum(scores, sure)[:, None]
    return detections[~(inside & larger & better).any(axis=1)]


def suppressed(detections: Detections, overlap: float) -> Detections:
    """Non-maximum suppression: best first, without those whose IoU with a better one is higher."""
    boxes = detections.boxes
    corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), detections.scores.tolist(), 0.0, overlap)
    return detections[np.asarray(kept, dtype=int).reshape(-1)]


def merged(
    passes: Sequence[Detections],
    scales: Sequence[float] | None = None,
    face_sizes: tuple[float, float] = (0, math.inf),
    averaged_from: float = 0.0,
) -> Detections:
    """Merge the detections of several passes over the same picture into one for each face.

    Boxes and landmarks are means weighted by the fourth power of the score (weighted box fusion,
    Solovyev et al. 2021, arXiv:1910.13302). The score is the best one; with ``scales`` it is the
    mean of that and of the average score over the passes that were able to see the face.

    Args:
        passes: detections of each pass, boxes of positive area in pixels of the same picture.
        scales: how much each pass enlarged the picture.
        face_sizes: the smallest and the largest face, in pixels of the enlarged picture, that the
            detector reliably sees.
        averaged_from: boxes with lower scores do not move a face that has at least this score.

    Returns:
        The faces, best first; N = 0 where no pass has one.
    """
    found = joined(passes)  # N boxes
    pass_of = np.repeat(np.arange(len(passes)), [len(each) for each in passes])  # (N,)
    order = np.argsort(-found.scores, kind="stable")
    found, pass_of = found[order], pass_of[order]
    boxes, scores = found.boxes.copy(), found.scores.copy()
    landmarks = None if found.landmarks is None else found.landmarks.copy()
    weights, sides = found.scores**4, np.sqrt(box_areas(found.boxes))
    # Best first, each box that no better one has claimed becomes a face: a head.
    heads = []
    free = np.ones(len(found), dtype=bool)
    for head in range(len(found)):
        if not free[head]:
            continue
        heads.append(head)
        overlaps = iou(found.boxes[head : head + 1], found.boxes)[0]  # (N,)
        # Boxes between the two limits are duplicates too poor to be averaged in.
        same = free & (overlaps > SAME_FACE_OVERLAP)
        if found.scores[head] >= averaged_from:
            same &= found.scores >= averaged_from
        free &= overlaps <= DUPLICATE_OVERLAP
        share = weights[same] / weights[same].sum()
        boxes[head] = share @ found.boxes[same]
        if landmarks is not None and found.landmarks is not None:
            landmarks[head] = np.tensordot(share, found.landmarks[same], axes=1)
        if scales is not None:
            # The best score of each pass for this face, 0 where it missed it: (passes,)
            score_by_pass = np.zeros(len(passes), np.float32)
            np.maximum.at(score_by_pass, pass_of[same], found.scores[same])
            # A face too small or too large at some scale does not lose score by being missed there.
            size_by_pass = sides[head] * np.asarray(scales)
            able = (size_by_pass >= face_sizes[0]) & (size_by_pass <= face_sizes[1])
            able[pass_of[head]] = True
            scores[head] = (scores[head] + score_by_pass[able].mean()) / 2
    faces = Detections(boxes, scores, landmarks)[np.asarray(heads, dtype=int)]
    # Averaging has changed the order.
    return faces[np.argsort(-faces.scores, kind="stable")]
