"""SSD ResNet-10, the face detector of OpenCV's samples, run by OpenCV's DNN module.

Trained on 300 x 300 squashed pictures; sees faces from about 8 % of the picture's height up.

    >>> from face_detector import load
    >>> load("ssd", size=300).find(image_bgr).boxes
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from face_detector.detections import Detections
from face_detector.weights import SSD_CAFFEMODEL, SSD_PROTOTXT, fetch

CLASSIC_SIZE = 300
# Mean of the training pictures, blue, green, red: OpenCV samples/dnn/face_detector/README.md.
MEAN_BGR = (104.0, 177.0, 123.0)


class SSDNetwork:
    """The network: one picture in, all faces of one pass out."""

    def __init__(self) -> None:
        prototxt, caffemodel = fetch(SSD_PROTOTXT, SSD_CAFFEMODEL)
        self._network = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))

    def look(self, image: np.ndarray, confidence: float, size: int = CLASSIC_SIZE) -> Detections:
        """Faces of one pass over the picture squashed to ``size`` x ``size``.

        Args:
            image: uint8 BGR, shape (H, W, 3).
            confidence: the least score of a face, in [0, 1].
            size: side of what the network sees, in pixels; 300 is what it was trained on.

        Returns:
            Boxes in pixels of ``image``, not clipped to it, best first.
        """
        height, width = image.shape[:2]
        self._network.setInput(cv2.dnn.blobFromImage(image, 1.0, (size, size), MEAN_BGR))
        # (1, 1, N, 7): picture, class, score, x1, y1, x2, y2 as shares of width and height.
        rows = self._network.forward().reshape(-1, 7)
        rows = rows[rows[:, 2] >= confidence]
        found = Detections(rows[:, 3:7].copy(), np.clip(rows[:, 2], 0, 1))
        return found.moved((width, height))


class SSD:
    """The detector behind ``face_detector.load("ssd")``."""

    def __init__(
        self, size: int | Literal["auto"], confidence: float, thorough: bool, threads: int | None
    ) -> None:
        self._network = SSDNetwork()
        self._size = CLASSIC_SIZE if size == "auto" else size
        self._confidence = confidence

    def find(self, image: np.ndarray) -> Detections:
        """The faces of a uint8 BGR picture of shape (H, W, 3), boxes clipped to it, best first."""
        height, width = image.shape[:2]
        return self._network.look(image, self._confidence, self._size).clipped(width, height)
