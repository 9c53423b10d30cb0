"""Samples: their crops, and faces with something drawn over them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_detector.crops import cut_crops
from mask_detector.images import read_photo, write_photo
from mask_detector.training.samples import (
    Sample,
    draw_on_faces,
    label_indices,
    read_crop,
    target_rows,
)

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
    assert len(draw_on_faces(unmasked, CLASSES, ratio, 0)) == 40 * ratio


def test_only_faces_with_landmarks_are_drawn_on():
    masked = Sample(Path("b.png"), "with_mask", "g", (8, 8, 56, 56), LANDMARKS)
    assert draw_on_faces([masked, unmasked_sample()], CLASSES, 2, 0) == []
    assert draw_on_faces([unmasked_sample(landmarks=LANDMARKS)], ("a", "b"), 2, 0) == []


def test_masked_faces_stay_masked_under_a_headscarf():
    masked = Sample(Path("b.png"), "with_mask", "g", (8, 8, 56, 56), LANDMARKS)
    drawn = draw_on_faces([masked, unmasked_sample(landmarks=LANDMARKS)], CLASSES, 100, 0)
    over = {sample.drawn: sample.label for sample in drawn if sample.photo.name == "b.png"}
    assert over == {"headscarf": "with_mask", "shield": "with_mask"}


@pytest.mark.parametrize(
    ("drawn", "two", "three"),
    [
        ("right", "with_mask", "with_mask"),
        ("right+headscarf", "with_mask", "with_mask"),
        ("under_nose", "incorrect_mask", "incorrect_mask"),
        ("under_chin", "without_mask", "incorrect_mask"),
        ("one_ear", "without_mask", "incorrect_mask"),
        ("over_eyes", "without_mask", "incorrect_mask"),
        ("hand", "without_mask", "without_mask"),
        ("niqab", "without_mask", "without_mask"),
        ("eye_mask", "without_mask", "without_mask"),
        ("carnival", "without_mask", "without_mask"),
    ],
)
def test_drawn_faces_are_labelled_by_what_is_drawn(drawn, two, three):
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 400
    for classes, label in ((CLASSES, two), ((*CLASSES, "incorrect_mask"), three)):
        labels = {s.label for s in draw_on_faces(unmasked, classes, 1, 0) if s.drawn == drawn}
        assert labels == {label}


def test_kinds_of_drawings_can_be_left_out():
    masked = Sample(Path("b.png"), "with_mask", "g", (8, 8, 56, 56), LANDMARKS)
    samples = [masked, *[unmasked_sample(landmarks=LANDMARKS)] * 20]
    drawn = draw_on_faces(samples, CLASSES, 10, 0, without=("right", "headscarf"))
    assert {"under_nose", "shield"} <= {sample.drawn for sample in drawn}
    assert not {"right", "headscarf"} & {sample.drawn for sample in drawn}


def test_the_same_is_drawn_for_two_classes_and_for_three():
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 30
    plans = [
        [(s.drawn, s.drawn_seed) for s in draw_on_faces(unmasked, classes, 1, 0)]
        for classes in (CLASSES, (*CLASSES, "incorrect_mask"))
    ]
    assert plans[0] == plans[1]


def test_worn_wrongly_lies_between_two_classes_and_is_one_of_three():
    samples = [unmasked_sample(), Sample(Path("b.png"), "incorrect_mask", "g", (8, 8, 56, 56))]
    np.testing.assert_allclose(target_rows(samples, CLASSES), [[0, 1], [0.25, 0.75]])
    assert label_indices(samples, CLASSES).tolist() == [1, 1]
    three = (*CLASSES, "incorrect_mask")
    np.testing.assert_allclose(target_rows(samples, three), [[0, 1, 0], [0, 0, 1]])
    assert label_indices(samples, three).tolist() == [1, 2]


def test_without_a_label_nothing_is_taught():
    unlabelled = Sample(Path("c.png"), "", "", (8, 8, 56, 56))
    np.testing.assert_array_equal(target_rows([unlabelled], CLASSES), [[0, 0]])


def test_drawing_is_seeded():
    unmasked = [unmasked_sample(landmarks=LANDMARKS)] * 20
    classes = ("with_mask", "without_mask")

    def seeds(seed: int) -> list[tuple[str, int]]:
        return [(s.drawn, s.drawn_seed) for s in draw_on_faces(unmasked, classes, 1, seed)]

    assert seeds(1) == seeds(1) != seeds(2)


@pytest.mark.parametrize("drawn", ["right", "right+headscarf", "under_chin", "hand", "veil"])
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
