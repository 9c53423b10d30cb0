"""Samples: the faces that training learns from, their crops, and drawn variants of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from mask_detector.crops import cut_crops
from mask_detector.images import read_photo
from mask_detector.training.drawn.masks import OCCLUSIONS, draw_mask, draw_occlusion

WORN_WRONGLY = "incorrect_mask"
"""The class of masks that leave nose or mouth uncovered. Where ``with_mask`` and ``without_mask``
are the classes, its faces are taught as leaning towards ``without_mask``."""

WORN_WRONGLY_AS_MASK = 0.25
"""Among two classes, the probability of ``with_mask`` that a mask worn wrongly is taught."""

_TWO = frozenset({"with_mask", "without_mask"})

# What can be drawn over an unmasked face, the class that the face then has, and how often.
# Several names are drawn one over the other.
_DRAWN: Final = {
    "right": ("with_mask", 0.34),
    "right+headscarf": ("with_mask", 0.07),
    "right+shield": ("with_mask", 0.03),
    "under_nose": (WORN_WRONGLY, 0.12),
    "under_mouth": (WORN_WRONGLY, 0.05),
    "under_chin": (WORN_WRONGLY, 0.05),
    "one_ear": (WORN_WRONGLY, 0.03),
    "over_eyes": (WORN_WRONGLY, 0.03),
    "hand": ("without_mask", 0.05),
    "scarf": ("without_mask", 0.05),
    "cup": ("without_mask", 0.03),
    "phone": ("without_mask", 0.03),
    "microphone": ("without_mask", 0.02),
    "shield": ("without_mask", 0.03),
    "veil": ("without_mask", 0.05),
    "niqab": ("without_mask", 0.03),
    "headscarf": ("without_mask", 0.02),
    "carnival": ("without_mask", 0.04),
    "eye_mask": ("without_mask", 0.01),
}
_LEAVES_THE_MOUTH_FREE = ("under_mouth", "under_chin", "one_ear", "over_eyes")

# What is drawn over masked faces, which stay masked: otherwise a headscarf would mean no mask.
_DRAWN_ON_MASKED = ("headscarf", "shield")
_SHARE_ON_MASKED = 0.1


@dataclass(frozen=True)
class Sample:
    """One face to learn from.

    Attributes:
        photo: the file.
        label: its class; empty where only a teacher says what it is.
        group: samples of one group are never split between parts.
        box: x1, y1, x2, y2 in pixels; the whole photo where no face was found in it.
        landmarks: float32 (5, 2) in the order of :class:`face_detector.Detections`, or None.
        drawn: what is drawn over the face before it is cut out: a way of wearing a mask or an
            occlusion of :mod:`mask_detector.training.drawn.masks`, or several joined by ``+``;
            empty for the face as it is.
        drawn_seed: random seed of the drawing.
    """

    photo: Path
    label: str
    group: str
    box: tuple[float, float, float, float]
    landmarks: np.ndarray | None = None
    drawn: str = ""
    drawn_seed: int = 0


def is_pair(classes: Sequence[str]) -> bool:
    """Whether the classes are ``with_mask`` and ``without_mask``."""
    return set(classes) == _TWO


def label_indices(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """The samples' classes as indices into ``classes``, int (N,).

    A mask worn wrongly counts as ``without_mask`` where that and ``with_mask`` are the classes.
    """
    return np.array([classes.index(_counted_as(sample, classes)) for sample in samples], int)


def target_rows(samples: Sequence[Sample], classes: Sequence[str]) -> np.ndarray:
    """The probabilities that the samples are taught, float32 (N, C); zeros for unlabelled ones."""
    rows = np.zeros((len(samples), len(classes)), np.float32)
    for row, sample in zip(rows, samples, strict=True):
        if sample.label == WORN_WRONGLY and is_pair(classes):
            row[:] = 1 - WORN_WRONGLY_AS_MASK
            row[classes.index("with_mask")] = WORN_WRONGLY_AS_MASK
        elif sample.label:
            row[classes.index(sample.label)] = 1
    return rows


def _counted_as(sample: Sample, classes: Sequence[str]) -> str:
    wrongly = sample.label == WORN_WRONGLY and is_pair(classes)
    return "without_mask" if wrongly else sample.label


def read_crop(sample: Sample, size: int, margin: float) -> np.ndarray:
    """Cut a sample's face out of its photo, uint8 RGB, shape (size, size, 3)."""
    image = read_photo(sample.photo)
    rng = np.random.default_rng(sample.drawn_seed)
    for name in sample.drawn.split("+") if sample.drawn else ():
        if name in OCCLUSIONS:
            image = draw_occlusion(image, sample.landmarks, name, rng)
        else:
            image = draw_mask(image, sample.landmarks, None, rng, name)
    return cut_crops(image, np.array([sample.box]), size, margin)[0]


def draw_on_faces(
    samples: Sequence[Sample],
    classes: Sequence[str],
    ratio: float,
    seed: int,
    without: Sequence[str] = (),
) -> list[Sample]:
    """New samples: faces with something drawn over them.

    Unmasked faces get masks worn right and wrongly, hands, scarves, cups, veils and so on; a tenth
    as many masked ones a headscarf or a shield. Equal seeds draw the same for two classes and for
    three.

    Args:
        samples: only those whose landmarks are known are drawn on.
        ratio: number of drawn faces per unmasked face.
        without: kinds of drawings that are left out; the others are drawn more often instead.

    Returns:
        The new samples only; none where ``with_mask`` and ``without_mask`` are not among the
        classes.
    """
    rng = np.random.default_rng(seed)
    if not set(classes) >= _TWO:
        return []
    seen = [sample for sample in samples if sample.landmarks is not None]
    unmasked = [sample for sample in seen if sample.label == "without_mask"]
    masked = [sample for sample in seen if sample.label == "with_mask"]
    shares = np.array([(name not in without) * share for name, (_, share) in _DRAWN.items()])
    drawn = []
    for index in rng.integers(max(1, len(unmasked)), size=round(ratio * len(unmasked))):
        kind = str(rng.choice(list(_DRAWN), p=shares / shares.sum()))
        drawn.append(_drawn_on(unmasked[index], kind, _label_of(kind, classes), rng))
    for index in rng.integers(max(1, len(masked)), size=round(_SHARE_ON_MASKED * len(drawn))):
        if masked:
            kind = str(rng.choice(_DRAWN_ON_MASKED))
            if kind not in without:
                drawn.append(_drawn_on(masked[index], kind, "with_mask", rng))
    return drawn


def _label_of(kind: str, classes: Sequence[str]) -> str:
    """The label of a drawn face; of two classes, a mask that leaves the mouth free is none."""
    label = _DRAWN[kind][0]
    if label == WORN_WRONGLY and WORN_WRONGLY not in classes:
        free = kind in _LEAVES_THE_MOUTH_FREE or not is_pair(classes)
        return "without_mask" if free else WORN_WRONGLY
    return label


def _drawn_on(sample: Sample, kind: str, label: str, rng: np.random.Generator) -> Sample:
    return replace(sample, label=label, drawn=kind, drawn_seed=int(rng.integers(2**31)))
