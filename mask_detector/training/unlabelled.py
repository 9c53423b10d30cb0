"""Faces without labels, of which only a teacher says what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from face_detector import FaceDetector
from mask_detector.errors import DatasetError, PhotoError
from mask_detector.images import decode_photo, is_photo, read_bytes
from mask_detector.terminal import ProgressBar
from mask_detector.training.folders import files_below
from mask_detector.training.samples import Sample


def read_unlabelled(
    folders: Sequence[Path],
    face_detector: FaceDetector,
    contents: dict[Path, str],
    progress: bool = True,
) -> list[Sample]:
    """All faces that the detector finds in the photos of the folders and of folders in them.

    Args:
        contents: gets the SHA-256 of each photo.

    Returns:
        Samples without a label; an empty list without folders. Photos that cannot be read are
        left out.

    Raises:
        DatasetError: a folder is missing, or no face is found.
    """
    photos = []
    for folder in folders:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: there is no such folder")
        photos += [path for path in files_below(folder, []) if is_photo(path)]
    samples = []
    with ProgressBar(len(photos), "photo", "Finding faces", shown=progress) as bar:
        for path in photos:
            bar.update()
            try:
                data = read_bytes(path)
                boxes = face_detector.find(decode_photo(data)).boxes
            except PhotoError:
                continue
            contents[path] = hashlib.sha256(data).hexdigest()
            for x1, y1, x2, y2 in boxes.astype(float).tolist():
                samples.append(Sample(path, "", "", (x1, y1, x2, y2)))
    if folders and not samples:
        raise DatasetError(f"{', '.join(map(str, folders))}: no faces found in these photos")
    return samples
