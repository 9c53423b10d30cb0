"""Which photos training crops are made of, and what in a photo a crop is centred on.

Faces that detectors have trouble with, and what they take for faces, are chosen more often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from face_detector.training.photos import TrainingPhoto

# What a crop is centred on, and how often.
_CENTRES = {"face": 0.76, "hard negative": 0.14, "anywhere": 0.10}

# The kinds of photos that crops are made of, and how often each is chosen.
_KINDS = {
    "annotated": 0.53,
    "annotated, drawn on": 0.11,
    "by teachers, bare": 0.12,
    "by teachers, covered": 0.15,
    "by teachers, drawn on": 0.09,
}

# How much more often a face is chosen that the teacher scores low, and one that is turned aside.
_HARD, _TURNED = 1.5, 1.5
_HARD_SCORE = 0.65
_TURNED_FROM = 0.3  # of the distance between the eyes: from their middle to the nose, sideways


class PhotoChoice:
    """Draws photos, each kind as often as its share says."""

    def __init__(self, photos: Sequence[TrainingPhoto]) -> None:
        """
        Args:
            photos: at least one.
        """
        self._kinds: list[list[TrainingPhoto]] = []
        self._chances: list[np.ndarray] = []
        shares = []
        for kind, share in _KINDS.items():
            members = [photo for photo in photos if _kind(photo) == kind]
            if members:
                weights = np.array([_weight(photo) for photo in members])
                self._kinds.append(members)
                self._chances.append(np.cumsum(weights / weights.sum()))
                shares.append(share)
        self._shares = np.cumsum(np.array(shares) / sum(shares))

    def draw(self, rng: np.random.Generator) -> TrainingPhoto:
        """One photo."""
        kind = int(np.searchsorted(self._shares[:-1], rng.random(), side="right"))
        place = int(np.searchsorted(self._chances[kind][:-1], rng.random(), side="right"))
        return self._kinds[kind][place]


def _kind(photo: TrainingPhoto) -> str:
    origin = "annotated" if photo.annotated else "by teachers"
    if photo.drawn_seed is not None:
        return f"{origin}, drawn on"
    if photo.annotated:
        return origin
    return f"{origin}, bare" if photo.bare.any() else f"{origin}, covered"


def _weight(photo: TrainingPhoto) -> float:
    """How often a photo is chosen: more often for many faces, but not in proportion."""
    count = len(photo.boxes)
    return math.sqrt(1 + count) * float(_interest(photo).mean()) if count else 1.0


def _interest(photo: TrainingPhoto) -> np.ndarray:
    """How often each face is chosen, (N,): more often where detectors have trouble with it."""
    right_eye, left_eye, nose = photo.landmarks[:, 0], photo.landmarks[:, 1], photo.landmarks[:, 2]
    across = left_eye - right_eye
    length = np.maximum(np.linalg.norm(across, axis=1), 1e-3)
    # The nose's way from the middle of the eyes, along the line between them; NaN is not turned.
    aside = ((nose - (right_eye + left_eye) / 2) * across).sum(axis=1) / length**2
    # What teachers added to annotated photos is only as sure as its score.
    certain = photo.by_people | (not photo.annotated)
    hard, turned = certain & (photo.scores < _HARD_SCORE), np.abs(aside) > _TURNED_FROM
    return 1 + _HARD * hard + _TURNED * turned


def centre_box(
    photo: TrainingPhoto, width: int, height: int, rng: np.random.Generator
) -> np.ndarray:
    """The box (4,) that a cell is centred on: a face, a hard negative or a random square."""
    choices = {"face": photo.boxes, "hard negative": photo.hard_negatives}
    chances = [share for name, share in _CENTRES.items() if len(choices.get(name, "."))]
    names = [name for name in _CENTRES if len(choices.get(name, "."))]
    name = names[int(np.searchsorted(np.cumsum(chances)[:-1], rng.random() * sum(chances)))]
    if name == "face":
        sums = np.cumsum(_interest(photo))
        return photo.boxes[int(np.searchsorted(sums[:-1], rng.random() * sums[-1]))]
    if name == "hard negative":
        return photo.hard_negatives[rng.integers(len(photo.hard_negatives))]
    side = min(width, height) * rng.uniform(0.05, 0.5)
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])
