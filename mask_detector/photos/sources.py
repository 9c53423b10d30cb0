"""Which photo each picture in a folder was made from.

Runs with ``--skip-done`` note it in a hidden file in the folder of ``--output``, and one in that of
``--crops``: a later run neither takes the picture of one photo for that of another with the same
name, nor replaces it, nor takes pictures for photos.
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

PICTURES, CROPS = ".pictures.jsonl", ".crops.jsonl"
"""The files; one folder may have both. The names of crops have neither class nor number."""


class PictureSources:
    """The pictures of earlier runs in a folder, and the photos that they were made from.

    Args:
        folder: where pictures go; None, or a name that is no folder, for nowhere.
        file_name: ``PICTURES`` or ``CROPS``.
        begin: whether to note pictures where no run has done so; there, later runs always do.

    Raises:
        FileError: what was noted there cannot be read.
    """

    def __init__(self, folder: Path | None, file_name: str, begin: bool = False) -> None:
        self._folder = folder or Path()
        self._file = self._folder / file_name
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
            # A crash may have left half a line.
            with suppress(ValueError, KeyError, TypeError, RecursionError):
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

    def note(self, pictures: Iterable[tuple[Photo, Path | None]]) -> None:
        """Note which pictures are made from photos, where that is not noted yet.

        Raises:
            FileError: that cannot be written.
        """
        if not self._is_kept:
            return
        new = {
            name: str(picture.relative_to(self._folder))
            for photo, picture in pictures
            if picture is not None and (name := self._name(photo)) not in self._pictures
        }
        if new:
            self._pictures.update(new)
            with JsonLines(self._file, append=True) as lines:
                for name, place in new.items():
                    lines.write({"photo": name, "picture": place})

    def _name(self, photo: Photo) -> str:
        """The photo's path from the folder, so that both may be moved together, and its page."""
        path = os.path.realpath(photo.path.parent)
        with suppress(ValueError):  # another drive of Windows
            path = os.path.relpath(path, self._real_folder)
        return str(Path(path, Path(photo.name).name))
