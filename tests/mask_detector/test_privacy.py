from __future__ import annotations

import cv2
import numpy as np
import pytest

from mask_detector.faces import Face, Faces
from mask_detector.images import read_photo
from mask_detector.privacy import BLUR_STYLES, hide_boxes, hide_faces


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize("boxes", [[], np.empty((0, 4), np.float32)])
def test_no_boxes_change_nothing(noise, boxes) -> None:
    assert (hide_boxes(noise.copy(), boxes) == noise).all()


@pytest.mark.parametrize(
    "box",
    [(60, 40, 100, 90), (0, 0, 30, 40), (130, 80, 160, 120), (0, 0, 160, 120), (70, 70, 71, 71)],
)
@pytest.mark.parametrize("style", BLUR_STYLES)
def test_the_whole_box_is_hidden_and_what_is_far_is_not(noise, box, style) -> None:
    blurred = hide_boxes(noise.copy(), [box], style)
    x1, y1, x2, y2 = box
    assert (blurred[y1:y2, x1:x2] != noise[y1:y2, x1:x2]).mean() > 0.98
    changed_y, changed_x = np.nonzero((blurred != noise).any(axis=2))
    side = max(x2 - x1, y2 - y1)
    assert abs(changed_x - (x1 + x2) / 2).max() <= 0.8 * side + 1
    assert abs(changed_y - (y1 + y2) / 2).max() <= side + 1


@pytest.mark.parametrize(
    "box",
    [
        (70, 60, 90, 85),  # upright
        (74, 60, 86, 85),  # in profile: narrow
        (65, 64, 95, 82),  # looking down: wide
    ],
)
def test_the_head_around_a_face_is_hidden(noise, box) -> None:
    hidden = (hide_boxes(noise.copy(), [box], "solid") == 0).all(axis=2)
    x1, y1, x2, y2 = box
    height, middle = y2 - y1, (x1 + x2) // 2
    assert hidden[y1 - round(0.4 * height) : y2 + round(0.2 * height), middle].all()  # hair, chin
    ears = round(0.55 * max(x2 - x1, 0.8 * height))
    assert hidden[(y1 + y2) // 2, middle - ears : middle + ears].all()


def test_styles(noise) -> None:
    box, inside = (60, 40, 90, 80), np.s_[50:70, 65:85]
    plain = {style: hide_boxes(noise.copy(), [box], style)[inside] for style in BLUR_STYLES}
    assert not plain["solid"].any()
    colours = len(np.unique(plain["mosaic"].reshape(-1, 3), axis=0))
    assert 1 < colours <= 25
    assert len(np.unique(plain["blur"].reshape(-1, 3), axis=0)) > 25


def test_a_picture_of_one_pixel(noise) -> None:
    assert hide_boxes(noise[:1, :1].copy(), [(0, 0, 1, 1)]).shape == (1, 1, 3)


def test_faces_that_differ_in_detail_alone_become_the_same(noise) -> None:
    twin = noise.copy()
    box = (50, 30, 90, 70)
    surroundings = np.s_[20:80, 40:100]
    for y in range(20, 80, 2):
        for x in range(40, 100, 2):
            twin[y : y + 2, x : x + 2] = twin[y : y + 2, x : x + 2][::-1, ::-1]
    assert (twin[surroundings] != noise[surroundings]).mean() > 0.8
    difference = hide_boxes(twin, [box]).astype(int) - hide_boxes(noise, [box])
    inside = np.s_[35:65, 55:85]
    assert abs(difference[inside]).max() <= 8


def face(left: int, mask: float, unsure: bool = False, score: float = 0.9) -> Face:
    probabilities = {"with_mask": mask, "without_mask": 1 - mask}
    return Face((left, 50, left + 10, 60), score, probabilities, unsure)


@pytest.mark.parametrize(
    ("whose", "hidden"),
    [
        ("none", []),
        ("without_mask", [45, 70, 95, 145]),
        ("all", [20, 45, 70, 95, 120, 145]),
    ],
)
def test_whose_faces_are_hidden(noise, whose, hidden) -> None:
    faces = [face(20, 0.9), face(45, 0.1), face(70, 0.6, True), face(95, 0.4, True)]
    candidates = [face(120, 0.95, score=0.3), face(145, 0.8, score=0.3)]
    image = hide_faces(noise.copy(), Faces(faces, candidates), whose)
    changed = [
        each.box[0]
        for each in [*faces, *candidates]
        if (image != noise)[50:60, each.box[0] : each.box[0] + 10].any()
    ]
    assert changed == hidden


def test_candidates_follow_a_picture_made_smaller() -> None:
    faces = Faces([face(20, 0.9)], [face(60, 0.9, score=0.3)]).scaled(0.5, 80, 60)
    assert [each.box for each in [*faces, *faces.candidates]] == [
        (10, 25, 15, 30),
        (30, 25, 35, 30),
    ]


def test_blur_leaves_no_edges(examples) -> None:
    image = read_photo(examples / "example_02.jpg")
    before = cv2.Laplacian(image[80:170, 190:260], cv2.CV_64F).var()
    blurred = hide_boxes(image, [(182, 72, 270, 175)])
    assert cv2.Laplacian(blurred[80:170, 190:260], cv2.CV_64F).var() < before / 100
