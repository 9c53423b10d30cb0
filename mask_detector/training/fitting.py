"""The parts of training: crops as a stream, the two phases, prediction and calibration."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.classifier import Classifier
from mask_detector.errors import DatasetError, ModelFileError, UserFacingError
from mask_detector.keras_backend import import_keras
from mask_detector.model_file import ModelCard, ModelFile
from mask_detector.training.augmentation import CANVAS_MARGIN, Augmentation
from mask_detector.training.compiling import Compiled, choose_format
from mask_detector.training.dataset import Sample, read_crop
from mask_detector.training.evaluation import SIZE_SLICES, fit_temperature, in_range, reliability

SHUFFLE_BUFFER = 2048
"""Crops that are mixed in memory at a time: it stays flat however many there are."""

FINE_SHARE = 0.3
"""Learning rate of the fine-tuning, as a share of the head's."""

PATIENCE = 4
"""Epochs without a better validation loss after which a phase ends early."""


_MEASURED_CROPS, _CALIBRATION_CROPS = 3000, 400


@dataclass(frozen=True)
class Recipe:
    """How to train. Times and rates are those of ``docs/training.md``.

    Attributes:
        image_size: side of the crops in pixels.
        margin: what the crop adds around a face, as a share of its longer side.
        alpha: width of MobileNetV2.
        learning_rate: of the new head on the frozen base; that of the fine-tuning is
            ``FINE_SHARE`` of it, after a short rise, and follows a cosine to nothing.
        from_block: MobileNetV2 block from which on fine-tuning lets weights learn.
        smoothing: label smoothing.
        averaging: share of a phase's steps over which the weights' moving average reaches;
            0 for none.
        drawn_masks: faces drawn on for each bare one.
        least_crops: crops of an epoch, at least: with few photos each gives several, for with a
            handful of steps an epoch they would teach next to nothing.
    """

    image_size: int = 128
    margin: float = 0.15
    alpha: float = 1.0
    batch_size: int = 64
    head_epochs: int = 1
    epochs: int = 12
    learning_rate: float = 1e-3
    from_block: int = 4
    smoothing: float = 0.05
    averaging: float = 0.05
    drawn_masks: float = 0.5
    least_crops: int = 1280
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0


class Workspace:
    """The folder beside the model that holds a training's caches and checkpoints.

    It vanishes when the training is complete and stays when it is interrupted, for ``resume``.
    """

    def __init__(self, model: Path, resume: bool, settings: dict[str, Any]) -> None:
        """
        Args:
            settings: whatever decides what is trained, on which photos: of kinds that JSON knows.

        Raises:
            DatasetError: there is nothing to resume, or it was begun with other settings.
        """
        self.folder = Path(f"{model}.training")
        text = json.dumps(settings)
        begun = self.folder / "settings.json"
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif not begun.exists():
            raise DatasetError(f"nothing to resume: there is no {self.folder}")
        elif begun.read_text() != text:
            raise DatasetError(f"{self.folder} was begun with other settings or photos")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            begun.write_text(text)
        except OSError as error:
            raise ModelFileError(f"{self.folder}: cannot write there ({error.strerror})") from None
        for lock in self.folder.glob("*.lockfile"):
            # Of a cache that was being written: without its index TensorFlow would not go on.
            cache = lock.name.partition("_")[0]
            for part in self.folder.glob(f"{cache}[_.]*"):
                part.unlink()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif kind is KeyboardInterrupt:
            print(f"\nkept what is trained so far in {self.folder}: --resume goes on")


def prepare(seed: int) -> None:
    """Seed everything; on a GPU compute in half precision.

    Call it before anything else of Keras: TensorFlow chooses its kernels when it is imported.
    """
    # TensorFlow takes oneDNN's by itself on processors with AVX-512 alone; on one with AVX2 a step
    # of fine-tuning took 0.52 s with them and 0.65 s without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if tf.config.list_physical_devices("GPU"):
        keras.mixed_precision.set_global_policy("mixed_float16")


def training_stream(
    samples: Sequence[Sample], classes: Sequence[str], recipe: Recipe, folder: Path
) -> Any:
    """Endlessly different training crops of the samples, in batches.

    Photos are read and cut once, into ``folder``; each epoch then draws its crops anew, of few
    photos several times. Rare classes weigh more, so that each class has the same say.

    Returns:
        A ``tf.data.Dataset`` of (crops (B, S, S, 3) float32 0..255, targets, weights (B,)).
    """
    import_keras()
    import tensorflow as tf

    # From the canvas to the crop no pixel is lost: both have the same pixels per face.
    canvas = math.ceil(recipe.image_size * (1 + 2 * CANVAS_MARGIN) / (1 + 2 * recipe.margin))
    order = np.random.default_rng(recipe.seed).permutation(len(samples))
    mixed = [samples[i] for i in order]
    targets = _targets(mixed, classes)
    labels = np.array([classes.index(s.label) for s in mixed])
    share = np.bincount(labels, minlength=len(classes)) * len(classes) / len(mixed)
    weights = (1 / share[labels]).astype(np.float32)
    crops = _crops(mixed, canvas, CANVAS_MARGIN).cache(str(folder / "train"))
    stream = tf.data.Dataset.zip(
        (crops, tf.data.Dataset.from_tensor_slices(targets), _slices(tf, weights))
    ).shuffle(SHUFFLE_BUFFER, seed=recipe.seed)
    seeds = tf.data.Dataset.random(seed=recipe.seed, rerandomize_each_iteration=True).batch(2)

    def augmented(row: Any, seed: Any) -> Any:
        canvas_pixels, target, weight = row
        seed = tf.cast(seed % (2**31 - 1), tf.int32)
        return recipe.augmentation(canvas_pixels, seed, recipe.image_size), target, weight

    stream = stream.repeat(math.ceil(recipe.least_crops / len(mixed)))
    stream = tf.data.Dataset.zip((stream, seeds)).map(augmented, tf.data.AUTOTUNE)
    return stream.batch(recipe.batch_size).prefetch(2)


def validation_streams(
    samples: Sequence[Sample], classes: Sequence[str], recipe: Recipe, folder: Path
) -> tuple[Any, Any]:
    """The validation crops twice: as detection cuts them, and far away.

    The validation loss must not be blind to the small, blurred faces that cameras give; these
    are the same in every epoch.

    Returns:
        Two ``tf.data.Dataset`` of (crops (B, S, S, 3) float32 0..255, targets), in order.
    """
    import_keras()
    import tensorflow as tf

    far = dataclasses.replace(
        recipe.augmentation, margins=(recipe.margin, recipe.margin), far=1.0, far_pixels=(9, 40)
    )
    targets = _slices(tf, _targets(samples, classes))
    counter = tf.data.Dataset.counter(dtype=tf.int32)
    near_crops = _crops(samples, recipe.image_size, recipe.margin).cache(str(folder / "near"))
    near_crops = near_crops.map(lambda crop: tf.cast(crop, tf.float32))
    canvases = _crops(samples, recipe.image_size, CANVAS_MARGIN).cache(str(folder / "far"))
    far_crops = tf.data.Dataset.zip((canvases, counter)).map(
        lambda canvas, place: far(canvas, tf.stack([place, 1]), recipe.image_size)
    )
    near, far = (
        tf.data.Dataset.zip((crops, targets)).batch(recipe.batch_size).prefetch(2)
        for crops in (near_crops, far_crops)
    )
    return near, far


def fit_phase(
    network: Any,
    train: Any,
    validation: Any,
    recipe: Recipe,
    epochs: int,
    rate: float,
    folder: Path,
) -> list[dict[str, float]]:
    """Train what is not frozen, keep the best epoch's weights, stop early.

    A phase that was interrupted goes on where ``folder`` says it was; a finished one is
    loaded.

    Returns:
        Loss and accuracy of each epoch, in Keras's names.
    """
    keras = import_keras()
    folder.mkdir(parents=True, exist_ok=True)
    best, log, done = folder / "best.weights.h5", folder / "log.csv", folder / "done"
    if not done.exists():
        steps = epochs * int(train.cardinality())
        averaged = max(1.0, recipe.averaging * steps)
        optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                rate / 20, steps, alpha=0.01, warmup_target=rate, warmup_steps=steps // 20
            ),
            use_ema=bool(recipe.averaging),
            ema_momentum=1 - 1 / averaged,
        )
        if network.output_shape[-1] == 1:
            loss = keras.losses.BinaryCrossentropy(True, recipe.smoothing)
            accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
        else:
            loss = keras.losses.CategoricalCrossentropy(True, recipe.smoothing)
            accuracy = keras.metrics.CategoricalAccuracy("accuracy")
        network.compile(optimizer, loss, weighted_metrics=[accuracy])
        # What an interrupted run reached is what a later epoch must beat.
        reached = min((row["val_loss"] for row in _epochs(log)), default=None)
        callbacks = [
            # Before the weights' average takes their place for the validation's best.
            keras.callbacks.BackupAndRestore(folder / "backup", double_checkpoint=True),
            keras.callbacks.ModelCheckpoint(
                best, save_best_only=True, save_weights_only=True, initial_value_threshold=reached
            ),
            keras.callbacks.EarlyStopping(patience=PATIENCE, baseline=reached),
            keras.callbacks.CSVLogger(log, append=True),
        ]
        if recipe.averaging:
            callbacks.insert(1, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
        network.fit(
            train, epochs=epochs, validation_data=validation, callbacks=callbacks, shuffle=False
        )
        if any(math.isnan(row["val_loss"]) for row in _epochs(log)):
            raise UserFacingError("training diverged, try a lower --learning-rate")
        done.touch()
    network.load_weights(best)
    return _epochs(log)


def _epochs(log: Path) -> list[dict[str, float]]:
    """The rows of Keras's CSV log, none where it was never begun."""
    if not log.exists():
        return []
    with log.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def predict_logits(network: Any, stream: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Run a network over a stream of crops and targets.

    Returns:
        Logits, one column a class, float32 (N, classes), and labels, int (N,).
    """
    logits, targets = [], []
    for crops, wanted in stream:
        logits.append(np.asarray(network(crops, training=False), np.float32))
        targets.append(np.asarray(wanted))
    z, labels = np.concatenate(logits), _labels(np.concatenate(targets))
    return (np.hstack([z, np.zeros_like(z)]) if classes == 2 else z), labels


def calibrate(network: Any, stream: Any, classes: Sequence[str]) -> float:
    """The temperature that makes the network's probabilities mean what they say."""
    return fit_temperature(*predict_logits(network, stream, len(classes)))


def compile_best(model: Any, card: ModelCard, learn: Any, check: Any) -> Compiled:
    """Compile the network in the quickest form that is as accurate, and say what was measured.

    Args:
        learn: the training stream: int8 takes its ranges from some of its crops.
        check: the stream whose crops measure the accuracy.
    """
    crops, targets = _some(check, _MEASURED_CROPS)
    examples, _ = _some(learn, _CALIBRATION_CROPS)
    chosen, forms = choose_format(model, card, crops, _labels(targets), examples)
    for form in forms:
        print(
            f"compiled as {form.format}: {form.milliseconds:.1f} ms for 4 faces, balanced "
            f"accuracy {form.balanced_accuracy:.4f} on validation photos"
            + (" (chosen)" if form is chosen else "")
        )
    return chosen


@dataclass(frozen=True)
class Report:
    """What a model does on test photos.

    Attributes:
        text: for people.
        scores: the same for the model card.
        confusion: (classes, classes) counts, rows are the truth.
    """

    text: str
    scores: dict[str, Any]
    confusion: np.ndarray


def report(
    flatbuffer: bytes, card: ModelCard, samples: Sequence[Sample], temperature: float
) -> Report:
    """Classify the test faces as detection does, and count.

    Args:
        temperature: the one that is inside the network, to tell the calibration error without it.
    """
    from sklearn.metrics import balanced_accuracy_score, classification_report, confusion_matrix

    classifier = Classifier(ModelFile(Path("compiled"), card, flatbuffer, lambda: None))
    probabilities = np.concatenate(
        [
            classifier.probabilities(read_crop(sample, card.input_size, card.margin)[None])
            for sample in samples
        ]
    )
    truth = label_indices(samples, card.classes)
    said = probabilities.argmax(axis=1)
    names, every = list(card.classes), range(len(card.classes))
    uncalibrated = np.maximum(probabilities, 1e-7) ** temperature
    uncalibrated /= uncalibrated.sum(axis=1, keepdims=True)
    scores: dict[str, Any] = {
        "test_faces": len(samples),
        "accuracy": float((said == truth).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(truth, said)),
        "expected_calibration_error": reliability(probabilities, truth).error,
        "expected_calibration_error_uncalibrated": reliability(uncalibrated, truth).error,
        "temperature": temperature,
        "balanced_accuracy_by_face_size": {},
    }
    boxes = np.array([sample.box for sample in samples])
    for name, sizes in SIZE_SLICES.items():
        inside = in_range(boxes, sizes)
        if len(set(truth[inside])) == len(names):
            scores["balanced_accuracy_by_face_size"][name] = {
                "faces": int(inside.sum()),
                "balanced_accuracy": float(balanced_accuracy_score(truth[inside], said[inside])),
            }
    confusion = confusion_matrix(truth, said, labels=every)
    lines = [
        f"\nOn {len(samples)} test faces, whose groups training never saw:\n",
        classification_report(
            truth, said, labels=every, target_names=names, digits=4, zero_division=0
        ),
        "Confusion matrix (rows: truth, columns: said)",
        *(f"  {name:<16}{row}" for name, row in zip(names, confusion, strict=True)),
        f"balanced accuracy {scores['balanced_accuracy']:.4f}",
        *(
            f"  faces {name}: {s['balanced_accuracy']:.4f} ({s['faces']} faces)"
            for name, s in scores["balanced_accuracy_by_face_size"].items()
        ),
        f"calibration error {scores['expected_calibration_error']:.4f} "
        f"(before calibration {scores['expected_calibration_error_uncalibrated']:.4f})",
    ]
    return Report("\n".join(lines), scores, confusion)


def label_indices(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """The samples' classes as indices, int (N,)."""
    return np.array([classes.index(sample.label) for sample in samples], int)


def _targets(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """What the network should say: (N, 1), 1 for the first class, or one column a class."""
    rows = np.eye(len(classes), dtype=np.float32)[label_indices(samples, classes)]
    return rows[:, :1] if len(classes) == 2 else rows


def _labels(targets: np.ndarray) -> np.ndarray:
    """The classes' indices, int (N,), of what :func:`_targets` made of them."""
    return 1 - targets[:, 0].astype(int) if targets.shape[1] == 1 else targets.argmax(axis=1)


def _some(stream: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first crops of a stream, uint8, and their targets."""
    crops, targets, total = [], [], 0
    for batch in stream:
        crops.append(np.asarray(batch[0]).round().astype(np.uint8))
        targets.append(np.asarray(batch[1]))
        total += len(crops[-1])
        if total >= count:
            break
    return np.concatenate(crops)[:count], np.concatenate(targets)[:count]


def _slices(tf: Any, array: np.ndarray) -> Any:
    return tf.data.Dataset.from_tensor_slices(array)


def _crops(samples: Sequence[Sample], size: int, margin: float) -> Any:
    import tensorflow as tf

    def read(index: np.int64) -> np.ndarray:
        return read_crop(samples[int(index)], size, margin)

    def crop(index: Any) -> Any:
        pixels = tf.numpy_function(read, [index], tf.uint8)
        pixels.set_shape((size, size, 3))
        return pixels

    return tf.data.Dataset.range(len(samples)).map(crop, tf.data.AUTOTUNE)
