"""The training itself: batches of crops, steps, checkpoints, and a look at validation photos."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_detector.training.crops import CROP_SIZE, MOST_IGNORED, CropMaker
from face_detector.training.optimizer import RelativeAdam, cosine_rate

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
        every: steps between looks at the validation photos.
    """

    steps: int
    batch_size: int = 32
    rate: float = 4e-3
    average_decay: float = 0.998
    every: int = 500


Loss = Callable[..., dict[str, Any]]
"""From outputs, boxes, landmarks, ignored regions and the crop's side to the loss's parts."""


def fit(
    network: Any,
    loss: Loss,
    crops: CropMaker,
    schedule: Schedule,
    folder: Path,
    look: Callable[[Any, str], None],
    threads: int = 2,
) -> None:
    """Train the network; at the end it has the average of its weights.

    Args:
        network: a Keras model that takes pictures, float32 (B, H, W, 3).
        folder: checkpoints lie in it; a training that finds one goes on from there.
        look: is told the network, with averaged weights, and how far training is, every so often.
        threads: that make crops.
    """
    import tensorflow as tf

    weights = network.trainable_variables
    optimizer = RelativeAdam([weight.value for weight in weights], schedule.average_decay)
    checkpoint = folder / "checkpoint.npz"
    start = _restore(checkpoint, optimizer)

    @tf.function(reduce_retracing=True)
    def step(images: Any, boxes: Any, landmarks: Any, ignored: Any, rate: Any, count: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = network(tf.cast(images, tf.float32), training=True)
            parts = loss(outputs, boxes, landmarks, ignored, CROP_SIZE)
            total = tf.add_n(list(parts.values()))
        gradients = tape.gradient(total, weights)
        gradients, norm = tf.clip_by_global_norm(gradients, 1e4)
        optimizer.apply(gradients, rate, count)
        return parts | {"norm": norm}

    log = _Log(folder / "log.jsonl", schedule, start)
    saved = time.monotonic()
    for count, batch in enumerate(_batches(crops, schedule, start, threads), start + 1):
        rate = cosine_rate(count, schedule.steps, schedule.rate)
        parts = step(*batch, tf.constant(rate, tf.float32), tf.constant(count, tf.float32))
        log.add(count, {name: float(part) for name, part in parts.items()})
        looking = count % schedule.every == 0 or count == schedule.steps
        if looking or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            _save(checkpoint, optimizer, count)
            saved = time.monotonic()
        if looking:
            with _averaged(weights, optimizer.average):
                look(network, f"step {count} of {schedule.steps}")
    for weight, average in zip(weights, optimizer.average, strict=True):
        weight.assign(average)


class _averaged:  # noqa: N801 - reads as what it is: with _averaged(...)
    """For a while the weights are their averages."""

    def __init__(self, weights: Sequence[Any], averages: Sequence[Any]) -> None:
        self._weights, self._averages = weights, averages

    def __enter__(self) -> None:
        self._kept = [weight.numpy() for weight in self._weights]
        for weight, average in zip(self._weights, self._averages, strict=True):
            weight.assign(average)

    def __exit__(self, *_: object) -> None:
        for weight, kept in zip(self._weights, self._kept, strict=True):
            weight.assign(kept)


def _batches(
    crops: CropMaker, schedule: Schedule, start: int, threads: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """The batches from a step on, made in threads some steps ahead."""
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
        regions (B, M, 4), those that do not exist being zeros.
    """
    made = [crops.make(number * size + place) for place in range(size)]
    # A multiple of 8, so that there are few shapes.
    faces = max(8, -(-max(len(crop.boxes) for crop in made) // 8) * 8)
    boxes = np.zeros((size, faces, 4), np.float32)
    landmarks = np.full((size, faces, 5, 2), np.nan, np.float32)
    ignored = np.zeros((size, MOST_IGNORED, 4), np.float32)
    for place, crop in enumerate(made):
        boxes[place, : len(crop.boxes)] = crop.boxes
        landmarks[place, : len(crop.boxes)] = crop.landmarks
        ignored[place, : len(crop.ignored)] = crop.ignored
    return np.stack([crop.image for crop in made]), boxes, landmarks, ignored


def _save(path: Path, optimizer: RelativeAdam, step: int) -> None:
    arrays = {f"{place:04}": array for place, array in enumerate(optimizer.state())}
    temporary = path.with_suffix(".part.npz")
    np.savez(temporary, step=step, **arrays)  # type: ignore[arg-type]
    os.replace(temporary, path)


def _restore(path: Path, optimizer: RelativeAdam) -> int:
    """The step to go on from; 0 without a checkpoint."""
    if not path.exists():
        return 0
    with np.load(path) as kept:
        optimizer.restore([kept[name] for name in sorted(set(kept.files) - {"step"})])
        return int(kept["step"])


class _Log:
    """Prints a line now and then: losses, rate, time left; all lines stay in a file."""

    def __init__(self, path: Path, schedule: Schedule, start: int, every: int = 50) -> None:
        self._path, self._schedule, self._every = path, schedule, every
        self._sums: dict[str, float] = {}
        self._last = start
        self._clock = time.monotonic()

    def add(self, step: int, parts: dict[str, float]) -> None:
        for name, part in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + part
        if step % self._every and step != self._schedule.steps:
            return
        steps, now = step - self._last, time.monotonic()
        seconds = (now - self._clock) / steps
        row = {name: round(total / steps, 4) for name, total in self._sums.items()}
        row |= {
            "step": step,
            "crops_a_second": round(self._schedule.batch_size / seconds, 1),
            "minutes_left": round((self._schedule.steps - step) * seconds / 60, 1),
        }
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
        self._sums, self._last, self._clock = {}, step, now
