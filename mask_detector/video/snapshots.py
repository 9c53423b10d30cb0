"""Keep one picture of each person without a mask, for a limited time.

    snapshots = Snapshots(Path("unmasked"), keep_days=7)
    snapshots.take(view)

Older pictures are deleted from the folder, but only those with file names that this module writes.
"""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

from mask_detector.crops import crop_with_margin
from mask_detector.errors import FileError, PhotoError
from mask_detector.files import make_folder
from mask_detector.images import write_photo
from mask_detector.video.people import UnmaskedRule
from mask_detector.video.view import View

logger = logging.getLogger(__name__)

AFTER_S = 0.5
"""Seconds without a mask after which a picture of the person is kept."""

_MARGIN = 0.3  # of the face's size, around it
_TIDY_EVERY_S = 3600.0
_NAME = re.compile(r"bare_\d{8}_\d{6}_[\w-]+_\d+\.jpg")


class Snapshots:
    """A folder with one crop of each person without a mask.

    Args:
        folder: made if it is not there.
        keep_days: days after which a picture is deleted, at the start and once an hour.

    Raises:
        FileError: the folder cannot be made.
    """

    def __init__(self, folder: Path, keep_days: float) -> None:
        self._folder, self._keep_s = folder, keep_days * 86_400
        self._rules: dict[int, UnmaskedRule] = {}
        self._tidy_at = 0.0
        make_folder(folder)
        self._tidy()

    def take(self, view: View) -> None:
        """Write the crops that are due, from the frame as it stands: blurred where asked."""
        rule = self._rules.setdefault(view.source, UnmaskedRule(AFTER_S))
        for face in rule.due(view.inside, view.frame.time_s):
            place = re.sub(r"[^\w-]+", "-", view.name).strip("-")[-40:] or "source"
            now = time.strftime("%Y%m%d_%H%M%S")
            # The source's number, since the ends of two long addresses may be the same.
            name = f"bare_{now}_{view.source + 1}_{place}_{face.track}.jpg"
            try:
                write_photo(
                    self._folder / name, crop_with_margin(view.frame.image, face.box, _MARGIN)
                )
            except (PhotoError, FileError) as error:
                logger.warning("%s", error)
        if time.monotonic() >= self._tidy_at:
            self._tidy()

    def _tidy(self) -> None:
        self._tidy_at = time.monotonic() + _TIDY_EVERY_S
        oldest = time.time() - self._keep_s
        try:
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
        except OSError as error:  # the folder may have gone away meanwhile
            logger.warning("%s: old pictures are not deleted (%s)", self._folder, error.strerror)
