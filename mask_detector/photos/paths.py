"""Which photos are meant, and what their results are called.

for photo in find_photos(["holiday", "door/*.jpg", "face.png"], recursive=True):
    print(photo.path, "->", Path("out") / photo.place)
"""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mask_detector.crops import crop_with_margin
from mask_detector.detector import Face
from mask_detector.errors import PhotoError, UserFacingError
from mask_detector.files import STANDARD_STREAM, make_folder
from mask_detector.images import PHOTO_SUFFIXES, check_picture_name, is_photo, write_photo

# Taken along from folders although they are refused: a silent gap would be worse than a sentence.
_REFUSED_SUFFIXES = (".heic", ".heif", ".avif", ".gif")
_CROP_MARGIN = 0.2


@dataclass(frozen=True)
class Photo:
    """A photo to look at.

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
    if not _is_folder(path):
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
        if not _is_folder(entry):
            yield entry
        elif recursive and not entry.is_symlink() and entry.absolute() not in excluded:
            yield from _files_in(entry, recursive, excluded)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system, a folder that may not be entered
        return False


def name_results(
    photos: Sequence[Photo],
    output: Path | None,
    crops: Path | None,
    files: Sequence[Path],
    pictures_here: bool = False,
) -> list[Photo]:
    """The photos, told what their pictures and faces will be called.

    No two results share a name, and none has that of a photo.

    Args:
        output: where annotated pictures go: a file for one photo, a folder for many. A photo's
            kind is kept where that kind can be written, and is PNG otherwise.
        crops: the folder for faces.
        files: the other files of results: lists, contact sheet.
        pictures_here: without ``output``, write ``NAME_mask.png`` into the working folder.

    Raises:
        UserFacingError: a place cannot be written to, a file would replace a photo, or
            ``output`` names one picture for several photos.
    """
    originals = [photo.path for photo in photos]
    _check_files(files, originals)
    pictures: Sequence[Path | None] = [None] * len(photos)
    if output is not None and _names_a_file(output, len(photos)):
        check_picture_name(output)
        _check_files([output], [*originals, *files])
        pictures = [output]
    elif output is not None:
        make_folder(output)
        places = [p.place if is_photo(p.place) else p.place.with_suffix(".png") for p in photos]
        pictures = unique_paths([output / place for place in places], [*originals, *files])
    elif pictures_here:
        pictures = unique_paths([Path(f"{path.stem}_mask.png") for path in originals], originals)
    names: Sequence[Path | None] = [None] * len(photos)
    if crops is not None:
        make_folder(crops)
        names = unique_paths([photo.place.with_suffix("") for photo in photos])
    return [
        dataclasses.replace(photo, picture=picture, crops=name)
        for photo, picture, name in zip(photos, pictures, names, strict=True)
    ]


def _names_a_file(output: Path, photos: int) -> bool:
    if _is_folder(output):
        return False
    if photos > 1 and output.suffix.lower() in PHOTO_SUFFIXES:
        raise UserFacingError(
            f"--output {output} names one picture for {photos} photos: name a folder"
        )
    return photos == 1 and bool(output.suffix)


def _check_files(files: Iterable[Path], taken: Iterable[Path]) -> None:
    """Raise UserFacingError where a file cannot be written, or would replace a photo."""
    used = set(map(_same_name, taken))
    for path in files:
        if _same_name(path) in used:
            raise UserFacingError(f"{path}: this would replace a file of this run, name another")
        used.add(_same_name(path))
        if not path.exists():  # a device such as /dev/null needs no folder that can be written to
            make_folder(path.parent)


def write_crops(image: np.ndarray, faces: Sequence[Face], folder: Path, name: Path) -> None:
    """Write each face, with a fifth around it, as ``FOLDER/CLASS/NAME_1.jpg`` and so on.

    Args:
        image: uint8 BGR, shape (H, W, 3), without anything drawn into it.
        name: the photo's own, its sub-folders included.
    """
    for number, face in enumerate(faces, start=1):
        path = folder / face.counted_as / f"{name}_{number}.jpg"
        make_folder(path.parent)
        write_photo(path, crop_with_margin(image, face.box, _CROP_MARGIN))


def unique_paths(wanted: Iterable[Path], taken: Collection[Path] = ()) -> list[Path]:
    """Paths that differ from each other and from those taken, also where case does not count.

    >>> [str(path) for path in unique_paths([Path("a.jpg"), Path("A.jpg"), Path("b.jpg")])]
    ['a.jpg', 'A_2.jpg', 'b.jpg']
    """
    used = set(map(_same_name, taken))
    paths = []
    for path in wanted:
        free, number = path, 1
        while _same_name(free) in used:
            number += 1
            free = path.with_stem(f"{path.stem}_{number}")
        used.add(_same_name(free))
        paths.append(free)
    return paths


def _same_name(path: Path) -> str:
    """Equal for two names of one file on any file system: links followed, case ignored."""
    return os.path.realpath(path).casefold()


def without_done(photos: Iterable[Photo], records: str | None) -> list[Photo]:
    """The photos that an interrupted run left over.

    Args:
        records: the file of the earlier run's JSON lines; a photo is done when it stands there
            without an error, and its picture is there where one is wanted. None or ``-``, which
            cannot be read back, leaves it to the pictures.
    """
    recorded = None if records in (None, STANDARD_STREAM) else _recorded_photos(Path(records))
    return [
        photo
        for photo in photos
        if (recorded is not None and str(photo.path) not in recorded)
        or (photo.picture is not None and not photo.picture.exists())
    ]


def _recorded_photos(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise UserFacingError(f"{path}: the earlier records cannot be read ({error})") from None
    done = set()
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:  # the half line that a crash left
            continue
        if isinstance(record, dict) and "faces" in record:
            done.add(str(record.get("image")))
    return done
