"""What a YuNet file is worth on annotated photos, and at which score a find is as good as a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_detector.multiscale import resized
from face_detector.training.outside import (
    PhotoBoxes,
    average_precision,
    match_photos,
    precision_recall_curve,
    read_photo,
)
from face_detector.training.photos import TrainingPhoto
from face_detector.yunet import YuNetNetwork

SIZES = (640, 320)
"""Longer sides in pixels at which the photos are looked at, in one pass each."""

_LEAST_SCORE = 0.05


@dataclass(frozen=True)
class Figures:
    """What one pass over all photos gave.

    Attributes:
        average_precision: at IoU 0.5, in [0, 1]; NaN without annotated faces.
        best_f1: the best harmonic mean of precision and recall.
        best_score: the score from which finds give it.
    """

    average_precision: float
    best_f1: float
    best_score: float


class Validation:
    """The annotated photos that choose weights and calibrate scores, held in memory."""

    def __init__(self, photos: Sequence[TrainingPhoto]) -> None:
        self._photos = [photo for photo in photos if photo.annotated]
        self._images = [read_photo(photo.path) for photo in self._photos]

    def __len__(self) -> int:
        return len(self._photos)

    def measure(self, model: bytes, threads: int | None = None) -> dict[int, Figures]:
        """The figures of a YuNet file at each of ``SIZES``.

        Faces that the teacher alone knows of are neither asked for nor wrong.
        """
        network = YuNetNetwork(model, threads)
        return {size: self._measure(network, size) for size in SIZES}

    def _measure(self, network: YuNetNetwork, size: int) -> Figures:
        looks = []
        for photo, image in zip(self._photos, self._images, strict=True):
            seen = resized(image, size)
            found = network.forward(seen, _LEAST_SCORE)
            found = found.moved((image.shape[1] / seen.shape[1], image.shape[0] / seen.shape[0]))
            ignored = np.vstack([photo.boxes[~photo.by_people], photo.ignored])
            looks.append(
                PhotoBoxes(photo.boxes[photo.by_people], ignored, found.boxes, found.scores)
            )
        matches = match_photos(looks)
        f1, score = best_threshold(*precision_recall_curve(matches), matches.scores)
        return Figures(float(average_precision(matches)[0]), f1, score)


def best_threshold(
    recall: np.ndarray, precision: np.ndarray, scores: np.ndarray
) -> tuple[float, float]:
    """The best F1 and the score from which finds give it.

    Args:
        recall: (D,), of the best 1, 2, ..., D finds.
        precision: (D,), likewise.
        scores: (D,), falling.

    Returns:
        (0, 0.5) for D = 0 or where nothing is right.
    """
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    if not len(f1) or not f1.max() > 0:
        return 0.0, 0.5
    best = int(f1.argmax())
    return float(f1[best]), float(scores[best])
