"""Compile Keras models for LiteRT, in the fastest number format that costs no accuracy."""

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
from mask_detector.models.keras_backend import import_keras, quiet_standard_error
from mask_detector.models.model_file import ModelCard, ModelFile
from mask_detector.training.calibration import log_loss
from mask_detector.training.evaluation import balanced_accuracy
from mask_detector.training.streams import first_crops

FORMATS = ("float32", "float16", "int8")
"""float32 is the reference; float16 halves the file; int8 is smaller still, and faster."""

LARGEST_RISE = 0.05, 0.002
"""By how much a faster format may raise float32's log loss: a share of it, and more."""

LARGEST_LOSS = 0.01
"""Balanced accuracy that it may lose. Of a thousand faces, a few near the line change sides by
chance, so the log loss is the finer measure of the two."""

_LEAST_PROBABILITY = 1e-4  # int8 gives 0
_TIMED_FACES = 4
_MEASURED_CROPS, _CALIBRATION_CROPS = 3000, 400


@dataclass(frozen=True)
class Compiled:
    """One number format of a network, measured.

    Attributes:
        flatbuffer: the LiteRT model.
        log_loss: mean over the crops given.
        balanced_accuracy: mean recall over the classes on them.
        milliseconds: for a batch of four faces, median, on this machine.
    """

    format: str
    flatbuffer: bytes
    log_loss: float
    balanced_accuracy: float
    milliseconds: float


def compile_network(model: Any, format: str, crops: np.ndarray) -> bytes:
    """Compile a Keras model for LiteRT.

    Args:
        model: from float32 RGB crops 0..255, shape (N, S, S, 3), to probabilities.
        format: ``float32``; ``float16`` (weights stored in it); ``int8`` (computed in it).
        crops: real crops, shape (N, S, S, 3), that give int8 the value range of each layer.
    """
    import_keras()
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if format == "int8":  # converted layer by layer, with value ranges from real crops

        def examples() -> Iterator[list[np.ndarray]]:
            for crop in crops:
                yield [crop[None].astype(np.float32)]

        converter.representative_dataset = examples
    with quiet_standard_error(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def choose_format(
    model: Any, card: ModelCard, crops: np.ndarray, labels: np.ndarray, calibration: np.ndarray
) -> tuple[Compiled, list[Compiled]]:
    """Compile a model in every format and choose the fastest that is as good as float32.

    float32 itself is never chosen: float16 is as fast, since it is unpacked when loaded.

    Args:
        crops: uint8 (N, S, S, 3), to measure the log loss and the accuracy.
        labels: int (N,), the crops' classes as indices of the card's.
        calibration: uint8 (M, S, S, 3), for int8.

    Returns:
        The chosen format, and all of them.
    """
    results = []
    for format in FORMATS:
        flatbuffer = compile_network(model, format, calibration)
        classifier = Classifier(ModelFile(Path(format), card, flatbuffer, lambda: model))
        rows = classifier.probabilities(crops)
        loss = log_loss(rows, labels, _LEAST_PROBABILITY)
        accuracy = balanced_accuracy(labels, rows.argmax(axis=1), len(card.classes))
        time_taken = milliseconds(classifier, crops)
        results.append(Compiled(format, flatbuffer, loss, accuracy, time_taken))
    reference, *smaller = results
    share, more = LARGEST_RISE
    largest = reference.log_loss * (1 + share) + more
    least = reference.balanced_accuracy - LARGEST_LOSS
    good = [
        result
        for result in smaller
        if result.log_loss <= largest and result.balanced_accuracy >= least
    ]
    return min(good or smaller[:1], key=lambda result: result.milliseconds), results


def compile_best(model: Any, card: ModelCard, train: Any, validation: Any) -> Compiled:
    """Compile the network in the fastest format that is as accurate, and print the measurements.

    Args:
        train: the training stream: int8 takes its value ranges from some of its crops.
        validation: the stream whose crops measure the accuracy.
    """
    crops, labels = first_crops(validation, _MEASURED_CROPS)
    calibration, _ = first_crops(train, _CALIBRATION_CROPS)
    chosen, results = choose_format(model, card, crops, labels, calibration)
    for result in results:
        print(
            f"compiled as {result.format}: {result.milliseconds:.1f} ms for 4 faces, log loss "
            f"{result.log_loss:.4f} and balanced accuracy {result.balanced_accuracy:.4f} "
            "on validation photos" + (" (chosen)" if result is chosen else "")
        )
    return chosen


def milliseconds(classifier: Classifier, crops: np.ndarray) -> float:
    """Median time of a batch of four faces on this machine; any crops will do."""
    batch = np.resize(crops, (_TIMED_FACES, *crops.shape[1:]))
    times = []
    for _ in range(25):
        start = time.perf_counter()
        classifier.probabilities(batch)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)
