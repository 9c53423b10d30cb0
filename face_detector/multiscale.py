"""Looking at one picture several times, at other scales and in tiles, and merging what is seen."""

from __future__ import annotations

import cv2
import numpy as np

from face_detector.detections import Detections


def resize_longer_side(image: np.ndarray, size: int) -> tuple[np.ndarray, tuple[float, float]]:
    """The picture with its longer side made ``size``, and the (x, y) factors that lead back."""
    height, width = image.shape[:2]
    factor = size / max(height, width)
    new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    return resized, (width / new_width, height / new_height)


def suppressed(found: Detections, overlap: float) -> Detections:
    """Best first, without those that overlap a better one by more than this IoU."""
    corner_and_size = np.hstack([found.boxes[:, :2], found.boxes[:, 2:] - found.boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), found.scores.tolist(), 0.0, overlap)
    return found[np.asarray(kept, dtype=int).reshape(-1)]
