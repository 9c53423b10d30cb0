"""Annotated photos: faces with their boxes, from Pascal VOC, YOLO or COCO files.

    photos, problems = read_annotations(Path("images"), Path("annotations"))

The format is recognised by what the files hold. All come out in one form: pixels of the photo
as it is displayed (EXIF orientation applied), counted from 0 at the photo's edge, so that a box
is ``x2 - x1`` pixels wide.

Boxes may reach beyond the edge, as annotators' boxes do, and are cut there; a box that lies
outside by more than half means that the file belongs to another photo or another size of it.
What VOC calls ``difficult`` and COCO ``iscrowd`` is kept apart as an ignored region.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from mask_detector.errors import DatasetError
from mask_detector.images import is_photo
from mask_detector.training.annotations.coco import read_coco, read_coco_files
from mask_detector.training.annotations.gallery import Gallery
from mask_detector.training.annotations.marks import AnnotatedPhoto, Entries
from mask_detector.training.annotations.voc import read_voc
from mask_detector.training.annotations.yolo import read_yolo
from mask_detector.training.folders import files_below

__all__ = ["AnnotatedPhoto", "read_annotations"]


def read_annotations(
    images: str | Path, annotations: str | Path
) -> tuple[list[AnnotatedPhoto], list[str]]:
    """Read every annotated photo, in order of the paths.

    Args:
        images: folder of the photos; folders inside it are searched too.
        annotations: folder of VOC XML or YOLO txt files named like the photos, a COCO JSON
            file, or a folder with one or more. It may be the folder of the photos.

    Returns:
        The photos, and one sentence for every photo or file that was left out and why.

    Raises:
        DatasetError: a folder is missing, the format is unknown, or no photo is usable.
    """
    images, annotations = Path(images), Path(annotations)
    if not images.is_dir():
        raise DatasetError(f"{images}: there is no such folder of photos")
    if not annotations.exists():
        raise DatasetError(f"{annotations}: there are no such annotations")
    photos: dict[Path, AnnotatedPhoto] = {}
    problems: list[str] = []
    gallery = Gallery(images, filter(is_photo, files_below(images, problems)))
    for source, read in _entries(annotations, gallery, problems):
        # One photo that cannot be used leaves the others usable.
        try:
            photo = read()
        except DatasetError as error:
            problems.append(f"{source}: {str(error).removeprefix(f'{source}: ')}")
            continue
        if photo.path in photos:
            problems.append(f"{source}: {photo.path.name} has been annotated already")
        else:
            photos[photo.path] = photo
    if not photos:
        first = f" (the first of {len(problems)} problems: {problems[0]})" if problems else ""
        raise DatasetError(f"{annotations}: no photo of {images} is usable with these{first}")
    return [photos[path] for path in sorted(photos)], problems


def annotation_kinds(files: Sequence[Path], gallery: Gallery) -> dict[str, list[Path]]:
    """The files that may be annotations, by kind; only kinds of which there are some."""
    kinds = {
        "VOC": [path for path in files if path.suffix.lower() == ".xml"],
        "COCO": [path for path in files if path.suffix.lower() == ".json"],
        "YOLO": [path for path in files if path.suffix.lower() == ".txt" and path.stem in gallery],
    }
    return {kind: found for kind, found in kinds.items() if found}


def _entries(annotations: Path, gallery: Gallery, problems: list[str]) -> Entries:
    if annotations.is_file():
        return read_coco(annotations, problems).entries(gallery)
    kinds = annotation_kinds(files_below(annotations, problems), gallery)
    if len(kinds) > 1:
        endings = " and ".join(f"*{found[0].suffix}" for found in kinds.values())
        raise DatasetError(f"{annotations}: holds {endings}, keep one kind of annotations in it")
    # Each kind has a reader of its own; all give (where, what reads the photo) pairs.
    if "VOC" in kinds:
        return read_voc(annotations, kinds["VOC"], gallery)
    if "YOLO" in kinds:
        return read_yolo(annotations, kinds["YOLO"], gallery)
    if "COCO" in kinds:
        files = read_coco_files(kinds["COCO"], problems)
        return itertools.chain.from_iterable(file.entries(gallery) for file in files)
    raise DatasetError(
        f"{annotations}: expected Pascal VOC XML files, a COCO JSON file, "
        "or YOLO txt files named like the photos, found none"
    )
