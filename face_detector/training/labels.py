"""What teachers, detectors that search thoroughly, see in a photo, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_detector import Detections, FaceDetector
from face_detector.detections import box_areas, intersection_areas, iou, joined

LOWEST_SCORE = 0.2
"""Of the teachers' detections that are looked at."""

# A detection is a face if its best score is the first and the mean over the teachers the second,
# or if it is so small that thorough searches with few scales miss it. From _OPEN on it is neither
# a face nor background.
_POSITIVE, _AGREED, _OPEN = 0.65, 0.5, 0.6
_TINY = 14.0  # pixels of the photo, as the square root of the area

_SAME, _APART = 0.5, 0.3  # IoU from which two boxes are one face, and below which they are two
_MAIN_FACE = 0.2  # of the photo's shorter side: the least side of the one face of a class folder


@dataclass(frozen=True)
class Sighting:
    """What the teachers see in one photo.

    Attributes:
        found: N detections, each boxed by the last teacher that sees it, scored by the surest.
        by_teacher: float32 (N, teachers), the score that each teacher gives, 0 where it sees none.
    """

    found: Detections
    by_teacher: np.ndarray

    @property
    def sure(self) -> np.ndarray:
        """Which detections are faces: bool (N,)."""
        agreed = self.by_teacher.mean(axis=1) >= _AGREED
        tiny = box_areas(self.found.boxes) < _TINY**2
        return np.asarray((self.found.scores >= _POSITIVE) & (agreed | tiny))

    @property
    def hard_negative(self) -> np.ndarray:
        """Which detections of the last teacher are none where all faces are annotated: (N,)."""
        return np.asarray((self.found.scores < _OPEN) & (self.by_teacher[:, -1] >= LOWEST_SCORE))

    @property
    def open(self) -> np.ndarray:
        """Which may be faces although all are said to be annotated: bool (N,)."""
        return np.asarray(~self.sure & (self.found.scores >= _OPEN))


def look(teachers: Sequence[FaceDetector], image: np.ndarray) -> Sighting:
    """What the teachers see in a picture, uint8 BGR (H, W, 3); the last one boxes best."""
    return combined([teacher.find(image) for teacher in teachers])


def combined(passes: Sequence[Detections]) -> Sighting:
    """What the teachers see, from what each of them finds in the same photo."""
    kept = passes[-1]
    for found in reversed(passes[:-1]):
        kept = joined([kept, found[lie_apart(found.boxes, kept.boxes)]])
    by_teacher = np.zeros((len(kept), len(passes)), np.float32)
    for teacher, found in enumerate(passes):
        if len(found) and len(kept):
            shares = iou(kept.boxes, found.boxes)
            scores = np.where(shares >= _APART, found.scores, 0)
            by_teacher[:, teacher] = scores.max(axis=1)
    best = by_teacher.max(axis=1, initial=0)
    return Sighting(Detections(kept.boxes, best, kept.landmarks), by_teacher)


def main_face(sighting: Sighting, width: int, height: int) -> np.ndarray:
    """Which detection is the face of a photo of one person where none is sure: bool (N,)."""
    found = sighting.found
    large = np.sqrt(box_areas(found.boxes)) >= _MAIN_FACE * min(width, height)
    chosen = np.zeros(len(found), bool)
    if large.any() and not sighting.sure.any():
        chosen[np.argmax(np.where(large, sighting.by_teacher.mean(axis=1), -1))] = True
    return chosen


def lie_apart(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes (K, 4) neither overlap nor mostly contain or lie in one of the others: (K,)."""
    shares = iou(boxes, others).max(axis=1, initial=0)
    shared = intersection_areas(boxes, others)
    inside = (shared / box_areas(boxes)[:, None]).max(axis=1, initial=0)
    around = (shared / box_areas(others)).max(axis=1, initial=0)
    apart: np.ndarray = (shares < _APART) & (inside < 0.5) & (around < 0.5)
    return apart


def landmarks_and_scores(boxes: np.ndarray, sighting: Sighting) -> tuple[np.ndarray, np.ndarray]:
    """The landmarks and the last teacher's score of the detection that matches each box.

    Returns:
        (N, 5, 2), NaN where no detection matches, and (N,), 0 there.
    """
    landmarks = np.full((len(boxes), 5, 2), np.nan, np.float32)
    scores = np.zeros(len(boxes), np.float32)
    found = sighting.found
    if len(boxes) and len(found):
        shares = iou(boxes, found.boxes)
        same, match = shares.max(axis=1) >= _SAME, shares.argmax(axis=1)
        scores[same] = sighting.by_teacher[match[same], -1]
        if found.landmarks is not None:
            landmarks[same] = found.landmarks[match[same]]
    return landmarks, scores


def unseen(boxes: np.ndarray, sighting: Sighting) -> np.ndarray:
    """Which boxes (N, 4) no sure detection overlaps: bool (N,)."""
    shares = iou(boxes, sighting.found.boxes[sighting.sure]).max(axis=1, initial=0)
    return np.asarray(shares < _APART)
