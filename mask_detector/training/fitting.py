"""Fitting the network: the working folder, the two phases of training, and calibration."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.errors import (
    DatasetError,
    FileError,
    ModelFileError,
    PhotoError,
    UserFacingError,
)
from mask_detector.files import make_folder
from mask_detector.models.keras_backend import import_keras
from mask_detector.training import network
from mask_detector.training.calibration import choose_threshold, fit_temperature, softmax
from mask_detector.training.recipe import FINE_TUNING_RATE, Recipe
from mask_detector.training.samples import WORN_WRONGLY, Sample, target_rows
from mask_detector.training.streams import labels_of


class Workspace:
    """The folder beside the model that holds a training's caches and checkpoints.

    It is deleted when the training is complete and stays when it is interrupted or fails, for
    ``resume``. The error of a photo that has vanished or of a full disk then becomes a
    ``UserFacingError`` that says so.
    """

    def __init__(self, model: Path, resume: bool, settings: Any) -> None:
        """
        Args:
            settings: everything that decides what is trained, on which photos, of types that
                JSON has.

        Raises:
            DatasetError: there is nothing to resume, or it was started with other settings.
            ModelFileError: the folder cannot be made.
        """
        self.folder = Path(f"{model}.training")
        text = json.dumps(settings)
        started = self.folder / "settings.json"
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif not started.exists():
            raise DatasetError(f"nothing to resume: there is no {self.folder}")
        elif started.read_text() != text:
            raise DatasetError(f"{self.folder} was started with other settings or photos")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            started.write_text(text)
        except OSError as error:
            raise ModelFileError(f"{self.folder}: cannot write there ({error.strerror})") from None
        # A lock file belongs to a cache that was not finished; TensorFlow refuses to continue it.
        for lock in self.folder.glob("*.lockfile"):
            cache = lock.name.partition("_")[0]
            for part in self.folder.glob(f"{cache}[_.]*"):
                part.unlink()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif isinstance(error, KeyboardInterrupt):
            print(f"\nkept the training so far in {self.folder}: continue it with --resume")
        elif (reason := _reason(error)) and len(list(self.folder.iterdir())) > 1:
            raise UserFacingError(
                f"the training stopped: {reason}. What is done is kept in {self.folder}: when that "
                "is mended, continue with --resume"
            ) from error


def _reason(error: BaseException) -> str:
    """Which photo or file an error is about, and what is wrong; nothing for other errors."""
    tensorflow = sys.modules.get("tensorflow")  # face detectors are trained without it, too
    if tensorflow and isinstance(error, tensorflow.errors.OpError):
        # "… PhotoError: a.png: there is no such file", "a.cache; No space left on device\n\t [[…"
        found = re.search(r"PhotoError: (.+)|^([^;\n]+; .+)\n\s+\[\[", error.message, re.MULTILINE)
        return next(filter(None, found.groups())) if found else ""
    about_files = (OSError, FileError, ModelFileError, PhotoError)
    return str(error) if isinstance(error, about_files) else ""


def prepare(seed: int) -> None:
    """Seed all random numbers; on a GPU compute in half precision.

    Call it before anything else of Keras: TensorFlow chooses its kernels when it is imported.
    """
    # By default TensorFlow uses oneDNN's kernels only on processors with AVX-512; on one with
    # AVX2 a step of fine-tuning took 0.52 s with them and 0.65 s without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if tf.config.list_physical_devices("GPU"):
        keras.mixed_precision.set_global_policy("mixed_float16")


def fit(
    net: Any, train: Any, validation: Any, recipe: Recipe, folder: Path
) -> dict[str, list[dict[str, float]]]:
    """Train the head on the frozen base, then the upper blocks with it at a lower rate.

    Args:
        net: from :func:`mask_detector.training.network.build_network`; changed in place.
        train, validation: streams of :mod:`mask_detector.training.streams`.
        folder: for checkpoints.

    Returns:
        Loss and accuracy of each epoch in Keras's names, by phase.
    """
    phases = {}
    for phase, epochs, block, rate in (
        ("head", recipe.head_epochs, None, recipe.learning_rate),
        ("fine-tuning", recipe.epochs, recipe.from_block, recipe.learning_rate * FINE_TUNING_RATE),
    ):
        if epochs:
            count = network.freeze_below(net, block)
            print(f"{phase}: {count:,} trainable weights, up to {epochs} epochs, rate {rate:g}")
            phases[phase] = fit_phase(net, train, validation, recipe, epochs, rate, folder / phase)
    return phases


def fit_phase(
    net: Any,
    train: Any,
    validation: Any,
    recipe: Recipe,
    epochs: int,
    rate: float,
    folder: Path,
) -> list[dict[str, float]]:
    """Train what is not frozen, keep the best epoch's weights, stop early.

    An interrupted phase continues from its checkpoint in ``folder``; a finished one is loaded.

    Returns:
        Loss and accuracy of each epoch, in Keras's names.

    Raises:
        UserFacingError: the loss is not a number any more.
    """
    make_folder(folder)
    best, log, done = folder / "best.weights.h5", folder / "log.csv", folder / "done"
    if not done.exists():
        _compile(net, recipe, rate, epochs * int(train.cardinality()))
        callbacks = _callbacks(best, log, folder / "backup", recipe)
        net.fit(
            train,
            epochs=epochs,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,
            # A bar on a terminal; one line per epoch in a log file, where bars would be long.
            verbose=1 if sys.stdout.isatty() else 2,
        )
        if any(math.isnan(row["val_loss"]) for row in _epochs(log)):
            raise UserFacingError("training diverged, try a lower --learning-rate")
        done.touch()
    net.load_weights(best)
    return _epochs(log)


def _compile(net: Any, recipe: Recipe, rate: float, steps: int) -> None:
    """Give the network its loss and its optimizer: Adam, warm-up, then a cosine to nearly 0."""
    keras = import_keras()
    averaged = max(1.0, recipe.averaging * steps)  # steps that the moving average reaches over
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            rate / 20, steps, alpha=0.01, warmup_target=rate, warmup_steps=steps // 20
        ),
        use_ema=bool(recipe.averaging),
        ema_momentum=1 - 1 / averaged,
    )
    if net.output_shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy(True, recipe.smoothing)
        # A teacher's targets lie between 0 and 1, which Keras's own binary accuracy calls wrong.
        accuracy = keras.metrics.MeanMetricWrapper(_same_side, "accuracy")
    else:
        loss = keras.losses.CategoricalCrossentropy(True, recipe.smoothing)
        accuracy = keras.metrics.CategoricalAccuracy("accuracy")
    net.compile(optimizer, loss, weighted_metrics=[accuracy])


def _same_side(targets: Any, logits: Any) -> Any:
    """Whether the logit is for the class that the target is for, 0 or 1 for each crop."""
    ops = import_keras().ops
    return ops.mean(ops.cast(ops.equal(targets > 0.5, logits > 0), "float32"), axis=-1)


def _callbacks(best: Path, log: Path, backup: Path, recipe: Recipe) -> list[Any]:
    keras = import_keras()
    # A resumed training must improve on the best epoch before the interruption.
    reached = min((row["val_loss"] for row in _epochs(log)), default=None)
    callbacks = [
        # First, because SwapEMAWeights replaces the weights by their average for validation.
        keras.callbacks.BackupAndRestore(backup, double_checkpoint=True),
        keras.callbacks.ModelCheckpoint(
            best, save_best_only=True, save_weights_only=True, initial_value_threshold=reached
        ),
        keras.callbacks.EarlyStopping(patience=recipe.patience, baseline=reached),
        keras.callbacks.CSVLogger(log, append=True),
    ]
    if recipe.averaging:
        callbacks.insert(1, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    return callbacks


def _epochs(log: Path) -> list[dict[str, float]]:
    """The rows of Keras's CSV log; none before it exists."""
    if not log.exists():
        return []
    with log.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def predict_logits(net: Any, stream: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Run a network over a stream of crops and targets.

    Returns:
        Logits, one column a class, float32 (N, classes), and class indices, int (N,).
    """
    logits, targets = [], []
    for crops, wanted in stream:
        logits.append(np.asarray(net(crops, training=False), np.float32))
        targets.append(np.asarray(wanted))
    z, labels = np.concatenate(logits), labels_of(np.concatenate(targets))
    return (np.hstack([z, np.zeros_like(z)]) if classes == 2 else z), labels


def calibrate(net: Any, stream: Any, classes: Sequence[str], samples: Sequence[Sample]) -> float:
    """The temperature by which to divide the network's logits, fitted on validation faces.

    Masks worn wrongly that are taught as lying between two classes have no say: they would make
    the probabilities of all faces less sure than they are right.

    Args:
        stream: crops of the samples, in order, once or several times over.
    """
    logits, labels = predict_logits(net, stream, len(classes))
    clear = target_rows(samples, classes).max(axis=1, initial=0) == 1
    clear = np.tile(clear, len(logits) // max(1, len(samples)))
    return fit_temperature(logits[clear], labels[clear])


def thresholds(
    net: Any, stream: Any, classes: Sequence[str], temperature: float
) -> dict[str, float]:
    """The threshold of masks worn wrongly where they are one of three classes or more.

    Args:
        stream: validation crops, in which they are as frequent as in the data.
    """
    if WORN_WRONGLY not in classes or len(classes) < 3:
        return {}
    logits, labels = predict_logits(net, stream, len(classes))
    chosen = choose_threshold(
        softmax(logits / temperature), labels, list(classes).index(WORN_WRONGLY)
    )
    return {WORN_WRONGLY: round(chosen, 3)}
