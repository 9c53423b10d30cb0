"""Average precision of a detector on annotated photos, and the best threshold of its scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from face_detector.detections import Detections
from face_detector.training.photos import TrainingPhoto
from face_detector.training.shared import (
    Matches,
    PhotoBoxes,
    average_precision,
    match_photos,
    precision_recall_curve,
    read_photo,
    recall_and_precision,
)

LEAST_SCORE = 0.05
"""Detections below this score are not looked at."""


@dataclass(frozen=True)
class Figures:
    """How good detections are.

    Attributes:
        average_precision: at IoU 0.5, in [0, 1]; NaN without annotated faces.
        recall: of detections scored 0.5 and more; NaN without annotated faces.
        precision: likewise; NaN without such detections.
        best_f1: the best harmonic mean of precision and recall at any score.
        best_score: the score from which detections give it.
    """

    average_precision: float
    recall: float
    precision: float
    best_f1: float
    best_score: float

    def __str__(self) -> str:
        average_precision, recall, precision = (
            "-" if math.isnan(figure) else f"{figure:.3f}"
            for figure in (self.average_precision, self.recall, self.precision)
        )
        return (
            f"AP {average_precision}, at 0.5 recall {recall} and precision {precision}, "
            f"best F1 {self.best_f1:.3f} at {self.best_score:.2f}"
        )

    def as_json(self) -> dict[str, float | None]:
        """The figures by name; JSON knows no NaN, so None stands for it."""
        return {name: None if math.isnan(each) else each for name, each in asdict(self).items()}


class Validation:
    """Photos of one part, held in memory, to measure detectors on.

    Annotated photos if there are any, otherwise those that the teachers labelled.
    """

    def __init__(self, photos: Sequence[TrainingPhoto]) -> None:
        annotated = [photo for photo in photos if photo.annotated]
        self._photos = annotated or [photo for photo in photos if len(photo.boxes)]
        self._truth = [
            (
                photo.boxes[photo.by_people],
                np.vstack([photo.boxes[~photo.by_people], photo.ignored]),
            )
            # Faces that the teachers alone know of are neither required nor wrong.
            if annotated
            else (photo.boxes, photo.ignored)
            for photo in self._photos
        ]
        self._images = [read_photo(photo.path) for photo in self._photos]

    def __len__(self) -> int:
        return len(self._photos)

    def match(self, detect: Callable[[np.ndarray], Detections]) -> Matches:
        """The detections in all photos and whether they are right, best first."""
        looks = []
        for (boxes, ignored), image in zip(self._truth, self._images, strict=True):
            found = detect(image)
            looks.append(PhotoBoxes(boxes, ignored, found.boxes, found.scores))
        return match_photos(looks)


def figures(matches: Matches) -> Figures:
    """The figures of matched detections."""
    recall, precision = recall_and_precision(matches, 0.5)
    f1, score = best_threshold(*precision_recall_curve(matches), matches.scores)
    return Figures(
        float(average_precision(matches)[0]), float(recall[0]), float(precision[0]), f1, score
    )


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
