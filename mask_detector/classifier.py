"""Face crops in, class probabilities out."""

from __future__ import annotations

import logging
import os
import threading

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models import compiled_network
from mask_detector.models.compiled_network import Network
from mask_detector.models.keras_backend import first_line
from mask_detector.models.model_card import weigh_by_thresholds
from mask_detector.models.model_file import ModelFile

logger = logging.getLogger(__name__)

_LARGEST_BATCH = 32  # bounds the memory that a picture with hundreds of faces takes
_SUM_TOLERANCE = 0.02  # rounding of int8 outputs


class Classifier:
    """The network of a model file, ready to run; one may be shared between threads.

    A model with a compiled network runs in LiteRT, without TensorFlow; any other runs in Keras.
    """

    def __init__(
        self, model: ModelFile, threads: int | None = None, mirrored: bool = False
    ) -> None:
        """
        Args:
            threads: processor threads for one batch; by default the cores, at most four.
            mirrored: classify each face a second time, mirrored, and return the mean of both:
                more accurate, above all for small faces, in twice the time.

        Raises:
            ModelFileError: the network is damaged or does not fit its model card.
        """
        self.card = model.card
        self._path = model.path
        self._mirrored = mirrored
        self._lock = threading.Lock()
        threads = threads or min(4, os.cpu_count() or 1)
        self._run = _compiled(model, model.compiled, threads) if model.compiled else _keras(model)
        # Damage often shows in the first run; a user should see it before the first photo.
        self.probabilities(np.zeros((1, *self._crop_shape), np.uint8))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.card.classes

    @property
    def _crop_shape(self) -> tuple[int, int, int]:
        return (self.card.input_size, self.card.input_size, 3)

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Classify face crops, all in one batch.

        Args:
            crops: RGB 0..255, shape (N, size, size, 3), from
                :func:`mask_detector.crops.cut_crops` with the card's size and margin.

        Returns:
            float32, shape (N, classes), finite, rows sum to 1; (0, classes) for N = 0. Classes that
            have a threshold in the card are weighed by it.

        Raises:
            ModelFileError: the network gives anything else.
            ValueError: the crops have another shape.
        """
        if crops.shape[1:] != self._crop_shape:
            raise ValueError(f"expected crops (N, {self._crop_shape}), got {crops.shape}")
        if not len(crops):
            return np.empty((0, len(self.classes)), np.float32)
        versions = [crops, crops[:, :, ::-1]] if self._mirrored else [crops]
        with self._lock:
            results = [
                [
                    self._checked(version[start : start + _LARGEST_BATCH])
                    for start in range(0, len(crops), _LARGEST_BATCH)
                ]
                for version in versions
            ]
        rows = np.mean([np.concatenate(batches) for batches in results], axis=0)
        return weigh_by_thresholds(rows, self.card)

    def _checked(self, crops: np.ndarray) -> np.ndarray:
        """Run one batch, and refuse what is not a row of probabilities for each crop."""
        try:
            rows = self._run(crops)
        except ModelFileError as error:
            raise ModelFileError(f"{self._path}: {error}") from None
        if rows.ndim != 2 or len(rows) != len(crops):
            raise ModelFileError(
                f"{self._path}: expected one row for each of {len(crops)} crops from the network, "
                f"got an array of shape {rows.shape}"
            )
        if rows.shape[1] != len(self.classes):
            raise ModelFileError(
                f"{self._path}: the network has {rows.shape[1]} outputs "
                f"but its card names {len(self.classes)} classes"
            )
        with np.errstate(invalid="ignore"):
            # NaN and infinity fail the comparisons.
            valid = (abs(rows.sum(axis=1) - 1) <= _SUM_TOLERANCE) & (
                rows.min(axis=1) >= -_SUM_TOLERANCE
            )
        if not valid.all():
            row = rows[np.argmin(valid)]
            raise ModelFileError(
                f"{self._path}: its network gives no probabilities (expected numbers from 0 to 1 "
                f"that sum to 1, got {', '.join(f'{value:.4g}' for value in row)})"
            )
        # Networks compiled as int8 give multiples of 1/256, whose sum may miss 1 by one of them.
        normalised: np.ndarray = rows / rows.sum(axis=1, keepdims=True)
        return normalised


def _compiled(model: ModelFile, flatbuffer: bytes, threads: int) -> Network:
    try:
        if not model.safe:
            size, classes = model.card.input_size, len(model.card.classes)
            compiled_network.check_in_child(flatbuffer, size, classes, threads)
        return compiled_network.load_network(flatbuffer, threads)
    except ModelFileError as error:
        raise ModelFileError(f"{model.path}: {error}") from None


def _keras(model: ModelFile) -> Network:
    logger.warning(
        "%s has no compiled network and runs in TensorFlow, many times slower; "
        "python -m mask_detector.convert OLD NEW makes a fast one",
        model.path,
    )
    network = model.load_keras()
    import tensorflow as tf  # after load_keras, which imports it quietly

    # Called as a function, Keras answers four times faster than with `predict`.
    call = tf.function(lambda crops: network(crops, training=False), reduce_retracing=True)

    def run(crops: np.ndarray) -> np.ndarray:
        try:
            return np.asarray(call(tf.constant(crops, tf.float32)), np.float32)
        except Exception as error:  # TensorFlow raises nearly anything on a network that misfits
            raise ModelFileError(f"its network fails ({first_line(error)})") from None

    return run
