"""The photos that a face detector is trained on, and the boxes of their faces.

Photos without annotations, in class folders, are boxed by teachers: detectors that search
thoroughly. In annotated photos the teachers add the faces that nobody annotated, and mark what
looks like a face and is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

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
    DatasetPhoto,
    PhotoError,
    find_photos,
    look_into,
    part_of,
    place_of,
    why_no_faces,
)

BARE = "without_mask"
"""The class whose faces masks are drawn on."""

_KNOWN = {"face", "incorrect_mask", "with_mask", BARE}
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


def read_training_photos(
    folders: Sequence[Path],
    reboxed_folders: Sequence[Path],
    teachers: Sequence[FaceDetector],
    problems: list[str],
    notes: Counter[str],
    progress: bool = True,
) -> list[TrainingPhoto]:
    """Read dataset folders as the mask classifier's training does, and run the teachers on them.

    Args:
        folders: of any layout that ``dataset/README.md`` names.
        reboxed_folders: annotated folders whose boxes follow another convention, such as hair to
            chin: the teachers' boxes replace them.
        teachers: detectors whose lowest score is ``LOWEST_SCORE``; the last one boxes best.
        problems: gets one sentence for each photo, file or box that is left out.
        notes: gets counts of what else there is to tell.

    Returns:
        The photos in a stable order, exact copies left out.

    Raises:
        DatasetError: a folder is missing, holds no photos, or its annotations or groups cannot
            be used.
    """
    photos: list[DatasetPhoto] = []
    for folder in (*folders, *reboxed_folders):
        for photo in find_photos(folder, problems, notes, smallest_box=0):
            photo.reboxed = folder in reboxed_folders and not photo.label
            photos.append(photo)
    if not photos:
        where = ", ".join(map(str, (*folders, *reboxed_folders)))
        raise DatasetError(f"{where}: {why_no_faces(photos, problems)}")
    problems += _about_classes(photos)
    seen: dict[int, tuple[Sighting, tuple[int, int]]] = {}

    def see(photo: DatasetPhoto, image: np.ndarray) -> bool:
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_PHOTO:
            raise PhotoError(f"{photo.path}: fewer than {_SMALLEST_PHOTO} pixels a side")
        seen[id(photo)] = look(teachers, image), (width, height)
        return True

    usable = look_into(photos, see, problems, notes, "Labelling photos" if progress else "")
    parts = _parts({photo.group for photo in usable})
    return [_labelled(photo, parts[photo.group], *seen[id(photo)]) for photo in usable]


def _about_classes(photos: Iterable[DatasetPhoto]) -> list[str]:
    """What to say of classes by other names: all count as faces, few are drawn on."""
    names = {label for photo in photos for label in photo.labels}
    if not (unknown := sorted(names - _KNOWN)):
        return []
    return [
        f"unknown classes ({', '.join(unknown)}): whatever they hold counts as faces; masks are "
        f"drawn on faces of the class {BARE} only"
    ]


def with_drawings(photos: Iterable[TrainingPhoto], seed: int) -> list[TrainingPhoto]:
    """Copies of the photos that have bare faces with landmarks, to be drawn on."""
    rng = np.random.default_rng(seed)
    return [
        replace(photo, drawn_seed=int(rng.integers(2**31)))
        for photo in photos
        if (photo.bare & np.isfinite(photo.landmarks).all(axis=(1, 2))).any()
    ]


def _labelled(
    photo: DatasetPhoto, part: str, sighting: Sighting, size: tuple[int, int]
) -> TrainingPhoto:
    """Combine the annotations and what the teachers see of a photo, ``size`` its width, height."""
    known_of = photo.annotation or AnnotatedPhoto(photo.path, np.empty((0, 4), np.float32), [])
    found, boxes, ignored = sighting.found, known_of.boxes, known_of.ignored
    bare = np.array([label == BARE for label in known_of.labels], bool)
    sure = sighting.sure
    if photo.label:
        # The class folder says that there is a face, which teachers doubt where it is turned.
        sure = sure | main_face(sighting, *size)
    if photo.reboxed:
        # Where the teachers see no face there is one all the same, but its box is unknown.
        ignored = np.vstack([ignored, boxes[unseen(boxes, sighting)]])
        boxes, bare = boxes[:0], bare[:0]
    apart = lie_apart(found.boxes, np.vstack([boxes, ignored]))
    more = found.boxes[sure & apart]
    apart &= ~sure & lie_apart(found.boxes, more)
    # In a photo without annotations everything doubtful may well be a face.
    complete = not photo.label and not photo.reboxed
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
        np.append(bare, np.full(len(more), photo.label == BARE)),
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
