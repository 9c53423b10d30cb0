"""The photos that a face detector learns from: which there are, and where their faces are.

A dataset folder has ``images/`` and ``annotations/``, whose boxes are believed, or class folders,
in whose photos a teacher finds the faces. The teacher, a detector that looks thoroughly, also
finds the faces of the background that nobody annotated, and what it takes for a face and is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_detector import Detections, FaceDetector
from face_detector.multiscale import merged
from face_detector.training.outside import (
    AnnotatedPhoto,
    DatasetError,
    PhotoError,
    group_near_duplicates,
    is_photo,
    overlaps,
    part_of,
    perceptual_hashes,
    read_annotations,
    read_groups,
    read_photo,
)

BARE = "without_mask"
"""The class whose faces masks are drawn on."""

SURE, DOUBTFUL = 0.65, 0.3
"""Teacher's scores: from the first on it is believed, from the second on it has seen something."""

_SAME, _APART = 0.5, 0.3  # IoU from which two boxes are one face, and below which they are two
_SMALLEST_PHOTO = 32
_TEST_SHARE = 0.2  # of the groups, as in training the mask classifier


@dataclass(frozen=True, eq=False)
class TrainingPhoto:
    """A photo, its faces and its traps. Boxes are x1, y1, x2, y2 in pixels of the photo.

    Attributes:
        path: the file.
        part: ``train``, ``validation`` or ``test``.
        annotated: people said where faces are, and how large; otherwise the teacher did.
        boxes: float32 (N, 4), the faces.
        landmarks: float32 (N, 5, 2) in the order of :class:`face_detector.Detections`, NaN where
            the teacher did not find the face.
        by_people: bool (N,), which of them people boxed; the teacher boxed the others.
        bare: bool (N,), which faces wear nothing that is known of.
        ignored: float32 (M, 4), regions that are neither faces nor background.
        traps: float32 (K, 4), what the teacher took for a face and nobody else.
        drawn_seed: draws masks, hands and scarves on the bare faces; None leaves them as they are.
    """

    path: Path
    part: str
    annotated: bool
    boxes: np.ndarray
    by_people: np.ndarray
    landmarks: np.ndarray
    bare: np.ndarray
    ignored: np.ndarray
    traps: np.ndarray
    drawn_seed: int | None = None


@dataclass(frozen=True)
class _Source:
    """A photo of a dataset folder before anybody has looked at it."""

    photo: AnnotatedPhoto
    group: str
    label: str = ""  # of its class folder; empty for an annotated photo
    rough: bool = False  # the boxes say where faces are, not how large


def read_training_photos(
    folders: Sequence[Path],
    rough_folders: Sequence[Path],
    teachers: Sequence[FaceDetector],
    progress: bool = True,
) -> tuple[list[TrainingPhoto], list[str]]:
    """Read the dataset folders and let the teachers look at every photo.

    Args:
        folders: with ``images/`` and ``annotations/``, or with class folders.
        rough_folders: annotated ones whose boxes are drawn in another manner, around the hair for
            instance: the teacher's boxes take their place.
        teachers: detectors whose lowest score is ``DOUBTFUL``.

    Returns:
        The photos in a stable order, and one sentence for each that was left out.

    Raises:
        DatasetError: a folder is missing, or holds no photos.
    """
    problems: list[str] = []
    sources: list[_Source] = []
    for folder in (*folders, *rough_folders):
        if not folder.is_dir():
            raise DatasetError(f"{folder}: there is no such dataset folder")
        if (folder / "images").is_dir() and (folder / "annotations").exists():
            sources += _annotated(folder, folder in rough_folders, problems)
        else:
            sources += _of_class_folders(folder)
    if not sources:
        where = ", ".join(map(str, folders))
        raise DatasetError(
            f"{where}: no photos; expected class folders such as with_mask/ and without_mask/, "
            "or images/ with annotations/"
        )
    sources = _with_groups(sources)
    photos = []
    for source in tqdm(sources, desc="Looking at photos", unit="photo", disable=not progress):
        try:
            image = read_photo(source.photo.path)
        except PhotoError as error:
            problems.append(str(error))
            continue
        if min(image.shape[:2]) < _SMALLEST_PHOTO:
            problems.append(f"{source.photo.path}: fewer than {_SMALLEST_PHOTO} pixels a side")
            continue
        found = merged([teacher.find(image) for teacher in teachers])
        photos.append(_labelled(source, found))
    return photos, problems


def with_drawings(photos: Iterable[TrainingPhoto], seed: int) -> list[TrainingPhoto]:
    """The photos that have bare faces with landmarks, once more: to be drawn on."""
    rng = np.random.default_rng(seed)
    return [
        replace(photo, drawn_seed=int(rng.integers(2**31)))
        for photo in photos
        if (photo.bare & np.isfinite(photo.landmarks).all(axis=(1, 2))).any()
    ]


def _labelled(source: _Source, found: Detections) -> TrainingPhoto:
    """What the annotations and the teacher together say of a photo."""
    photo = source.photo
    boxes, ignored = photo.boxes, photo.ignored
    bare = np.array([label == BARE for label in photo.labels], bool)
    sure = found.scores >= SURE
    if source.rough:
        # A face that the teacher does not see is there all the same, its box unknown.
        shares = overlaps(boxes, found.boxes[sure]).max(axis=1, initial=0)
        ignored = np.vstack([ignored, boxes[shares < _APART]])
        boxes, bare = boxes[:0], bare[:0]
    apart = _lie_apart(found.boxes, np.vstack([boxes, ignored]))
    more = found.boxes[sure & apart]
    doubtful = found.boxes[~sure & apart]
    known = np.vstack([boxes, more])
    # In a photo that nobody has annotated a doubtful face may well be one.
    complete = not source.label and not source.rough
    nothing = np.empty((0, 4), np.float32)
    return TrainingPhoto(
        photo.path,
        part_of(source.group, _TEST_SHARE),
        complete,
        known.astype(np.float32),
        np.arange(len(known)) < len(boxes),
        _landmarks_of(known, found),
        np.append(bare, np.full(len(more), source.label == BARE)),
        np.vstack([ignored, nothing if complete else doubtful]).astype(np.float32),
        (doubtful if complete else nothing).astype(np.float32),
    )


def _lie_apart(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes are not another's, nor half inside another, nor half around one: bool (K,)."""
    shares = overlaps(boxes, others).max(axis=1, initial=0)
    inside = overlaps(boxes, others, of_found=True).max(axis=1, initial=0)
    around = overlaps(others, boxes, of_found=True).max(axis=0, initial=0)
    apart: np.ndarray = (shares < _APART) & (inside < 0.5) & (around < 0.5)
    return apart


def _landmarks_of(boxes: np.ndarray, found: Detections) -> np.ndarray:
    """The landmarks of the found face that is the same as each box, NaN where there is none."""
    landmarks = np.full((len(boxes), 5, 2), np.nan, np.float32)
    if len(boxes) and len(found) and found.landmarks is not None:
        shares = overlaps(boxes, found.boxes)
        same = shares.max(axis=1) >= _SAME
        landmarks[same] = found.landmarks[shares.argmax(axis=1)[same]]
    return landmarks


def _annotated(folder: Path, rough: bool, problems: list[str]) -> list[_Source]:
    groups = _groups(folder, "image")
    photos, unusable = read_annotations(folder / "images", folder / "annotations")
    problems += unusable
    return [
        _Source(photo, groups.get(photo.path.name) or groups.get(photo.path.stem, ""), rough=rough)
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
    """Every photo without a group gets the one of its near-duplicates, in the same order."""
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
