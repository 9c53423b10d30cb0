"""Figures by slice: by skin tone, head covering, pose, or by whatever a CSV file tells of faces.

    image,x1,y1,x2,y2,pose,head covering
    a.jpg,10,20,50,70,front,none
    b.jpg,,,,,,hat

Every column after the box is a group of slices; an empty cell is in none of the group's slices.
A row without a box is about all faces of the photo.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy_measures import (
    Observation,
    System,
    count_faces,
    end_to_end,
    label_figures,
    labels_of_boxes,
)
from benchmarks.intervals import Samples, differences, measures
from face_detector.detections import iou
from mask_detector.errors import DatasetError
from mask_detector.training.annotations import AnnotatedPhoto
from mask_detector.training.annotations.marks import parse_number, shortened
from mask_detector.training.evaluation import IOU_THRESHOLD
from mask_detector.training.folders import MEGABYTE, read_csv

FEW_FACES = 100
"""Gaps to slices with fewer faces than this are marked: they are mostly chance."""

_CORNERS = ("x1", "y1", "x2", "y2")
_MOST_BYTES = 64 * MEGABYTE


@dataclass
class Slice:
    """Some of the annotated faces.

    Attributes:
        members: by photo, bool (N,): which of its annotated faces belong here.
        whole_photos: no row of the file had a box.
    """

    members: dict[Path, np.ndarray] = field(default_factory=dict)
    whole_photos: bool = True

    def of(self, observation: Observation) -> Observation:
        """The photo as this slice sees it.

        Other annotated faces become ignored regions, where a find is neither right nor wrong. A
        photo without a face of the slice stays, with nothing annotated and nothing found, so
        that all slices are resampled by the same photos.
        """
        annotated = observation.annotated
        count = len(annotated.boxes)
        member = self.members.get(annotated.path, np.zeros(count, bool))
        if not member.any():
            nothing = AnnotatedPhoto(annotated.path, np.empty((0, 4), np.float32), [])
            none = observation.box_probabilities[:0]
            return Observation(nothing, [], none, none)
        photo = AnnotatedPhoto(
            annotated.path,
            annotated.boxes[member],
            [label for label, chosen in zip(annotated.labels, member, strict=True) if chosen],
            np.vstack([annotated.ignored, annotated.boxes[~member]]),
        )
        return dataclasses.replace(
            observation,
            annotated=photo,
            box_probabilities=observation.box_probabilities[member],
            far_probabilities=observation.far_probabilities[member],
        )


Slices = dict[str, dict[str, Slice]]
"""By group, then by name."""


def read_slices(
    paths: Iterable[Path], photos: Sequence[AnnotatedPhoto]
) -> tuple[Slices, list[str]]:
    """Read which annotated faces belong to which slices.

    Args:
        paths: CSV files with a column ``image`` (the photo's name with or without its ending), if
            wanted the columns ``x1, y1, x2, y2``, and one column for each group of slices. A
            box means the annotated face that overlaps it best, by half or more.
        photos: the annotated photos.

    Returns:
        The slices, and one sentence for every row whose photo is not annotated.

    Raises:
        DatasetError: a file is missing or unreadable, or one of its lines makes no sense.
    """
    named: dict[str, list[AnnotatedPhoto]] = {}
    for photo in photos:
        for name in {photo.path.name, photo.path.stem}:
            named.setdefault(name, []).append(photo)
    slices: Slices = {}
    problems: list[str] = []
    for path in paths:
        _read_file(path, named, slices, problems)
    return slices, problems


def _read_file(
    path: Path, named: dict[str, list[AnnotatedPhoto]], slices: Slices, problems: list[str]
) -> None:
    """Add one file's faces to the slices.

    Args:
        named: the annotated photos by their names, with and without the ending.
    """
    try:
        rows = read_csv(path, _MOST_BYTES)
    except csv.Error as error:
        raise DatasetError(f"{path}, line 1: {error}") from None
    groups = _groups(path, rows.fieldnames or ())
    for row in _checked(path, rows):
        line = f"{path}, line {rows.line_num}"
        name = row["image"].strip()
        box = _box(line, row)
        if not name:
            raise DatasetError(f"{line}: the photo's name is missing")
        if name not in named:
            problems.append(f"{line}: there is no annotated photo {shortened(name)}")
            continue
        members = [(photo.path, _member(photo, box)) for photo in named[name]]
        if box is not None and not any(member.any() for _, member in members):
            shown = ", ".join(f"{number:g}" for number in box)
            raise DatasetError(f"{line}: {shortened(name)} has no annotated face at {shown}")
        for group in groups:
            if value := row[group].strip():
                one = slices.setdefault(group, {}).setdefault(value, Slice())
                one.whole_photos &= box is None
                for photo_path, member in members:
                    one.members[photo_path] = one.members.get(photo_path, False) | member


def _groups(path: Path, columns: Sequence[str]) -> list[str]:
    """The names of the groups: all columns but the photo's and the box's."""
    groups = [name for name in columns if name not in ("image", *_CORNERS)]
    corners = [name for name in _CORNERS if name in columns]
    doubled = len(set(columns)) < len(columns)
    if "image" not in columns or not all(groups) or not groups or doubled:
        raise DatasetError(
            f"{path}, line 1: expected the column image, then x1, y1, x2, y2 or none of them, "
            "then one column with a name of its own for each group of slices"
        )
    if corners and len(corners) < len(_CORNERS):
        raise DatasetError(f"{path}, line 1: expected x1, y1, x2 and y2, or none of them")
    return groups


def _checked(path: Path, rows: csv.DictReader[str]) -> Iterable[dict[str, str]]:
    """The rows, each checked to have as many cells as there are columns."""
    columns = rows.fieldnames or ()
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise DatasetError(f"{path}, line {rows.line_num + 1}: {error}") from None
        if row is None:
            return
        if None in row or None in row.values():
            raise DatasetError(f"{path}, line {rows.line_num}: expected {len(columns)} cells")
        yield row


def _box(line: str, row: dict[str, str]) -> np.ndarray | None:
    """The row's box, float (4,); None where there is none."""
    texts = [row.get(corner, "").strip() for corner in _CORNERS]
    if not any(texts):
        return None
    try:
        box = np.array([parse_number(text) for text in texts])
    except DatasetError as error:
        raise DatasetError(f"{line}: {error}") from None
    if not (box[:2] < box[2:]).all():
        raise DatasetError(f"{line}: expected x1 < x2 and y1 < y2, found {', '.join(texts)}")
    return box


def _member(photo: AnnotatedPhoto, box: np.ndarray | None) -> np.ndarray:
    """Which of the photo's faces a row is about: bool (N,)."""
    if box is None:
        return np.ones(len(photo.boxes), bool)
    member = np.zeros(len(photo.boxes), bool)
    if len(member):
        overlap = iou(box[None], photo.boxes.astype(np.float64))[0]
        member[overlap.argmax()] = overlap.max() >= IOU_THRESHOLD
    return member


def count_members(slices: Slices, photos: Sequence[AnnotatedPhoto]) -> int:
    """How many of the photos have a face in a slice."""
    parts = [one.members for group in slices.values() for one in group.values()]
    return sum(any(part.get(photo.path, np.zeros(1)).any() for part in parts) for photo in photos)


def by_slice(systems: Sequence[System], slices: Slices, confidence: float) -> dict[str, Any]:
    """All figures by slice.

    Returns:
        By group: ``systems`` and ``classifiers``, in each by name ``slices`` (figures by slice;
        :func:`~benchmarks.accuracy_measures.end_to_end` and
        :func:`~benchmarks.accuracy_measures.label_figures`) and ``gaps`` (:func:`gaps`). Slices
        without a face in the photos measured are left out.
    """
    report: dict[str, Any] = {}
    for group, members in slices.items():
        part: dict[str, Any] = {"systems": {}, "classifiers": {}}
        for system in systems:
            views = {
                name: [one.of(observation) for observation in system.observations]
                for name, one in members.items()
            }
            views = {name: seen for name, seen in sorted(views.items()) if count_faces(seen)}
            part["systems"][system.name] = _end_to_end(system, views, members, confidence)
            if system.classifier not in part["classifiers"]:
                part["classifiers"][system.classifier] = _labels(system, views)
        report[group] = part
    return report


def _end_to_end(
    system: System,
    views: dict[str, list[Observation]],
    members: dict[str, Slice],
    confidence: float,
) -> dict[str, Any]:
    """Figures of finding and labelling for each slice, and their gaps."""
    samples, faces, figures = {}, {}, {}
    for name, seen in views.items():
        samples[name] = end_to_end(seen, system.classes, confidence)
        if not members[name].whole_photos:
            # A false alarm belongs to a photo, not to one of its faces.
            del samples[name]["face_precision"]
        faces[name] = count_faces(seen)
        photos = sum(bool(len(each.annotated.boxes)) for each in seen)
        figures[name] = {"photos": photos, "faces": faces[name], **measures(samples[name])}
    return {"slices": figures, "gaps": gaps(samples, faces)}


def _labels(system: System, views: dict[str, list[Observation]]) -> dict[str, Any]:
    """Figures of labelling the annotated boxes for each slice, and their gaps."""
    figures = {name: label_figures(seen, system.classes) for name, seen in views.items()}
    samples = {name: labels_of_boxes(seen, system.classes) for name, seen in views.items()}
    faces = {name: each["faces"] for name, each in figures.items()}
    return {"slices": figures, "gaps": gaps(samples, faces)}


def gaps(samples: dict[str, Samples], faces: dict[str, int]) -> dict[str, Any]:
    """The largest difference between two slices of a group, for each figure.

    Args:
        samples: by slice.
        faces: by slice, number of annotated faces.

    Returns:
        By figure: ``all`` (between all slices) and ``enough`` (between those with at least
        ``FEW_FACES`` faces), each a Measure with ``highest`` and ``lowest`` (names of the
        slices) and ``few`` (one of them has fewer faces), or None without two slices to compare.
    """
    enough = {name: each for name, each in samples.items() if faces[name] >= FEW_FACES}
    names = dict.fromkeys(
        name for each in samples.values() for name in each if not isinstance(each[name], dict)
    )
    return {
        name: {
            kind: _gap({key: each[name] for key, each in part.items() if name in each}, faces)
            for kind, part in (("all", samples), ("enough", enough))
        }
        for name in names
    }


def _gap(samples: dict[str, np.ndarray], faces: dict[str, int]) -> dict[str, Any] | None:
    known = {name: values for name, values in samples.items() if not np.isnan(values[0])}
    if len(known) < 2:
        return None
    ordered = sorted(known, key=lambda name: float(known[name][0]))
    lowest, highest = ordered[0], ordered[-1]
    difference = differences({"gap": known[highest]}, {"gap": known[lowest]})
    few = min(faces[highest], faces[lowest]) < FEW_FACES
    return {**measures(difference)["gap"], "highest": highest, "lowest": lowest, "few": few}
