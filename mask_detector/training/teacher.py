"""Distillation: a finished model tells a smaller network what to say about each training crop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError
from mask_detector.models.model_file import read_model

TEACHER_SHARE = 0.7
"""Weight of the teacher's probabilities in the target where it is sure of the label; the rest is
the label's."""


class Teacher:
    """A model file whose probabilities become a part of the targets (Hinton et al. 2015).

    Args:
        path: a ``mask_detector.model``, ours or a classic one.
        classes: what the network learns. The teacher's classes must be among them; labels of
            other classes are taught as they are.

    Raises:
        ModelFileError: the file cannot be used, or has a class that is not learned.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        model = read_model(path)
        if unknown := set(model.card.classes) - set(classes):
            raise ModelFileError(
                f"{path}: it knows the class {', '.join(sorted(unknown))}, which is not learned; "
                f"a teacher's classes must be among {', '.join(classes)}"
            )
        # One thread: crops of several batches are prepared at the same time.
        self._classifier = Classifier(model, threads=1, mirrored=True)
        self._columns = [list(classes).index(name) for name in model.card.classes]

    @property
    def input_size(self) -> int:
        """Side of the crops that the teacher sees, in pixels."""
        return self._classifier.card.input_size

    def blend(self, crops: Any, rows: Any) -> Any:
        """The targets of a batch, in a TensorFlow graph.

        Args:
            crops: float32 RGB 0..255, (N, S, S, 3), at least as large as the teacher's.
            rows: float32 (N, classes), as labelled; zeros where there is no label.

        Returns:
            float32 (N, classes).
        """
        import tensorflow as tf  # loaded already by the caller, who has tensors

        seen = tf.image.resize(crops, (self.input_size, self.input_size), method="area")
        blended = tf.numpy_function(self.blend_arrays, [seen, rows], tf.float32)
        blended.set_shape(rows.shape)
        return blended

    def blend_arrays(self, crops: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As :meth:`blend`, of arrays; the crops are of the teacher's own size."""
        told = np.zeros_like(rows)
        told[:, self._columns] = self._classifier.probabilities(crops)
        unlabelled = rows.max(axis=1, keepdims=True) == 0
        # A label of a class that the teacher does not know stays as it is, and so does one that
        # lies between two classes on purpose. Of the others, the less the teacher believes one,
        # the less it is believed: what it learned before may be what the label is to correct.
        known = np.isin(rows.argmax(axis=1), self._columns) & (rows.max(axis=1) == 1)
        agreed = (told * rows).sum(axis=1) * known
        share = np.where(unlabelled, 1, TEACHER_SHARE * agreed[:, None])
        return (share * told + (1 - share) * rows).astype(np.float32)
