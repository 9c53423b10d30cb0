"""What every face detector returns, and the arithmetic of boxes: areas, overlaps, IoU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detections:
    """Faces found in one picture, best first.

    Attributes:
        boxes: float32 (N, 4), x1, y1, x2, y2 in pixels of the picture.
        scores: float32 (N,), in [0, 1].
        landmarks: float32 (N, 5, 2), x, y of the right eye, left eye, nose tip, right and left
            corner of the mouth (the person's right is on the picture's left), in pixels of the
            picture and possibly outside it; None where the detector finds none.

    >>> len(Detections.none())
    0
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray | None = None

    @classmethod
    def none(cls, landmarks: bool = False) -> Detections:
        """No faces: arrays of the right shapes with N = 0."""
        return cls(
            np.empty((0, 4), np.float32),
            np.empty(0, np.float32),
            np.empty((0, 5, 2), np.float32) if landmarks else None,
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: np.ndarray) -> Detections:
        """The faces at these positions (integers, in that order) or where a mask is true."""
        landmarks = None if self.landmarks is None else self.landmarks[index]
        return Detections(self.boxes[index], self.scores[index], landmarks)

    def split(self, confidence: float) -> tuple[Detections, Detections]:
        """The faces with at least this score, and the others, each in the same order."""
        confident = self.scores >= confidence
        return self[confident], self[~confident]

    def moved(self, scale: Sequence[float], offset: Sequence[float] = (0, 0)) -> Detections:
        """The same faces where ``new = old * scale + offset``, both as (x, y)."""
        factor, shift = np.asarray(scale, np.float32), np.asarray(offset, np.float32)
        boxes = self.boxes * np.tile(factor, 2) + np.tile(shift, 2)
        landmarks = None if self.landmarks is None else self.landmarks * factor + shift
        return Detections(boxes, self.scores, landmarks)

    def clipped(self, width: int, height: int) -> Detections:
        """Boxes cut to the picture on both sides; those with nothing left are dropped."""
        limits = np.asarray([width, height, width, height], np.float32)
        boxes = np.clip(self.boxes, 0, limits)
        inside = Detections(boxes, self.scores, self.landmarks)
        return inside[(boxes[:, :2] < boxes[:, 2:]).all(axis=1)]

    def adjusted(self, shares: Sequence[float]) -> Detections:
        """Each side of the boxes moved by a share of their width (x) or height (y).

        Args:
            shares: for x1, y1, x2, y2; positive is right and down.
        """
        # (N, 4): width, height, width, height of each box
        sides = np.tile(self.boxes[:, 2:] - self.boxes[:, :2], 2)
        boxes = self.boxes + sides * np.asarray(shares, np.float32)
        return Detections(boxes, self.scores, self.landmarks)


def joined(parts: Sequence[Detections]) -> Detections:
    """The faces of one or more parts, in the order of the parts."""
    landmarks = [part.landmarks for part in parts if part.landmarks is not None]
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate(landmarks) if landmarks else None,
    )


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Areas, shape (N,), of boxes (N, 4) given as x1, y1, x2, y2, in their own dtype."""
    areas: np.ndarray = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas


def intersection_areas(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area shared by every pair: shape (N, M) for boxes (N, 4) and (M, 4), in their dtype."""
    lower_right = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    upper_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    # Sides are negative where two boxes do not touch: such pairs share nothing.
    areas: np.ndarray = np.maximum(lower_right - upper_left, 0).prod(axis=2)
    return areas


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair of boxes, in [0, 1].

    Args:
        boxes: (N, 4), x1, y1, x2, y2, of positive area.
        others: (M, 4) of the same dtype; float32 and float64 results differ in the last digits.

    Returns:
        Shape (N, M), in the boxes' dtype; (0, M) or (N, 0) where one of them is empty.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 2], [1, 0, 3, 2]])).round(2).tolist()
    [[1.0, 0.33]]
    """
    shared = intersection_areas(boxes, others)
    unions = box_areas(boxes)[:, None] + box_areas(others)[None, :] - shared
    overlaps: np.ndarray = shared / unions
    return overlaps
