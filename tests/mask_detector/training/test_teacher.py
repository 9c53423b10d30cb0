"""Distillation: what teachers add to the targets."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector.errors import ModelFileError
from mask_detector.training.teacher import TEACHER_SHARE, Teacher

TWO = ("with_mask", "without_mask")
NO_LABELS = np.zeros((4, 2), np.float32)


def crops_for(teacher: Teacher) -> np.ndarray:
    size = teacher.input_size
    return np.random.default_rng(0).uniform(0, 255, (4, size, size, 3)).astype(np.float32)


def test_targets_are_a_mean_of_label_and_teacher(small_model):
    teacher = Teacher([small_model], TWO)
    # In a graph, from crops larger than the teacher's.
    crops = np.repeat(np.repeat(crops_for(teacher), 2, 1), 2, 2)
    told = np.asarray(teacher.blend(crops, NO_LABELS))
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    rows = np.array([[1, 0], [0, 1], [0.25, 0.75], [0, 0]], np.float32)
    blended = np.asarray(teacher.blend(crops, rows))
    share = TEACHER_SHARE * (told * rows).sum(axis=1, keepdims=True)[:2]
    wanted = share * told[:2] + (1 - share) * rows[:2]
    np.testing.assert_allclose(blended[:2], wanted, atol=1e-6)
    np.testing.assert_array_equal(blended[2], rows[2])  # between the classes on purpose
    np.testing.assert_allclose(blended[3], told[3], atol=1e-6)


def test_several_teachers_of_other_sizes_tell_their_mean(small_model, model):
    both = Teacher([small_model, model], TWO)
    crops = crops_for(both)
    alone = [Teacher([path], TWO).blend(crops, NO_LABELS) for path in (small_model, model)]
    assert not np.allclose(*alone, atol=1e-3)
    np.testing.assert_allclose(both.blend(crops, NO_LABELS), np.mean(alone, axis=0), atol=1e-5)


def test_a_class_that_the_teacher_does_not_know_stays_as_labelled(small_model):
    teacher = Teacher([small_model], ("incorrect_mask", *TWO))
    rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    blended = np.asarray(teacher.blend(crops_for(teacher), rows))
    np.testing.assert_array_equal(blended[[0, 3]], rows[[0, 3]])
    assert (blended[1:3, 0] == 0).all()
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-5)


def test_a_teacher_of_other_classes_is_refused(small_model):
    with pytest.raises(ModelFileError, match="without_mask"):
        Teacher([small_model], ("with_mask", "bare"))


def test_teachers_of_different_classes_are_refused(small_model, repository):
    with pytest.raises(ModelFileError, match="expected the classes of the first teacher"):
        Teacher([small_model, repository / "mask_detector_3.model"], ("incorrect_mask", *TWO))
