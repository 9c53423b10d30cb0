"""Face crops in, class probabilities out."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.keras_backend import quiet_standard_error
from mask_detector.model_file import ModelFile

logger = logging.getLogger(__name__)

_LARGEST_BATCH = 32  # bounds the memory that a picture with hundreds of faces takes


class Classifier:
    """The network of a model file, ready to run; one may be shared between threads.

    A model with a compiled member runs in LiteRT, without TensorFlow; any other runs in Keras.
    """

    def __init__(
        self, model: ModelFile, threads: int | None = None, mirrored: bool = False
    ) -> None:
        """
        Args:
            threads: processor threads for one batch; by default the cores, at most four.
            mirrored: look at each face a second time, mirrored, and answer with the mean of both:
                right more often, most of all where faces are small, in twice the time.

        Raises:
            ModelFileError: the network is damaged or does not fit its model card.
        """
        self.card = model.card
        self._mirrored = mirrored
        self._lock = threading.Lock()
        threads = threads or min(4, os.cpu_count() or 1)
        self._run = _compiled(model, threads) if model.compiled else _keras(model)
        outputs = self.probabilities(np.zeros((1, *self._crop_shape), np.uint8)).shape[1]
        if outputs != len(self.classes):
            raise ModelFileError(
                f"{model.path}: the network has {outputs} outputs "
                f"but its card names {len(self.classes)} classes"
            )

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
            float32, shape (N, classes), rows sum to 1; (0, classes) for N = 0.
        """
        if crops.shape[1:] != self._crop_shape:
            raise ValueError(f"expected crops (N, {self._crop_shape}), got {crops.shape}")
        if not len(crops):
            return np.empty((0, len(self.classes)), np.float32)
        looks = [crops, crops[:, :, ::-1]] if self._mirrored else [crops]
        with self._lock:
            answers = [
                [
                    self._run(look[start : start + _LARGEST_BATCH])
                    for start in range(0, len(crops), _LARGEST_BATCH)
                ]
                for look in looks
            ]
        return np.mean([np.concatenate(parts) for parts in answers], axis=0)


def _compiled(model: ModelFile, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet_standard_error():  # LiteRT remarks on how it computes
            interpreter = Interpreter(model_content=model.compiled, num_threads=threads)
            source = interpreter.get_input_details()[0]["index"]
            target = interpreter.get_output_details()[0]["index"]
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, IndexError):
        raise ModelFileError(f"{model.path}: its compiled network is damaged") from None

    def run(crops: np.ndarray) -> np.ndarray:
        try:
            # Costs nothing while the number of faces stays the same.
            interpreter.resize_tensor_input(source, crops.shape)
            interpreter.allocate_tensors()
            interpreter.tensor(source)()[:] = crops
            interpreter.invoke()
            return interpreter.get_tensor(target)
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"{model.path}: its compiled network fails ({error})") from None

    return run


def _keras(model: ModelFile) -> Callable[[np.ndarray], np.ndarray]:
    logger.warning(
        "%s has no compiled network and runs in TensorFlow, many times slower; "
        "python -m mask_detector.convert OLD NEW makes a quick one",
        model.path,
    )
    network = model.load_keras()
    import tensorflow as tf  # after load_keras, which imports it quietly

    # Called as a function, Keras answers four times faster than with `predict`.
    call = tf.function(lambda crops: network(crops, training=False), reduce_retracing=True)
    return lambda crops: np.asarray(call(tf.constant(crops, tf.float32)), np.float32)
