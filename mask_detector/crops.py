"""The face crop that training and detection share: what the classifier sees of a face."""

from __future__ import annotations

import cv2
import numpy as np


def crop_with_margin(
    image: np.ndarray, box: tuple[int, int, int, int], margin: float
) -> np.ndarray:
    """A face and some of what is around it, to be viewed by people.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        box: x1, y1, x2, y2 in pixels of ``image``.
        margin: what is added on each side, as a share of the box's width and height; less
            where the picture ends.

    Returns:
        uint8 BGR, shape (h, w, 3): a view into ``image``, not a copy.
    """
    x1, y1, x2, y2 = box
    dx, dy = round(margin * (x2 - x1)), round(margin * (y2 - y1))
    return image[max(0, y1 - dy) : y2 + dy, max(0, x1 - dx) : x2 + dx]


def crop_sides(boxes: np.ndarray, margin: float, square: bool) -> np.ndarray:
    """Width and height of the crops of faces, in pixels of the picture.

    Args:
        boxes: (N, 4), x1, y1, x2, y2.
        margin, square: see :func:`cut_crops`.

    Returns:
        float64, shape (N, 2), at least 1; (0, 2) for N = 0.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    if square:
        sides = np.repeat(sides.max(axis=1, keepdims=True), 2, axis=1)
    return np.maximum(sides * (1 + 2 * margin), 1)


def cut_crops(
    image: np.ndarray,
    boxes: np.ndarray,
    size: int,
    margin: float = 0.0,
    square: bool = True,
) -> np.ndarray:
    """Cut faces out of a picture, all resized to one size.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        boxes: (N, 4), x1, y1, x2, y2 in pixels of ``image``.
        size: side of the crops in pixels.
        margin: what is added on each side, as a share of the box's longer side
            (of its width and its height where ``square`` is False).
        square: widen the shorter side so that the face keeps its proportions; False
            squeezes the box into the square, as the classic scripts do.

    Returns:
        uint8 RGB, shape (N, size, size, 3); (0, size, size, 3) without boxes. What lies
        outside the picture repeats its edge pixels.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    crops = np.empty((len(boxes), size, size, 3), dtype=np.uint8)
    if not len(boxes):
        return crops
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2  # (N, 2): x, y
    sides = crop_sides(boxes, margin, square)
    # Whole pixels that the crops cover; they may lie outside the picture.
    starts = np.floor(centres - sides / 2).astype(int)
    stops = np.maximum(np.ceil(centres + sides / 2).astype(int), starts + 1)
    height, width = image.shape[:2]
    # The part of each that the picture has: at least one pixel, its nearest one.
    inner_starts = np.clip(starts, 0, (width - 1, height - 1))
    inner_stops = np.clip(stops, inner_starts + 1, (width, height))
    for crop, (x1, y1, x2, y2), (left, top, right, bottom) in zip(
        crops, np.hstack([starts, stops]), np.hstack([inner_starts, inner_stops]), strict=True
    ):
        patch = image[top:bottom, left:right]
        if (left, top, right, bottom) != (x1, y1, x2, y2):
            patch = cv2.copyMakeBorder(
                patch,
                *(max(0, top - y1), max(0, y2 - bottom), max(0, left - x1), max(0, x2 - right)),
                borderType=cv2.BORDER_REPLICATE,
            )
        # Without averaging (INTER_AREA) a crop made much smaller would be aliased.
        shrinks = patch.shape[0] > size
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        patch = cv2.resize(patch, (size, size), interpolation=interpolation)
        cv2.cvtColor(patch, cv2.COLOR_BGR2RGB, dst=crop)
    return crops
