"""Augmentation: each step acts by itself, within bounds, and equally from the same seed."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from mask_detector.crops import cut_crops
from mask_detector.images import read_photo
from mask_detector.training.augmentation import CANVAS_MARGIN, Augmentation

tf = pytest.importorskip("tensorflow")

SIZE, MARGIN = 64, 0.15
CANVAS = round(SIZE * (1 + 2 * CANVAS_MARGIN) / (1 + 2 * MARGIN))

# Nothing but the cut; mirroring is always there, at a chance of one half.
PLAIN = Augmentation(
    margins=(MARGIN, MARGIN),
    rotation=0,
    shear=0,
    shift=0,
    light=0,
    coloured=0,
    grey=0,
    far=0,
    motion=0,
    noise=0,
    jpeg=0,
    occlusion=0,
)


@pytest.fixture(scope="module")
def photo(examples) -> np.ndarray:
    return read_photo(examples / "example_02.jpg")


@pytest.fixture(scope="module")
def canvas(photo) -> np.ndarray:
    return cut_crops(photo, np.array([(150, 60, 300, 250)]), CANVAS, CANVAS_MARGIN)[0]


def augmented(recipe: Augmentation, canvas: np.ndarray, count: int = 1, seed: int = 5):
    """``count`` crops from seeds that follow each other, uint8-like float32."""
    stream = tf.data.Dataset.range(count).map(
        lambda n: recipe(canvas, tf.stack([tf.cast(n, tf.int32), seed]), SIZE)
    )
    return np.stack(list(stream.as_numpy_iterator()))


def unmirrored(crops: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The crops, those turned over that are more like ``wanted`` so."""
    turned = crops[:, :, ::-1]
    straight = abs(crops - wanted).mean(axis=(1, 2, 3)) <= abs(turned - wanted).mean(axis=(1, 2, 3))
    return np.where(straight[:, None, None, None], crops, turned)


def test_without_ingredients_it_is_detection_s_crop_or_its_mirror_image(photo, canvas):
    """What training sees on average is what detection cuts."""
    (wanted,) = cut_crops(photo, np.array([(150, 60, 300, 250)]), SIZE, MARGIN).astype(np.float32)
    crops = augmented(PLAIN, canvas, 12)
    mirrored = abs(crops - wanted).mean(axis=(1, 2, 3)) > abs(crops[:, :, ::-1] - wanted).mean(
        axis=(1, 2, 3)
    )
    assert 0 < mirrored.sum() < 12
    # Cut twice, it is a little softer than cut once.
    assert abs(unmirrored(crops, wanted) - wanted).mean() < 6


@pytest.mark.parametrize(
    "ingredient",
    [
        {"margins": (0.0, 0.35)},
        {"rotation": 15.0},
        {"shear": 0.1},
        {"shift": 0.08},
        {"light": 1.0},
        {"grey": 1.0},
        {"far": 1.0},
        {"motion": 1.0},
        {"noise": 1.0},
        {"jpeg": 1.0},
        {"occlusion": 1.0},
    ],
    ids=lambda ingredient: next(iter(ingredient)),
)
def test_each_ingredient_acts(canvas, ingredient):
    recipe = dataclasses.replace(PLAIN, **ingredient)
    plain, changed = augmented(PLAIN, canvas)[0], augmented(recipe, canvas, 6)
    assert changed.shape == (6, SIZE, SIZE, 3)
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 255
    differences = abs(unmirrored(changed, plain) - plain).mean(axis=(1, 2, 3))
    assert (differences > 0.5).sum() >= 4


def test_full_recipe_keeps_shape_type_and_range(canvas):
    crops = augmented(Augmentation(), canvas, 40)
    assert crops.shape == (40, SIZE, SIZE, 3)
    assert crops.dtype == np.float32
    assert crops.min() >= 0
    assert crops.max() <= 255
    assert np.isfinite(crops).all()
    assert len(np.unique(crops.reshape(40, -1), axis=0)) == 40


def test_same_seed_gives_the_same_crop(canvas):
    recipe = Augmentation()
    np.testing.assert_array_equal(augmented(recipe, canvas, 3), augmented(recipe, canvas, 3))
    other = augmented(recipe, canvas, 3, seed=6)
    assert (augmented(recipe, canvas, 3) != other).any(axis=(1, 2, 3)).all()


def test_grey_is_without_colour(canvas):
    crops = augmented(dataclasses.replace(PLAIN, grey=1.0), canvas, 2)
    np.testing.assert_allclose(crops[..., 0], crops[..., 1], atol=1e-3)
    np.testing.assert_allclose(crops[..., 0], crops[..., 2], atol=1e-3)


def test_coloured_light_comes_from_one_side():
    grey = np.full((CANVAS, CANVAS, 3), 100, np.uint8)
    for crop in augmented(dataclasses.replace(PLAIN, coloured=1.0), grey, 3):
        assert crop.mean(axis=(0, 1)) == pytest.approx(100, abs=1)  # as much more as less
        assert crop[-1, -1] + crop[0, 0] == pytest.approx(200, abs=2)  # evenly across
        assert np.ptp(crop, axis=(0, 1)).max() > 5
        assert np.ptp(np.ptp(crop, axis=(0, 1))) > 1  # not of the same strength in each colour


def test_far_face_has_no_detail_left(canvas):
    def detail(crops: np.ndarray) -> float:
        return float(np.mean([cv2.Laplacian(crop, cv2.CV_32F).std() for crop in crops]))

    far = dataclasses.replace(PLAIN, far=1.0, far_pixels=(9, 10))
    assert detail(augmented(far, canvas, 4)) < 0.3 * detail(augmented(PLAIN, canvas, 4))


def test_margin_is_the_size_of_the_face(canvas):
    """A face in the middle looks 1.5 times as large without a margin as with one of 0.25."""
    board = np.zeros((CANVAS, CANVAS, 3), np.uint8)
    middle, half = CANVAS // 2, CANVAS // 8
    board[middle - half : middle + half, middle - half : middle + half] = 255
    areas = [
        augmented(dataclasses.replace(PLAIN, margins=(margin, margin)), board)[0].mean()
        for margin in (0.0, 0.25)
    ]
    assert areas[0] / areas[1] == pytest.approx(1.5**2, rel=0.05)


def test_chance_is_a_chance(canvas):
    plain = augmented(PLAIN, canvas)[0]
    crops = augmented(dataclasses.replace(PLAIN, occlusion=0.3), canvas, 120)
    changed = abs(unmirrored(crops, plain) - plain).max(axis=(1, 2, 3)) > 3
    assert 0.15 < changed.mean() < 0.45
