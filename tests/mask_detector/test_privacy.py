from __future__ import annotations

import cv2
import numpy as np
import pytest

from mask_detector.detector import Face
from mask_detector.images import read_photo
from mask_detector.privacy import blur_faces, hide_faces


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize("boxes", [[], np.empty((0, 4), np.float32)])
def test_no_boxes_change_nothing(noise, boxes) -> None:
    assert (blur_faces(noise.copy(), boxes) == noise).all()


@pytest.mark.parametrize(
    "box",
    [(60, 40, 100, 90), (0, 0, 30, 40), (130, 80, 160, 120), (0, 0, 160, 120), (70, 70, 71, 71)],
)
def test_the_whole_box_is_blurred_and_what_is_far_is_not(noise, box) -> None:
    blurred = blur_faces(noise.copy(), [box])
    x1, y1, x2, y2 = box
    assert (blurred[y1:y2, x1:x2] != noise[y1:y2, x1:x2]).mean() > 0.98
    changed_y, changed_x = np.nonzero((blurred != noise).any(axis=2))
    reach_x, reach_y = 0.8 * (x2 - x1) + 1, 0.8 * (y2 - y1) + 1
    assert abs(changed_x - (x1 + x2) / 2).max() <= reach_x
    assert abs(changed_y - (y1 + y2) / 2).max() <= reach_y


def test_a_picture_of_one_pixel(noise) -> None:
    assert blur_faces(noise[:1, :1].copy(), [(0, 0, 1, 1)]).shape == (1, 1, 3)


def test_faces_that_differ_in_detail_alone_become_the_same(noise) -> None:
    twin = noise.copy()
    box = (50, 30, 90, 70)
    surroundings = np.s_[20:80, 40:100]
    for y in range(20, 80, 2):
        for x in range(40, 100, 2):
            twin[y : y + 2, x : x + 2] = twin[y : y + 2, x : x + 2][::-1, ::-1]
    assert (twin[surroundings] != noise[surroundings]).mean() > 0.8
    difference = blur_faces(twin, [box]).astype(int) - blur_faces(noise, [box])
    inside = np.s_[35:65, 55:85]
    assert abs(difference[inside]).max() <= 8


def face(left: int, mask: float, unsure: bool = False) -> Face:
    probabilities = {"with_mask": mask, "without_mask": 1 - mask}
    return Face((left, 50, left + 10, 60), 0.9, probabilities, unsure)


@pytest.mark.parametrize(
    ("whose", "hidden"),
    [("none", []), ("without_mask", [60, 100, 140]), ("all", [20, 60, 100, 140])],
)
def test_whose_faces_are_hidden(noise, whose, hidden) -> None:
    faces = [face(20, 0.9), face(60, 0.1), face(100, 0.6, True), face(140, 0.4, True)]
    image = hide_faces(noise.copy(), faces, whose)
    changed = [f.box[0] for f in faces if (image != noise)[50:60, f.box[0] : f.box[0] + 10].any()]
    assert changed == hidden


def test_blur_leaves_no_edges(examples) -> None:
    image = read_photo(examples / "example_02.jpg")
    before = cv2.Laplacian(image[80:170, 190:260], cv2.CV_64F).var()
    blurred = blur_faces(image, [(182, 72, 270, 175)])
    assert cv2.Laplacian(blurred[80:170, 190:260], cv2.CV_64F).var() < before / 100
