"""Datasets: the faces of one or more folders, and which of them are trained and tested on."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from face_detector import FaceDetector
from mask_detector.errors import DatasetError
from mask_detector.models.class_names import check_class_names
from mask_detector.training.groups import (
    PARTS,
    TEST_SALT,
    VALIDATION_SALT,
    VALIDATION_SHARE,
    part_of,
    place_of,
)
from mask_detector.training.inspection import inspect_photos
from mask_detector.training.layouts import DatasetPhoto, find_photos, why_no_faces
from mask_detector.training.samples import WORN_WRONGLY, Sample, is_pair
from mask_detector.wording import number_of, printable

MOST_PROBLEMS = 100
"""Problems that the data report lists."""

Shares = float | Sequence[float]
"""A share of all groups, or one for each folder."""

Parts = dict[str, list[Sample]]
"""The samples of each part."""

_SINGULAR = {"photos": "photo", "copies": "copy", "boxes": "box", "faces": "face"}


@dataclass
class Dataset:
    """What was found in the dataset folders.

    Attributes:
        samples: every face, in a stable order.
        classes: class names in the order of the network's outputs.
        problems: one sentence for each file that was skipped.
        notes: counts for the data report, by what is counted (``photos without a face …``).
        worn_wrongly: faces labelled ``incorrect_mask`` where ``with_mask`` and ``without_mask``
            are the classes: they are taught as lying between the two.
        folder_of: number of the folder that each group comes from.
        contents: SHA-256 of each photo that is used.
        digest: SHA-256 over every photo's content, label and box.
    """

    samples: list[Sample]
    classes: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    worn_wrongly: list[Sample] = field(default_factory=list)
    folder_of: dict[str, int] = field(default_factory=dict)
    contents: dict[Path, str] = field(default_factory=dict)
    digest: str = ""

    def parts(self, test_share: Shares, validation_share: Shares = VALIDATION_SHARE) -> Parts:
        """The samples of ``train``, ``validation`` and ``test``.

        Masks worn wrongly that are no class of their own are among those of ``train`` and
        ``validation``.

        Args:
            test_share: share of the groups held out for testing: one number, or one for each
                folder of the dataset.
            validation_share: share of the other groups held out for validation, likewise.

        Raises:
            DatasetError: a part has no sample of some class.
        """
        parts: Parts = {name: [] for name in PARTS}
        of_group = self.parts_of_groups(test_share, validation_share)
        for sample in self.samples:
            parts[of_group[sample.group]].append(sample)
        for name, samples in parts.items():
            if missing := set(self.classes) - {sample.label for sample in samples}:
                raise DatasetError(
                    f"the {name} part has no photos of the class {', '.join(sorted(missing))}: "
                    "more groups of photos are needed, or another --test-size"
                )
        for sample in self.worn_wrongly:
            if (part := of_group[sample.group]) != "test":
                parts[part].append(sample)
        return parts

    def parts_of_groups(
        self, test_share: Shares, validation_share: Shares = VALIDATION_SHARE
    ) -> dict[str, str]:
        """The part of each group: see :func:`mask_detector.training.groups.part_of`.

        In a small dataset that may leave a part without some class; then the next groups of that
        class move there, as long as one is left to train on.
        """
        labels: dict[str, set[str]] = defaultdict(set)
        for sample in (*self.samples, *self.worn_wrongly):
            labels[sample.group].add(sample.label)
        parts = {}
        for group in labels:
            folder = self.folder_of.get(group, 0)
            shares = (_of_folder(test_share, folder), _of_folder(validation_share, folder))
            parts[group] = part_of(group, *shares)
        for part, salt in (("test", TEST_SALT), ("validation", VALIDATION_SALT)):
            for name in self.classes:
                having = sorted(g for g in labels if name in labels[g])
                free = [group for group in having if parts[group] == "train"]
                if len(free) > 1 and not any(parts[group] == part for group in having):
                    parts[min(free, key=lambda group: place_of(group, salt))] = part
        return parts


def _of_folder(shares: Shares, folder: int) -> float:
    """The share that applies to a folder: one for all, or one for each."""
    if isinstance(shares, int | float):
        return shares
    return shares[folder if len(shares) > 1 else 0]


def read_dataset(
    folders: Sequence[Path],
    face_detector: FaceDetector,
    classes: Sequence[str] | None = None,
    progress: bool = True,
    reboxed: Sequence[Path] = (),
) -> Dataset:
    """Read one or more dataset folders (see :mod:`mask_detector.training.layouts`).

    In class folders the largest face of each photo is the sample; where no face is found the
    whole photo is, since such photos mostly are faces already cut out. Annotated photos give
    one sample a box.

    Args:
        face_detector: finds the faces in the photos of class folders.
        classes: the classes to learn, in the order of the network's outputs; faces of other
            classes are left out, except masks worn wrongly, which are taught as lying between
            ``with_mask`` and ``without_mask`` if these are the classes. By default all, in
            alphabetical order.
        progress: whether to show a progress bar.
        reboxed: more folders, whose boxes follow another convention, such as hair to chin: the
            face detector's boxes replace them.

    Raises:
        DatasetError: a folder is missing, or there are no photos of two classes or more.
    """
    dataset = Dataset([], ())
    photos: list[DatasetPhoto] = []
    numbers: dict[int, int] = {}  # of each photo's folder
    for number, folder in enumerate((*folders, *reboxed)):
        for photo in find_photos(folder, dataset.problems, dataset.notes):
            photo.reboxed = number >= len(folders) and not photo.label
            numbers[id(photo)] = number
            photos.append(photo)
    dataset.classes = _choose_classes(photos, classes, folders, dataset.problems)
    # Only now are the photos decoded, which takes most of the time.
    usable = inspect_photos(photos, face_detector, dataset.problems, dataset.notes, progress)
    between = is_pair(dataset.classes)
    for photo in usable:
        dataset.folder_of.setdefault(photo.group, numbers[id(photo)])
        for sample in photo.samples:
            if sample.label in dataset.classes:
                dataset.samples.append(replace(sample, group=photo.group))
            elif sample.label == WORN_WRONGLY and between:
                dataset.worn_wrongly.append(replace(sample, group=photo.group))
    if between and dataset.worn_wrongly:
        dataset.notes["faces with masks worn wrongly, taught as between the two classes"] += len(
            dataset.worn_wrongly
        )
    dataset.samples.sort(key=lambda s: (str(s.photo), s.box))
    dataset.contents = {photo.path: photo.content for photo in usable}
    dataset.digest = _digest(usable)
    for name in dataset.classes:
        if not any(sample.label == name for sample in dataset.samples):
            where = ", ".join(map(str, folders))
            raise DatasetError(f"{where}: no usable photos of the class {name}")
    return dataset


def _choose_classes(
    photos: Sequence[DatasetPhoto],
    classes: Sequence[str] | None,
    folders: Sequence[Path],
    problems: Sequence[str],
) -> tuple[str, ...]:
    """The classes to learn, all of which have photos."""
    found = {label for photo in photos for label in photo.labels}
    chosen = tuple(classes) if classes else tuple(sorted(found))
    where = ", ".join(map(str, folders))
    if not found:
        raise DatasetError(f"{where}: {why_no_faces(photos, problems)}")
    if missing := [name for name in chosen if name not in found]:
        raise DatasetError(f"{where}: no photos of the class {', '.join(missing)}")
    if len(chosen) < 2:
        raise DatasetError(
            f"{where}: photos of only one class ({printable(chosen[0])}); two are needed. If the "
            "class folders lie deeper, name the folder that holds them"
        )
    check_class_names(chosen, DatasetError)
    return chosen


def data_report(
    dataset: Dataset, test_share: Shares, validation_share: Shares = VALIDATION_SHARE
) -> str:
    """Counts per class and part, duplicates, faces per photo and skipped files, as text."""
    width = max(len("class"), *map(len, dataset.classes))
    lines = [f"{'class':<{width}}  " + "  ".join(f"{part:>10}" for part in (*PARTS, "all"))]
    parts = dataset.parts_of_groups(test_share, validation_share)
    for name in dataset.classes:
        counts = Counter(parts[s.group] for s in dataset.samples if s.label == name)
        row = [*(counts[part] for part in PARTS), counts.total()]
        lines.append(f"{name:<{width}}  " + "  ".join(f"{count:>10}" for count in row))
    # Longer sides of the boxes in pixels.
    sides = [max(s.box[2] - s.box[0], s.box[3] - s.box[1]) for s in dataset.samples]
    low, middle, high = np.percentile(sides, [5, 50, 95])
    groups = len({sample.group for sample in dataset.samples})
    faces = number_of(len(dataset.samples), "face")
    lines.append(f"{faces} in {number_of(groups, 'group')}; no group is in two parts")
    lines.append(f"longer side of a face: {middle:.0f} px ({low:.0f} to {high:.0f} for 90 %)")
    return "\n".join([*map(printable, lines), *remarks(dataset.notes, dataset.problems)])


def remarks(notes: Counter[str], problems: Sequence[str]) -> list[str]:
    """What was counted and what was left out, ``MOST_PROBLEMS`` at most, as lines of text."""
    lines = [_counted(count, what) for what, count in sorted(notes.items()) if count]
    if problems:
        lines.append(f"{number_of(len(problems), 'problem')}:")
        lines += [f"  {problem}" for problem in problems[:MOST_PROBLEMS]]
        more = len(problems) - MOST_PROBLEMS
        lines += [f"  and {more} more"] if more > 0 else []
    return list(map(printable, lines))


def _counted(count: int, what: str) -> str:
    noun, _, rest = what.partition(" ")
    return f"{count} {_SINGULAR[noun] if count == 1 else noun} {rest}"


def _digest(photos: Iterable[DatasetPhoto]) -> str:
    total = hashlib.sha256()
    for line in sorted(f"{p.content} {[(s.label, s.box) for s in p.samples]}" for p in photos):
        total.update(line.encode())
    return total.hexdigest()
