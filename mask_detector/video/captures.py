"""One open source: what all kinds have in common, cameras and folders of frames.

    with closing(Camera(0)) as capture:
        for time_s, image in capture.frames():
            ...

Videos and streams are in :mod:`mask_detector.video.decoding`, the choice of the kind in
:mod:`mask_detector.video.opening`; threads, reconnecting and the numbering of frames in
:mod:`mask_detector.video.sources`.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mask_detector.errors import PhotoError, SourceError
from mask_detector.images import is_photo, read_photo

logger = logging.getLogger(__name__)

FOLDER_RATE = 25.0
"""Frames per second that a folder of frames stands for."""

_MOST_CAMERAS = 10
_SHORTEST_MS, _USUAL_MS = 20, 100
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


@dataclass(frozen=True)
class SourceOptions:
    """How sources are read.

    Attributes:
        start: seconds into a recorded source at which to begin.
        end: seconds into a source at which to stop; None reads on.
        every: process every Nth frame.
        give_up: seconds without a frame after which a live source is given up; None retries
            forever once it gave a frame, and for ``sources.FIRST_CONNECTION_S`` before.
        stall: seconds without a frame after which a live source is reconnected.
        max_megapixels: largest width x height of a frame, in millions of pixels; None sets no
            limit. A source may change its size at any frame.
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1
    give_up: float | None = None
    stall: float = 10.0
    max_megapixels: float | None = None

    def check_size(self, name: str, pixels: float) -> None:
        """Raise SourceError where a frame of the source ``name`` has too many pixels."""
        if self.max_megapixels is not None and pixels > self.max_megapixels * 1e6:
            raise SourceError(
                f"{name}: a frame is too large, "
                f"at most {self.max_megapixels:g} megapixels are accepted"
            )


class Capture:
    """An open source: its frames as (seconds, image), until it ends or drops.

    Attributes:
        live: only the newest frame matters, and the source has no end of its own.
        length_s: duration of a recorded source where it is known.
        rate: frames per second where it is known.
    """

    live = True
    length_s: float | None = None
    rate: float | None = None

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """The frames in order, with their time in the file, None for live sources.

        Images are uint8 BGR, shape (H, W, 3).

        Raises:
            SourceError: the source went away.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release what the source holds."""


class Camera(Capture):
    """A camera of this machine, by its number."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._capture = _quiet_capture(number)
        # One frame that waits, not the driver's usual four: no lag builds up.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._image = self._read()
        if self._image is None:
            self._capture.release()
            raise SourceError(f"camera {number} cannot be opened")
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or None

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Frames as they come."""
        while self._image is not None:
            yield None, self._image
            self._image = self._read()
        raise SourceError(f"camera {self._number} gives no more frames")

    def _read(self) -> np.ndarray | None:
        return self._capture.read()[1] if self._capture.isOpened() else None

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


class Folder(Capture):
    """Photos of a folder, in the order of their names."""

    live = False
    rate = FOLDER_RATE

    def __init__(self, path: Path, options: SourceOptions) -> None:
        self._path = path
        try:
            self._paths = sorted((each for each in path.iterdir() if is_photo(each)), key=_natural)
        except OSError as error:
            raise SourceError(f"{path}: the folder cannot be read ({error.strerror})") from None
        if not self._paths:
            raise SourceError(f"{path}: there are no photos in this folder")
        # At least the last one is read: it says where the folder ends.
        self._first = min(round(options.start * FOLDER_RATE), len(self._paths) - 1)
        self.length_s = len(self._paths) / FOLDER_RATE

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """The photos; one that cannot be read is reported and left out."""
        given = False
        for number, path in enumerate(self._paths[self._first :], start=self._first):
            try:
                image = read_photo(path)
            except PhotoError as error:
                logger.warning("%s", error)
                continue
            given = True
            yield number / FOLDER_RATE, image
        if not given:
            raise SourceError(f"{self._path}: no photo in this folder can be read")


class NotAPictureError(SourceError):
    """A file that is named like a picture is none that Pillow reads."""


class Animation(Capture):
    """An animated WebP, GIF or PNG, read by Pillow: FFmpeg reads not all of them.

    Raises:
        NotAPictureError: Pillow cannot read it.
        SourceError: it is a photo without further pictures.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._picture = Image.open(path)
            count = getattr(self._picture, "n_frames", 1)
        except _PILLOW_ERRORS as error:
            problem = f"this is no picture, or a damaged one ({error})"
            raise NotAPictureError(f"{path}: {problem}") from None
        if count == 1:
            self._picture.close()
            raise SourceError(
                f"{path}: this is a photo: use detect_mask_image.py, or name a folder of frames"
            )
        self._count = count

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """The pictures on white, each for as long as the file says."""
        time_s = 0.0
        for number in range(self._count):
            try:
                self._picture.seek(number)
                shown = self._picture.convert("RGBA")
            except _PILLOW_ERRORS as error:
                raise SourceError(
                    f"{self._path}: damaged at picture {number + 1} ({error})"
                ) from None
            white = Image.new("RGBA", shown.size, "white")
            rgb = np.asarray(Image.alpha_composite(white, shown).convert("RGB"))
            yield time_s, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
            # Browsers take 0 and all below 20 ms for 100 ms.
            milliseconds = float(self._picture.info.get("duration", 0))
            time_s += (milliseconds if milliseconds >= _SHORTEST_MS else _USUAL_MS) / 1000

    def close(self) -> None:
        """Close the file."""
        self._picture.close()


def _natural(path: Path) -> list[Any]:
    """Sorts frame2 before frame10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)]


def find_cameras() -> list[int]:
    """Numbers of the cameras that this machine has."""
    if sys.platform.startswith("linux"):
        # OpenCV prints a complaint about each number without a camera.
        devices = (path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
        numbers: Sequence[int] = sorted(map(int, devices))
    else:
        numbers = range(_MOST_CAMERAS)
    found = []
    for number in numbers:
        capture = _quiet_capture(number)
        if capture.isOpened() and capture.read()[0]:
            found.append(number)
        capture.release()
    return found


def _quiet_capture(number: int) -> cv2.VideoCapture:
    """Open a camera without what OpenCV prints about each way it tries."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(number)
    finally:
        cv2.utils.logging.setLogLevel(level)
