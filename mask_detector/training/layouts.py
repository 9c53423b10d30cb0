"""What lies in a dataset folder: its photos with their classes, boxes and groups, as far as named.

A dataset folder holds class folders (``with_mask/``, ``without_mask/``, …: the folders' names are
the classes), or ``images/`` and ``annotations/`` (see :mod:`mask_detector.training.annotations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mask_detector.errors import DatasetError
from mask_detector.images import is_photo
from mask_detector.training.annotations import read_annotations
from mask_detector.training.groups import read_groups
from mask_detector.training.samples import Sample

SMALLEST_BOX = 6
"""Boxes with a shorter side below this many pixels are skipped."""


@dataclass(eq=False)
class DatasetPhoto:
    """A photo on its way into the dataset.

    Attributes:
        path: the file.
        samples: annotated faces; for a class folder filled when the face is found.
        label: the name of its class folder; empty for an annotated photo.
        group: from ``groups.csv``; empty until known.
        content: SHA-256 of the file; empty until it is read.
        hashes: perceptual hashes of the photo and its mirror image.
    """

    path: Path
    samples: list[Sample]
    label: str = ""
    group: str = ""
    content: str = ""
    hashes: tuple[int, int] = (0, 0)

    @property
    def labels(self) -> list[str]:
        """The classes of its faces."""
        return [self.label] if self.label else [sample.label for sample in self.samples]


def find_photos(folder: Path, problems: list[str]) -> list[DatasetPhoto]:
    """The photos of a dataset folder in a stable order, not yet read.

    Args:
        problems: gets one sentence for each file that is left out.

    Raises:
        DatasetError: the folder is missing, or its annotations or groups cannot be used.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such dataset folder")
    if (folder / "images").is_dir() and (folder / "annotations").exists():
        return _annotated_photos(folder, problems)
    return _class_folder_photos(folder, problems)


def _class_folder_photos(folder: Path, problems: list[str]) -> list[DatasetPhoto]:
    groups = _groups(folder, "file")
    photos = []
    for class_folder in sorted(p for p in folder.iterdir() if p.is_dir()):
        if class_folder.name.startswith((".", "_")):
            continue
        files = sorted(p for p in class_folder.rglob("*") if p.is_file())
        for path in files:
            if is_photo(path):
                group = groups.get(path.relative_to(folder).as_posix(), "")
                photos.append(DatasetPhoto(path, [], class_folder.name, group))
            elif not path.name.startswith("."):
                problems.append(f"{path}: the name's ending is not a photo's")
    return photos


def _annotated_photos(folder: Path, problems: list[str]) -> list[DatasetPhoto]:
    groups = _groups(folder, "image")
    annotated, unusable = read_annotations(folder / "images", folder / "annotations")
    problems += unusable
    photos = []
    for photo in annotated:
        samples = []
        for box, label in zip(photo.boxes, photo.labels, strict=True):
            x1, y1, x2, y2 = map(float, box)
            if min(x2 - x1, y2 - y1) >= SMALLEST_BOX:
                samples.append(Sample(photo.path, label, "", (x1, y1, x2, y2)))
            else:
                problems.append(f"{photo.path}: a box of {x2 - x1:.0f} x {y2 - y1:.0f} px, skipped")
        group = groups.get(photo.path.name) or groups.get(photo.path.stem, "")
        photos.append(DatasetPhoto(photo.path, samples, group=group))
    return photos


def _groups(folder: Path, column: str) -> dict[str, str]:
    """From a dataset folder's ``groups.csv``; empty where there is no such file."""
    path = folder / "groups.csv"
    return read_groups(path, column) if path.exists() else {}
