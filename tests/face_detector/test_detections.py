"""Boxes moved, adjusted, clipped and put together."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector.detections import (
    Detections,
    box_areas,
    intersection_areas,
    iou,
    joined,
)


def made(*boxes: tuple[float, ...], landmarks: bool = False) -> Detections:
    points = np.zeros((len(boxes), 5, 2), np.float32) if landmarks else None
    scores = np.linspace(0.9, 0.6, len(boxes), dtype=np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, points)


@pytest.mark.parametrize("landmarks", [False, True])
def test_no_faces_keep_their_shapes_through_everything(landmarks: bool) -> None:
    none = Detections.none(landmarks)
    found = joined([none, none]).moved((2, 3), (4, 5)).adjusted((0, 0.1, 0, 0.1)).clipped(9, 9)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)
    assert (found.landmarks is not None) == landmarks
    if found.landmarks is not None:
        assert found.landmarks.shape == (0, 5, 2)


def test_moved_scales_first() -> None:
    found = made((1, 2, 3, 4), landmarks=True).moved((10, 100), (5, 7))
    assert found.boxes.tolist() == [[15, 207, 35, 407]]
    assert found.landmarks is not None
    assert found.landmarks[0].tolist() == [[5, 7]] * 5


def test_adjusted_moves_sides_by_shares() -> None:
    found = made((100, 100, 200, 300)).adjusted((0.1, 0.2, -0.1, -0.05))
    np.testing.assert_allclose(found.boxes, [[110, 140, 190, 290]], rtol=1e-6)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-5, -6, 50, 40), [[0, 0, 50, 40]]),
        ((90, 70, 150, 160), [[90, 70, 100, 80]]),
        ((0, 0, 100, 80), [[0, 0, 100, 80]]),
        ((-20, 10, -1, 20), []),
        ((10, 81, 20, 90), []),
        ((30, 10, 20, 20), []),
        ((30, 10, 30, 20), []),
    ],
)
def test_clipped_to_width_100_height_80(box: tuple[float, ...], expected: list[list[int]]) -> None:
    assert made(box).clipped(100, 80).boxes.tolist() == expected


def test_index_takes_all_arrays_along() -> None:
    found = made((0, 0, 1, 1), (0, 0, 2, 2), landmarks=True)
    chosen = found[np.array([1])]
    assert chosen.boxes.tolist() == [[0, 0, 2, 2]]
    assert chosen.scores.tolist() == found.scores[1:].tolist()
    assert chosen.landmarks is not None and chosen.landmarks.shape == (1, 5, 2)


def test_iou_against_sums_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [10, 10, 12, 14]], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2], [11, 8, 15, 12]], np.float32)
    expected = [[1, 1 / 3, 0, 0], [0, 0, 0, 2 / 22]]
    assert iou(boxes, others).dtype == np.float32
    np.testing.assert_allclose(iou(boxes, others), expected, rtol=1e-6)
    np.testing.assert_allclose(iou(others, boxes), np.transpose(expected), rtol=1e-6)
    np.testing.assert_allclose(intersection_areas(boxes, others), [[4, 2, 0, 0], [0, 0, 0, 2]])
    assert box_areas(boxes).tolist() == [4, 8]


@pytest.mark.parametrize(("count", "other_count"), [(0, 0), (0, 3), (3, 0)])
def test_iou_of_no_boxes(count: int, other_count: int) -> None:
    boxes, others = np.ones((count, 4)), np.ones((other_count, 4))
    assert iou(boxes, others).shape == intersection_areas(boxes, others).shape
    assert iou(boxes, others).shape == (count, other_count)
