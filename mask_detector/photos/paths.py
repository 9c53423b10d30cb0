"""Which photos a command line names.

for photo in find_photos(["holiday", "door/*.jpg", "face.png"], recursive=True):
    print(photo.path, "->", Path("out") / photo.place)
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mask_detector.errors import PhotoError
from mask_detector.files import STANDARD_STREAM
from mask_detector.images import is_photo

# Taken along from folders although they are refused: a silent gap would be worse than a sentence.
_REFUSED_SUFFIXES = (".heic", ".heif", ".avif", ".gif")


@dataclass(frozen=True)
class Photo:
    """A photo to process.

    Attributes:
        path: where it lies, as the user named it.
        place: its name below an output folder: sub-folders of the folder it was found in are kept.
        problem: why there is nothing to read at ``path``, where that is known beforehand.
        picture: where its annotated picture goes, None for nowhere.
        crops: what its faces are called below a folder for crops, None where none are wanted.
    """

    path: Path
    place: Path
    problem: str | None = None
    picture: Path | None = None
    crops: Path | None = None

    def check(self) -> None:
        """Raise the problem, if there is one, as a PhotoError."""
        if self.problem is not None:
            raise PhotoError(f"{self.path}: {self.problem}")


def find_photos(
    wanted: Iterable[str], recursive: bool = False, without: Iterable[Path | None] = ()
) -> list[Photo]:
    """The photos that a command line names, each once, in its order; folders sorted by name.

    Args:
        wanted: files, folders, patterns such as ``"door/*.jpg"``, and ``-`` for any of these
            from standard input, one a line (or ended by NUL bytes, as ``find -print0`` does).
        recursive: look into the folders' sub-folders too.
        without: folders that are left out where they lie inside another (outputs of this run).

    Returns:
        The photos. What cannot be found is among them, to fail when it is read.
    """
    excluded = {path.absolute() for path in without if path is not None}
    photos: dict[Path, Photo] = {}
    for path in _named_paths(wanted):
        for photo in _photos_at(path, recursive, excluded):
            photos.setdefault(photo.path.absolute(), photo)
    return list(photos.values())


def _named_paths(wanted: Iterable[str]) -> Iterator[Path]:
    for text in wanted:
        if text == STANDARD_STREAM:
            yield from _named_paths(line for line in _standard_input() if line != STANDARD_STREAM)
        elif glob.has_magic(text) and not os.path.lexists(text):
            matches = glob.glob(text, recursive=True)  # noqa: PTH207, absolute patterns too
            yield from sorted(map(Path, matches)) or [Path(text)]
        else:
            yield Path(text)


def _standard_input() -> list[str]:
    data = sys.stdin.buffer.read()
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(line) for line in lines if line]


def _photos_at(path: Path, recursive: bool, excluded: Collection[Path]) -> list[Photo]:
    if not is_folder(path):
        return [Photo(path, Path(path.name))]
    try:
        files = sorted(_files_in(path, recursive, excluded))
    except OSError as error:
        return [Photo(path, Path(path.name), f"the folder cannot be read ({error.strerror})")]
    found = [
        Photo(file, file.relative_to(path))
        for file in files
        if is_photo(file) or file.suffix.lower() in _REFUSED_SUFFIXES
    ]
    hint = "" if recursive else " itself; --recursive looks into its sub-folders too"
    return found or [Photo(path, Path(path.name), f"there are no photos in this folder{hint}")]


def _files_in(folder: Path, recursive: bool, excluded: Collection[Path]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if not is_folder(entry):
            yield entry
        elif recursive and not entry.is_symlink() and entry.absolute() not in excluded:
            yield from _files_in(entry, recursive, excluded)


def is_folder(path: Path) -> bool:
    """Whether there is a folder at ``path``; no path makes this fail."""
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False
