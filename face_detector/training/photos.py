"""The photos that a face detector is trained on, and the boxes of their faces.

A dataset folder has ``images/`` and ``annotations/``, or class folders, whose faces are boxed by
teachers: detectors that search thoroughly. In annotated photos the teachers add the faces that
nobody annotated, and mark what looks like a face and is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from face_detector import FaceDetector
from face_detector.training.labels import (
    Sighting,
    landmarks_and_scores,
    lie_apart,
    look,
    main_face,
    unseen,
)
from face_detector.training.shared import (
    TEST_SALT,
    VALIDATION_SALT,
    AnnotatedPhoto,
    DatasetError,
    PhotoError,
    group_near_duplicates,
    is_photo,
    part_of,
    perceptual_hashes,
    place_of,
    read_annotations,
    read_groups,
    read_photo,
)

BARE = "without_mask"
"""The class whose faces masks are drawn on."""

_SMALLEST_PHOTO = 32
_TEST_SHARE = 0.2  # of the groups, as in training the mask classifier


@dataclass(frozen=True, eq=False)
class TrainingPhoto:
    """A photo and what is known of its faces. Boxes are x1, y1, x2, y2 in pixels of the photo.

    Attributes:
        path: the file.
        part: ``train``, ``validation`` or ``test``.
        annotated: people said where faces are, and how large; otherwise the teacher did.
        boxes: float32 (N, 4), the faces.
        landmarks: float32 (N, 5, 2) in the order of :class:`face_detector.Detections`, NaN where
            the teacher did not find the face.
        by_people: bool (N,), which of them people boxed; the teacher boxed the others.
        bare: bool (N,), which faces wear nothing that is known of.
        ignored: float32 (M, 4), regions that count neither as faces nor as background.
        hard_negatives: float32 (K, 4), false detections of the last teacher.
        scores: float32 (N,), the last teacher's of each face, 0 where it missed the face.
        drawn_seed: seed for masks, hands and scarves drawn on the bare faces; None draws nothing.
    """

    path: Path
    part: str
    annotated: bool
    boxes: np.ndarray
    by_people: np.ndarray
    landmarks: np.ndarray
    bare: np.ndarray
    ignored: np.ndarray
    hard_negatives: np.ndarray
    scores: np.ndarray
    drawn_seed: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The photo as JSON holds it; float32 values stay exact, NaN becomes JSON's ``NaN``."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in values.items()
        } | {"path": str(self.path)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainingPhoto:
        """The photo that :meth:`as_json` wrote."""
        boxes, points = (-1, 4), (-1, 5, 2)
        shapes = {"boxes": boxes, "ignored": boxes, "hard_negatives": boxes, "landmarks": points}
        arrays: dict[str, Any] = {
            name: np.array(values[name], np.float32).reshape(shape)
            for name, shape in shapes.items()
        }
        arrays |= {name: np.array(values[name], bool) for name in ("by_people", "bare")}
        arrays["scores"] = np.array(values["scores"], np.float32)
        return cls(**(values | arrays | {"path": Path(values["path"])}))


@dataclass(frozen=True)
class _Source:
    """A photo of a dataset folder before the teachers have seen it."""

    photo: AnnotatedPhoto
    group: str
    label: str = ""  # of its class folder; empty for an annotated photo
    reboxed: bool = False  # its boxes are to be replaced by the teachers'


def read_training_photos(
    folders: Sequence[Path],
    reboxed_folders: Sequence[Path],
    teachers: Sequence[FaceDetector],
    progress: bool = True,
) -> tuple[list[TrainingPhoto], list[str]]:
    """Read the dataset folders and run the teachers on every photo.

    Args:
        folders: with ``images/`` and ``annotations/``, or with class folders.
        reboxed_folders: annotated folders whose boxes follow another convention, such as hair to
            chin: the teachers' boxes replace them.
        teachers: detectors whose lowest score is ``LOWEST_SCORE``; the last one boxes best.

    Returns:
        The photos in a stable order, and one sentence for each that was left out.

    Raises:
        DatasetError: a folder is missing, or holds no photos.
    """
    problems: list[str] = []
    sources: list[_Source] = []
    for folder in (*folders, *reboxed_folders):
        if not folder.is_dir():
            raise DatasetError(f"{folder}: there is no such dataset folder")
        if (folder / "images").is_dir() and (folder / "annotations").exists():
            sources += _annotated(folder, folder in reboxed_folders, problems)
        else:
            sources += _of_class_folders(folder)
    if not sources:
        where = ", ".join(map(str, folders))
        raise DatasetError(
            f"{where}: no photos; expected class folders such as with_mask/ and without_mask/, "
            "or images/ with annotations/"
        )
    sources = _with_groups(sources)
    seen: list[tuple[_Source, Sighting, tuple[int, int]]] = []
    hidden = None if progress else True  # None: hidden unless on a terminal
    for source in tqdm(sources, desc="Labelling photos", unit="photo", disable=hidden):
        try:
            image = read_photo(source.photo.path)
        except PhotoError as error:
            problems.append(str(error))
            continue
        if min(image.shape[:2]) < _SMALLEST_PHOTO:
            problems.append(f"{source.photo.path}: fewer than {_SMALLEST_PHOTO} pixels a side")
            continue
        height, width = image.shape[:2]
        seen.append((source, look(teachers, image), (width, height)))
    parts = _parts({source.group for source, *_ in seen})
    photos = [
        _labelled(source, parts[source.group], sighting, size) for source, sighting, size in seen
    ]
    return photos, problems


def with_drawings(photos: Iterable[TrainingPhoto], seed: int) -> list[TrainingPhoto]:
    """Copies of the photos that have bare faces with landmarks, to be drawn on."""
    rng = np.random.default_rng(seed)
    return [
        replace(photo, drawn_seed=int(rng.integers(2**31)))
        for photo in photos
        if (photo.bare & np.isfinite(photo.landmarks).all(axis=(1, 2))).any()
    ]


def _labelled(
    source: _Source, part: str, sighting: Sighting, size: tuple[int, int]
) -> TrainingPhoto:
    """Combine the annotations and what the teachers see of a photo, ``size`` its width, height."""
    photo, found = source.photo, sighting.found
    boxes, ignored = photo.boxes, photo.ignored
    bare = np.array([label == BARE for label in photo.labels], bool)
    sure = sighting.sure
    if source.label:
        # The class folder says that there is a face, which teachers doubt where it is turned.
        sure = sure | main_face(sighting, *size)
    if source.reboxed:
        # Where the teachers see no face there is one all the same, but its box is unknown.
        ignored = np.vstack([ignored, boxes[unseen(boxes, sighting)]])
        boxes, bare = boxes[:0], bare[:0]
    apart = lie_apart(found.boxes, np.vstack([boxes, ignored]))
    more = found.boxes[sure & apart]
    apart &= ~sure & lie_apart(found.boxes, more)
    # In a photo without annotations everything doubtful may well be a face.
    complete = not source.label and not source.reboxed
    doubtful = found.boxes[apart & (sighting.open | (not complete))]
    false = found.boxes[apart & sighting.hard_negative & complete]
    known = np.vstack([boxes, more]).astype(np.float32)
    landmarks, scores = landmarks_and_scores(known, sighting)
    return TrainingPhoto(
        photo.path,
        part,
        complete,
        known,
        np.arange(len(known)) < len(boxes),
        landmarks,
        np.append(bare, np.full(len(more), source.label == BARE)),
        np.vstack([ignored, doubtful]).astype(np.float32),
        false.astype(np.float32),
        scores,
    )


def _parts(groups: Iterable[str]) -> dict[str, str]:
    """The part of each group; few groups may leave a part empty, which then gets the next one."""
    parts = {group: part_of(group, _TEST_SHARE) for group in groups}
    for part, salt in (("test", TEST_SALT), ("validation", VALIDATION_SALT)):
        free = sorted(group for group in parts if parts[group] == "train")
        if part not in parts.values() and len(free) > 1:
            parts[min(free, key=lambda group: place_of(group, salt))] = part
    return parts


def _annotated(folder: Path, reboxed: bool, problems: list[str]) -> list[_Source]:
    groups = _groups(folder, "image")
    photos, unusable = read_annotations(folder / "images", folder / "annotations")
    problems += unusable
    return [
        _Source(
            photo, groups.get(photo.path.name) or groups.get(photo.path.stem, ""), reboxed=reboxed
        )
        for photo in photos
    ]


def _of_class_folders(folder: Path) -> list[_Source]:
    groups = _groups(folder, "file")
    sources = []
    for class_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(class_folder.rglob("*")):
            if is_photo(path):
                photo = AnnotatedPhoto(path, np.empty((0, 4), np.float32), [])
                group = groups.get(path.relative_to(folder).as_posix(), "")
                sources.append(_Source(photo, group, class_folder.name))
    return sources


def _groups(folder: Path, column: str) -> dict[str, str]:
    path = folder / "groups.csv"
    return read_groups(path, column) if path.exists() else {}


def _with_groups(sources: Sequence[_Source]) -> list[_Source]:
    """Give every photo without a group that of its near-duplicates; the order stays."""
    unnamed = [source for source in sources if not source.group]
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(_hashes, unnamed))
    firsts = group_near_duplicates(np.array(hashes, np.uint64).reshape(-1, 2))
    names = {
        id(source): f"{hashes[first][0]:016x}"
        for source, first in zip(unnamed, firsts, strict=True)
    }
    return [
        source if source.group else replace(source, group=names[id(source)]) for source in sources
    ]


def _hashes(source: _Source) -> tuple[int, int]:
    """Perceptual hashes of the photo and its mirror image; zeros where it cannot be read."""
    cv2.setNumThreads(1)
    try:
        return perceptual_hashes(read_photo(source.photo.path))
    except PhotoError:
        return 0, 0
