"""Annotated photos: faces with their boxes, from Pascal VOC, YOLO or COCO files.

    photos, problems = read_annotations(Path("images"), Path("annotations"))

The format is recognised by what the files hold. All come out in one form: pixels of the photo
as it is displayed (EXIF orientation applied), counted from 0 at the photo's edge, so that a box
is ``x2 - x1`` pixels wide.

* Pascal VOC counts pixels from 1 and includes the last one, as its definition says: ``xmin`` 1
  is the left edge. The size written in the file is not believed, the photo's own is.
* YOLO gives centre and size as shares of the photo; ``classes.txt`` or the ``names`` of
  ``data.yaml`` name the classes.
* COCO gives left, top, width and height in pixels from 0.

Boxes may reach beyond the edge, as annotators' boxes do, and are cut there; a box that lies
outside by more than half tells that the file belongs to another photo or another size of it.
What VOC calls ``difficult`` and COCO ``iscrowd`` is kept apart as an ignored region.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import ExifTags, Image

from mask_detector.errors import DatasetError
from mask_detector.images import is_photo

_YOLO_CLASS_FILES = ("classes.txt", "data.yaml", "data.yml", "dataset.yaml")
_ROTATED_BY_90 = (5, 6, 7, 8)  # EXIF orientations that swap width and height


def _no_boxes() -> np.ndarray:
    return np.empty((0, 4), np.float32)


@dataclass(frozen=True)
class AnnotatedPhoto:
    """A photo and the faces that somebody marked in it.

    Attributes:
        path: the photo.
        boxes: float32 (N, 4), x1, y1, x2, y2 in pixels of the photo as displayed, inside it;
            (0, 4) for a photo that is annotated as having no face.
        labels: N class names.
        ignored: float32 (M, 4), regions where faces are neither asked for nor wrong.
    """

    path: Path
    boxes: np.ndarray
    labels: list[str]
    ignored: np.ndarray = field(default_factory=_no_boxes)


@dataclass(frozen=True)
class _Mark:
    label: str
    box: tuple[float, float, float, float]
    ignored: bool = False


_Size = tuple[int, int]


def read_annotations(
    images: str | Path, annotations: str | Path
) -> tuple[list[AnnotatedPhoto], list[str]]:
    """Read every annotated photo, in order of the paths.

    Args:
        images: folder of the photos; folders inside it are searched too.
        annotations: folder of VOC XML or YOLO txt files named like the photos, a COCO JSON
            file, or a folder with one.

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
    gallery = _Gallery(images)
    photos: dict[Path, AnnotatedPhoto] = {}
    problems: list[str] = []
    for source, read in _annotation_files(annotations, gallery):
        try:
            photo = read()
        except DatasetError as error:
            problems.append(f"{source}: {error}")
            continue
        if photo.path in photos:
            problems.append(f"{source}: {photo.path.name} has been annotated already")
        else:
            photos[photo.path] = photo
    if not photos:
        first = f" (the first of {len(problems)} problems: {problems[0]})" if problems else ""
        raise DatasetError(f"{annotations}: no photo of {images} is usable with these{first}")
    return [photos[path] for path in sorted(photos)], problems


class _Gallery:
    """The photos of a folder, found by path inside it, by name, or by either without ending."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._photos: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            if is_photo(path):
                inside = path.relative_to(folder)
                for key in {
                    inside.as_posix(),
                    inside.with_suffix("").as_posix(),
                    path.name,
                    path.stem,
                }:
                    self._photos.setdefault(key, []).append(path)

    def __contains__(self, name: str) -> bool:
        return name in self._photos

    def find(self, *names: str) -> Path:
        """The photo that alone goes by one of the names, tried in order."""
        matches = [self._photos.get(name, []) for name in names]
        for match in matches:
            if len(match) == 1:
                return match[0]
        for match in matches:
            if match:
                raise DatasetError(f"its photo may be {match[0]} or {match[1]}")
        raise DatasetError(f"there is no photo {names[0]} in {self._folder}")


_Reader = Iterator[tuple[str, Callable[[], AnnotatedPhoto]]]


def _annotation_files(annotations: Path, gallery: _Gallery) -> _Reader:
    if annotations.is_file():
        return _coco(annotations, gallery)
    files = sorted(path for path in annotations.rglob("*") if path.is_file())
    voc = [path for path in files if path.suffix.lower() == ".xml"]
    coco = [path for path in files if path.suffix.lower() == ".json"]
    yolo = [path for path in files if path.suffix.lower() == ".txt" and path.stem in gallery]
    found = [kind for kind in (voc, coco, yolo) if kind]
    if len(found) > 1:
        kinds = " and ".join(f"*{kind[0].suffix}" for kind in found)
        raise DatasetError(f"{annotations}: holds {kinds}, keep one kind of annotations in it")
    if voc:
        return _voc(voc, gallery)
    if len(coco) > 1:
        names = ", ".join(path.name for path in coco[:3])
        raise DatasetError(f"{annotations}: name one of its COCO files ({names})")
    if coco:
        return _coco(coco[0], gallery)
    if yolo:
        return _yolo(annotations, yolo, gallery)
    raise DatasetError(
        f"{annotations}: expected Pascal VOC XML files, a COCO JSON file, "
        "or YOLO txt files named like the photos, found none"
    )


def _voc(files: list[Path], gallery: _Gallery) -> _Reader:
    def read(path: Path) -> AnnotatedPhoto:
        try:
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
            raise DatasetError(f"this is not readable XML ({error})") from None
        if root.tag != "annotation":
            raise DatasetError(f"expected Pascal VOC's <annotation>, found <{root.tag}>")
        written = (root.findtext("filename") or "").strip().replace("\\", "/").split("/")[-1]
        photo = gallery.find(path.stem, *([written] if written else []))
        return _annotated(photo, lambda size: [_voc_mark(item) for item in root.iter("object")])

    for path in files:
        yield str(path), lambda path=path: read(path)  # type: ignore[misc]


def _voc_mark(item: ElementTree.Element) -> _Mark:
    label = (item.findtext("name") or "").strip()
    corners = [item.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
    x1, y1, x2, y2 = (_number(corner) for corner in corners)
    difficult = (item.findtext("difficult") or "0").strip() == "1"
    return _Mark(label, (x1 - 1, y1 - 1, x2, y2), difficult)


def _yolo(folder: Path, files: list[Path], gallery: _Gallery) -> _Reader:
    classes = _yolo_classes(folder)

    def read(path: Path) -> AnnotatedPhoto:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"this is not a readable text ({error})") from None
        marks = [line.split() for line in lines if line.strip()]
        photo = gallery.find(path.stem)
        return _annotated(photo, lambda size: [_yolo_mark(mark, classes, size) for mark in marks])

    for path in files:
        yield str(path), lambda path=path: read(path)  # type: ignore[misc]


def _yolo_mark(columns: list[str], classes: Mapping[int, str], size: _Size) -> _Mark:
    if len(columns) != 5:
        raise DatasetError(f"expected class, x, y, width, height, found {' '.join(columns)!r}")
    number, x, y, width, height = (_number(column) for column in columns)
    if number not in classes:
        known = ", ".join(f"{index} {name}" for index, name in classes.items())
        raise DatasetError(f"class {number:g} is unknown, known are {known}")
    shares = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    if not (shares.min() >= -0.5 and shares.max() <= 1.5):
        raise DatasetError(f"expected shares of the photo from 0 to 1, found {' '.join(columns)!r}")
    x1, y1, x2, y2 = shares * (*size, *size)
    return _Mark(classes[int(number)], (x1, y1, x2, y2))


def _yolo_classes(folder: Path) -> dict[int, str]:
    """Class names from the file beside the labels or up to two folders above them."""
    import yaml

    places = [folder, *folder.resolve().parents[:2]]
    candidates = [place / name for place in places for name in _YOLO_CLASS_FILES]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise DatasetError(
            f"{folder}: YOLO annotations need a classes.txt or data.yaml beside them"
        )
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            names: Any = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            names = yaml.safe_load(text)["names"]
        classes = dict(names if isinstance(names, dict) else enumerate(names))
        return {int(index): str(name) for index, name in classes.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        sentence = str(error).splitlines()[0]
        raise DatasetError(f"{path}: no class names can be read from it ({sentence})") from None


def _coco(path: Path, gallery: _Gallery) -> _Reader:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        classes = {item["id"]: str(item["name"]) for item in content["categories"]}
        names = {item["id"]: str(item["file_name"]) for item in content["images"]}
        marks: dict[Any, list[dict[str, Any]]] = {image: [] for image in names}
        for item in content["annotations"]:
            marks[item["image_id"]].append(item)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: this is not readable JSON ({error})") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: this is not COCO JSON, {error} is missing") from None

    def read(image: Any) -> AnnotatedPhoto:
        photo = gallery.find(names[image], Path(names[image]).name)
        return _annotated(photo, lambda size: [_coco_mark(item, classes) for item in marks[image]])

    for image in names:
        yield f"{path}, image {image}", lambda image=image: read(image)  # type: ignore[misc]


def _coco_mark(item: dict[str, Any], classes: Mapping[Any, str]) -> _Mark:
    try:
        label = classes[item["category_id"]]
        x, y, width, height = (_number(number) for number in item["bbox"])
    except KeyError as error:
        raise DatasetError(f"category_id or bbox is missing or unknown ({error})") from None
    except (TypeError, ValueError):
        raise DatasetError(f"expected four numbers as bbox, found {item['bbox']}") from None
    return _Mark(label, (x, y, x + width, y + height), bool(item.get("iscrowd", 0)))


def _number(text: object) -> float:
    try:
        number = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DatasetError(f"expected a number, found {text!r}") from None
    if not np.isfinite(number):
        raise DatasetError(f"expected a finite number, found {text!r}")
    return number


def _annotated(path: Path, read_marks: Callable[[_Size], list[_Mark]]) -> AnnotatedPhoto:
    size = _displayed_size(path)
    marks = read_marks(size)
    boxes = [_inside(mark, size) for mark in marks]

    def chosen(ignored: bool) -> np.ndarray:
        pairs = zip(boxes, marks, strict=True)
        selected = [box for box, mark in pairs if mark.ignored is ignored]
        return np.array(selected, np.float32).reshape(-1, 4)

    labels = [mark.label for mark in marks if not mark.ignored]
    return AnnotatedPhoto(path, chosen(ignored=False), labels, chosen(ignored=True))


def _inside(mark: _Mark, size: _Size) -> np.ndarray:
    """The box cut to the photo."""
    box = np.array(mark.box)
    shown = ", ".join(f"{number:g}" for number in box)
    if not mark.label:
        raise DatasetError(f"the box {shown} has no class")
    if not (box[:2] < box[2:]).all():
        raise DatasetError(f"the box {shown} ({mark.label}) is empty")
    cut = np.clip(box, 0, (*size, *size))
    if np.prod(cut[2:] - cut[:2]) < 0.5 * np.prod(box[2:] - box[:2]):
        raise DatasetError(
            f"the box {shown} ({mark.label}) lies outside the photo of {size[0]} x {size[1]} pixels"
        )
    return cut


def _displayed_size(path: Path) -> _Size:
    try:
        with Image.open(path) as photo:
            width, height = photo.size
            orientation = photo.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path} cannot be read ({error})") from None
    return (height, width) if orientation in _ROTATED_BY_90 else (width, height)
