"""Hide faces, before anything is shown or stored.

hide_faces(image, detector.detect(image), "without_mask")    # of a detector with hiding=True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from mask_detector.faces import Face, Faces

BLUR_CHOICES = ("none", "without_mask", "all")
"""Whose faces can be hidden."""

SURELY_MASKED = 0.9
"""Probability of a mask from which a candidate counts as masked where only others are hidden."""

# What stays of a face: so few averages that neither a person nor a network can tell whose it is.
_MOST_CELLS = 5
_SMALLEST_CELL = 5
# From the middle of a face's box (brow to chin) to the edge of what is hidden, as shares of the
# box's sides: the hair above the brow, the ears beside it, the neck.
_REACH_UP, _REACH_DOWN, _REACH_ASIDE = 1.0, 0.8, 0.8
# A head is about that wide for its height, however narrow the box of a face in profile is.
_WIDTH_OF_HEIGHT = 0.8


def hide_faces(image: np.ndarray, faces: Faces, whose: str, style: str = "blur") -> np.ndarray:
    """Hide some of the faces in ``image`` (uint8 BGR, shape (H, W, 3)) and return it.

    Candidates are hidden, too: all of them, or those that are not surely masked.

    Args:
        faces: of the image; N = 0 changes nothing.
        whose: one of ``BLUR_CHOICES``; ``without_mask`` includes unsure faces and masks worn
            wrongly.
        style: one of ``BLUR_STYLES``.
    """
    if whose == "none":
        return image
    hidden = [face for face in faces if whose == "all" or face.unsure or face.unmasked]
    hidden += [face for face in faces.candidates if whose == "all" or not _surely_masked(face)]
    return hide_boxes(image, [face.box for face in hidden], style)


def _surely_masked(face: Face) -> bool:
    return face.probabilities.get("with_mask", 0.0) >= SURELY_MASKED


def hide_boxes(
    image: np.ndarray, boxes: Sequence[Sequence[float]] | np.ndarray, style: str = "blur"
) -> np.ndarray:
    """Hide whole heads in ``image`` and return it.

    Each becomes an ellipse, around the face's box and as far beyond it as hair, ears and chin
    reach, in which at most 5 x 5 averages of its pixels are left, or nothing: the rest is gone
    from the picture and cannot be computed back.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        boxes: (N, 4), x1, y1, x2, y2 in pixels; N = 0 changes nothing.
        style: one of ``BLUR_STYLES``.
    """
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes:
        # Wide boxes are of faces that look down: their heads are as high as the boxes are wide.
        face_height = max(y2 - y1, x2 - x1)
        face_width = max(x2 - x1, _WIDTH_OF_HEIGHT * (y2 - y1))
        middle_y = (y1 + y2) / 2
        top, bottom = middle_y - _REACH_UP * face_height, middle_y + _REACH_DOWN * face_height
        centre = np.array([(x1 + x2) / 2, (top + bottom) / 2])
        radii = np.maximum([_REACH_ASIDE * face_width, (bottom - top) / 2], 1)
        # The ellipse's bounding box in whole pixels of the picture, at least one pixel.
        start_x, start_y = np.clip(np.floor(centre - radii), 0, [width - 1, height - 1]).astype(int)
        stop_x, stop_y = np.clip(
            np.ceil(centre + radii), [start_x + 1, start_y + 1], [width, height]
        ).astype(int)
        patch = image[start_y:stop_y, start_x:stop_x]
        columns = (np.arange(start_x, stop_x) + 0.5 - centre[0]) / radii[0]  # (w,)
        rows = (np.arange(start_y, stop_y) + 0.5 - centre[1]) / radii[1]  # (h,)
        inside = columns**2 + rows[:, None] ** 2 <= 1  # (h, w)
        patch[inside] = _STYLES[style](patch)[inside]
    return image


def _blurred(patch: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    height, width = patch.shape[:2]
    cells = np.clip([width // _SMALLEST_CELL, height // _SMALLEST_CELL], 1, _MOST_CELLS)
    averages = cv2.resize(patch, cells.tolist(), interpolation=cv2.INTER_AREA)
    return cv2.resize(averages, (width, height), interpolation=interpolation)


def _mosaic(patch: np.ndarray) -> np.ndarray:
    return _blurred(patch, cv2.INTER_NEAREST)


_STYLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blur": _blurred,
    "mosaic": _mosaic,
    "solid": np.zeros_like,
}

BLUR_STYLES = tuple(_STYLES)
"""How faces can be hidden: smoothly, as squares, in black; the first is the default."""
