"""Finding the photo that an annotation names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mask_detector.errors import DatasetError


def name_key(name: str | Path) -> str:
    """A path as it is compared: with slashes, in lower case, without ``./`` at its beginning.

    >>> name_key(".\\\\Images\\\\A.JPG")
    'images/a.jpg'
    """
    slashed = str(name).strip().replace("\\", "/")
    while slashed.startswith("./"):
        slashed = slashed[2:]
    # macOS stores "é" as two characters, others as one.
    return unicodedata.normalize("NFC", slashed).casefold()


def path_keys(path: Path, folder: Path) -> tuple[str, str, str, str]:
    """The names of a photo: its path in the folder, its own name, and both without ending."""
    inside = path.relative_to(folder)
    without_ending = inside.with_suffix("")
    return (
        name_key(inside),
        name_key(without_ending),
        name_key(path.name),
        name_key(without_ending.name),
    )


class Gallery:
    """The photos of a folder, found by path inside it, by name, or by either without ending."""

    def __init__(self, folder: Path, photos: Iterable[Path]) -> None:
        self._folder = folder
        self._photos: dict[str, list[Path]] = {}
        for path in photos:
            for key in set(path_keys(path, folder)):
                self._photos.setdefault(key, []).append(path)

    def __contains__(self, name: str) -> bool:
        return name_key(name) in self._photos

    def find(self, *names: str) -> Path:
        """The only photo that has one of the names, tried in order.

        Raises:
            DatasetError: there is none, or there are several.
        """
        matches = [self._photos.get(name_key(name), []) for name in names]
        for match in matches:
            if len(match) == 1:
                return match[0]
        for match in matches:
            if match:
                raise DatasetError(f"its photo may be {match[0]} or {match[1]}")
        raise DatasetError(f"there is no photo {names[0]} in {self._folder}")
