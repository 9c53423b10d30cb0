"""Annotated photos, and the marks in them while they are read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mask_detector.errors import DatasetError, PhotoError
from mask_detector.images import displayed_size, read_bytes

Size = tuple[int, int]
"""Width and height in pixels."""


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
class Mark:
    """A box as it is annotated: x1, y1, x2, y2 in pixels of the photo as displayed."""

    label: str
    box: tuple[float, float, float, float]
    ignored: bool = False


Entries = Iterator[tuple[str, Callable[[], AnnotatedPhoto]]]
"""For each annotated photo where it is annotated, for messages, and what reads it."""


def parse_number(text: object) -> float:
    """A finite number from text, or from what JSON gives."""
    try:
        number = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DatasetError(f"expected a number, found {shortened(text)}") from None
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DatasetError(f"expected a finite number, found {shortened(text)}")
    return number


def shortened(value: object) -> str:
    """A value from a file for a message; the file may be anybody's, so it is kept short."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # numbers of more than 4,300 digits; deep lists
        return f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def annotated(path: Path, read_marks: Callable[[Size], list[Mark]]) -> AnnotatedPhoto:
    """A photo with its marks, which are read for the photo's size and cut to it.

    Raises:
        DatasetError: the photo cannot be read, or a mark makes no sense in it.
    """
    try:
        size = displayed_size(read_bytes(path))
    except PhotoError as error:
        raise DatasetError(f"{path} cannot be read ({error})") from None
    marks = read_marks(size)
    boxes = [_inside(mark, size) for mark in marks]

    def chosen(ignored: bool) -> np.ndarray:
        pairs = zip(boxes, marks, strict=True)
        selected = [box for box, mark in pairs if mark.ignored is ignored]
        return np.array(selected, np.float32).reshape(-1, 4)

    labels = [mark.label for mark in marks if not mark.ignored]
    return AnnotatedPhoto(path, chosen(ignored=False), labels, chosen(ignored=True))


def _inside(mark: Mark, size: Size) -> np.ndarray:
    """The box cut to the photo, float64 (4,)."""
    box = np.array(mark.box)
    shown = ", ".join(f"{number:g}" for number in box)
    if not mark.label:
        raise DatasetError(f"the box {shown} has no class")
    if not (box[:2] < box[2:]).all():
        raise DatasetError(f"the box {shown} ({shortened(mark.label)}) is empty")
    # Annotators' boxes may reach beyond the edge a little.
    cut = np.clip(box, 0, (*size, *size))
    with np.errstate(over="ignore"):
        outside = np.prod(cut[2:] - cut[:2]) < 0.5 * np.prod(box[2:] - box[:2])
    if outside:
        raise DatasetError(
            f"the box {shown} ({shortened(mark.label)}) lies outside the photo of "
            f"{size[0]} x {size[1]} pixels"
        )
    return cut
