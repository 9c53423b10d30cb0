"""The photos that crops are cut from: read once, drawn on, at full, half, quarter … size."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from face_detector.training.photos import TrainingPhoto
from face_detector.training.shared import (
    OCCLUSIONS,
    WEARINGS,
    draw_mask,
    draw_occlusion,
    read_photo,
)

_CACHE_BYTES = 5 * 2**30


class ImagePyramids:
    """Image pyramids of the photos: full, half, quarter … size, cached up to ``_CACHE_BYTES``."""

    def __init__(self) -> None:
        self._kept: dict[int, list[np.ndarray]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def levels(self, photo: TrainingPhoto) -> list[np.ndarray]:
        """uint8 BGR pictures, largest first."""
        kept = self._kept.get(id(photo))
        if kept is not None:
            return kept
        levels = [_drawn_on(read_photo(photo.path), photo)]
        while min(levels[-1].shape[:2]) >= 32:
            levels.append(
                cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            )
        size = sum(level.nbytes for level in levels)
        with self._lock:
            if self._bytes + size <= _CACHE_BYTES and id(photo) not in self._kept:
                self._kept[id(photo)] = levels
                self._bytes += size
        return levels


def _drawn_on(image: np.ndarray, photo: TrainingPhoto) -> np.ndarray:
    """The photo with masks, hands or scarves on most bare faces if it has a ``drawn_seed``."""
    if photo.drawn_seed is None:
        return image
    rng = np.random.default_rng(photo.drawn_seed)
    for landmarks in photo.landmarks[photo.bare]:
        choice = rng.random()
        if not np.isfinite(landmarks).all() or choice < 0.15:
            continue
        if choice < 0.85:
            wearing = WEARINGS[0] if choice < 0.65 else WEARINGS[int(rng.integers(len(WEARINGS)))]
            image = draw_mask(image, landmarks, None, rng, wearing)
        else:
            image = draw_occlusion(image, landmarks, str(rng.choice(OCCLUSIONS)), rng)
    return image
