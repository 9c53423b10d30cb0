"""The right answer for every face of the example photos, by both models that are shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_detector.detections import iou
from mask_detector import MaskDetector
from mask_detector.training.annotations import read_annotations


@pytest.mark.parametrize("name", ["mask_detector.model", "mask_detector_3.model"])
def test_every_face_of_the_example_photos(name: str, repository: Path, examples: Path) -> None:
    detector = MaskDetector.load(repository / name, "yunet")
    photos, problems = read_annotations(examples, examples / "annotations")
    assert sum(len(photo.boxes) for photo in photos) == 45 and not problems
    for photo in photos:
        faces = detector.detect(photo.path)
        found = np.array([face.box for face in faces], float).reshape(-1, 4)
        shares = iou(photo.boxes.astype(float), found)
        assert (shares.max(axis=1) > 0.5).all(), photo.path.name
        for label, best in zip(photo.labels, shares.argmax(axis=1), strict=True):
            face = faces[best]
            if label in ("with_mask", "without_mask"):
                assert face.label == label, (photo.path.name, face)
            elif "incorrect_mask" in detector.classes:
                assert face.label != "with_mask", (photo.path.name, face)
            else:  # a mask worn wrongly is none, or unsure
                assert face.label != "with_mask" or face.unsure, (photo.path.name, face)
