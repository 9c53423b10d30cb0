"""Distillation: what a teacher adds to the targets."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector.errors import ModelFileError
from mask_detector.training.teacher import TEACHER_SHARE, Teacher

TWO = ("with_mask", "without_mask")


def crops_for(teacher: Teacher) -> np.ndarray:
    size = teacher.input_size
    return np.random.default_rng(0).uniform(0, 255, (4, size, size, 3)).astype(np.float32)


def test_targets_are_a_mean_of_label_and_teacher(small_model):
    teacher = Teacher(small_model, TWO)
    crops = crops_for(teacher)
    told = teacher.blend_arrays(crops, np.zeros((4, 2), np.float32))  # no labels
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    rows = np.array([[1, 0], [0, 1], [0.25, 0.75], [0, 0]], np.float32)
    blended = teacher.blend_arrays(crops, rows)
    share = TEACHER_SHARE * (told * rows).sum(axis=1, keepdims=True)[:2]
    wanted = share * told[:2] + (1 - share) * rows[:2]
    np.testing.assert_allclose(blended[:2], wanted, atol=1e-6)
    np.testing.assert_array_equal(blended[2], rows[2])  # between the classes on purpose
    np.testing.assert_allclose(blended[3], told[3], atol=1e-6)
    # In a graph, from larger crops.
    in_graph = np.asarray(teacher.blend(np.repeat(np.repeat(crops, 2, 1), 2, 2), rows))
    np.testing.assert_allclose(in_graph, blended, atol=1e-3)


def test_a_class_that_the_teacher_does_not_know_stays_as_labelled(small_model):
    teacher = Teacher(small_model, ("incorrect_mask", *TWO))
    rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    blended = teacher.blend_arrays(crops_for(teacher), rows)
    np.testing.assert_array_equal(blended[[0, 3]], rows[[0, 3]])
    assert (blended[1:3, 0] == 0).all()
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-5)


def test_a_teacher_of_other_classes_is_refused(small_model):
    with pytest.raises(ModelFileError, match="without_mask"):
        Teacher(small_model, ("with_mask", "bare"))
