"""A folder of small pictures of people without a mask, where the administrator asks for one.

Independent of Streamlit.
"""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

from mask_detector.errors import FileError
from mask_detector.files import make_folder, write_bytes

logger = logging.getLogger(__name__)

MOST_PICTURES = 10_000
"""Of all cameras; the oldest are deleted beyond this number: about 50 MB."""

_TIDY_EVERY_S = 3600.0
_NAME = re.compile(r"door_\d{8}_\d{6}_[\w-]+_\d+\.jpg")


class PictureFolder:
    """Keeps pictures for some days.

    Args:
        folder: made if it is not there.
        camera: a part of the files' names.
        keep_days: days after which a picture is deleted, looked at once an hour.
        most: pictures in the folder.

    Raises:
        FileError: the folder cannot be made.
    """

    def __init__(
        self, folder: Path, camera: str, keep_days: float, most: int = MOST_PICTURES
    ) -> None:
        self._folder, self._keep_s, self._most = folder, keep_days * 86_400, most
        self._camera = re.sub(r"[^\w-]+", "-", camera).strip("-") or "camera"
        self._tidy_at = 0.0
        make_folder(folder)

    def keep(self, jpeg: bytes, track: int) -> None:
        """Write a picture of the person of that number, and delete what is old."""
        name = f"door_{time.strftime('%Y%m%d_%H%M%S')}_{self._camera}_{track}.jpg"
        try:
            write_bytes(self._folder / name, jpeg)
            if time.monotonic() >= self._tidy_at:
                self._tidy_at = time.monotonic() + _TIDY_EVERY_S
                self._tidy()
        except (FileError, OSError):  # the folder may have gone away, or the disk is full
            logger.exception("%s: no picture was kept", self._folder)

    def _tidy(self) -> None:
        """Delete the oldest; only files with names that this module writes."""
        found = [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        times = sorted(((path.stat().st_mtime, path) for path in found), reverse=True)
        oldest = time.time() - self._keep_s
        for place, (written, path) in enumerate(times):
            if place >= self._most or written < oldest:
                path.unlink(missing_ok=True)
