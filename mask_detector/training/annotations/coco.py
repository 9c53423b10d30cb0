"""COCO: one JSON file for many photos; boxes are left, top, width and height in pixels from 0."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mask_detector.errors import DatasetError
from mask_detector.training.annotations.gallery import Gallery, name_key
from mask_detector.training.annotations.marks import (
    AnnotatedPhoto,
    Entries,
    Mark,
    annotated,
    parse_number,
    shortened,
)
from mask_detector.training.folders import MEGABYTE, read_text

_MOST_BYTES = 512 * MEGABYTE


@dataclass(frozen=True)
class CocoFile:
    """What a COCO file says.

    Attributes:
        names: file names of the images by id.
        classes: names of the categories by id.
        boxes: the annotations of each image, by its id.
    """

    path: Path
    names: dict[Any, str]
    classes: dict[Any, str]
    boxes: dict[Any, list[dict[str, Any]]]

    def entries(self, gallery: Gallery) -> Entries:
        """The photos that the file annotates."""

        def read(image: Any) -> AnnotatedPhoto:
            name = self.names[image].replace("\\", "/")
            photo = gallery.find(name, name.split("/")[-1])
            boxes = self.boxes[image]
            return annotated(photo, lambda _: [_mark(item, self.classes) for item in boxes])

        for image in self.names:
            source = f"{self.path}, image {shortened(image)}"
            yield source, lambda image=image: read(image)  # type: ignore[misc]


def read_coco(path: Path, problems: list[str]) -> CocoFile:
    """Read a COCO file.

    Args:
        problems: gets a sentence for the images, categories and boxes that cannot be used.

    Raises:
        DatasetError: the file is not COCO JSON.
    """
    content = _parse(path)
    names = _named(path, content["images"], "file_name", problems)
    classes = _named(path, content["categories"], "name", problems)
    # Images without boxes are annotated too: as having no face.
    boxes: dict[Any, list[dict[str, Any]]] = {image: [] for image in names}
    orphans: Counter[str] = Counter()
    for item in content["annotations"]:
        image = item.get("image_id") if isinstance(item, dict) else None
        if _is_id(image) and image in boxes:
            boxes[image].append(item)
        else:
            orphans[shortened(image)] += 1
    if orphans:
        problems.append(
            f"{path}: {orphans.total()} of its boxes belong to no image of the file "
            f"(image_id {', '.join(list(orphans)[:3])})"
        )
    return CocoFile(path, names, classes, boxes)


def read_coco_files(paths: Sequence[Path], problems: list[str]) -> list[CocoFile]:
    """Read the COCO files of a folder, each of which annotates other photos.

    Raises:
        DatasetError: none is COCO JSON, or two annotate the same photo.
    """
    files: list[CocoFile] = []
    errors: list[DatasetError] = []
    for path in paths:
        try:
            files.append(read_coco(path, problems))
        except DatasetError as error:
            errors.append(error)
    if not files:
        raise errors[0]
    problems += [str(error) for error in errors]
    first: dict[str, CocoFile] = {}  # the first file that annotates a photo, by its name
    for file in files:
        for name in file.names.values():
            if first.setdefault(name_key(name), file) is not file:
                raise DatasetError(
                    f"{file.path.parent}: {first[name_key(name)].path.name} and {file.path.name} "
                    f"annotate the same photo ({shortened(name)}); keep one of them"
                )
    return files


def _parse(path: Path) -> dict[str, list[Any]]:
    text = read_text(path, _MOST_BYTES)
    try:
        content = json.loads(text)
    except RecursionError:
        raise DatasetError(f"{path}: this is not readable JSON (lists in lists in lists)") from None
    except ValueError as error:
        raise DatasetError(f"{path}: this is not readable JSON ({str(error)[:100]})") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: this is not COCO JSON, expected an object with images")
    for part in ("images", "categories", "annotations"):
        if not isinstance(content.get(part), list):
            raise DatasetError(f"{path}: this is not COCO JSON, {part!r} is missing or no list")
    return content


def _named(path: Path, items: list[Any], key: str, problems: list[str]) -> dict[Any, str]:
    """The names of images or categories by id."""
    names: dict[Any, str] = {}
    unusable = []
    for item in items:
        number, name = (item.get("id"), item.get(key)) if isinstance(item, dict) else (None, None)
        if _is_id(number) and isinstance(name, str) and name.strip():
            names[number] = name.strip()
        else:
            unusable.append(shortened(item))
    if unusable:
        problems.append(f"{path}: {len(unusable)} without id or {key}, skipped ({unusable[0]})")
    return names


def _is_id(value: object) -> bool:
    return isinstance(value, int | float | str)


def _mark(item: dict[str, Any], classes: Mapping[Any, str]) -> Mark:
    category, box = item.get("category_id"), item.get("bbox")
    if not _is_id(category) or category not in classes:
        raise DatasetError(f"category_id is missing or unknown ({shortened(category)})")
    if not isinstance(box, list) or len(box) != 4:
        raise DatasetError(f"expected four numbers as bbox, found {shortened(box)}")
    x, y, width, height = (parse_number(number) for number in box)
    crowd = item.get("iscrowd", 0) in (1, True, "1")
    return Mark(classes[category], (x, y, x + width, y + height), crowd)
