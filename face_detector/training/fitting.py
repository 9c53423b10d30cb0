"""The training loop: batches of crops, optimiser steps, checkpoints, regular evaluation."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_detector.errors import UserFacingError
from face_detector.training.crops import CropMaker
from face_detector.training.optimizer import cosine_rate, relative_adam
from face_detector.training.shared import import_keras

_BATCHES_AHEAD = 6
_SECONDS_BETWEEN_CHECKPOINTS = 60.0


@dataclass(frozen=True)
class Schedule:
    """How long to train, and how fast.

    Attributes:
        steps: of the whole training.
        batch_size: crops a step.
        rate: largest step, as a share of each tensor's root mean square.
        average_decay: of the moving average of the weights, a step.
        evaluate_every: steps between evaluations.
    """

    steps: int
    batch_size: int = 32
    rate: float = 4e-3
    average_decay: float = 0.998
    evaluate_every: int = 500


@dataclass(frozen=True)
class Loss:
    """What training minimises: the sum of several terms.

    Attributes:
        terms: their names.
        of: from outputs, boxes, landmarks, ignored regions and the crop's side to the terms.
    """

    terms: Sequence[str]
    of: Callable[..., dict[str, Any]]


def fit(
    network: Any,
    loss: Loss,
    crops: CropMaker,
    schedule: Schedule,
    folder: Path,
    evaluate: Callable[[Any, int], None],
    threads: int = 2,
) -> None:
    """Train the network, which ends with the moving average of its weights.

    Args:
        network: a Keras model that takes pictures, float32 (B, H, W, 3).
        folder: for checkpoints; training continues from the one that it finds there.
        evaluate: called with the network, holding averaged weights, and the number of the step.
        threads: threads that make crops.

    Raises:
        UserFacingError: the loss is no longer a number.
    """
    keras = import_keras()
    weights = network.trainable_variables
    optimizer = relative_adam(keras, schedule.average_decay)
    optimizer.build(weights)
    state = [*weights, *optimizer.variables]
    checkpoint = folder / "checkpoint.npz"
    start = _restore(checkpoint, state)
    model = _model(keras, network, loss, crops.settings.size)
    # JAX compiles nothing without it; with TensorFlow XLA would compile for each number of faces.
    model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")

    log = _Log(folder / "log.jsonl", schedule, start)
    saved = time.monotonic()
    for count, (images, *faces) in enumerate(_batches(crops, schedule, start, threads), start + 1):
        optimizer.learning_rate = cosine_rate(count, schedule.steps, schedule.rate)
        terms = model.train_on_batch(images, tuple(faces), return_dict=True)
        terms = {name: float(terms[name]) for name in loss.terms}
        if not all(map(math.isfinite, terms.values())):
            raise UserFacingError("training diverged, try a lower --learning-rate")
        if log.add(count, terms):
            model.reset_metrics()
        evaluating = count % schedule.evaluate_every == 0 or count == schedule.steps
        if evaluating:
            with _averaged(weights, optimizer.averages):
                evaluate(network, count)
        if evaluating or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            _save(checkpoint, state, count)
            saved = time.monotonic()
    for weight, average in zip(weights, optimizer.averages, strict=True):
        weight.assign(average)


def _model(keras: Any, network: Any, loss: Loss, size: int) -> Any:
    """The network as Keras trains it: on uint8 pictures, with that loss.

    Its metrics are the means of the loss's terms since they were reset.
    """

    class TrainedModel(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.means = {name: keras.metrics.Mean(name) for name in loss.terms}

        def call(self, images: Any, training: bool = False) -> Any:
            return self.network(keras.ops.cast(images, "float32"), training=training)

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            # PyTorch gets the faces as NumPy arrays.
            terms = loss.of(y_pred, *map(keras.ops.convert_to_tensor, y), size)
            for name, term in terms.items():
                self.means[name].update_state(term)
            return sum(terms.values())

    return TrainedModel()


@contextlib.contextmanager
def _averaged(weights: Sequence[Any], averages: Sequence[Any]) -> Iterator[None]:
    """Exchange the weights for their averages while the context lasts."""
    kept = [weight.numpy() for weight in weights]
    for weight, average in zip(weights, averages, strict=True):
        weight.assign(average)
    yield
    for weight, value in zip(weights, kept, strict=True):
        weight.assign(value)


def _batches(
    crops: CropMaker, schedule: Schedule, start: int, threads: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """The batches from that step on, made in threads a few steps ahead."""
    waiting: deque[Future[tuple[np.ndarray, ...]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for number in range(start, schedule.steps):
            waiting.append(pool.submit(make_batch, crops, number, schedule.batch_size))
            if len(waiting) >= _BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def make_batch(crops: CropMaker, number: int, size: int) -> tuple[np.ndarray, ...]:
    """The batch of that number.

    Returns:
        Images uint8 (B, S, S, 3), boxes float32 (B, G, 4), landmarks (B, G, 5, 2) and ignored
        regions (B, M, 4), padded with zeros (landmarks with NaN).
    """
    made = [crops.make(number * size + place) for place in range(size)]
    faces = _padded(max(len(crop.boxes) for crop in made))
    regions = _padded(max(len(crop.ignored) for crop in made))
    boxes = np.zeros((size, faces, 4), np.float32)
    landmarks = np.full((size, faces, 5, 2), np.nan, np.float32)
    ignored = np.zeros((size, regions, 4), np.float32)
    for place, crop in enumerate(made):
        boxes[place, : len(crop.boxes)] = crop.boxes
        landmarks[place, : len(crop.boxes)] = crop.landmarks
        ignored[place, : len(crop.ignored)] = crop.ignored
    return np.stack([crop.image for crop in made]), boxes, landmarks, ignored


def _padded(count: int) -> int:
    """Rounded up to a multiple of 8, so that Keras compiles for few shapes."""
    return max(8, -(-count // 8) * 8)


def _save(path: Path, state: Sequence[Any], step: int) -> None:
    arrays = {f"{place:04}": variable.numpy() for place, variable in enumerate(state)}
    temporary = path.with_suffix(".part.npz")
    np.savez(temporary, step=step, **arrays)
    temporary.replace(path)


def _restore(path: Path, state: Sequence[Any]) -> int:
    """Set the variables to those of the checkpoint; returns its step, 0 without one."""
    if not path.exists():
        return 0
    with np.load(path) as kept:
        for place, variable in enumerate(state):
            variable.assign(kept[f"{place:04}"])
        return int(kept["step"])


class _Log:
    """Prints mean loss, speed and time left every few steps, and appends them to a file."""

    def __init__(self, path: Path, schedule: Schedule, start: int, every: int = 50) -> None:
        self._path, self._schedule, self._every = path, schedule, every
        self._last = start
        self._clock = time.monotonic()

    def add(self, step: int, means: dict[str, float]) -> bool:
        """Whether the means since the last row were logged."""
        if step % self._every and step != self._schedule.steps:
            return False
        steps, now = step - self._last, time.monotonic()
        seconds = (now - self._clock) / steps
        row = {name: round(mean, 4) for name, mean in means.items()}
        row |= {
            "step": step,
            "crops_a_second": round(self._schedule.batch_size / seconds, 1),
            "minutes_left": round((self._schedule.steps - step) * seconds / 60, 1),
        }
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
        self._last, self._clock = step, now
        return True
