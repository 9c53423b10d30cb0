"""YuNet (opencv_zoo, 2023mar), a face detector of 75,856 parameters.

ONNX Runtime runs it; where that is not installed OpenCV does, two to three times slower.
Sees faces of about 10 to 300 pixels, and the five landmarks of each.

    >>> from face_detector import load
    >>> load("yunet", size=640).find(image_bgr).landmarks
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import cv2
import numpy as np

from face_detector.detections import Detections, joined
from face_detector.multiscale import merged, resized, suppressed, tiles, without_cut
from face_detector.weights import YUNET, fetch

STRIDES = (8, 16, 32)
OUTPUTS = [f"{part}_{stride}" for stride in STRIDES for part in ("cls", "obj", "bbox", "kps")]
NMS_OVERLAP = 0.3
# One pass for video: the scale at which most faces of the training scenes are found.
REAL_TIME_SIZE = 640

# The scales of a thorough look: see docs/face-detection.md for what others would give.
SMALLEST_SIZE = 320
SIZE_STEP = 1.5
LARGEST_ENLARGED = 1920
MOST_ENLARGEMENT = 4
MOST_PIXELS = 16_000_000
TILE_SIZE = 1280
FACE_SIZES = (10, 400)
LEAST_SCORE = 0.1

# YuNet boxes a face from the hairline to below the chin; people annotate brow to chin. For x1, y1,
# x2, y2 the median of (annotated side - found side) / width or height over the faces found on
# annotated scenes.
BOX_ADJUSTMENT = (0.018, 0.085, -0.010, 0.022)


class YuNetNetwork:
    """The network: one picture in, all faces of one pass at the picture's own scale out."""

    def __init__(self, threads: int | None = None) -> None:
        self._channels, self._memory = [np.empty((0, 0), np.uint8)], np.empty(0, np.float32)
        (path,) = fetch(YUNET)
        model = path.read_bytes()
        try:
            self._run = _in_onnx_runtime(model, threads)
        except ImportError:
            self._run = _in_opencv(model)

    def look(self, image: np.ndarray, confidence: float) -> Detections:
        """Faces of one pass.

        Args:
            image: uint8 BGR, shape (H, W, 3), any H and W.
            confidence: the least score of a face, in [0, 1].

        Returns:
            Boxes and landmarks in pixels of ``image``, not clipped to it, best first.
        """
        planes = self._planes(image)
        outputs = self._run(planes)
        classes, objects, offsets, points = (
            np.concatenate([output[0] for output in outputs[part::4]]) for part in range(4)
        )
        # A face's score is the geometric mean of both: opencv modules/objdetect face_detect.cpp
        scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))[:, 0]
        (cells,) = np.nonzero(scores >= confidence)
        # The cells of the finest grid come first, row by row, then those of the next.
        starts = np.cumsum([0, *(len(output[0]) for output in outputs[::4])])
        grid = np.searchsorted(starts[1:], cells, side="right")
        stride = np.asarray(STRIDES)[grid]
        row, column = np.divmod(cells - starts[grid], planes.shape[3] // stride)
        corner, stride = np.stack([column, row], axis=1), stride[:, None].astype(np.float32)
        centre, half = corner + offsets[cells, :2], np.exp(offsets[cells, 2:]) / 2
        found = Detections(
            np.hstack([centre - half, centre + half]).astype(np.float32) * stride,
            scores[cells],
            (points[cells].reshape(-1, 5, 2) + corner[:, None]).astype(np.float32)
            * stride[:, None],
        )
        return suppressed(found, NMS_OVERLAP)

    def _planes(self, image: np.ndarray) -> np.ndarray:
        """The picture as the network takes it, float32 (1, 3, h, w), zeros below and right of it.

        Always in the same memory while the size stays: for a new piece each time the system would
        need as long as the network takes for half a picture.
        """
        height, width = image.shape[:2]
        if self._channels[0].shape != (height, width):
            padded = height + -height % STRIDES[-1], width + -width % STRIDES[-1]
            self._channels = [np.empty((height, width), np.uint8) for _ in range(3)]
            self._memory = np.zeros((1, 3, *padded), np.float32)
        cv2.split(image, self._channels)
        for plane, channel in zip(self._memory[0], self._channels, strict=True):
            plane[:height, :width] = channel
        return self._memory


Run = Callable[[np.ndarray], Sequence[np.ndarray]]
"""From a picture, float32 (1, 3, H, W), to the network's ``OUTPUTS``."""


def _in_onnx_runtime(model: bytes, threads: int | None) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Between pictures waiting threads sleep: cores are free for decoding and classifying.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Plans of memory are kept for each size of picture: a folder of photos has many.
    options.enable_mem_pattern = False
    # The file states 640 x 640 for its outputs; errors alone are worth a line.
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
    """The network's file, its input (1, 3, 640, 640) made (1, 3, h, w).

    ONNX Runtime takes a written size as the only one. Two dimensions of the protobuf message are
    exchanged for names of the same length: field 1, the varint 640, for field 2, a string.
    """
    stated = b"\x0a\x03\x08\x80\x05" * 2
    position = model.index(stated, model.index(b"Z!\x0a\x05input"))
    return model[:position] + b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w" + model[position + 10 :]


class YuNet:
    """The detector behind ``face_detector.load("yunet")``, which explains the arguments."""

    def __init__(
        self, size: int | Literal["auto"], confidence: float, thorough: bool, threads: int | None
    ) -> None:
        self._network = YuNetNetwork(threads)
        self._size = REAL_TIME_SIZE if size == "auto" and not thorough else size
        self._confidence = confidence

    def find(self, image: np.ndarray) -> Detections:
        """The faces of a uint8 BGR picture of shape (H, W, 3), boxes clipped to it, best first."""
        height, width = image.shape[:2]
        if self._size == "auto":
            found = self._look_thoroughly(image)
        else:
            found = self._look(image, self._size, self._confidence)
        return found.adjusted(BOX_ADJUSTMENT).clipped(width, height)

    def _look_thoroughly(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        sizes = thorough_sizes(width, height)
        # Low scores matter as well: they are what one scale has to say about another one's face.
        least = min(self._confidence, LEAST_SCORE)
        views = [self._look(image, size, least) for size in sizes]
        scales = [size / max(width, height) for size in sizes]
        found = merged(views, scales, FACE_SIZES)
        return found[found.scores >= self._confidence]

    def _look(self, image: np.ndarray, size: int, confidence: float) -> Detections:
        """One pass over the picture at one scale, in tiles where that is large."""
        seen = resized(image, size)
        height, width = seen.shape[:2]
        views = []
        for window in tiles(width, height, TILE_SIZE, TILE_SIZE):
            left, top, right, bottom = window
            found = self._network.look(seen[top:bottom, left:right], confidence)
            found = found.moved((1, 1), (left, top))
            views.append(without_cut(found, window, width, height))
        faces = views[0] if len(views) == 1 else suppressed(joined(views), NMS_OVERLAP)
        return faces.moved((image.shape[1] / width, image.shape[0] / height))


def thorough_sizes(width: int, height: int) -> list[int]:
    """Longer sides, ascending, at which a picture is looked at when time allows.

    >>> thorough_sizes(640, 480), thorough_sizes(160, 120)
    ([320, 480, 720, 1080, 1620], [320, 480])
    """
    longer, shorter = max(width, height), min(width, height)
    largest = min(
        max(longer, LARGEST_ENLARGED),
        longer * MOST_ENLARGEMENT,
        math.sqrt(MOST_PIXELS * longer / shorter),
    )
    sizes = [SMALLEST_SIZE]
    while sizes[-1] * SIZE_STEP <= largest:
        sizes.append(round(sizes[-1] * SIZE_STEP))
    return sizes
