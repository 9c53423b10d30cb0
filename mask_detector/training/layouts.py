"""What lies in a dataset folder: its photos with their classes, boxes and groups, as far as named.

``dataset/README.md`` lists the layouts that are read: class folders (``with_mask/``, …), photos
with annotations (see :mod:`mask_detector.training.annotations`), and ``train/``, ``valid/`` and
``test/`` folders with either of them inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mask_detector.errors import DatasetError
from mask_detector.images import is_photo
from mask_detector.training.annotations import (
    AnnotatedPhoto,
    annotation_kinds,
    read_annotations,
)
from mask_detector.training.annotations.gallery import Gallery, name_key
from mask_detector.training.folders import files_below, sub_folders
from mask_detector.training.groups import read_groups
from mask_detector.training.samples import Sample
from mask_detector.wording import number_of

SMALLEST_BOX = 6
"""Boxes with a shorter side below this many pixels are no samples for the mask classifier."""

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
"""Folders of these names, in any letter case, are parts of a dataset and never classes."""

_PHOTO_FOLDERS = ("images", "jpegimages")
_ANNOTATION_FOLDERS = ("annotations", "labels")
_DEEPEST = 5  # folders in folders before the photos


@dataclass(eq=False)
class DatasetPhoto:
    """A photo on its way into the dataset.

    Attributes:
        path: the file.
        samples: annotated faces; for a class folder filled when the face is found.
        label: the name of its class folder; empty for an annotated photo.
        group: from ``groups.csv``; empty until known.
        annotation: what people marked in it; None in a class folder.
        reboxed: its boxes follow another convention; the face detector's replace them.
        content: SHA-256 of the file; empty until it is read.
        hashes: perceptual hashes of the photo and its mirror image.
    """

    path: Path
    samples: list[Sample]
    label: str = ""
    group: str = ""
    annotation: AnnotatedPhoto | None = None
    reboxed: bool = False
    content: str = ""
    hashes: tuple[int, int] = (0, 0)

    @property
    def labels(self) -> list[str]:
        """The classes of its faces, in the order of their boxes from left to right."""
        if self.label:
            return [self.label]
        return [sample.label for sample in sorted(self.samples, key=lambda sample: sample.box)]

    @property
    def ignored(self) -> int:
        """The number of boxes that are marked as crowds or difficult."""
        return len(self.annotation.ignored) if self.annotation else 0


def find_photos(
    folder: Path,
    problems: list[str],
    notes: Counter[str],
    smallest_box: float = SMALLEST_BOX,
) -> list[DatasetPhoto]:
    """The photos of a dataset folder in a stable order, not yet read.

    Args:
        problems: gets a sentence for each file, folder or box that is left out.
        notes: gets counts for the data report.
        smallest_box: boxes whose shorter side has fewer pixels give no samples.

    Raises:
        DatasetError: the folder is missing, or its annotations or groups cannot be used.
    """
    if folder.is_file():
        raise DatasetError(f"{folder}: this is a file, expected a folder (unpack archives first)")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such dataset folder")
    photos = _photos_in(folder, problems, notes, _DEEPEST)
    for photo in photos:
        if photo.annotation:
            photo.samples = _samples(photo.annotation, smallest_box, problems)
    _read_groups(folder, photos, problems)
    return photos


def why_no_faces(photos: Sequence[DatasetPhoto], problems: Sequence[str]) -> str:
    """Why folders give nothing to learn from, as the end of a sentence.

    Args:
        photos: what :func:`find_photos` found in them.
        problems: what it left out; the first is named.
    """
    first = f" (the first of {len(problems)} problems: {problems[0]})" if problems else ""
    if ignored := sum(photo.ignored for photo in photos):
        why = f"all {ignored} boxes are marked as crowds or difficult, which are not trained on"
    elif photos:
        why = f"{len(photos)} annotated photos, but no box that can be used"
    else:
        why = (
            "no photos; expected class folders such as with_mask/ and without_mask/, "
            "or images/ with annotations/"
        )
    return why + first


def _photos_in(
    folder: Path, problems: list[str], notes: Counter[str], deepest: int
) -> list[DatasetPhoto]:
    inside = sub_folders(folder, problems)
    files = files_below(folder, problems, deep=False)
    has_json = any(path.suffix.lower() == ".json" for path in files)
    if images := _named(inside, _PHOTO_FOLDERS) or (has_json and _named(inside, ("data",))):
        annotations = _named(inside, _ANNOTATION_FOLDERS) or (folder if has_json else None)
        if annotations is None:
            raise DatasetError(
                f"{folder}: expected annotations/ or labels/ beside {images.name}/, found neither"
            )
        others = [path for path in inside if path not in (images, annotations)]
        problems += _photos_beside(images, files, others)
        return _annotated_photos(images, annotations, problems, notes)
    # train/ and test/ are parts of a dataset, in which the same layouts are looked for.
    splits = [path for path in inside if path.name.lower() in SPLITS]
    if splits and not deepest:
        raise DatasetError(f"{folder}: {splits[0].name}/ lies too deep in such folders")
    if splits:
        others = [path for path in inside if path not in splits]
        return _photos_of_splits(splits, others, problems, notes, deepest - 1)
    # Archives often unpack into one more folder.
    if len(inside) == 1 and deepest and _is_dataset(inside[0]):
        return _photos_in(inside[0], problems, notes, deepest - 1)
    photos = _class_folder_photos(inside, problems)
    loose = [path for path in files if is_photo(path)]
    if loose and not photos and annotation_kinds(files, Gallery(folder, loose)):
        return _annotated_photos(folder, folder, problems, notes)
    if loose:
        problems.append(
            f"{folder}: {number_of(len(loose), 'photo')} in no class folder and without "
            "annotations, left out"
        )
    return photos


def _photos_beside(images: Path, files: Sequence[Path], others: Sequence[Path]) -> list[str]:
    """A sentence for each place beside an annotated folder ``images`` whose photos are not read."""
    counts = {images.parent: sum(map(is_photo, files))}
    for folder in others:
        if not folder.name.startswith("_"):  # set aside by its owner
            counts[folder] = sum(map(is_photo, files_below(folder, [])))
    return [
        f"{folder}: {number_of(count, 'photo')} beside {images.name}/ and its annotations, left out"
        for folder, count in counts.items()
        if count
    ]


def _named(folders: Sequence[Path], names: Sequence[str]) -> Path | None:
    by_name = {path.name.lower(): path for path in folders}
    return next((by_name[name] for name in names if name in by_name), None)


def _is_dataset(folder: Path) -> bool:
    """Whether a folder is certainly a dataset of its own, and not a class."""
    inside = sub_folders(folder, [])
    if any(path.name.lower() in SPLITS for path in inside) or _named(inside, _PHOTO_FOLDERS):
        return True
    files = files_below(folder, [], deep=False)
    return bool(annotation_kinds(files, Gallery(folder, filter(is_photo, files))))


def _photos_of_splits(
    splits: Sequence[Path],
    others: Sequence[Path],
    problems: list[str],
    notes: Counter[str],
    deepest: int,
) -> list[DatasetPhoto]:
    """The photos of all parts together: they are split again, by groups.

    Args:
        others: the folders beside them; those named like a class of the parts are read too, or
            all if the parts hold no photos that can be used.
    """
    photos: list[DatasetPhoto] = []
    errors: list[DatasetError] = []
    for split in splits:
        try:
            photos += _photos_in(split, problems, notes, deepest)
        except DatasetError as error:  # many published sets have a test part without annotations
            errors.append(error)
    if errors and not photos and not others:
        raise errors[0]
    problems += [str(error) for error in errors]
    names = ", ".join(split.name for split in splits)
    notes[f"photos from {names}, which are split again by groups"] += len(photos)
    classes = {
        label
        for photo in photos
        for label in (photo.annotation.labels if photo.annotation else [photo.label])
    }
    beside = [path for path in others if not classes or path.name in classes]
    problems += [
        f"{path}: left out, it is no class of {names} beside it"
        for path in others
        if path not in beside
    ]
    return photos + _class_folder_photos(beside, problems)


def _class_folder_photos(folders: Sequence[Path], problems: list[str]) -> list[DatasetPhoto]:
    photos = []
    for folder in folders:
        if folder.name.startswith("_"):  # set aside by its owner
            continue
        for path in files_below(folder, problems):
            if is_photo(path):
                photos.append(DatasetPhoto(path, [], folder.name))
            else:
                problems.append(f"{path}: the name's ending is not a photo's")
    return photos


def _annotated_photos(
    images: Path, annotations: Path, problems: list[str], notes: Counter[str]
) -> list[DatasetPhoto]:
    annotated, unusable = read_annotations(images, annotations)
    problems += unusable
    photos = [DatasetPhoto(photo.path, [], annotation=photo) for photo in annotated]
    notes["boxes marked as crowds or difficult, not used"] += sum(p.ignored for p in photos)
    all_photos = sum(map(is_photo, files_below(images, [])))
    notes["photos without usable annotations, left out"] += all_photos - len(photos)
    return photos


def _samples(photo: AnnotatedPhoto, smallest_box: float, problems: list[str]) -> list[Sample]:
    samples = []
    for box, label in zip(photo.boxes, photo.labels, strict=True):
        x1, y1, x2, y2 = map(float, box)
        if min(x2 - x1, y2 - y1) >= smallest_box:
            samples.append(Sample(photo.path, label, "", (x1, y1, x2, y2)))
        else:
            problems.append(f"{photo.path}: a box of {x2 - x1:.0f} x {y2 - y1:.0f} px, skipped")
    return samples


def _read_groups(folder: Path, photos: Sequence[DatasetPhoto], problems: list[str]) -> None:
    """Give the photos the groups that a dataset folder's ``groups.csv`` names.

    A photo is named by its path in the folder or the end of that path, with or without its
    ending. A name that fits several photos puts all of them into its group.

    Raises:
        DatasetError: the file is unreadable, or none of its names fits a photo.
    """
    path = folder / "groups.csv"
    if not path.is_file():
        return
    by_name: dict[str, list[DatasetPhoto]] = {}
    for photo in photos:
        parts = photo.path.relative_to(folder).parts
        for start in range(len(parts)):
            end_of_path = Path(*parts[start:])
            for name in {name_key(end_of_path), name_key(end_of_path.with_suffix(""))}:
                by_name.setdefault(name, []).append(photo)
    unknown = []
    own_name = f"{name_key(folder.resolve().name)}/"
    # Longer names are more exact, so that they come last and win.
    for name, group in sorted(read_groups(path, "file", "image").items(), key=lambda r: len(r[0])):
        key = name_key(name)
        found = by_name.get(key) or by_name.get(key.removeprefix(own_name))
        if not found:
            unknown.append(name)
        for photo in found or ():
            photo.group = group
    if unknown and not any(photo.group for photo in photos):
        raise DatasetError(
            f"{path}: none of its names fits a photo (the first is {unknown[0]!r}); expected "
            "paths inside the folder, such as with_mask/anna-1.jpg"
        )
    if unknown:
        problems.append(
            f"{path}: {len(unknown)} of its names fit no photo (the first is {unknown[0]!r})"
        )
