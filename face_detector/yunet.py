"""YuNet (opencv_zoo, 2023mar), a face detector of 53,112 weights, here trained on masked faces.

ONNX Runtime runs it; where that is not installed OpenCV does, two to three times slower.
Sees faces of about 10 to 400 pixels, and the five landmarks of each.

    >>> from face_detector import load
    >>> load("yunet", size=640).find(image_bgr).landmarks
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from face_detector.base import BaseDetector
from face_detector.detections import Detections, joined
from face_detector.multiscale import merged, resized, suppressed, tiles, without_cut
from face_detector.weights import ORIGINAL, YUNET, YUNET_MASKED, read_weights

STRIDES = (8, 16, 32)
OUTPUTS = [f"{part}_{stride}" for stride in STRIDES for part in ("cls", "obj", "bbox", "kps")]
NMS_OVERLAP = 0.3
# One pass for video: the scale at which most faces of the training scenes are detected.
REAL_TIME_SIZE = 640

SMALLEST_SIZE = 320
MOST_ENLARGEMENT = 4
MOST_PIXELS = 16_000_000
TILE_SIZE = 1280
FACE_SIZES = (10, 400)
LEAST_SCORE = 0.1

# How the network's input is declared in its file.
_INPUT = b"Z!\x0a\x05input"

DEFAULT_WEIGHTS: str | Path = YUNET_MASKED

# The original boxes a face from the hairline to below the chin; people annotate brow to chin. For
# x1, y1, x2, y2 the median of (annotated side - detected side) / width or height over the faces
# detected on annotated scenes.
BOX_ADJUSTMENT = (0.018, 0.085, -0.010, 0.022)


def read_model(weights: str | Path) -> bytes:
    """The content of an ONNX file: ``ORIGINAL``, which is downloaded on first use, or another.

    Raises:
        WeightsError: the file cannot be read or downloaded.
    """
    return read_weights(weights, YUNET, _INPUT, "an ONNX file of YuNet")


@dataclass(frozen=True)
class Scales:
    """The scales of a thorough search: see docs/face-detection.md for what others would give.

    Attributes:
        step: from one longer side to the next, beginning with ``SMALLEST_SIZE``.
        largest_enlarged: pictures are enlarged up to this longer side.
    """

    step: float
    largest_enlarged: int


SCALES = Scales(step=1.58, largest_enlarged=800)
ORIGINAL_SCALES = Scales(step=1.5, largest_enlarged=1920)  # blind to faces that ours sees


class YuNetNetwork:
    """The network: one picture in, all faces of one pass at the picture's own scale out."""

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        """
        Args:
            model: the content of an ONNX file of this network.
        """
        self._channels, self._input = [np.empty((0, 0), np.uint8)], np.empty(0, np.float32)
        try:
            self._run = _in_onnx_runtime(model, threads)
        except ImportError:
            self._run = _in_opencv(model)

    def forward(self, image: np.ndarray, confidence: float) -> Detections:
        """Faces of one pass.

        Args:
            image: uint8 BGR, shape (H, W, 3), any H and W.
            confidence: the lowest score of a face, in [0, 1].

        Returns:
            Boxes and landmarks in pixels of ``image``, not clipped to it, best first.
        """
        planes = self._prepare(image)
        # For each stride s one output of each part, (1, h / s * w / s, C): a row for each cell of
        # a grid laid over the picture. Joined, K rows: the finest grid first, row by row.
        outputs = self._run(planes)
        class_scores, object_scores, box_values, point_values = (
            np.concatenate([output[0] for output in outputs[part::4]]) for part in range(4)
        )  # (K, 1), (K, 1), (K, 4), (K, 10)
        # A face's score is the geometric mean of both: opencv modules/objdetect face_detect.cpp
        scores = np.sqrt(np.clip(class_scores, 0, 1) * np.clip(object_scores, 0, 1))[:, 0]
        (cells,) = np.nonzero(scores >= confidence)  # (N,): the rest is computed for faces only
        # Which grid each cell belongs to, and its row and column there.
        first_cells = np.cumsum([0, *(len(output[0]) for output in outputs[::4])])
        grid = np.searchsorted(first_cells[1:], cells, side="right")
        stride = np.asarray(STRIDES)[grid]
        row, column = np.divmod(cells - first_cells[grid], planes.shape[3] // stride)
        corner, stride = np.stack([column, row], axis=1), stride[:, None].astype(np.float32)
        # Centres and points are offsets from the cell's corner, sides are logarithms; the unit of
        # all is the stride.
        centre, half = corner + box_values[cells, :2], np.exp(box_values[cells, 2:]) / 2
        points = point_values[cells].reshape(-1, 5, 2) + corner[:, None]
        detections = Detections(
            np.hstack([centre - half, centre + half]).astype(np.float32) * stride,
            scores[cells],
            points.astype(np.float32) * stride[:, None],
        )
        return suppressed(detections, NMS_OVERLAP)

    def _prepare(self, image: np.ndarray) -> np.ndarray:
        """The picture as the network takes it, float32 (1, 3, h, w), zeros below and right of it.

        The array is reused while the size stays: allocating a new one for each picture takes half
        as long as the network.
        """
        height, width = image.shape[:2]
        if self._channels[0].shape != (height, width):
            # h and w are whole multiples of the coarsest stride.
            padded = height + -height % STRIDES[-1], width + -width % STRIDES[-1]
            self._channels = [np.empty((height, width), np.uint8) for _ in range(3)]
            self._input = np.zeros((1, 3, *padded), np.float32)
        cv2.split(image, self._channels)
        for plane, channel in zip(self._input[0], self._channels, strict=True):
            plane[:height, :width] = channel
        return self._input


Run = Callable[[np.ndarray], Sequence[np.ndarray]]
"""From a picture, float32 (1, 3, H, W), to the network's ``OUTPUTS``."""


def _in_onnx_runtime(model: bytes, threads: int | None) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Idle threads sleep between pictures: cores are free for decoding and classifying.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Memory plans are kept for each picture size: a folder of photos has many.
    options.enable_mem_pattern = False
    # Errors only: otherwise it warns that the outputs differ from the 640 x 640 of the file.
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        with_free_input_size(model), options, providers=["CPUExecutionProvider"]
    )
    return lambda picture: session.run(OUTPUTS, {"input": picture})


def _in_opencv(model: bytes) -> Run:
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))

    def run(picture: np.ndarray) -> Sequence[np.ndarray]:
        network.setInput(picture)
        return network.forward(OUTPUTS)

    return run


def with_free_input_size(model: bytes) -> bytes:
    """The network's file with the input shape (1, 3, 640, 640) changed to (1, 3, h, w).

    ONNX Runtime accepts no other size than the stated one. Two dimensions of the protobuf message
    are replaced by names of the same length: field 1, the varint 640, by field 2, a string.
    """
    fixed = b"\x0a\x03\x08\x80\x05" * 2
    position = model.index(fixed, model.index(_INPUT))
    return model[:position] + b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w" + model[position + 10 :]


class YuNet(BaseDetector):
    """The detector behind ``face_detector.load("yunet")``, which explains the arguments."""

    one_pass_size = REAL_TIME_SIZE
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
        self._scales = ORIGINAL_SCALES if weights == ORIGINAL else SCALES
        self._network = YuNetNetwork(read_model(weights), threads)

    def _detect_thoroughly(self, image: np.ndarray, confidence: float) -> Detections:
        return search(self._network, image, confidence, self._scales)

    def _detect_once(self, image: np.ndarray, size: int, confidence: float) -> Detections:
        return one_pass(self._network, image, size, confidence)


def search(
    network: YuNetNetwork, image: np.ndarray, confidence: float, scales: Scales = SCALES
) -> Detections:
    """One pass at each scale, merged."""
    height, width = image.shape[:2]
    sizes = thorough_sizes(width, height, scales)
    # Low scores are needed as well: merging averages what all scales say of a face.
    least = min(confidence, LEAST_SCORE)
    passes = [one_pass(network, image, size, least) for size in sizes]
    enlargements = [size / max(width, height) for size in sizes]
    detections = merged(passes, enlargements, FACE_SIZES)
    return detections[detections.scores >= confidence]


def one_pass(network: YuNetNetwork, image: np.ndarray, size: int, confidence: float) -> Detections:
    """One pass over the picture at one scale, in tiles where that is large.

    Args:
        size: the longer side in pixels to which the picture is resized.
    """
    scaled = resized(image, size)
    height, width = scaled.shape[:2]
    in_tiles = []
    for window in tiles(width, height, TILE_SIZE, TILE_SIZE):
        left, top, right, bottom = window
        in_tile = network.forward(scaled[top:bottom, left:right], confidence)
        in_tile = in_tile.moved((1, 1), (left, top))
        in_tiles.append(without_cut(in_tile, window, width, height))
    # A face where two tiles overlap is detected in both.
    faces = in_tiles[0] if len(in_tiles) == 1 else suppressed(joined(in_tiles), NMS_OVERLAP)
    return faces.moved((image.shape[1] / width, image.shape[0] / height))


def thorough_sizes(width: int, height: int, scales: Scales = SCALES) -> list[int]:
    """Longer sides, ascending, to which a thorough search resizes a picture.

    >>> thorough_sizes(640, 480), thorough_sizes(160, 120)
    ([320, 506, 799], [320, 506])
    >>> thorough_sizes(640, 480, ORIGINAL_SCALES)
    [320, 480, 720, 1080, 1620]
    """
    longer, shorter = max(width, height), min(width, height)
    largest = min(
        max(longer, scales.largest_enlarged),
        longer * MOST_ENLARGEMENT,
        math.sqrt(MOST_PIXELS * longer / shorter),
    )
    sizes = [SMALLEST_SIZE]
    while sizes[-1] * scales.step <= largest:
        sizes.append(round(sizes[-1] * scales.step))
    return sizes
