"""Where the results of a run go: no two share a name, and none replaces a photo."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mask_detector.errors import UserFacingError
from mask_detector.files import STANDARD_STREAM, make_folder, same_name
from mask_detector.images import PICTURE_SUFFIXES, check_picture_name
from mask_detector.photos.paths import Photo, is_folder
from mask_detector.photos.sources import CROPS, PICTURES, PictureSources
from mask_detector.wording import number_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Results:
    """What a run is asked to write; None stands for what it is not.

    Attributes:
        output: where annotated pictures go: a folder, or a file for one photo.
        crops: the folder for faces.
        contact_sheet: the page with all photos.
        json: the file of JSON lines, ``-`` for standard output.
        csv: the same for CSV rows.
    """

    output: Path | None = None
    crops: Path | None = None
    contact_sheet: Path | None = None
    json: str | None = None
    csv: str | None = None

    def any(self) -> bool:
        """Whether anything is asked for."""
        return any(dataclasses.astuple(self))

    def paths(self) -> list[Path]:
        """Files and folders of results, which are not searched for photos."""
        return [path for path in (self.output, self.crops) if path is not None] + self.files()

    def files(self) -> list[Path]:
        """Files that hold results of many photos."""
        names = (self.json, self.csv, self.contact_sheet)
        return [Path(name) for name in names if name not in (None, STANDARD_STREAM)]


def name_results(
    photos: Sequence[Photo],
    results: Results,
    pictures_here: bool = False,
    read: Iterable[Path] = (),
) -> list[Photo]:
    """The photos with the names of their pictures and faces.

    No two results share a name, and none has that of a photo. A picture keeps its photo's format
    where that can be written, and is PNG otherwise. Where earlier runs have noted their pictures
    (:mod:`mask_detector.photos.sources`) photos keep their names, and pictures are no photos.

    Args:
        pictures_here: without ``results.output``, write ``NAME_mask.png`` to the current folder.
        read: other files that the run reads, such as the model; no result replaces them.

    Raises:
        UserFacingError: a place cannot be written to, a file would replace one that is read, or
            ``output`` names one picture for several photos.
    """
    sources = PictureSources(results.output, PICTURES)
    photos = _without_pictures(photos, sources)
    originals, files = [*(photo.path for photo in photos), *read], results.files()
    _check_files(files, originals)
    pictures = _name_pictures(photos, originals, results.output, files, pictures_here, sources)
    crops = _name_crops(photos, results.crops)
    return [
        dataclasses.replace(photo, picture=picture, crops=name)
        for photo, picture, name in zip(photos, pictures, crops, strict=True)
    ]


def _without_pictures(photos: Sequence[Photo], sources: PictureSources) -> Sequence[Photo]:
    """The photos but for those in folders that earlier runs have noted as their pictures."""
    made = set(map(same_name, sources.pictures()))
    kept = [each for each in photos if not (each.in_folder and same_name(each.path) in made)]
    if photos and not kept:
        raise UserFacingError(f"{photos[0].path.parent}: these are only pictures of earlier runs")
    if left_out := len(photos) - len(kept):
        logger.warning("%s of earlier runs left out", number_of(left_out, "picture"))
    return kept


def _name_pictures(
    photos: Sequence[Photo],
    originals: Sequence[Path],
    output: Path | None,
    files: Sequence[Path],
    pictures_here: bool,
    sources: PictureSources,
) -> Sequence[Path | None]:
    if output is None and not pictures_here:
        return [None] * len(photos)
    if output is None:
        return unique_paths([Path(f"{photo.place.stem}_mask.png") for photo in photos], originals)
    if _names_a_file(output, photos):
        check_picture_name(output)
        _check_files([output], [*originals, *files])
        return [output]
    make_folder(output)
    wanted = [output / _picture_name(photo.place) for photo in photos]
    return _unless_noted(photos, wanted, [*originals, *files], sources)


def _name_crops(photos: Sequence[Photo], folder: Path | None) -> Sequence[Path | None]:
    if folder is None:
        return [None] * len(photos)
    make_folder(folder)
    wanted = [folder / photo.place.with_suffix("") for photo in photos]
    names = _unless_noted(photos, wanted, [], PictureSources(folder, CROPS))
    return [name.relative_to(folder) for name in names]


def _unless_noted(
    photos: Sequence[Photo], wanted: Sequence[Path], taken: Iterable[Path], sources: PictureSources
) -> list[Path]:
    """Unique names, except that photos keep those that earlier runs have noted."""
    noted = [sources.picture_of(photo) for photo in photos]
    new = [path for path, name in zip(wanted, noted, strict=True) if name is None]
    unique = iter(unique_paths(new, [*taken, *sources.pictures()]))
    return [name or next(unique) for name in noted]


def _picture_name(place: Path) -> Path:
    return place if place.suffix.lower() in PICTURE_SUFFIXES else place.with_suffix(".png")


def _names_a_file(output: Path, photos: Sequence[Photo]) -> bool:
    if is_folder(output):
        return False
    is_picture = output.suffix.lower() in PICTURE_SUFFIXES
    if len(photos) > 1 and is_picture:
        raise UserFacingError(
            f"--output {output} names one picture for {len(photos)} photos: name a folder"
        )
    # A folder's only photo today may have company tomorrow, and ".26" is the end of a date: both
    # go to folders, whatever their names. Another ending of a file is refused by its name.
    is_ending = bool(output.suffix) and not output.suffix[1:].isdigit()
    return len(photos) == 1 and (is_picture or (is_ending and not photos[0].in_folder))


def _check_files(files: Iterable[Path], taken: Iterable[Path]) -> None:
    """Raise UserFacingError where a file cannot be written, or would replace a photo."""
    used = set(map(same_name, taken))
    for path in files:
        if same_name(path) in used:
            raise UserFacingError(f"{path}: this would replace a file of this run, name another")
        used.add(same_name(path))
        if not path.exists():  # a device such as /dev/null needs no folder that can be written to
            make_folder(path.parent)


def unique_paths(wanted: Iterable[Path], taken: Collection[Path] = ()) -> list[Path]:
    """Paths that differ from each other and from those taken, also where case does not count.

    >>> [str(path) for path in unique_paths([Path("a.jpg"), Path("A.jpg"), Path("b.jpg")])]
    ['a.jpg', 'A_2.jpg', 'b.jpg']
    """
    used = set(map(same_name, taken))
    paths = []
    for path in wanted:
        free, number = path, 1
        while same_name(free) in used:
            number += 1
            free = path.with_stem(f"{path.stem}_{number}")
        used.add(same_name(free))
        paths.append(free)
    return paths
