"""Face crops against the same arithmetic written out pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mask_detector.crops import cut_crops


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)


def window(box, margin, square):
    """Whole pixels that a crop covers, in the terms of the documentation."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    if square:
        width = height = max(width, height)
    width, height = (max(1.0, side * (1 + 2 * margin)) for side in (width, height))
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    return (
        math.floor(centre_x - width / 2),
        math.floor(centre_y - height / 2),
        math.ceil(centre_x + width / 2),
        math.ceil(centre_y + height / 2),
    )


def pixels(image, x1, y1, x2, y2):
    """The window's pixels, RGB; beyond the picture its nearest pixel."""
    rows = np.clip(np.arange(y1, y2), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x1, x2), 0, image.shape[1] - 1)
    return image[rows][:, columns, ::-1]


@pytest.mark.parametrize("boxes", [np.empty((0, 4)), np.empty((0, 4), np.float32), []])
def test_no_boxes_give_no_crops(image, boxes):
    crops = cut_crops(image, boxes, 32)
    assert crops.shape == (0, 32, 32, 3)
    assert crops.dtype == np.uint8


@pytest.mark.parametrize(
    "box",
    [
        (10, 10, 42, 42),  # inside
        (-12, 5, 20, 37),  # over the left edge
        (80, 60, 112, 92),  # over the lower right corner
        (-5, -5, 27, 27),  # over the upper left corner
        (-100, 10, -68, 42),  # left of the picture
        (20, 300, 52, 332),  # below it
        (500, 500, 532, 532),  # beyond its corner
    ],
)
def test_crop_of_the_network_s_own_size_is_cut_pixel_by_pixel(image, box):
    (crop,) = cut_crops(image, [box], 32)
    np.testing.assert_array_equal(crop, pixels(image, *box))


@pytest.mark.parametrize("box", [(10, 10, 20, 26), (4, 20, 60, 30), (-7.5, 3.2, 40.1, 66.6)])
@pytest.mark.parametrize("margin", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("square", [True, False])
def test_margin_and_proportions(image, box, margin, square):
    """At two pixels for each of the window, the even ones away from edges are the picture's."""
    import cv2

    x1, y1, x2, y2 = window(box, margin, square)
    (crop,) = cut_crops(image, [box], 200, margin, square)
    wanted = cv2.resize(np.ascontiguousarray(pixels(image, x1, y1, x2, y2)), (200, 200))
    np.testing.assert_allclose(crop.astype(int), wanted, atol=1)
    if square:
        assert x2 - x1 == pytest.approx(y2 - y1, abs=1)


def test_larger_face_is_averaged_not_sampled(image):
    (crop,) = cut_crops(image, [(2, 4, 66, 68)], 32)
    blocks = pixels(image, 2, 4, 66, 68).reshape(32, 2, 32, 2, 3).astype(float)
    np.testing.assert_allclose(crop, blocks.mean(axis=(1, 3)), atol=0.51)


def test_colours_are_exchanged():
    blue = np.zeros((40, 40, 3), np.uint8)
    blue[..., 0] = 255
    (crop,) = cut_crops(blue, [(5, 5, 30, 30)], 16)
    assert (crop == (0, 0, 255)).all()


def test_every_box_gets_a_crop_in_its_place(image):
    boxes = np.random.default_rng(1).uniform(-80, 160, (50, 4)).astype(np.float32)
    boxes[:, 2:] = boxes[:, :2] + np.random.default_rng(2).uniform(0.01, 200, (50, 2))
    crops = cut_crops(image, boxes, 24, 0.2)
    for box, crop in zip(boxes, crops, strict=True):
        np.testing.assert_array_equal(crop, cut_crops(image, [box], 24, 0.2)[0])


def test_picture_itself_stays_as_it_is(image):
    before = image.copy()
    cut_crops(image, [(-5, -5, 30, 30), (0, 0, 90, 70)], 32, 0.3)
    np.testing.assert_array_equal(image, before)


def test_one_pixel_picture():
    crops = cut_crops(np.full((1, 1, 3), 7, np.uint8), [(0, 0, 1, 1)], 16, 0.5)
    assert (crops == 7).all()
