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

_DAY_S = 86_400
_NAME = re.compile(r"door_\d{8}_\d{6}_[\w-]+_\d+\.jpg")


class PictureFolder:
    """Takes pictures in; :func:`delete_old_pictures` deletes them.

    Args:
        folder: made if it is not there.
        camera: a part of the files' names.

    Raises:
        FileError: the folder cannot be made.
    """

    def __init__(self, folder: Path, camera: str) -> None:
        self._folder = folder
        self._camera = re.sub(r"[^\w-]+", "-", camera).strip("-") or "camera"
        make_folder(folder)

    def keep(self, jpeg: bytes, track: int) -> None:
        """Write a picture of the person of that number."""
        name = f"door_{time.strftime('%Y%m%d_%H%M%S')}_{self._camera}_{track}.jpg"
        try:
            write_bytes(self._folder / name, jpeg)
        except (FileError, OSError):  # the folder may have gone away, or the disk is full
            logger.exception("%s: no picture was kept", self._folder)


def delete_old_pictures(folder: Path, days: float, most: int = MOST_PICTURES) -> None:
    """Delete the oldest pictures of a folder; only files with names that this module writes.

    Args:
        folder: may be missing.
        days: after which a picture is deleted.
        most: pictures that stay.

    Raises:
        OSError: the folder cannot be read, or a picture not be deleted.
    """
    if not folder.is_dir():
        return
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    times = sorted(((path.stat().st_mtime, path) for path in found), reverse=True)
    oldest = time.time() - days * _DAY_S
    for place, (written, path) in enumerate(times):
        if place >= most or written < oldest:
            path.unlink(missing_ok=True)
