"""SSD ResNet-10, the face detector of OpenCV's samples, here trained on masked faces.

OpenCV's DNN module runs it, on pictures squashed to 300 x 300, where one pass sees the larger faces
only: see docs/face-detection.md.

    >>> from face_detector import load
    >>> load("ssd", size=300).find(image_bgr).boxes
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from face_detector.base import BaseDetector
from face_detector.detections import Detections, box_areas
from face_detector.errors import WeightsError
from face_detector.multiscale import TILE_OVERLAP, Window, merged, tiles, without_cut, without_parts
from face_detector.weights import SSD_CAFFEMODEL, SSD_MASKED, SSD_PROTOTXT, read_weights

DEFAULT_WEIGHTS: str | Path = SSD_MASKED

CLASSIC_SIZE = 300
# Mean of the training pictures, blue, green, red: OpenCV samples/dnn/face_detector/README.md.
MEAN_BGR = (104.0, 177.0, 123.0)

# A thorough search adds 2 x 2 and 3 x 3 tiles. Of faces larger than this share of a tile's side
# most are false, and the larger tiles see the true ones; see docs/face-detection.md.
TILES_A_SIDE = (2, 3)
LARGEST_SHARE_OF_TILE = 0.6
SMALLEST_TILE = 80
SURE_SCORE = 0.5
MOST_ASPECT = 2

# The original boxes a face from the hairline; people annotate from the brow. For x1, y1, x2, y2 the
# median of (annotated side - detected side) / width or height over the faces detected on annotated
# scenes.
BOX_ADJUSTMENT = (0.027, 0.118, -0.031, -0.003)


# On close-ups the network may be sure of a second face, half of which lies outside the picture:
# dropping boxes of which less than this is inside costs no face (docs/face-detection.md).
LEAST_INSIDE = 0.7

# The name of a layer, as it stands in every file of this network.
_LAYER = b"conv4_3_norm_mbox_loc"


def read_model(weights: str | Path) -> bytes:
    """The content of a caffemodel: ``ORIGINAL``, which is downloaded on first use, or another.

    Raises:
        WeightsError: the file cannot be read or downloaded.
    """
    return read_weights(weights, SSD_CAFFEMODEL, _LAYER, "a caffemodel of the SSD")


class SSDNetwork:
    """The network: one picture in, all faces of one pass out."""

    def __init__(self, model: bytes) -> None:
        """
        Args:
            model: the content of a caffemodel of this network.

        Raises:
            WeightsError: the content is damaged.
        """
        try:
            self._network = cv2.dnn.readNetFromCaffe(
                np.frombuffer(SSD_PROTOTXT.read_bytes(), np.uint8), np.frombuffer(model, np.uint8)
            )
        except cv2.error:
            raise WeightsError(
                "expected the weights of the SSD, found a damaged caffemodel"
            ) from None

    def forward(self, image: np.ndarray, confidence: float, size: int = CLASSIC_SIZE) -> Detections:
        """Faces of one pass over the picture squashed to ``size`` x ``size``.

        Args:
            image: uint8 BGR, shape (H, W, 3).
            confidence: the lowest score of a face, in [0, 1].
            size: side of the network's input in pixels; it was trained on 300.

        Returns:
            Boxes in pixels of ``image``, not clipped to it but mostly inside, best first.
        """
        height, width = image.shape[:2]
        self._network.setInput(cv2.dnn.blobFromImage(image, 1.0, (size, size), MEAN_BGR))
        # (1, 1, N, 7): picture, class, score, x1, y1, x2, y2 as shares of width and height.
        rows = self._network.forward().reshape(-1, 7)
        scores, boxes = rows[:, 2], rows[:, 3:7]
        # Boxes without an area would divide by zero further on.
        valid = (scores >= confidence) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
        scores, boxes = scores[valid], boxes[valid]
        inside = box_areas(np.clip(boxes, 0, 1)) >= LEAST_INSIDE * box_areas(boxes)
        # The scores may exceed 1 by a rounding error.
        detections = Detections(boxes[inside], np.clip(scores[inside], 0, 1))
        return detections.moved((width, height))


class SSD(BaseDetector):
    """The detector behind ``face_detector.load("ssd")``, which explains the arguments."""

    one_pass_size = CLASSIC_SIZE
    box_adjustment = BOX_ADJUSTMENT

    def __init__(
        self,
        size: int | Literal["auto"],
        confidence: float,
        thorough: bool,
        threads: int | None,
        weights: str | Path | None = None,
    ) -> None:
        weights = DEFAULT_WEIGHTS if weights is None else weights
        super().__init__(size, confidence, thorough, threads, weights)
        self._network = SSDNetwork(read_model(weights))

    def _detect_once(self, image: np.ndarray, size: int, confidence: float) -> Detections:
        return self._network.forward(image, confidence, size)

    def _detect_thoroughly(self, image: np.ndarray, confidence: float) -> Detections:
        return search(self._network, image, confidence, self._confidence)


def search(
    network: SSDNetwork, image: np.ndarray, lowest_score: float, confidence: float
) -> Detections:
    """Faces of one pass over the whole picture and one over each tile, merged.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        lowest_score: of what is returned, in [0, 1].
        confidence: finds with lower scores do not move those that have this score.

    Returns:
        Boxes in pixels of ``image``, not clipped to it, best first.
    """
    height, width = image.shape[:2]
    passes = [network.forward(image, lowest_score)]
    for window in thorough_windows(width, height):
        left, top, right, bottom = window
        in_tile = network.forward(image[top:bottom, left:right], lowest_score)
        # (N, 2): width and height of each box as shares of the tile's
        shares = (in_tile.boxes[:, 2:] - in_tile.boxes[:, :2]) / (right - left, bottom - top)
        in_tile = in_tile[shares.max(axis=1, initial=0) <= LARGEST_SHARE_OF_TILE]
        passes.append(without_cut(in_tile.moved((1, 1), (left, top)), window, width, height))
    return without_parts(merged(passes, averaged_from=confidence), max(confidence, SURE_SCORE))


def thorough_windows(width: int, height: int) -> list[Window]:
    """The tiles of a picture that a thorough search runs the network on.

    >>> len(thorough_windows(640, 480)), len(thorough_windows(100, 100))
    (13, 0)
    """
    windows: list[Window] = []
    for tiles_a_side in TILES_A_SIDE:
        share = 1 / (1 + (tiles_a_side - 1) * (1 - TILE_OVERLAP))
        tile_width, tile_height = width * share, height * share
        if min(tile_width, tile_height) >= SMALLEST_TILE:
            # Long tiles would squash the faces: a panorama gets more tiles along its length.
            longest = MOST_ASPECT * min(tile_width, tile_height)
            windows += tiles(width, height, min(tile_width, longest), min(tile_height, longest))
    return windows
