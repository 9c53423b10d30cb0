"""What several teachers say of a photo together."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector import Detections
from face_detector.training.labels import combined, landmarks_and_scores, main_face

BOX, BESIDE, AWAY = (10, 10, 50, 50), (12, 10, 52, 50), (60, 60, 90, 90)


def detections(*rows: tuple[tuple[int, int, int, int], float]) -> Detections:
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Detections(boxes, np.array([score for _, score in rows], np.float32), landmarks)


def test_nothing_seen() -> None:
    sighting = combined([detections(), detections()])
    assert len(sighting.found) == 0 and sighting.by_teacher.shape == (0, 2)
    assert sighting.sure.shape == main_face(sighting, 100, 100).shape == (0,)


@pytest.mark.parametrize(
    ("first", "last", "sure"),
    [(0.9, 0.7, True), (0.9, 0.4, True), (0.7, 0.0, False), (0.0, 0.9, False), (0.6, 0.6, False)],
)
def test_teachers_must_agree(first: float, last: float, sure: bool) -> None:
    passes = [
        detections(*[(box, score)] * (score > 0)) for box, score in ((BOX, first), (BESIDE, last))
    ]
    sighting = combined(passes)
    assert sighting.sure.tolist() == [sure]
    assert sighting.found.boxes.tolist() == [list(BESIDE if last else BOX)]
    assert sighting.found.scores[0] == np.float32(max(first, last))


def test_scores_of_annotated_faces_are_the_last_teachers() -> None:
    sighting = combined([detections((BOX, 0.9), (AWAY, 0.8)), detections((BESIDE, 0.4))])
    boxes = np.array([BOX, AWAY, (0, 0, 5, 5)], np.float32)
    landmarks, scores = landmarks_and_scores(boxes, sighting)
    np.testing.assert_allclose(scores, [0.4, 0, 0])
    assert np.isfinite(landmarks).all(axis=(1, 2)).tolist() == [True, True, False]


def test_the_one_face_of_a_class_folder() -> None:
    doubted = combined([detections((BOX, 0.4), ((0, 0, 8, 8), 0.6))])
    assert main_face(doubted, 100, 100).tolist() == [True, False]
    assert not main_face(combined([detections((BOX, 0.9), (AWAY, 0.4))]), 100, 100).any()
