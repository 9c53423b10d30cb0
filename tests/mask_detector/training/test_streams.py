"""Streams of crops: what is in them, in which order, and what is different in every epoch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mask_detector.training.fitting import Workspace
from mask_detector.training.samples import label_indices, read_crop
from mask_detector.training.streams import (
    _weights,
    first_crops,
    labels_of,
    training_stream,
    validation_streams,
)

pytest.importorskip("tensorflow")


def test_training_stream(samples, classes, recipe, tmp_path):
    stream = training_stream(samples, classes, recipe, tmp_path)
    first, second = ([[np.asarray(part) for part in batch] for batch in stream] for _ in range(2))
    crops, targets, weights = (np.concatenate(parts) for parts in zip(*first, strict=True))
    assert crops.shape == (24, 32, 32, 3)
    assert crops.dtype == np.float32
    assert targets.shape == (24, 1)
    # The targets belong to their crops, also after shuffling: bright ones are of class 0.
    np.testing.assert_array_equal(targets[:, 0] == 1, crops.mean(axis=(1, 2, 3)) > 110)
    # Each class has the same weight in total.
    bright = targets[:, 0] == 1
    assert weights[bright].sum() == pytest.approx(weights[~bright].sum())
    # The next epoch augments them differently.
    again = np.concatenate([batch[0] for batch in second])
    assert not any(np.array_equal(one, other) for one in crops for other in again)


def test_drawn_faces_weigh_less_within_their_class(samples, classes, recipe, tmp_path):
    drawn = np.arange(len(samples)) % 3 == 0
    marked = [
        dataclasses.replace(sample, drawn="hand" if on else "")
        for sample, on in zip(samples, drawn, strict=True)
    ]
    labels, weights = label_indices(marked, classes), _weights(marked, classes, 0.25)
    for index in (0, 1):
        here = labels == index
        assert weights[here].sum() == pytest.approx(len(samples) / 2)
        assert weights[here & drawn] == pytest.approx(0.25 * weights[here & ~drawn].mean())


def test_few_photos_are_repeated_in_an_epoch(samples, classes, recipe, tmp_path):
    recipe = dataclasses.replace(recipe, least_crops=100)
    stream = training_stream(samples, classes, recipe, tmp_path)
    targets = np.concatenate([np.asarray(batch[1]) for batch in stream])
    assert targets.shape == (5 * 24, 1)
    assert targets.mean() == pytest.approx(2 / 3)  # as many of each class as there are
    assert int(stream.cardinality()) == -(-120 // recipe.batch_size)


def test_three_classes_have_a_column_each(samples, recipe, tmp_path):
    stream = training_stream(samples, ("dark", "bright", "other"), recipe, tmp_path)
    targets = np.concatenate([np.asarray(batch[1]) for batch in stream])
    assert targets.sum(axis=0).tolist() == [8, 16, 0]


def test_validation_is_the_same_every_time_and_in_order(samples, classes, recipe, tmp_path):
    near, far = validation_streams(samples, classes, recipe, tmp_path)
    for stream in (near, far):
        once, again = (np.concatenate([np.asarray(b[0]) for b in stream]) for _ in range(2))
        np.testing.assert_array_equal(once, again)
    crops = np.concatenate([np.asarray(batch[0]) for batch in near])
    wanted = read_crop(samples[5], recipe.image_size, recipe.margin)
    np.testing.assert_array_equal(crops[5], wanted)
    targets = np.concatenate([np.asarray(batch[1]) for batch in far])
    np.testing.assert_array_equal(1 - targets[:, 0], label_indices(samples, classes))


def test_unfinished_cache_of_a_killed_training_is_written_again(samples, classes, recipe, tmp_path):
    """TensorFlow itself refuses to continue where a lock was left behind."""
    folder = Workspace(tmp_path / "m.model", False, ["settings"]).folder
    for name in ("train_0.lockfile", "train_0.data-00000-of-00001.tempstate7", "near.index"):
        (folder / name).write_bytes(b"half")
    assert Workspace(tmp_path / "m.model", True, ["settings"]).folder == folder
    assert {path.name for path in folder.iterdir()} == {"settings.json", "near.index"}
    stream = training_stream(samples, classes, recipe, folder)
    assert sum(len(crops) for crops, _, _ in stream) == len(samples)


def test_first_crops_and_their_labels(samples, classes, recipe, tmp_path):
    near, _ = validation_streams(samples, classes, recipe, tmp_path)
    crops, labels = first_crops(near, 10)
    assert crops.shape == (10, 32, 32, 3)
    assert crops.dtype == np.uint8
    np.testing.assert_array_equal(labels, label_indices(samples[:10], classes))
    assert len(first_crops(near, 1000)[0]) == len(samples)


@pytest.mark.parametrize(
    ("targets", "labels"),
    [([[1.0], [0.0]], [0, 1]), ([[0, 0, 1.0], [0, 1, 0], [1, 0, 0]], [2, 1, 0])],
    ids=["two classes", "three"],
)
def test_labels_of_targets(targets, labels):
    assert labels_of(np.array(targets)).tolist() == labels
