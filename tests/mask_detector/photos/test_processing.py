from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mask_detector.detector import Face
from mask_detector.photos.processing import write_crops


def face(*box: int, mask: float = 0.9, unsure: bool = False) -> Face:
    return Face(box, 0.9, {"with_mask": mask, "without_mask": 1 - mask}, unsure)


def test_crops_stay_inside_the_picture(here) -> None:
    image = np.zeros((100, 80, 3), np.uint8)
    faces = [face(0, 0, 20, 40), face(60, 50, 80, 100, mask=0.1), face(30, 30, 40, 40, unsure=True)]
    write_crops(image, faces, Path("faces"), Path("deep/photo.v2"))
    shapes = {str(p): cv2.imread(str(p)).shape[:2] for p in Path("faces").rglob("*.*")}
    assert shapes == {
        "faces/with_mask/deep/photo.v2_1.jpg": (48, 24),
        "faces/without_mask/deep/photo.v2_2.jpg": (60, 24),
        "faces/unsure/deep/photo.v2_3.jpg": (14, 14),
    }
