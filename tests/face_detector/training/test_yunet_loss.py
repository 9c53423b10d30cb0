"""The loss: which cells predict which face, and that it is least where the prediction is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from face_detector.training.shared import import_keras
from face_detector.training.yunet_loss import grid, loss
from face_detector.yunet import STRIDES

SIZE = 64


@pytest.fixture(scope="module", autouse=True)
def keras() -> Any:
    return import_keras()


def outputs_for(boxes: np.ndarray, landmarks: np.ndarray, sure: float) -> list[np.ndarray]:
    """What a network would say whose every cell predicts the face nearest to it exactly.

    Args:
        sure: logit of ``cls`` and ``obj`` in the cells whose middle lies in that face.
    """
    corners, strides = grid(SIZE)
    channels = np.zeros((len(corners), 16), np.float32)
    channels[:, [0, 5]] = -sure
    if len(boxes):
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        middles = corners + strides[:, None] / 2
        nearest = np.linalg.norm(middles[:, None] - centres, axis=2).argmin(axis=1)
        box = boxes[nearest]
        inside = ((middles > box[:, :2]) & (middles < box[:, 2:])).all(axis=1)
        channels[inside[:, None] & np.isin(np.arange(16), [0, 5])] = sure
        scale = strides[:, None]
        channels[:, 1:3] = (centres[nearest] - corners) / scale
        channels[:, 3:5] = np.log((box[:, 2:] - box[:, :2]) / scale)
        channels[:, 6:] = (landmarks[nearest] - corners[:, None]).reshape(-1, 10) / scale
    ends = np.cumsum([(SIZE // stride) ** 2 for stride in STRIDES])[:-1]
    return [
        part.reshape(1, SIZE // stride, SIZE // stride, 16)
        for stride, part in zip(STRIDES, np.split(channels, ends), strict=True)
    ]


def loss_of(outputs: list[np.ndarray], boxes: np.ndarray, **more: np.ndarray) -> dict[str, float]:
    landmarks = more.get("landmarks", np.full((len(boxes), 5, 2), np.nan, np.float32))
    ignored = more.get("ignored", np.zeros((1, 4), np.float32))
    terms = loss(outputs, boxes[None], landmarks[None], ignored[None], SIZE)
    return {name: float(term) for name, term in terms.items()}


FACES = np.array([[4, 4, 28, 32], [36, 30, 60, 60]], np.float32)
LANDMARKS = np.repeat((FACES[:, :2] + FACES[:, 2:])[:, None] / 2, 5, axis=1)


def test_cells_of_all_grids() -> None:
    corners, strides = grid(SIZE)
    assert corners.shape == (64 + 16 + 4, 2)
    assert strides.tolist() == [8] * 64 + [16] * 16 + [32] * 4
    assert corners[1].tolist() == [8, 0] and corners[-1].tolist() == [32, 32]


def test_no_faces() -> None:
    nothing = np.zeros((8, 4), np.float32)
    terms = loss_of(outputs_for(nothing[:0], LANDMARKS[:0], 8.0), nothing)
    assert terms["box"] == terms["class"] == terms["landmark"] == 0
    assert 0 < terms["object"] < 84 * np.exp(-8) * 1.01


def test_right_boxes_cost_nothing_and_unknown_landmarks_are_left_out() -> None:
    terms = loss_of(outputs_for(FACES, LANDMARKS, 8.0), FACES)
    assert terms["box"] == pytest.approx(0, abs=1e-4)
    assert terms["landmark"] == 0
    assert terms["class"] < 0.01


@pytest.mark.parametrize("part", ["box", "landmark"])
def test_wrong_ones_cost(part: str) -> None:
    shifted = FACES + np.float32(2) if part == "box" else FACES
    marks = LANDMARKS + np.float32(2)
    right = loss_of(outputs_for(FACES, LANDMARKS, 8.0), FACES, landmarks=LANDMARKS)
    wrong = loss_of(outputs_for(shifted, marks, 8.0), FACES, landmarks=LANDMARKS)
    assert right[part] == pytest.approx(0, abs=1e-4)
    assert wrong[part] > 0.05


def test_false_alarms_cost_unless_they_are_ignored() -> None:
    outputs = outputs_for(FACES, LANDMARKS, 8.0)
    both, first = loss_of(outputs, FACES), loss_of(outputs, FACES[:1])
    assert first["object"] > both["object"] + 1
    spared = loss_of(outputs, FACES[:1], ignored=FACES[1:])
    assert spared["object"] < first["object"] / 4
