"""Samples: their crops, and faces with something drawn over them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_detector.crops import cut_crops
from mask_detector.images import read_photo, write_photo
from mask_detector.training.samples import Sample, draw_on_unmasked_faces, read_crop

LANDMARKS = np.array([[20, 30], [44, 30], [32, 42], [24, 54], [40, 54]], np.float32)
CLASSES = ("with_mask", "without_mask")


def picture(seed: int, size: int = 64) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def unmasked_sample(**values) -> Sample:
    return Sample(Path("a.png"), "without_mask", "g", (8, 8, 56, 56), **values)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 2.0])
def test_ratio_of_drawn_faces(ratio):
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 40
    drawn = draw_on_unmasked_faces(unmasked, ("with_mask", "without_mask"), ratio, 0)
    assert len(drawn) == 40 * ratio


def test_only_unmasked_faces_with_landmarks_are_drawn_on():
    masked = Sample(Path("b.png"), "with_mask", "g", (8, 8, 56, 56), LANDMARKS)
    assert (
        draw_on_unmasked_faces([masked, unmasked_sample()], ("with_mask", "without_mask"), 2, 0)
        == []
    )


def test_drawn_faces_are_labelled_by_what_is_drawn():
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 300
    wanted = {
        "right": "with_mask",
        "under_chin": "without_mask",
        "hand": "without_mask",
        "scarf": "without_mask",
    }
    drawn = draw_on_unmasked_faces(unmasked, ("with_mask", "without_mask"), 1, 0)
    assert {sample.drawn: sample.label for sample in drawn} == wanted
    masks = sum(sample.drawn == "right" for sample in drawn)
    assert masks / len(drawn) == pytest.approx(0.5, abs=0.1)
    three = draw_on_unmasked_faces(unmasked, ("with_mask", "without_mask", "incorrect_mask"), 1, 0)
    wanted["under_nose"] = "incorrect_mask"
    assert {sample.drawn: sample.label for sample in three} == wanted


def test_drawing_is_seeded():
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 20
    classes = ("with_mask", "without_mask")

    def seeds(seed: int) -> list[tuple[str, int]]:
        return [(s.drawn, s.drawn_seed) for s in draw_on_unmasked_faces(unmasked, classes, 1, seed)]

    assert seeds(1) == seeds(1) != seeds(2)


@pytest.mark.parametrize("drawn", ["right", "under_nose", "under_chin", "hand", "scarf"])
def test_drawn_crop_differs_and_comes_again(tmp_path, drawn):
    path = tmp_path / "face.png"
    write_photo(path, picture(3))
    plain = Sample(path, "without_mask", "g", (8, 8, 56, 56), LANDMARKS)
    covered = Sample(path, "with_mask", "g", (8, 8, 56, 56), LANDMARKS, drawn, 11)
    assert not np.array_equal(read_crop(plain, 48, 0.2), read_crop(covered, 48, 0.2))
    np.testing.assert_array_equal(read_crop(covered, 48, 0.2), read_crop(covered, 48, 0.2))


def test_training_crop_is_detection_s_crop(tmp_path):
    path = tmp_path / "face.png"
    write_photo(path, picture(4))
    sample = Sample(path, "with_mask", "g", (5.5, 8, 50, 61))
    (wanted,) = cut_crops(read_photo(path), np.array([sample.box]), 40, 0.15)
    np.testing.assert_array_equal(read_crop(sample, 40, 0.15), wanted)
