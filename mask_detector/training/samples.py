"""Samples: the faces that training learns from, their crops, and drawn variants of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mask_detector.crops import cut_crops
from mask_detector.images import read_photo
from mask_detector.training.drawn.masks import OCCLUSIONS, draw_mask, draw_occlusion

# What can be drawn over an unmasked face, and the class that the face then has.
_DRAWN_LABELS = {
    "right": "with_mask",
    "under_nose": "incorrect_mask",
    "under_chin": "without_mask",
    "hand": "without_mask",
    "scarf": "without_mask",
}


@dataclass(frozen=True)
class Sample:
    """One face to learn from.

    Attributes:
        photo: the file.
        label: its class.
        group: samples of one group are never split between parts.
        box: x1, y1, x2, y2 in pixels; the whole photo where no face was found in it.
        landmarks: float32 (5, 2) in the order of :class:`face_detector.Detections`, or None.
        drawn: what is drawn over the face before it is cut out: a way of wearing a mask or an
            occlusion of :mod:`mask_detector.training.drawn.masks`; empty for the face as it is.
        drawn_seed: random seed of the drawing.
    """

    photo: Path
    label: str
    group: str
    box: tuple[float, float, float, float]
    landmarks: np.ndarray | None = None
    drawn: str = ""
    drawn_seed: int = 0


def label_indices(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """The samples' classes as indices into ``classes``, int (N,)."""
    return np.array([classes.index(sample.label) for sample in samples], int)


def read_crop(sample: Sample, size: int, margin: float) -> np.ndarray:
    """Cut a sample's face out of its photo, uint8 RGB, shape (size, size, 3)."""
    image = read_photo(sample.photo)
    if sample.drawn:
        rng = np.random.default_rng(sample.drawn_seed)
        if sample.drawn in OCCLUSIONS:
            image = draw_occlusion(image, sample.landmarks, sample.drawn, rng)
        else:
            image = draw_mask(image, sample.landmarks, None, rng, sample.drawn)
    return cut_crops(image, np.array([sample.box]), size, margin)[0]


def draw_on_unmasked_faces(
    samples: Sequence[Sample], classes: Sequence[str], ratio: float, seed: int
) -> list[Sample]:
    """New samples: unmasked faces with something drawn over them.

    Half of them get a mask worn right; the rest a mask under the chin, a hand or a scarf, all of
    which leave a face ``without_mask``, and a mask under the nose where ``incorrect_mask`` is
    among the classes.

    Args:
        samples: only those of class ``without_mask`` whose landmarks are known are drawn on.
        ratio: number of drawn faces per unmasked face.

    Returns:
        The new samples only; none where ``with_mask`` is not among the classes.
    """
    rng = np.random.default_rng(seed)
    unmasked = [s for s in samples if s.label == "without_mask" and s.landmarks is not None]
    if "with_mask" not in classes or not unmasked:
        return []
    kinds = {name: label for name, label in _DRAWN_LABELS.items() if label in classes}
    # "right" as often as all others together.
    shares = np.array([len(kinds) - 1 if name == "right" else 1 for name in kinds], float)
    drawn = []
    for index in rng.choice(len(unmasked), round(ratio * len(unmasked))):
        kind = rng.choice(list(kinds), p=shares / shares.sum())
        new_seed = int(rng.integers(2**31))
        drawn.append(
            replace(unmasked[index], label=kinds[kind], drawn=str(kind), drawn_seed=new_seed)
        )
    return drawn
