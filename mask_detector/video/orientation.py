"""Decoded frames as players show them: upright, not mirrored, with square pixels."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

_SQUARE = 0.01  # pixels whose sides differ by less count as square
_LONGEST_PIXEL = 5.0


def display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    """The display matrix of a frame: int32 (9,), in rows, 16.16 numbers; None without one.

    Reading it ties the frame and its data in a cycle. Read for each frame, the pictures of a
    video would pile up until Python's garbage collector runs.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else np.frombuffer(bytes(matrix), np.int32)


def upright(image: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Turn or mirror a picture as the file's display matrix says.

    A point goes from (x, y) to (ax + cy, bx + dy) with a, b in the first row of the matrix and
    c, d in the second (ISO/IEC 14496-12, 8.2.2.3). Only quarter turns and mirrors are applied,
    the nearest ones.
    """
    if matrix is None:
        return image
    a, b, _, c, d = matrix[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        left, up = a < 0, d < 0
    else:
        image = image.transpose(1, 0, 2)
        left, up = c < 0, b < 0
    image = image[:: -1 if up else 1, :: -1 if left else 1]
    return np.ascontiguousarray(image)


def square_pixels(image: np.ndarray, stream: VideoStream) -> np.ndarray:
    """Stretch a picture whose pixels are not square (DVD, DV); never shrink it."""
    ratio = float(stream.sample_aspect_ratio or 1)
    if abs(ratio - 1) < _SQUARE or not 1 / _LONGEST_PIXEL < ratio < _LONGEST_PIXEL:
        return image
    height, width = image.shape[:2]
    size = (round(width * ratio), height) if ratio > 1 else (width, round(height / ratio))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
