"""YOLO: a txt file for each photo, a line for each face, and one file with the class names.

A line holds the class's number and the box's centre and size as shares of the photo, or the
corners of a polygon, whose bounding box is then taken.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.errors import DatasetError
from mask_detector.training.annotations.gallery import Gallery
from mask_detector.training.annotations.marks import (
    AnnotatedPhoto,
    Entries,
    Mark,
    Size,
    annotated,
    parse_number,
    shortened,
)
from mask_detector.training.folders import MEGABYTE, read_text

CLASS_FILES = (
    "classes.txt", "_darknet.labels", "*.names",
    "data.yaml", "data.yml", "dataset.yaml", "dataset.yml",
)  # fmt: skip
"""Names of the file with the class names, beside the labels or up to two folders above them."""

_MOST_LABEL_BYTES = 8 * MEGABYTE
_MOST_CLASS_BYTES = MEGABYTE // 4
_DEEPEST_YAML = 20


def read_yolo(folder: Path, files: Sequence[Path], gallery: Gallery) -> Entries:
    """The photos that the txt files of a folder annotate.

    Raises:
        DatasetError: the class names cannot be read.
    """
    classes = read_class_names(_class_file(folder))

    def read(path: Path) -> AnnotatedPhoto:
        lines = read_text(path, _MOST_LABEL_BYTES).splitlines()
        marks = [line.split() for line in lines if line.strip()]
        names = (path.relative_to(folder).with_suffix("").as_posix(), path.stem)
        return annotated(
            gallery.find(*names), lambda size: [_mark(mark, classes, size) for mark in marks]
        )

    for path in files:
        yield str(path), lambda path=path: read(path)  # type: ignore[misc]


def _mark(columns: list[str], classes: Mapping[int, str], size: Size) -> Mark:
    line = shortened(" ".join(columns))
    is_polygon = len(columns) >= 7 and len(columns) % 2 == 1
    if len(columns) != 5 and not is_polygon:
        raise DatasetError(f"expected class, x, y, width, height, found {line}")
    number, *values = (parse_number(column) for column in columns)
    if number not in classes:
        known = ", ".join(f"{index} {name}" for index, name in classes.items())
        known = textwrap.shorten(known, 100, placeholder=" …")
        raise DatasetError(f"class {number:g} is unknown, known are {known}")
    if is_polygon:
        corners = np.array(values).reshape(-1, 2)  # x, y of each
        shares = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    else:
        x, y, width, height = values
        shares = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    if not (shares.min() >= -0.5 and shares.max() <= 1.5):
        raise DatasetError(f"expected shares of the photo from 0 to 1, found {line}")
    x1, y1, x2, y2 = shares * (*size, *size)
    return Mark(classes[int(number)], (x1, y1, x2, y2))


def _class_file(folder: Path) -> Path:
    places = [folder, *folder.resolve().parents[:2]]
    candidates = (path for place in places for name in CLASS_FILES for path in place.glob(name))
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise DatasetError(
            f"{folder}: YOLO annotations need a classes.txt or data.yaml beside them or up to two "
            "folders above them"
        )
    return path


def read_class_names(path: Path) -> dict[int, str]:
    """The class names by number from a list of names, one a line, or the ``names`` of a YAML.

    Raises:
        DatasetError: there are none, or not as a list, or numbered.
    """
    text = read_text(path, _MOST_CLASS_BYTES)
    if path.suffix in (".yaml", ".yml"):
        names = _names_in_yaml(path, text)
    else:
        names = dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    if not names or not all(names.values()):
        raise DatasetError(f"{path}: no class names can be read from it, or one is empty")
    return names


def _names_in_yaml(path: Path, text: str) -> dict[int, str]:
    import yaml  # not part of an installation for detection

    # The libyaml of C is a hundred times as fast, but not in every installation.
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    wanted = "expected names: [first, second] or numbered names, one a line"
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST_YAML:
                raise DatasetError(f"{path}: lists in lists, more than {_DEEPEST_YAML} deep")
            # A few lines of aliases can stand for gigabytes of text.
            if isinstance(event, yaml.AliasEvent):
                raise DatasetError(f"{path}: YAML with aliases (*{event.anchor}) is not accepted")
        # This loader leaves every value as text: to others, yes and no are true and false.
        content = yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError) as error:
        sentence = str(error).splitlines()[0][:100]
        raise DatasetError(f"{path}: no class names can be read from it ({sentence})") from None
    names = content.get("names") if isinstance(content, dict) else None
    if names is None:
        raise DatasetError(f"{path}: no class names can be read from it, {wanted}")
    pairs = list(names.items() if isinstance(names, dict) else enumerate(names))
    if isinstance(names, str) or not all(isinstance(name, str) for _, name in pairs):
        raise DatasetError(f"{path}: {wanted}, found names: {shortened(names)}")
    try:
        return {int(number): name.strip() for number, name in pairs}
    except (TypeError, ValueError):
        raise DatasetError(f"{path}: {wanted}, found names: {shortened(names)}") from None
