"""Which photo each picture in an output folder was made from.

Runs with ``--skip-done`` note it in a hidden file in that folder: a later run neither takes the
picture of one photo for that of another with the same name, nor pictures for photos.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mask_detector.errors import FileError
from mask_detector.photos.paths import Photo, is_file, is_folder
from mask_detector.records import JsonLines

FILE_NAME = ".pictures.jsonl"


class PictureSources:
    """The pictures of earlier runs in a folder, and the photos that they were made from.

    Args:
        folder: where pictures go; None, or a name that is no folder, for nowhere.
        begin: whether to note pictures where no run has done so; there, later runs always do.

    Raises:
        FileError: what was noted there cannot be read.
    """

    def __init__(self, folder: Path | None, begin: bool = False) -> None:
        self._folder = folder or Path()
        self._file = self._folder / FILE_NAME
        self._pictures: dict[str, str] = {}  # by the photo's name, both from the folder
        exists = folder is not None and is_file(self._file)
        self._is_kept = exists or (begin and folder is not None and is_folder(folder))
        self._real_folder = os.path.realpath(self._folder)
        if exists:
            self._read()

    def _read(self) -> None:
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise FileError(f"{self._file}: cannot be read ({error.strerror})") from None
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # a crash may have left half a line
                noted = json.loads(line)
                photo, picture = str(noted["photo"]), str(noted["picture"])
                if not Path(picture).is_absolute() and ".." not in Path(picture).parts:
                    self._pictures[photo] = picture

    def picture_of(self, photo: Photo) -> Path | None:
        """The picture that was made from this photo, None where none was."""
        picture = self._pictures.get(self._name(photo))
        return None if picture is None else self._folder / picture

    def pictures(self) -> Iterator[Path]:
        """All pictures of earlier runs."""
        return (self._folder / picture for picture in self._pictures.values())

    def note(self, photos: Iterable[Photo]) -> None:
        """Note that the pictures of these photos are made from them.

        Raises:
            FileError: that cannot be written.
        """
        if not self._is_kept:
            return
        new = [photo for photo in photos if photo.picture and not self.picture_of(photo)]
        if not new:
            return
        with JsonLines(self._file, append=True) as lines:
            for photo in new:
                name = self._name(photo)
                self._pictures[name] = str(Path(str(photo.picture)).relative_to(self._folder))
                lines.write({"photo": name, "picture": self._pictures[name]})

    def _name(self, photo: Photo) -> str:
        """The photo's path from the folder, so that both may be moved together, and its page."""
        path = os.path.realpath(photo.path.parent)
        with suppress(ValueError):  # another drive of Windows
            path = os.path.relpath(path, self._real_folder)
        return str(Path(path, Path(photo.name).name))
