"""Make faces unrecognisable, before anything is shown or stored.

hide_faces(image, faces, "without_mask")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from mask_detector.detector import Face

BLUR_CHOICES = ("none", "without_mask", "all")
"""Whose faces can be hidden."""

# What stays of a face: so few averages that neither a person nor a network can tell whose it is.
_MOST_CELLS = 5
_SMALLEST_CELL = 5
# The ellipse goes through the corners of the face's box and a little beyond: hair, ears, chin.
_REACH = 1.1 * 2**0.5


def hide_faces(image: np.ndarray, faces: Iterable[Face], whose: str) -> np.ndarray:
    """Blur some of the faces in ``image`` (uint8 BGR) and return it.

    Args:
        whose: one of ``BLUR_CHOICES``; ``without_mask`` includes the unsure faces, which may be.
    """
    hidden = [
        face.box
        for face in faces
        if whose == "all" or (whose != "none" and (face.unsure or face.label == whose))
    ]
    return blur_faces(image, hidden)


def blur_faces(image: np.ndarray, boxes: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Replace faces by soft blots in ``image`` and return it.

    A face becomes an ellipse of at most 5 x 5 averages of its pixels, smoothly joined: what is
    between the averages is gone from the picture and cannot be computed back.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        boxes: (N, 4), x1, y1, x2, y2 in pixels; N = 0 changes nothing.
    """
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes:
        centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        radii = np.maximum(np.array([x2 - x1, y2 - y1]) / 2 * _REACH, 1)
        left, top = np.clip(np.floor(centre - radii), 0, [width - 1, height - 1]).astype(int)
        right, bottom = np.clip(
            np.ceil(centre + radii), [left + 1, top + 1], [width, height]
        ).astype(int)
        patch = image[top:bottom, left:right]
        columns, rows = np.mgrid[left:right, top:bottom].transpose(0, 2, 1) + 0.5
        inside = ((columns - centre[0]) / radii[0]) ** 2 + ((rows - centre[1]) / radii[1]) ** 2 <= 1
        patch[inside] = _blot(patch)[inside]
    return image


def _blot(patch: np.ndarray) -> np.ndarray:
    height, width = patch.shape[:2]
    cells = np.clip([width // _SMALLEST_CELL, height // _SMALLEST_CELL], 1, _MOST_CELLS)
    averages = cv2.resize(patch, cells.tolist(), interpolation=cv2.INTER_AREA)
    return cv2.resize(averages, (width, height), interpolation=cv2.INTER_LINEAR)
