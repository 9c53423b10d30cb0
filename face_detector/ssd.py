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
from face_detector.multiscale import TILE_OVERLAP, Window, merged, tiles, without_cut
from face_detector.weights import SSD_CAFFEMODEL, SSD_PROTOTXT, fetch

CLASSIC_SIZE = 300
# Mean of the training pictures, blue, green, red: OpenCV samples/dnn/face_detector/README.md.
MEAN_BGR = (104.0, 177.0, 123.0)

# A thorough look: 2 x 2 and 3 x 3 tiles. Of faces larger than this share of a tile's side most are
# false, and the larger tiles see them anyway; see docs/face-detection.md.
TILES_A_SIDE = (2, 3)
LARGEST_SHARE_OF_TILE = 0.6
SMALLEST_TILE = 80
MOST_ASPECT = 2

# The network boxes a face from the hairline; people annotate from the brow. For x1, y1, x2, y2 the
# median of (annotated side - found side) / width or height over the faces found on annotated
# scenes.
BOX_ADJUSTMENT = (0.027, 0.118, -0.031, -0.003)

# On close-ups the network is often sure of a second face, of which half lies outside the picture:
# dropping boxes of which less than this is inside costs no face (docs/face-detection.md).
LEAST_INSIDE = 0.7


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
            Boxes in pixels of ``image``, not clipped to it but mostly inside, best first.
        """
        height, width = image.shape[:2]
        self._network.setInput(cv2.dnn.blobFromImage(image, 1.0, (size, size), MEAN_BGR))
        # (1, 1, N, 7): picture, class, score, x1, y1, x2, y2 as shares of width and height.
        rows = self._network.forward().reshape(-1, 7)
        rows = rows[(rows[:, 2] >= confidence) & (rows[:, 3:5] < rows[:, 5:7]).all(axis=1)]
        inside = np.clip(rows[:, 3:7], 0, 1)
        areas, areas_inside = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (rows[:, 3:7], inside))
        rows = rows[areas_inside >= LEAST_INSIDE * areas]
        found = Detections(rows[:, 3:7].copy(), np.clip(rows[:, 2], 0, 1))
        return found.moved((width, height))


class SSD:
    """The detector behind ``face_detector.load("ssd")``, which explains the arguments.

    OpenCV has one number of threads for the whole process: ``threads`` sets it.
    """

    def __init__(
        self, size: int | Literal["auto"], confidence: float, thorough: bool, threads: int | None
    ) -> None:
        if threads is not None:
            cv2.setNumThreads(threads)
        self._network = SSDNetwork()
        self._size = CLASSIC_SIZE if size == "auto" and not thorough else size
        self._confidence = confidence

    def find(self, image: np.ndarray) -> Detections:
        """The faces of a uint8 BGR picture of shape (H, W, 3), boxes clipped to it, best first."""
        height, width = image.shape[:2]
        if self._size == "auto":
            found = self._look_thoroughly(image)
        else:
            found = self._network.look(image, self._confidence, self._size)
        return found.adjusted(BOX_ADJUSTMENT).clipped(width, height)

    def _look_thoroughly(self, image: np.ndarray) -> Detections:
        """On the whole and on tiles, each telling of the faces that it is not too small for."""
        height, width = image.shape[:2]
        views = [self._network.look(image, self._confidence)]
        for window in thorough_windows(width, height):
            left, top, right, bottom = window
            found = self._network.look(image[top:bottom, left:right], self._confidence)
            shares = (found.boxes[:, 2:] - found.boxes[:, :2]) / (right - left, bottom - top)
            found = found[shares.max(axis=1, initial=0) <= LARGEST_SHARE_OF_TILE]
            views.append(without_cut(found.moved((1, 1), (left, top)), window, width, height))
        return merged(views)


def thorough_windows(width: int, height: int) -> list[Window]:
    """The tiles of a picture that are worth a look of their own.

    >>> len(thorough_windows(640, 480)), len(thorough_windows(100, 100))
    (13, 0)
    """
    windows: list[Window] = []
    for tiles_a_side in TILES_A_SIDE:
        share = 1 / (1 + (tiles_a_side - 1) * (1 - TILE_OVERLAP))
        tile_width, tile_height = width * share, height * share
        if min(tile_width, tile_height) >= SMALLEST_TILE:
            # Tiles of a panorama do not get as long as it is.
            longest = MOST_ASPECT * min(tile_width, tile_height)
            windows += tiles(width, height, min(tile_width, longest), min(tile_height, longest))
    return windows
