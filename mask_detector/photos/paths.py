"""Which photos a command line names.

for photo in find_photos(["holiday", "door/*.jpg", "face.png"], recursive=True):
    print(photo.path, "->", Path("out") / photo.place)
"""

from __future__ import annotations

import glob
import logging
import mimetypes
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mask_detector.errors import PhotoError, UserFacingError
from mask_detector.files import STANDARD_STREAM, is_system_file
from mask_detector.images import is_photo, photo_pages
from mask_detector.photos.formats import starts_like_a_photo
from mask_detector.video.addresses import is_address, without_password
from mask_detector.wording import number_of

logger = logging.getLogger(__name__)

_TIFF_SUFFIXES = (".tif", ".tiff")
_MOST_ENDINGS = 5  # named in a line
# For a folder that is a problem: nothing is written, and "." has no name.
_NO_PLACE = Path("folder")


@dataclass(frozen=True)
class Photo:
    """A photo to process.

    Attributes:
        path: where it is, as the user named it.
        place: its name below an output folder: sub-folders of the folder it was found in are kept.
        in_folder: whether it was found in a folder, not named itself.
        name: its name in records: the path, and for further pages of a TIFF "#2" and so on.
        frame: which frame of its file it is, from 0.
        problem: why there is nothing to read at ``path``, where that is known beforehand.
        picture: where its annotated picture goes, None for nowhere.
        crops: what its faces are called below a folder for crops, None where none are wanted.
    """

    path: Path
    place: Path
    name: str = ""
    in_folder: bool = False
    frame: int = 0
    problem: str | None = None
    picture: Path | None = None
    crops: Path | None = None

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", str(self.path))

    def check(self) -> None:
        """Raise the problem, if there is one, as a PhotoError."""
        if self.problem is not None:
            raise PhotoError(f"{self.name}: {self.problem}")


def find_photos(
    wanted: Iterable[str], recursive: bool = False, without: Iterable[Path] = ()
) -> list[Photo]:
    """The photos that a command line names, each once, in its order; folders sorted by name.

    Each page of a TIFF is a photo. A photo that is named by several paths is one, a link to it
    another, with a name of its own. What is left out of a folder is logged in one line.

    Args:
        wanted: files, folders, patterns such as ``"door/*.jpg"``, and ``-`` for any of these
            from standard input, one a line (or ended by NUL bytes, as ``find -print0`` does).
        recursive: include the folders' sub-folders.
        without: files and folders that are left out of a folder: results of this run. A folder
            that is named itself is searched.

    Returns:
        The photos. What cannot be found is among them, to fail when it is read.
    """
    excluded = {Path(os.path.realpath(path)) for path in without}
    photos: dict[Path, Photo] = {}
    for text in _names(wanted):
        for photo in _photos_at(text, recursive, excluded):
            photos.setdefault(_name_in_folder(photo.path), photo)
    return [page for photo in photos.values() for page in _pages(photo)]


def _name_in_folder(path: Path) -> Path:
    """Equal for all paths to one name in a folder, which may be a link's."""
    return Path(os.path.realpath(path.parent), path.name)


def _address(text: str) -> Photo:
    name = without_password(text)
    if text.lower().startswith(("http", "ftp")):
        problem = "this is an address: download the photo and name its file; cameras and videos"
    else:
        problem = "this is an address: name the photo's file; cameras and videos"
    problem += " at an address are for detect_mask_video.py --source"
    return Photo(Path(name), Path("address"), name, problem=problem)


def _pages(photo: Photo) -> list[Photo]:
    """The photo, or each page of it."""
    if photo.problem or photo.path.suffix.lower() not in _TIFF_SUFFIXES:
        return [photo]
    try:
        frames = photo_pages(photo.path) if is_file(photo.path) else [0]
    except PhotoError as error:
        return [replace(photo, problem=str(error).removeprefix(f"{photo.path}: "))]
    pages = [replace(photo, frame=frames[0])]
    for number, frame in enumerate(frames[1:], start=2):
        place = photo.place.with_stem(f"{photo.place.stem}_{number}")
        pages.append(replace(photo, name=f"{photo.path}#{number}", place=place, frame=frame))
    return pages


def _names(wanted: Iterable[str]) -> Iterator[str]:
    for text in wanted:
        if text == STANDARD_STREAM:
            yield from _names(line for line in _standard_input() if line != STANDARD_STREAM)
        elif glob.has_magic(text) and not os.path.lexists(text) and not is_address(text):
            yield from sorted(glob.glob(text, recursive=True)) or [text]  # noqa: PTH207
        else:
            yield text


def _standard_input() -> list[str]:
    if sys.__stdin__ is None:
        raise UserFacingError("standard input is closed: name the photos themselves")
    data = sys.stdin.buffer.read()
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(line) for line in lines if line]


def _photos_at(text: str, recursive: bool, excluded: Collection[Path]) -> list[Photo]:
    if is_address(text):
        return [_address(text)]
    path = Path(text)
    if not is_folder(path):
        return [Photo(path, Path(path.name))]
    listing = _Listing(path, recursive, excluded)
    listing.log()
    if listing.photos:
        return sorted(listing.photos, key=lambda photo: photo.path)
    hint = "" if recursive else " itself; --recursive includes its sub-folders"
    return [Photo(path, _NO_PLACE, problem=f"there are no photos in this folder{hint}")]


class _Listing:
    """The photos in a folder, and what is left out."""

    def __init__(self, folder: Path, recursive: bool, excluded: Collection[Path]) -> None:
        self.photos: list[Photo] = []
        self._folder, self._recursive, self._excluded = folder, recursive, excluded
        self._left_out: Counter[str] = Counter()  # by their endings
        self._links = 0
        self._add(folder)

    def _add(self, folder: Path) -> None:
        real = Path(os.path.realpath(folder))
        try:
            entries = list(folder.iterdir())
        except OSError as error:
            problem = f"the folder cannot be read ({error.strerror})"
            self.photos.append(Photo(folder, _NO_PLACE, problem=problem))
            return
        for entry in entries:
            if is_system_file(entry) or real / entry.name in self._excluded:
                continue
            if not is_folder(entry):
                # Pipes and devices could keep a run waiting forever; broken links and what the
                # folder does not let us look at are reported.
                readable = is_file(entry) or not os.path.exists(entry)  # noqa: PTH110
                if readable and (is_photo(entry) or starts_like_a_photo(entry)):
                    place = entry.relative_to(self._folder)
                    self.photos.append(Photo(entry, place, in_folder=True))
                elif _could_be_a_picture(entry):
                    self._left_out[entry.suffix.lower()] += 1
            elif self._recursive and entry.is_symlink():
                self._links += 1
            elif self._recursive:
                self._add(entry)

    def log(self) -> None:
        """Say what was left out: a silent gap would be worse."""
        if self._left_out:
            files = number_of(self._left_out.total(), "other file")
            endings = [ending or "no ending" for ending, _ in self._left_out.most_common()]
            more = ", ..." if len(endings) > _MOST_ENDINGS else ""
            named = ", ".join(endings[:_MOST_ENDINGS])
            logger.warning("%s: %s left out (%s%s)", self._folder, files, named, more)
        if self._links:
            links = number_of(self._links, "linked folder")
            logger.warning("%s: %s left out, name them to include them", self._folder, links)


def _could_be_a_picture(path: Path) -> bool:
    """Whether somebody may expect the file to be read: no text or document."""
    kind = mimetypes.guess_type(path.name)[0]
    return kind is None or kind.startswith(("image/", "video/"))


def is_file(path: Path) -> bool:
    """Whether there is a regular file at ``path``; no path makes this fail."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder at ``path``; no path makes this fail."""
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False
