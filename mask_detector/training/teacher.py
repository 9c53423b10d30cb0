"""Distillation: finished models tell the network that learns what to say about each crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError
from mask_detector.models.model_file import read_model

TEACHER_SHARE = 0.7
"""Weight of the teachers' probabilities in the target where they are sure of the label; the rest
is the label's."""


class Teacher:
    """Model files whose mean probabilities become a part of the targets (Hinton et al. 2015).

    Args:
        paths: one ``mask_detector.model`` or several, ours or classic ones.
        classes: what the network learns. The teachers have the same classes, which must be among
            them; labels of other classes are taught as they are.

    Raises:
        ModelFileError: a file cannot be used, has a class that is not learned, or has other
            classes than the first.
    """

    def __init__(self, paths: Sequence[Path], classes: Sequence[str]) -> None:
        models = [read_model(path) for path in paths]
        known = set(models[0].card.classes)
        for path, model in zip(paths, models, strict=True):
            if unknown := set(model.card.classes) - set(classes):
                raise ModelFileError(
                    f"{path}: it knows the class {', '.join(sorted(unknown))}, which is not "
                    f"learned; a teacher's classes must be among {', '.join(classes)}"
                )
            if set(model.card.classes) != known:
                raise ModelFileError(
                    f"{path}: expected the classes of the first teacher, "
                    f"{', '.join(models[0].card.classes)}, got {', '.join(model.card.classes)}"
                )
        # One thread: crops of several batches are prepared at the same time. All classes weigh
        # the same in training: thresholds are for how often they occur.
        self._classifiers = [
            Classifier(
                replace(model, card=replace(model.card, thresholds={})), threads=1, mirrored=True
            )
            for model in models
        ]
        self._classes = list(classes)
        self._columns = [self._classes.index(name) for name in sorted(known)]

    @property
    def input_size(self) -> int:
        """Side of the largest crops that a teacher sees, in pixels."""
        return max(classifier.card.input_size for classifier in self._classifiers)

    def blend(self, crops: Any, rows: Any) -> Any:
        """The targets of a batch, in a TensorFlow graph.

        Args:
            crops: float32 RGB 0..255, (N, S, S, 3), at least as large as the teachers'.
            rows: float32 (N, classes), as labelled; zeros where there is no label.

        Returns:
            float32 (N, classes).
        """
        import tensorflow as tf  # loaded already by the caller, who has tensors

        sizes = {classifier.card.input_size for classifier in self._classifiers}
        seen = {size: tf.image.resize(crops, (size, size), method="area") for size in sizes}
        told = tf.zeros_like(rows)
        for classifier in self._classifiers:
            crops = seen[classifier.card.input_size]
            told += tf.numpy_function(partial(self._told, classifier), [crops], tf.float32)
        blended = tf.numpy_function(
            self.blend_arrays, [told / len(self._classifiers), rows], tf.float32
        )
        blended.set_shape(rows.shape)
        return blended

    def blend_arrays(self, told: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Targets of what the teachers told and what is labelled, both float32 (N, classes)."""
        unlabelled = rows.max(axis=1, keepdims=True) == 0
        # A label of a class that the teachers do not know stays as it is, and so does one that
        # lies between two classes on purpose. Of the others, the less they believe one, the less
        # they are believed: what they learned before may be what the label is to correct.
        known = np.isin(rows.argmax(axis=1), self._columns) & (rows.max(axis=1) == 1)
        agreed = (told * rows).sum(axis=1) * known
        share = np.where(unlabelled, 1, TEACHER_SHARE * agreed[:, None])
        return (share * told + (1 - share) * rows).astype(np.float32)

    def _told(self, classifier: Classifier, crops: np.ndarray) -> np.ndarray:
        """One teacher's probabilities of the learned classes, float32 (N, classes)."""
        told = np.zeros((len(crops), len(self._classes)), np.float32)
        columns = [self._classes.index(name) for name in classifier.classes]
        told[:, columns] = classifier.probabilities(crops)
        return told
