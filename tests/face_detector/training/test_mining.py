"""False finds become hard negatives, in annotated training photos only."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector import Detections
from face_detector.training.mining import with_false_finds
from face_detector.training.photos import TrainingPhoto

FACE, DOUBT, KNOWN, MISTAKE = (10, 10, 40, 40), (60, 10, 90, 40), (10, 60, 40, 90), (60, 60, 90, 90)


class Detector:
    """Finds all four, each two pixels beside."""

    def find(self, image: np.ndarray) -> Detections:
        boxes = np.array([FACE, DOUBT, KNOWN, MISTAKE], np.float32) + 2
        return Detections(boxes, np.full(4, 0.3, np.float32))


@pytest.mark.parametrize(
    ("part", "annotated", "expected"),
    [("train", True, [KNOWN, MISTAKE]), ("train", False, [KNOWN]), ("validation", True, [KNOWN])],
)
def test_only_what_nobody_knows_of(
    tmp_path: Path, part: str, annotated: bool, expected: list[tuple[int, ...]]
) -> None:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.zeros((100, 100, 3), np.uint8))
    face, doubt, known = (np.array([box], np.float32) for box in (FACE, DOUBT, KNOWN))
    yes, unknown, sure = np.array([True]), np.full((1, 5, 2), np.nan), np.array([0.9], np.float32)
    photo = TrainingPhoto(path, part, annotated, face, yes, unknown, yes, doubt, known, sure)
    (mined,) = with_false_finds([photo], Detector(), progress=False)
    shifted = [[side + 2 * (box == MISTAKE) for side in box] for box in expected]
    assert mined.hard_negatives.tolist() == shifted
