"""Keras model in, LiteRT flatbuffer out: the quickest number format that costs no accuracy."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.classifier import Classifier
from mask_detector.keras_backend import import_keras, quiet_standard_error
from mask_detector.model_file import ModelCard, ModelFile

FORMATS = ("float32", "float16", "int8")
"""float32 is the measure; float16 does alike with half the file; int8 is smaller and quicker."""

LARGEST_LOSS = 0.002
"""Balanced accuracy that a quicker format may cost against float32."""

_TIMED_FACES = 4


@dataclass(frozen=True)
class Compiled:
    """One number format of a network, measured.

    Attributes:
        flatbuffer: the LiteRT model.
        balanced_accuracy: mean recall over the classes on the crops given.
        milliseconds: for a batch of four faces, median, on this machine.
    """

    format: str
    flatbuffer: bytes
    balanced_accuracy: float
    milliseconds: float


def compile_network(model: Any, format: str, crops: np.ndarray) -> bytes:
    """Compile a Keras model for LiteRT.

    Args:
        model: from float32 RGB crops 0..255, shape (N, S, S, 3), to probabilities.
        format: ``float32``; ``float16`` (stored so, half the size); ``int8`` (computed so).
        crops: real crops, shape (N, S, S, 3): int8 learns from them what range each layer needs.
    """
    import_keras()
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if format == "int8":

        def examples() -> Iterator[list[np.ndarray]]:
            for crop in crops:
                yield [crop[None].astype(np.float32)]

        converter.representative_dataset = examples
    with quiet_standard_error(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def choose_format(
    model: Any, card: ModelCard, crops: np.ndarray, labels: np.ndarray, calibration: np.ndarray
) -> tuple[Compiled, list[Compiled]]:
    """Compile a model in every format and choose the quickest that is as good as float32.

    float32 itself is never chosen: float16 runs as quickly, since it is unpacked when loaded.

    Args:
        crops: (N, S, S, 3) with ``labels`` (N,), indices of the card's classes: they measure.
        calibration: real crops for int8.

    Returns:
        The chosen format, and all of them.
    """
    results = []
    for format in FORMATS:
        flatbuffer = compile_network(model, format, calibration)
        classifier = Classifier(ModelFile(Path(format), card, flatbuffer, lambda: model))
        found = classifier.probabilities(crops).argmax(axis=1)
        recalls = [(found[labels == c] == c).mean() for c in np.unique(labels)]
        results.append(
            Compiled(format, flatbuffer, float(np.mean(recalls)), milliseconds(classifier, crops))
        )
    measure, *smaller = results
    least = measure.balanced_accuracy - LARGEST_LOSS
    good = [result for result in smaller if result.balanced_accuracy >= least]
    return min(good or smaller[:1], key=lambda result: result.milliseconds), results


def milliseconds(classifier: Classifier, crops: np.ndarray) -> float:
    """What a batch of four faces takes on this machine, median; any crops will do."""
    batch = np.resize(crops, (_TIMED_FACES, *crops.shape[1:]))
    times = []
    for _ in range(25):
        start = time.perf_counter()
        classifier.probabilities(batch)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)
