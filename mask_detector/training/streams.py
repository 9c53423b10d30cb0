"""Crops as ``tf.data`` streams: augmented ones to train on, fixed ones to validate on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.models.keras_backend import import_keras
from mask_detector.training.augmentation import CANVAS_MARGIN
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import Sample, label_indices, read_crop, target_rows
from mask_detector.training.teacher import Teacher

SHUFFLE_BUFFER = 2048
"""Crops that are shuffled in memory at a time, so that large datasets need no more memory."""


def training_stream(
    samples: Sequence[Sample],
    classes: Sequence[str],
    recipe: Recipe,
    folder: Path,
    teacher: Teacher | None = None,
) -> Any:
    """Augmented training crops of the samples, in batches, different in every epoch.

    Photos are read and cut once, into ``folder``. Samples of rare classes weigh more, so that
    every class has the same weight in total. A teacher sees each augmented crop, and what it says
    becomes a part of the target; unlabelled samples need one.

    Returns:
        A ``tf.data.Dataset`` of (crops (B, S, S, 3) float32 RGB 0..255, targets (B, 1) or
        (B, classes) float32, weights (B,) float32).
    """
    import_keras()
    import tensorflow as tf

    # The teacher may see larger crops than the network that learns.
    size = max(recipe.image_size, teacher.input_size if teacher else 0)
    # Cutting a crop out of its canvas loses no pixel: a face has the same size in both.
    canvas = math.ceil(size * (1 + 2 * CANVAS_MARGIN) / (1 + 2 * recipe.margin))
    # The shuffle buffer holds a part of a large dataset: without this permutation it would hold
    # photos of one class only.
    order = np.random.default_rng(recipe.seed).permutation(len(samples))
    shuffled = [samples[i] for i in order]
    rows_of_samples = target_rows(shuffled, classes)
    weights = _weights(shuffled, classes, recipe.drawn_weight)
    rows = tf.data.Dataset.zip(
        (
            _crops(shuffled, canvas, CANVAS_MARGIN).cache(str(folder / "train")),
            tf.data.Dataset.from_tensor_slices(rows_of_samples),
            tf.data.Dataset.from_tensor_slices(weights),
        )
    ).shuffle(SHUFFLE_BUFFER, seed=recipe.seed)
    # Two numbers a crop, other ones in every epoch.
    seeds = tf.data.Dataset.random(seed=recipe.seed, rerandomize_each_iteration=True).batch(2)

    def augmented(row: Any, seed: Any) -> Any:
        canvas_pixels, target, weight = row
        seed = tf.cast(seed % (2**31 - 1), tf.int32)
        return recipe.augmentation(canvas_pixels, seed, size), target, weight

    def finished(crops: Any, rows: Any, weights: Any) -> Any:
        if teacher is not None:
            rows = teacher.blend(crops, rows)
        if size != recipe.image_size:
            crops = tf.image.resize(crops, (recipe.image_size, recipe.image_size), method="area")
        return crops, rows[:, :1] if len(classes) == 2 else rows, weights

    rows = rows.repeat(math.ceil(recipe.least_crops / len(shuffled)))
    crops = tf.data.Dataset.zip((rows, seeds)).map(augmented, tf.data.AUTOTUNE)
    return crops.batch(recipe.batch_size).map(finished).prefetch(2)


def validation_streams(
    samples: Sequence[Sample], classes: Sequence[str], recipe: Recipe, folder: Path
) -> tuple[Any, Any]:
    """The validation crops twice: as detection cuts them, and as if far away.

    Without the second the validation loss would ignore the small, blurred faces of cameras.
    Both are the same in every epoch.

    Returns:
        Two ``tf.data.Dataset`` of (crops (B, S, S, 3) float32 RGB 0..255, targets), in order.
    """
    import_keras()
    import tensorflow as tf

    far = dataclasses.replace(
        recipe.augmentation,
        margins=(recipe.margin, recipe.margin),
        coloured=0.0,
        far=1.0,
        far_pixels=(9, 40),
    )
    targets = tf.data.Dataset.from_tensor_slices(_targets(samples, classes))
    near_crops = _crops(samples, recipe.image_size, recipe.margin).cache(str(folder / "near"))
    near_crops = near_crops.map(lambda crop: tf.cast(crop, tf.float32))
    canvases = _crops(samples, recipe.image_size, CANVAS_MARGIN).cache(str(folder / "far"))
    # The seed of a crop is its index, so that it is augmented in the same way every time.
    indices = tf.data.Dataset.counter(dtype=tf.int32)
    far_crops = tf.data.Dataset.zip((canvases, indices)).map(
        lambda canvas, index: far(canvas, tf.stack([index, 1]), recipe.image_size)
    )
    near, far = (
        tf.data.Dataset.zip((crops, targets)).batch(recipe.batch_size).prefetch(2)
        for crops in (near_crops, far_crops)
    )
    return near, far


def labels_of(targets: np.ndarray) -> np.ndarray:
    """Class indices, int (N,), of a stream's targets, (N, 1) or (N, classes)."""
    return (targets[:, 0] <= 0.5).astype(int) if targets.shape[1] == 1 else targets.argmax(axis=1)


def first_crops(stream: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """At most ``count`` crops of a stream, uint8 (N, S, S, 3), and their class indices (N,)."""
    crops, targets, total = [], [], 0
    for batch in stream:  # (crops, targets) or (crops, targets, weights)
        crops.append(np.asarray(batch[0]).round().astype(np.uint8))
        targets.append(np.asarray(batch[1]))
        total += len(crops[-1])
        if total >= count:
            break
    return np.concatenate(crops)[:count], labels_of(np.concatenate(targets)[:count])


def _weights(
    samples: Sequence[Sample], classes: Sequence[str], drawn_weight: float = 1.0
) -> np.ndarray:
    """A weight for each sample, float32 (N,): all classes the same in total, 1 if unlabelled.

    Within a class a drawn face has ``drawn_weight`` times the weight of a photographed one.
    """
    labelled = np.array([bool(sample.label) for sample in samples])
    drawn = np.array([bool(sample.drawn) for sample in samples])
    weights = np.where(drawn, drawn_weight, 1.0).astype(np.float32)
    labels = label_indices([sample for sample in samples if sample.label], classes)
    totals = np.bincount(labels, weights[labelled], minlength=len(classes))
    weights[labelled] *= len(labels) / len(classes) / totals[labels]
    return weights


def _targets(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """The true class: (N, 1), 1 for the first of two classes, or one-hot (N, C)."""
    rows = np.eye(len(classes), dtype=np.float32)[label_indices(samples, classes)]
    return rows[:, :1] if len(classes) == 2 else rows


def _crops(samples: Sequence[Sample], size: int, margin: float) -> Any:
    """A stream of the samples' crops, uint8 (size, size, 3), in order, read in threads."""
    import tensorflow as tf

    def read(index: np.int64) -> np.ndarray:
        return read_crop(samples[int(index)], size, margin)

    def crop(index: Any) -> Any:
        pixels = tf.numpy_function(read, [index], tf.uint8)
        pixels.set_shape((size, size, 3))
        return pixels

    return tf.data.Dataset.range(len(samples)).map(crop, tf.data.AUTOTUNE)
