"""Hard negatives of a detector's own: what it takes for a face where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from face_detector import FaceDetector
from face_detector.training.labels import lie_apart
from face_detector.training.photos import TrainingPhoto
from face_detector.training.shared import read_photo


def with_false_finds(
    photos: Sequence[TrainingPhoto], detector: FaceDetector, progress: bool = True
) -> list[TrainingPhoto]:
    """The photos; annotated ones to train on have the detector's false finds as hard negatives.

    A find is false where nobody, neither people nor teachers, sees or suspects a face.

    Args:
        detector: all its finds count, whatever their score.
    """
    hidden = None if progress else True  # None: hidden unless on a terminal
    return [
        _with_false_finds(photo, detector) if photo.annotated and photo.part == "train" else photo
        for photo in tqdm(photos, desc="Looking for false finds", unit="photo", disable=hidden)
    ]


def _with_false_finds(photo: TrainingPhoto, detector: FaceDetector) -> TrainingPhoto:
    found = detector.find(read_photo(photo.path)).boxes
    for known in (photo.boxes, photo.ignored, photo.hard_negatives):
        found = found[lie_apart(found, known)]
    return replace(photo, hard_negatives=np.vstack([photo.hard_negatives, found]))
