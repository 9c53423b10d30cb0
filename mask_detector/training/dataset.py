"""Photos for training: what is in the folders, which photos belong together, who learns from what.

A dataset is a folder of class folders (``with_mask/``, ``without_mask/``, …: the folders' names
are the classes), or a folder with ``images/`` and ``annotations/`` (see
:mod:`mask_detector.training.annotations`), or several of either.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_detector import Detections, FaceDetector
from mask_detector.crops import cut_crops
from mask_detector.errors import DatasetError, PhotoError
from mask_detector.images import decode_photo, is_photo, read_photo
from mask_detector.training.annotations import read_annotations
from mask_detector.training.drawn.masks import OCCLUSIONS, draw_mask, draw_occlusion
from mask_detector.training.evaluation import overlaps
from mask_detector.training.groups import (
    PARTS,
    TEST_SALT,
    VALIDATION_SALT,
    group_near_duplicates,
    part_of,
    perceptual_hashes,
    place_of,
    read_groups,
)

SMALLEST_PHOTO = 16
"""Photos with a shorter side below this many pixels are skipped, as are boxes below 6."""

SMALLEST_BOX = 6

_DRAWN_LABELS = {
    "right": "with_mask",
    "under_nose": "incorrect_mask",
    "under_chin": "without_mask",
    "hand": "without_mask",
    "scarf": "without_mask",
}


@dataclass(frozen=True)
class Sample:
    """One face to learn from.

    Attributes:
        photo: the file.
        label: its class.
        group: samples of one group never straddle two parts.
        box: x1, y1, x2, y2 in pixels; the whole photo where no face was found in it.
        landmarks: (5, 2) in the order of :class:`face_detector.Detections`, or None.
        drawn: what is drawn over the face before it is cut out: a wearing or an occlusion of
            :mod:`mask_detector.training.drawn.masks`; empty for the face as it is.
        drawn_seed: decides how the drawing looks.
    """

    photo: Path
    label: str
    group: str
    box: tuple[float, float, float, float]
    landmarks: np.ndarray | None = None
    drawn: str = ""
    drawn_seed: int = 0


@dataclass
class Dataset:
    """What was found in the dataset folders.

    Attributes:
        samples: every face, in a stable order.
        classes: class names in the order of the network's outputs.
        problems: one sentence for each file that was skipped.
        notes: counts that the data report tells: faces found per photo, duplicates, …
        digest: SHA-256 over every photo's content, label and box.
    """

    samples: list[Sample]
    classes: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    digest: str = ""

    def parts(self, test_share: float) -> dict[str, list[Sample]]:
        """The samples of ``train``, ``validation`` and ``test``.

        Raises:
            DatasetError: a part has no sample of some class.
        """
        parts: dict[str, list[Sample]] = {name: [] for name in PARTS}
        of_group = self.parts_of_groups(test_share)
        for sample in self.samples:
            parts[of_group[sample.group]].append(sample)
        for name, samples in parts.items():
            if missing := set(self.classes) - {sample.label for sample in samples}:
                raise DatasetError(
                    f"the {name} part has no photos of the class {', '.join(sorted(missing))}: "
                    "more groups of photos are needed, or another --test-size"
                )
        return parts

    def parts_of_groups(self, test_share: float) -> dict[str, str]:
        """The part of each group: see :func:`part_of`.

        In a small dataset that may leave a part without some class; then the groups of that
        class that come next take its place, as long as one is left to train on.
        """
        labels: dict[str, set[str]] = defaultdict(set)
        for sample in self.samples:
            labels[sample.group].add(sample.label)
        parts = {group: part_of(group, test_share) for group in labels}
        for part, salt in (("test", TEST_SALT), ("validation", VALIDATION_SALT)):
            for name in self.classes:
                having = sorted(g for g in labels if name in labels[g])
                free = [group for group in having if parts[group] == "train"]
                if len(free) > 1 and not any(parts[group] == part for group in having):
                    parts[min(free, key=lambda group: place_of(group, salt))] = part
        return parts


def read_dataset(
    folders: Sequence[Path],
    finder: FaceDetector,
    classes: Sequence[str] | None = None,
    progress: bool = True,
) -> Dataset:
    """Read one or more dataset folders.

    In class folders the largest face of each photo is the sample; where no face is found the
    whole photo is, since such photos mostly are faces already cut out. Annotated photos give
    one sample a box.

    Args:
        finder: finds the faces in the photos of class folders.
        classes: the classes to learn, in the order of the network's outputs; faces of other
            classes are left out. By default all, in the order of the alphabet.

    Raises:
        DatasetError: a folder is missing, or there are no photos of two classes or more.
    """
    dataset = Dataset([], ())
    photos: list[_Photo] = []
    for folder in folders:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: there is no such dataset folder")
        if (folder / "images").is_dir() and (folder / "annotations").exists():
            photos += _annotated_photos(folder, dataset.problems)
        else:
            photos += _class_folder_photos(folder, dataset.problems)
    found = {label for photo in photos for label in photo.labels}
    dataset.classes = tuple(classes) if classes else tuple(sorted(found))
    where = ", ".join(map(str, folders))
    if not found:
        raise DatasetError(
            f"{where}: no photos; expected class folders such as with_mask/ and without_mask/, "
            "or images/ with annotations/"
        )
    if missing := [name for name in dataset.classes if name not in found]:
        raise DatasetError(f"{where}: no photos of the class {', '.join(missing)}")
    if len(dataset.classes) < 2:
        raise DatasetError(f"{where}: photos of one class alone ({found.pop()}); two are needed")
    bar = tqdm(total=len(photos), desc="SourceOptions photos", unit="photo", disable=not progress)
    with bar:
        inspected = [p for p in _inspect_all(photos, finder, dataset, bar) if p.samples]
    inspected = _without_duplicates(inspected, dataset)
    _name_groups(inspected)
    for photo in inspected:
        kept = (s for s in photo.samples if s.label in dataset.classes)
        dataset.samples += [replace(sample, group=photo.group) for sample in kept]
    dataset.samples.sort(key=lambda s: (str(s.photo), s.box))
    dataset.digest = _digest(inspected)
    for name in dataset.classes:
        if not any(sample.label == name for sample in dataset.samples):
            raise DatasetError(f"{where}: no usable photos of the class {name}")
    return dataset


def read_crop(sample: Sample, size: int, margin: float) -> np.ndarray:
    """Cut a sample's face out of its photo, uint8 RGB, shape (size, size, 3)."""
    image = read_photo(sample.photo)
    if sample.drawn:
        rng = np.random.default_rng(sample.drawn_seed)
        if sample.drawn in OCCLUSIONS:
            image = draw_occlusion(image, sample.landmarks, sample.drawn, rng)
        else:
            image = draw_mask(image, sample.landmarks, None, rng, sample.drawn)
    return cut_crops(image, np.array([sample.box]), size, margin)[0]


def draw_on_bare_faces(
    samples: Sequence[Sample], classes: Sequence[str], dose: float, seed: int
) -> list[Sample]:
    """New samples: bare faces with something drawn over them.

    Half of them get a mask worn right; the rest a mask under the chin, a hand or a scarf, all of
    which leave a face ``without_mask``, and a mask under the nose where ``incorrect_mask`` is
    among the classes.

    Args:
        samples: those of class ``without_mask`` whose landmarks are known are drawn on.
        dose: how many drawn faces for each bare one.
    """
    rng = np.random.default_rng(seed)
    bare = [s for s in samples if s.label == "without_mask" and s.landmarks is not None]
    if "with_mask" not in classes:
        return []
    kinds = {name: label for name, label in _DRAWN_LABELS.items() if label in classes}
    shares = np.array([len(kinds) - 1 if name == "right" else 1 for name in kinds], float)
    drawn = []
    for index in rng.choice(len(bare), round(dose * len(bare))) if bare else ():
        kind = rng.choice(list(kinds), p=shares / shares.sum())
        new_seed = int(rng.integers(2**31))
        sample = replace(bare[index], label=kinds[kind], drawn=str(kind), drawn_seed=new_seed)
        drawn.append(sample)
    return drawn


def data_report(dataset: Dataset, test_share: float) -> str:
    """Counts per class and part, duplicates, faces per photo and skipped files, as text."""
    width = max(len("class"), *map(len, dataset.classes))
    lines = [f"{'class':<{width}}  " + "  ".join(f"{part:>10}" for part in (*PARTS, "all"))]
    parts = dataset.parts_of_groups(test_share)
    for name in dataset.classes:
        counts = Counter(parts[s.group] for s in dataset.samples if s.label == name)
        row = [*(counts[part] for part in PARTS), counts.total()]
        lines.append(f"{name:<{width}}  " + "  ".join(f"{count:>10}" for count in row))
    sides = [max(s.box[2] - s.box[0], s.box[3] - s.box[1]) for s in dataset.samples]
    low, middle, high = np.percentile(sides, [5, 50, 95])
    groups = len({sample.group for sample in dataset.samples})
    lines.append(f"{len(dataset.samples)} faces in {groups} groups; no group is in two parts")
    lines.append(f"longer side of a face: {middle:.0f} px ({low:.0f} to {high:.0f} for 90 %)")
    lines += [f"{count} {what}" for what, count in sorted(dataset.notes.items())]
    if dataset.problems:
        lines.append(f"{len(dataset.problems)} skipped:")
        lines += [f"  {problem}" for problem in dataset.problems]
    return "\n".join(lines)


@dataclass(eq=False)
class _Photo:
    """A photo on its way into the dataset."""

    path: Path
    samples: list[Sample]  # annotated faces; for a class folder filled when the face is found
    label: str = ""  # of its class folder; empty for an annotated photo
    group: str = ""  # empty until known
    content: str = ""  # SHA-256 of the file
    hashes: tuple[int, int] = (0, 0)

    @property
    def labels(self) -> list[str]:
        return [self.label] if self.label else [sample.label for sample in self.samples]


def _class_folder_photos(folder: Path, problems: list[str]) -> list[_Photo]:
    groups = _groups(folder, "file")
    photos = []
    for class_folder in sorted(p for p in folder.iterdir() if p.is_dir()):
        if class_folder.name.startswith((".", "_")):
            continue
        files = sorted(p for p in class_folder.rglob("*") if p.is_file())
        for path in files:
            if is_photo(path):
                group = groups.get(path.relative_to(folder).as_posix(), "")
                photos.append(_Photo(path, [], class_folder.name, group))
            elif not path.name.startswith("."):
                problems.append(f"{path}: the name's ending is not a photo's")
    return photos


def _annotated_photos(folder: Path, problems: list[str]) -> list[_Photo]:
    groups = _groups(folder, "image")
    annotated, unusable = read_annotations(folder / "images", folder / "annotations")
    problems += unusable
    photos = []
    for photo in annotated:
        samples = []
        for box, label in zip(photo.boxes, photo.labels, strict=True):
            x1, y1, x2, y2 = map(float, box)
            if min(x2 - x1, y2 - y1) >= SMALLEST_BOX:
                samples.append(Sample(photo.path, label, "", (x1, y1, x2, y2)))
            else:
                problems.append(f"{photo.path}: a box of {x2 - x1:.0f} x {y2 - y1:.0f} px, skipped")
        group = groups.get(photo.path.name) or groups.get(photo.path.stem, "")
        photos.append(_Photo(photo.path, samples, group=group))
    return photos


def _groups(folder: Path, column: str) -> dict[str, str]:
    """From a dataset folder's ``groups.csv``; none where there is no such file."""
    path = folder / "groups.csv"
    return read_groups(path, column) if path.exists() else {}


def _inspect_all(
    photos: list[_Photo], finder: FaceDetector, dataset: Dataset, bar: tqdm
) -> Iterator[_Photo]:
    """Decode in threads, a bounded number ahead; find faces here, one photo at a time."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(photos), 8 * workers):
            for photo, image in pool.map(_decoded, photos[start : start + 8 * workers]):
                bar.update()
                try:
                    if isinstance(image, PhotoError):
                        raise image
                    _inspect(photo, image, finder, dataset.notes)
                except PhotoError as error:
                    dataset.problems.append(str(error))
                    photo.samples = []
                yield photo


def _decoded(photo: _Photo) -> tuple[_Photo, np.ndarray | PhotoError]:
    try:
        data = photo.path.read_bytes()
        photo.content = hashlib.sha256(data).hexdigest()
        image = decode_photo(data)
    except OSError as error:
        return photo, PhotoError(f"{photo.path}: the file cannot be read ({error.strerror})")
    except PhotoError as error:
        return photo, PhotoError(f"{photo.path}: {error}")
    if not photo.group:
        photo.hashes = perceptual_hashes(image)
    return photo, image


def _inspect(photo: _Photo, image: np.ndarray, finder: FaceDetector, notes: Counter[str]) -> None:
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_PHOTO:
        raise PhotoError(f"{photo.path}: {width} x {height} pixels are too few")
    found = finder.find(image)
    if not photo.label:
        photo.samples = [_with_landmarks(sample, found) for sample in photo.samples]
    elif not len(found):
        notes["photos without a face found, kept whole"] += 1
        photo.samples = [Sample(photo.path, photo.label, "", (0.0, 0.0, width, height))]
    else:
        notes["photos with several faces, of which the largest is taken"] += len(found) > 1
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        largest = int(sides.prod(axis=1).argmax())
        x1, y1, x2, y2 = map(float, found.boxes[largest])
        sample = Sample(photo.path, photo.label, "", (x1, y1, x2, y2))
        photo.samples = [_with_landmarks(sample, found)]


def _with_landmarks(sample: Sample, found: Detections) -> Sample:
    """The sample with the landmarks of the found face that overlaps its box by half or more."""
    if not len(found) or found.landmarks is None:
        return sample
    shares = overlaps(np.array([sample.box]), found.boxes)[0]
    best = int(shares.argmax())
    return replace(sample, landmarks=found.landmarks[best]) if shares[best] >= 0.5 else sample


def _without_duplicates(photos: list[_Photo], dataset: Dataset) -> list[_Photo]:
    """One of each exact copy; where copies have different labels, none."""
    copies: dict[str, list[_Photo]] = defaultdict(list)
    for photo in photos:
        copies[photo.content].append(photo)
    kept = []
    for same in copies.values():
        if len({tuple(photo.labels) for photo in same}) > 1:
            names = ", ".join(str(photo.path) for photo in same)
            dataset.problems.append(f"one photo under different labels, none used: {names}")
            continue
        kept.append(same[0])
        dataset.notes["exact copies dropped"] += len(same) - 1
    dataset.notes += Counter()  # forgets the zeros
    return kept


def _name_groups(photos: list[_Photo]) -> None:
    """Give every photo without a group the one of its near-duplicates."""
    unnamed = [photo for photo in photos if not photo.group]
    hashes = np.array([photo.hashes for photo in unnamed], np.uint64).reshape(-1, 2)
    members: dict[int, list[_Photo]] = defaultdict(list)
    for photo, first in zip(unnamed, group_near_duplicates(hashes), strict=True):
        members[first].append(photo)
    for same in members.values():
        name = min(photo.content for photo in same)[:16]
        for photo in same:
            photo.group = name


def _digest(photos: Iterable[_Photo]) -> str:
    total = hashlib.sha256()
    for line in sorted(f"{p.content} {[(s.label, s.box) for s in p.samples]}" for p in photos):
        total.update(line.encode())
    return total.hexdigest()
