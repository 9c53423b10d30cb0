"""Pictures to draw zones on: a video's first frame, or the live picture of a moment."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mask_app.settings import Settings
from mask_app.video.job import REPOSITORY

_SHOWN_SIDE = 960  # pixels of the longer side on the page
_JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]
_PATIENCE_S = 60


@dataclass(frozen=True)
class Still:
    """A picture to draw on.

    Attributes:
        jpeg: the picture, small enough for the page.
        width: of the source's frames, in pixels.
        height: of the source's frames, in pixels.
    """

    jpeg: bytes
    width: int
    height: int


def still_of(image: np.ndarray, mirror: bool = False) -> Still:
    """A picture as the page shows it.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        mirror: show it mirrored left to right.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _SHOWN_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    image = cv2.flip(image, 1) if mirror else image
    return Still(cv2.imencode(".jpg", image, _JPEG_QUALITY)[1].tobytes(), width, height)


def first_frame(video: Path, settings: Settings, model: Path, megapixels: int) -> Still | None:
    """The first frame of an uploaded video to draw on; see :func:`frame_of`."""
    image = frame_of(video, settings, model, megapixels)
    return None if image is None else still_of(image)


def frame_of(
    video: Path, settings: Settings, model: Path, megapixels: int, time_s: float = 0.0
) -> np.ndarray | None:
    """A frame of an uploaded video, with faces hidden as the settings ask for it.

    The video script reads it in a process of its own: a damaged file ends nothing else.

    Args:
        video: the file.
        settings: the visitor's.
        model: the model file, for who is hidden.
        megapixels: larger frames are refused.
        time_s: its time, in seconds from the start.

    Returns:
        uint8 BGR, shape (H, W, 3); None where there is none.
    """
    options = {
        "--source": video,
        "--start": time_s,
        "--max-frames": 1,
        "--model": model,
        "--detector": settings.detector,
        "--blur": settings.blur,
        "--max-megapixels": megapixels,
    }
    words = [word for option in options.items() for word in map(str, option)]
    flags = ["--no-boxes", "--no-counts", "--no-display"]
    command = [sys.executable, str(REPOSITORY / "detect_mask_video.py"), *words, *flags]
    try:
        with tempfile.TemporaryDirectory(prefix="mask_app_still_") as folder:
            frame = Path(folder) / "frame.mp4"
            subprocess.run(
                [*command, "--output", str(frame)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE_S,
            )
            capture = cv2.VideoCapture(str(frame))
            found, image = capture.read()
            capture.release()
            return image if found else None
    except (OSError, subprocess.TimeoutExpired):  # no space, or no process can be started
        return None
