"""One open source: what all kinds have in common, cameras and folders of frames.

    with closing(Camera(0)) as capture:
        for time_s, image in capture.frames():
            ...

Videos and streams are in :mod:`mask_detector.video.decoding`; threads, reconnecting and the
numbering of frames in :mod:`mask_detector.video.sources`.
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

from mask_detector.errors import PhotoError, SourceError
from mask_detector.images import is_photo, read_photo

logger = logging.getLogger(__name__)

FOLDER_RATE = 25.0
"""Frames per second that a folder of frames stands for."""

_MOST_CAMERAS = 10


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
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1
    give_up: float | None = None
    stall: float = 10.0


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
        self._paths = sorted((each for each in path.iterdir() if is_photo(each)), key=_natural)
        if not self._paths:
            raise SourceError(f"{path}: there are no photos in this folder")
        self._first = round(options.start * FOLDER_RATE)
        self.length_s = len(self._paths) / FOLDER_RATE

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """The photos; one that cannot be read is reported and left out."""
        for number, path in enumerate(self._paths[self._first :], start=self._first):
            try:
                yield number / FOLDER_RATE, read_photo(path)
            except PhotoError as error:
                logger.warning("%s", error)


def _natural(path: Path) -> list[Any]:
    """Sorts frame2 before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


def find_cameras() -> list[int]:
    """Numbers of the cameras that this machine has."""
    if sys.platform.startswith("linux"):
        # OpenCV prints a complaint about each number that it tries in vain.
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
