"""Small video files for tests, made with PyAV: every frame shows its number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

COLUMNS, ROWS = 3, 2
"""The fields of a picture, black or white: its number's bits."""


def film(
    path: Path,
    images: Sequence[np.ndarray] | int = 40,
    *,
    codec: str = "mpeg4",
    rate: int = 20,
    keyframes: int = 12,
    pixel: Fraction | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    container_format: str | None = None,
) -> Path:
    """Write a video.

    Args:
        images: uint8 BGR of one size, or how many numbered ones.
        keyframes: every such frame is one.
        pixel: width of a pixel divided by its height.
        options, codec_options: of the container and the encoder.
    """
    if isinstance(images, int):
        images = [numbered(number) for number in range(images)]
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", format=container_format, options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=codec_options or {})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = keyframes
        if pixel:
            stream.codec_context.sample_aspect_ratio = pixel
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def numbered(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture that shows a number from 0 to 63."""
    bits = [255 * (number >> place & 1) for place in range(COLUMNS * ROWS)]
    fields = np.array(bits, np.uint8).reshape(ROWS, COLUMNS)
    picture = cv2.resize(fields, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def number_in(image: np.ndarray) -> int:
    """The number that a picture shows, also after lossy encoding."""
    fields = cv2.resize(image[..., 1], (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return sum(1 << place for place, field in enumerate(fields.ravel()) if field > 127)
