"""Looking into the photos of a dataset: faces, exact copies, near-duplicates."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from face_detector import Detections, FaceDetector
from face_detector.detections import box_areas, iou
from mask_detector.errors import PhotoError
from mask_detector.images import decode_photo, photo_pages
from mask_detector.terminal import ProgressBar
from mask_detector.training.groups import (
    group_near_duplicates,
    nearest_duplicates,
    perceptual_hashes,
)
from mask_detector.training.layouts import DatasetPhoto
from mask_detector.training.samples import Sample

SMALLEST_PHOTO = 16
"""Photos with a shorter side below this many pixels are skipped."""

_SAME_FACE = 0.25  # IoU of a box from hair to chin and the detector's from brow to chin
_HAIR = 0.25  # share of the height of such a box that lies above the brow


def inspect_photos(
    photos: Sequence[DatasetPhoto],
    face_detector: FaceDetector,
    problems: list[str],
    notes: Counter[str],
    progress: bool = True,
) -> list[DatasetPhoto]:
    """Read all photos, find their faces, and give every photo a group.

    Args:
        photos: they get their samples, content hash and group.
        problems: gets one sentence for each photo that is left out.
        notes: gets counts for the data report.

    Returns:
        The photos that have samples, exact copies left out.
    """

    def has_faces(photo: DatasetPhoto, image: np.ndarray) -> bool:
        _find_faces(photo, image, face_detector, notes)
        return bool(photo.samples)

    return look_into(photos, has_faces, problems, notes, "Reading photos" if progress else "")


def look_into(
    photos: Sequence[DatasetPhoto],
    look: Callable[[DatasetPhoto, np.ndarray], bool],
    problems: list[str],
    notes: Counter[str],
    progress: str = "",
) -> list[DatasetPhoto]:
    """Decode all photos, leave out exact copies, and give every photo a group.

    Args:
        photos: they get their content hash and group.
        look: sees each photo and its picture, uint8 BGR (H, W, 3), and says whether it is used;
            it may raise ``PhotoError``.
        problems: gets one sentence for each photo that is left out.
        notes: gets counts for the data report.
        progress: what a progress bar says; empty shows none.
    """
    with ProgressBar(len(photos), "photo", progress, shown=bool(progress)) as bar:
        usable = []
        for photo, image in _decoded_in_threads(photos):
            bar.update()
            try:
                if isinstance(image, PhotoError):
                    raise image
                usable += [photo] if look(photo, image) else []
            except PhotoError as error:
                problems.append(str(error))
    # Copies first: of two equal photos only one may be in a group.
    usable = _without_copies(usable, problems, notes)
    _name_groups(usable)
    return usable


def _decoded_in_threads(
    photos: Sequence[DatasetPhoto],
) -> Iterator[tuple[DatasetPhoto, np.ndarray | PhotoError]]:
    """The photos decoded, in order; a bounded number ahead, since they need much memory."""
    workers = os.cpu_count() or 1
    ahead = 8 * workers
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(photos), ahead):
            chunk = photos[start : start + ahead]
            yield from zip(chunk, pool.map(_decode, chunk), strict=True)


def _decode(photo: DatasetPhoto) -> np.ndarray | PhotoError:
    try:
        data = photo.path.read_bytes()
        photo.content = hashlib.sha256(data).hexdigest()
        image = decode_photo(data)
    except OSError as error:
        return PhotoError(f"{photo.path}: the file cannot be read ({error.strerror})")
    except PhotoError as error:
        return PhotoError(f"{photo.path}: {error}")
    photo.hashes = perceptual_hashes(image)
    return image


def _find_faces(
    photo: DatasetPhoto, image: np.ndarray, face_detector: FaceDetector, notes: Counter[str]
) -> None:
    """Give the photo its samples with landmarks."""
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_PHOTO:
        raise PhotoError(f"{photo.path}: {width} x {height} pixels are too few")
    if photo.path.suffix.lower() in (".tif", ".tiff"):
        notes["photos of several pages, of which the first is used"] += (
            len(photo_pages(photo.path)) > 1
        )
    found = face_detector.find(image)
    if photo.reboxed:
        photo.samples = [_reboxed(sample, found) for sample in photo.samples]
    elif not photo.label:  # annotated: the boxes are known
        photo.samples = [_with_landmarks(sample, found) for sample in photo.samples]
    elif not len(found):
        notes["photos without a face found, kept whole"] += 1
        photo.samples = [Sample(photo.path, photo.label, "", (0.0, 0.0, width, height))]
    else:
        notes["photos with several faces, of which the largest is taken"] += len(found) > 1
        largest = int(box_areas(found.boxes).argmax())
        x1, y1, x2, y2 = map(float, found.boxes[largest])
        sample = Sample(photo.path, photo.label, "", (x1, y1, x2, y2))
        photo.samples = [_with_landmarks(sample, found)]


def _with_landmarks(sample: Sample, found: Detections) -> Sample:
    """The sample with the landmarks of the detected face whose IoU with its box is 0.5 or more."""
    if not len(found) or found.landmarks is None:
        return sample
    shares = iou(np.array([sample.box]), found.boxes.astype(np.float64))[0]  # (N,)
    best = int(shares.argmax())
    return replace(sample, landmarks=found.landmarks[best]) if shares[best] >= 0.5 else sample


def _reboxed(sample: Sample, found: Detections) -> Sample:
    """The sample with the box of the detected face that lies in its own, which reaches to the hair.

    Where none was detected, the upper part of the box is left out.
    """
    x1, y1, x2, y2 = sample.box
    if len(found):
        centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        inside = ((centres > [x1, y1]) & (centres < [x2, y2])).all(axis=1)
        shares = iou(np.array([sample.box]), found.boxes.astype(np.float64))[0] * inside  # (N,)
        best = int(shares.argmax())
        if shares[best] >= _SAME_FACE:
            landmarks = None if found.landmarks is None else found.landmarks[best]
            left, top, right, bottom = map(float, found.boxes[best])
            return replace(sample, box=(left, top, right, bottom), landmarks=landmarks)
    return replace(sample, box=(x1, y1 + _HAIR * (y2 - y1), x2, y2))


def _without_copies(
    photos: Sequence[DatasetPhoto], problems: list[str], notes: Counter[str]
) -> list[DatasetPhoto]:
    """One of each exact copy, in the group of any; none where copies have different labels."""
    copies: dict[str, list[DatasetPhoto]] = defaultdict(list)
    for photo in photos:
        copies[photo.content].append(photo)
    kept = []
    for same in copies.values():
        if len({tuple(photo.labels) for photo in same}) > 1:
            names = ", ".join(str(photo.path) for photo in same)
            problems.append(f"one photo under different labels, none used: {names}")
            continue
        same[0].group = next((photo.group for photo in same if photo.group), "")
        kept.append(same[0])
        notes["copies of another photo, dropped"] += len(same) - 1
    for note in [note for note, count in notes.items() if not count]:
        del notes[note]
    return kept


def _name_groups(photos: Sequence[DatasetPhoto]) -> None:
    """Put every photo without a group into one with its near-duplicates and other versions.

    If ``groups.csv`` names one of those, that is its group. Those that it names keep theirs.
    """
    named = [photo for photo in photos if photo.group]
    unnamed = [photo for photo in photos if not photo.group]
    joined_to = group_near_duplicates(_hashes(unnamed))  # the index of an earlier one, or its own

    def first(index: int) -> int:
        while joined_to[index] != index:
            index = joined_to[index]
        return index

    of_source: dict[str, int] = {}
    for index, photo in enumerate(unnamed):
        if source := _source(photo):
            joined_to[first(index)] = first(of_source.setdefault(source, index))
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(unnamed)):
        members[first(index)].append(index)
    known = _known_groups(unnamed, named)
    for same in members.values():
        # New ones are named by content, so that files may be moved without changing the split.
        new = min(unnamed[index].content for index in same)[:16]
        group = next((known[index] for index in same if known[index]), new)
        for index in same:
            unnamed[index].group = group


def _known_groups(unnamed: Sequence[DatasetPhoto], named: Sequence[DatasetPhoto]) -> list[str]:
    """For each photo without a group that of another version or a near-duplicate, if any."""
    of_source = {source: photo.group for photo in named if (source := _source(photo))}
    groups = []
    similar = nearest_duplicates(_hashes(unnamed), _hashes(named))
    for photo, index in zip(unnamed, similar, strict=True):
        of_similar = named[index].group if index >= 0 else ""
        groups.append(of_source.get(_source(photo), of_similar))
    return groups


def _hashes(photos: Sequence[DatasetPhoto]) -> np.ndarray:
    """The photos' perceptual hashes, uint64 (N, 2)."""
    return np.array([photo.hashes for photo in photos], np.uint64).reshape(-1, 2)


def _source(photo: DatasetPhoto) -> str:
    """What Roboflow made the photo from: it names augmented copies ``NAME.rf.HASH.jpg``."""
    name, separator, _ = photo.path.name.partition(".rf.")
    return name if separator else ""
